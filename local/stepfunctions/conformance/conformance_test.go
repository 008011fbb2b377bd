//go:build conformance

package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"tocsin/local/stepfunctions"
)

type testCase struct {
	Name       string            `json:"name"`
	Input      json.RawMessage   `json:"input"`
	Definition json.RawMessage   `json:"definition"`
	Differs    map[string]string `json:"differs"` // field of outcome: why moto is wrong
}

type outcome struct {
	Name    string   `json:"name"`
	Status  string   `json:"status"`
	Output  any      `json:"output"`
	Error   string   `json:"error"`
	Events  []string `json:"events"`
	Seconds int      `json:"seconds"`
}

func TestAgainstMoto(t *testing.T) {
	cases := readCases(t)
	theirs := playInMoto(t)
	for i, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			compare(t, c, play(t, c), theirs[i])
		})
	}
}

func readCases(t *testing.T) (cases []testCase) {
	t.Helper()
	text, err := os.ReadFile("cases.json")
	if err == nil {
		err = json.Unmarshal(text, &cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func playInMoto(t *testing.T) (outcomes []outcome) {
	t.Helper()
	python := exec.CommandContext(t.Context(), cmp.Or(os.Getenv("CONFORMANCE_PYTHON"), "python3"), "moto_run.py", "cases.json")
	python.Stderr = os.Stderr
	text, err := python.Output()
	if err == nil {
		err = json.Unmarshal(text, &outcomes)
	}
	if err != nil {
		t.Fatalf("play in moto: %v", err)
	}
	return outcomes
}

// compare holds ours against theirs, field by field. A difference that is
// explained must still be there: an explanation that is out of date fails too.
func compare(t *testing.T, c testCase, ours, theirs outcome) {
	t.Helper()
	a, b := reflect.ValueOf(ours), reflect.ValueOf(theirs)
	for i := range a.NumField() {
		field := a.Type().Field(i).Tag.Get("json")
		same := reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface())
		if why := c.Differs[field]; same != (why == "") {
			t.Errorf("%s: ours %v, moto's %v; said to differ: %q", field, a.Field(i), b.Field(i), why)
		}
	}
}

// player runs one case on a clock that is moved.
type player struct {
	client *sfn.Client
	server *stepfunctions.Server
	clock  *stepfunctions.OffsetClock

	mu      sync.Mutex
	calls   int
	reports []report
}

// report is a callback to make at an instant.
type report struct {
	at time.Time
	reportPayload
}

type reportPayload struct {
	Token  string          `json:"token"`
	After  *float64        `json:"after"`
	Output json.RawMessage `json:"output"`
	Error  *string         `json:"error"`
	Cause  *string         `json:"cause"`
}

func play(t *testing.T, c testCase) outcome {
	t.Helper()
	p := newPlayer(t)
	ctx := t.Context()
	machine, err := p.server.Put(c.Name, string(c.Definition), "arn:aws:iam::123456789012:role/r")
	if err != nil {
		t.Fatal(err)
	}
	started, err := p.client.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &machine, Name: &c.Name, Input: new(string(c.Input)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for p.step(t) {
	}
	return p.outcome(t, c.Name, *started.ExecutionArn)
}

func newPlayer(t *testing.T) *player {
	t.Helper()
	p := &player{}
	var err error
	if p.clock, err = stepfunctions.OpenClock(""); err != nil {
		t.Fatal(err)
	}
	p.server, err = stepfunctions.New(stepfunctions.Config{
		Dir: t.TempDir(), Region: "us-east-1", Account: "123456789012", Lambda: p, Clock: p.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(p.server)
	t.Cleanup(func() { endpoint.Close(); p.server.Close() })
	p.client = sfn.New(sfn.Options{Region: "us-east-1", BaseEndpoint: &endpoint.URL, Credentials: aws.AnonymousCredentials{}})
	return p
}

// Invoke plays the functions that moto_run.py describes.
func (p *player) Invoke(_ context.Context, function string, payload []byte) (*stepfunctions.Reply, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if function == "report" {
		var r reportPayload
		if err := json.Unmarshal(payload, &r); err != nil {
			return nil, err
		}
		if r.After != nil {
			p.reports = append(p.reports, report{p.clock.Now().Add(time.Duration(*r.After * float64(time.Second))), r})
		}
		return &stepfunctions.Reply{Status: 200, Payload: payload}, nil
	}
	var in struct{ Errors []string }
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	kind := in.Errors[min(p.calls, len(in.Errors)-1)]
	p.calls++
	if kind == "" {
		return &stepfunctions.Reply{Status: 200, Payload: payload}, nil
	}
	return &stepfunctions.Reply{Status: 200, FunctionError: "Unhandled", Payload: fmt.Appendf(nil, `{"errorType":%q}`, kind)}, nil
}

// step moves to the next deadline or report; false: there is none.
func (p *player) step(t *testing.T) bool {
	t.Helper()
	if err := p.server.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	at, waits := p.server.NextDeadline()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.reports) > 0 && waits && p.reports[0].at.Before(at) {
		due := p.reports[0]
		p.reports = p.reports[1:]
		p.clock.AdvanceTo(due.at)
		p.send(t, due)
		return true
	}
	if waits {
		p.clock.AdvanceTo(at)
	}
	return waits
}

func (p *player) send(t *testing.T, r report) {
	t.Helper()
	var err error
	if r.Error != nil {
		_, err = p.client.SendTaskFailure(t.Context(), &sfn.SendTaskFailureInput{TaskToken: &r.Token, Error: r.Error, Cause: r.Cause})
	} else {
		_, err = p.client.SendTaskSuccess(t.Context(), &sfn.SendTaskSuccessInput{TaskToken: &r.Token, Output: new(string(r.Output))})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p *player) outcome(t *testing.T, name, arn string) outcome {
	t.Helper()
	x, err := p.client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	h, err := p.client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	o := outcome{Name: name, Status: string(x.Status), Error: aws.ToString(x.Error), Seconds: seconds(h.Events)}
	if x.Output != nil {
		if err := json.Unmarshal([]byte(*x.Output), &o.Output); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range h.Events {
		o.Events = append(o.Events, string(e.Type))
	}
	return o
}

func seconds(events []types.HistoryEvent) int {
	took := events[len(events)-1].Timestamp.Sub(*events[0].Timestamp)
	return int(took.Round(time.Second) / time.Second)
}
