package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
)

// functions is a fake Lambda: one Go function per name, and what was called.
type functions struct {
	mu    sync.Mutex
	code  map[string]func(ctx context.Context, payload string) (*Reply, error)
	calls []string
}

func (f *functions) Invoke(ctx context.Context, name string, payload []byte) (*Reply, error) {
	f.mu.Lock()
	f.calls = append(f.calls, name+" "+string(payload))
	run := f.code[name]
	f.mu.Unlock()
	if run == nil {
		return answers(`{"ok":true}`)(ctx, "")
	}
	return run(ctx, string(payload))
}

func (f *functions) payloads(name string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, call := range f.calls {
		if payload, ok := strings.CutPrefix(call, name+" "); ok {
			all = append(all, payload)
		}
	}
	return all
}

type code = func(context.Context, string) (*Reply, error)

func answers(payload string) code {
	return func(context.Context, string) (*Reply, error) {
		return &Reply{Status: 200, Payload: []byte(payload)}, nil
	}
}

func throws(kind string) code {
	return func(context.Context, string) (*Reply, error) {
		return &Reply{Status: 200, FunctionError: "Unhandled", Payload: fmt.Appendf(nil, `{"errorType":%q}`, kind)}, nil
	}
}

// inTurn answers each call by the next code and repeats the last one.
func inTurn(turns ...code) code {
	var mu sync.Mutex
	return func(ctx context.Context, payload string) (*Reply, error) {
		mu.Lock()
		run := turns[0]
		if len(turns) > 1 {
			turns = turns[1:]
		}
		mu.Unlock()
		return run(ctx, payload)
	}
}

// hangs answers only when the server gives the call up.
func hangs(ctx context.Context, _ string) (*Reply, error) { <-ctx.Done(); return nil, ctx.Err() }

// stack is a server with a clock, a fake Lambda and the SDK's client.
type stack struct {
	*sfn.Client
	t      testing.TB
	dir    string
	clock  *OffsetClock
	lambda *functions
	server *Server
	log    lines
}

// lines collects a log.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(line))
	return len(line), nil
}

// ended names the executions in the order in which they ended.
func (s *stack) ended() []string {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	var names []string
	for _, line := range s.log.all {
		var entry struct{ Execution string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Execution != "" {
			names = append(names, lastPart(entry.Execution))
		}
	}
	return names
}

func newStack(t testing.TB, code map[string]code) *stack {
	t.Helper()
	clock, err := OpenClock("")
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{t: t, dir: t.TempDir(), clock: clock, lambda: &functions{code: code}}
	s.open()
	return s
}

// advance moves the clock.
func (s *stack) advance(d time.Duration) {
	s.t.Helper()
	if err := s.clock.Advance(d); err != nil {
		s.t.Fatal(err)
	}
}

// open starts a server on the stack's directory, beside any former one.
func (s *stack) open() {
	s.t.Helper()
	server, err := New(Config{
		Dir: s.dir, Region: "us-east-1", Account: "000000000000", Lambda: s.lambda, Clock: s.clock,
		Log: slog.New(slog.NewJSONHandler(&s.log, nil)),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	s.t.Cleanup(func() { endpoint.Close(); server.Close() })
	s.server = server
	s.Client = sfn.New(sfn.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint.URL, Credentials: aws.AnonymousCredentials{}, RetryMaxAttempts: 1,
	})
}

// copyDir continues on a copy of the directory, as it was left by a kill.
func (s *stack) copyDir() {
	s.t.Helper()
	left := s.t.TempDir()
	if err := os.CopyFS(left, os.DirFS(s.dir)); err != nil {
		s.t.Fatal(err)
	}
	s.dir = left
}

func (s *stack) machine(name, definition string) string {
	s.t.Helper()
	made, err := s.CreateStateMachine(s.t.Context(), &sfn.CreateStateMachineInput{
		Name: &name, Definition: &definition, RoleArn: new("arn:aws:iam::000000000000:role/r"),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return *made.StateMachineArn
}

// start begins an execution and waits until it waits.
func (s *stack) start(machine, name, input string) string {
	s.t.Helper()
	started, err := s.StartExecution(s.t.Context(), &sfn.StartExecutionInput{StateMachineArn: &machine, Name: &name, Input: &input})
	if err != nil {
		s.t.Fatal(err)
	}
	s.settle()
	return *started.ExecutionArn
}

func (s *stack) settle() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	if err := s.server.Settle(ctx); err != nil {
		s.t.Fatal(err)
	}
}

// jump moves to the next deadline and returns how far that was, in seconds.
func (s *stack) jump() int {
	s.t.Helper()
	at, ok := s.server.NextDeadline()
	if !ok {
		s.t.Fatal("no deadline")
	}
	far := at.Sub(s.clock.Now())
	if err := s.clock.AdvanceTo(at); err != nil {
		s.t.Fatal(err)
	}
	s.settle()
	return int(far.Round(time.Second) / time.Second)
}

// finish jumps until the execution ends and returns the waits in between.
func (s *stack) finish(arn string) (waits []int) {
	s.t.Helper()
	for s.describe(arn).Status == types.ExecutionStatusRunning {
		waits = append(waits, s.jump())
	}
	return waits
}

func (s *stack) describe(arn string) *sfn.DescribeExecutionOutput {
	s.t.Helper()
	x, err := s.DescribeExecution(s.t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		s.t.Fatal(err)
	}
	return x
}

func (s *stack) history(arn string) []types.HistoryEvent {
	s.t.Helper()
	h, err := s.GetExecutionHistory(s.t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	return h.Events
}

func (s *stack) kinds(arn string) string {
	s.t.Helper()
	var kinds []string
	for _, e := range s.history(arn) {
		kinds = append(kinds, string(e.Type))
	}
	return strings.Join(kinds, " ")
}

// token is the last task token that the function got as {"token": ...}.
func (s *stack) token(function string) string {
	s.t.Helper()
	calls := s.lambda.payloads(function)
	if len(calls) == 0 {
		s.t.Fatalf("%s was not called", function)
	}
	var got struct{ Token string }
	if err := json.Unmarshal([]byte(calls[len(calls)-1]), &got); err != nil || got.Token == "" {
		s.t.Fatalf("no token in %s", calls[len(calls)-1])
	}
	return got.Token
}

func (s *stack) succeed(token, output string) error {
	_, err := s.SendTaskSuccess(context.Background(), &sfn.SendTaskSuccessInput{TaskToken: &token, Output: &output})
	return err
}

// errorType is the API error that err is, or "".
func errorType(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// task is a Task state with these further fields.
func task(resource, fields string) string {
	parameters := `{"FunctionName":"f","Payload.$":"$"}`
	if resource == ResourceInvokeCallback {
		parameters = `{"FunctionName":"f","Payload":{"token.$":"$$.Task.Token"}}`
	}
	return `{"Type":"Task","Resource":"` + resource + `","Parameters":` + parameters + `,` + fields + `}`
}

// one is a machine of one state "S" and a state "Caught" that ends.
func one(state string) string {
	if strings.Contains(state, `"Caught"`) {
		return `{"StartAt":"S","States":{"S":` + state + `,"Caught":{"Type":"Succeed"}}}`
	}
	return `{"StartAt":"S","States":{"S":` + state + `}}`
}
