package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/shared/ddb"
	"tocsin/shared/defaults"
	"tocsin/shared/heartbeat"
	"tocsin/shared/httpapi"
	"tocsin/shared/intake"
	"tocsin/shared/plan"
	"tocsin/shared/telemetry"
	"tocsin/tests/dynamo"
	"tocsin/tests/fakes/account"
)

const (
	folder     = "../../events/ingest-heartbeat"
	exampleKey = "th_EXAMPLEEXAMPLEEXAMPLEEXAM"
)

var nine = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// job is the function as it is wired, with one heartbeat.
type job struct {
	t       *testing.T
	account *account.Account
	table   ddb.Table
	h       *handler
	key     string
	at      time.Time
	wrote   bytes.Buffer
}

func newJob(t *testing.T) *job {
	t.Helper()
	j := &job{t: t, account: account.Start(t), table: dynamo.Start(t), at: nine}
	env := j.account.Environment(j.table)
	var err error
	if j.h, err = newHandler(env); err != nil {
		t.Fatal(err)
	}
	j.h.now = func() time.Time { return j.at }
	j.h.metrics = telemetry.NewMetrics(&j.wrote, env)
	j.h.teller.Send = heartbeat.Outlet{Queue: j.account.AlertsQueue(j.table), Metrics: j.h.metrics}.Send
	_, j.key, err = j.h.teller.Store.Create(t.Context(), heartbeat.Definition{
		ID: "backup", Name: "Nightly backup", Service: "shop",
		Expectation: heartbeat.Expectation{Every: plan.Duration(5 * time.Minute), Grace: plan.Duration(time.Minute), MaxRun: plan.Duration(time.Hour)},
	}, j.at)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// file reads an event, with the key of the job in place of the example.
func (j *job) file(name string) (e events.APIGatewayV2HTTPRequest) {
	j.t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err == nil {
		err = json.Unmarshal(bytes.ReplaceAll(text, []byte(exampleKey), []byte(j.key)), &e)
	}
	if err != nil {
		j.t.Fatal(err)
	}
	return e
}

func (j *job) send(e events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	j.t.Helper()
	none := func(string) (string, bool) { return "", false }
	answer, err := httpapi.Lambda(j.h.routes(telemetry.NewLogger(&j.wrote, none))).Answer(j.t.Context(), e)
	if err != nil {
		j.t.Fatal(err)
	}
	if strings.Contains(answer.Body+j.wrote.String(), j.key) {
		j.t.Errorf("the key shows: %s%s", answer.Body, j.wrote.String())
	}
	return answer
}

// pings fails the test unless the event is answered so.
func (j *job) pings(name string, status int, state heartbeat.State) {
	j.t.Helper()
	got := j.send(j.file(name))
	if want := `"state":"` + string(state) + `"`; got.StatusCode != status || state != "" && !strings.Contains(got.Body, want) {
		j.t.Fatalf("%s: answered %d %s, want %d %s", name, got.StatusCode, got.Body, status, want)
	}
}

// told returns what was put into the alerts queue since it was last asked.
func (j *job) told() (all []intake.Delivery) {
	j.t.Helper()
	for _, m := range j.account.Sent(account.Alerts) {
		d, _, err := intake.Decode([]byte(m.Body))
		if err != nil {
			j.t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

func TestEvents(t *testing.T) {
	cases := map[string]struct {
		status int
		state  heartbeat.State
		next   time.Duration
		title  string // of the alert, "" none
		body   string // of the answer or of the delivery
	}{
		"get.json":                 {200, heartbeat.Up, 6 * time.Minute, "", `{"heartbeat":"backup","state":"up","next":"2026-03-01T09:06:00Z"}`},
		"head.json":                {200, heartbeat.Up, 6 * time.Minute, "", ""},
		"post.json":                {200, heartbeat.Up, 6 * time.Minute, "", ""},
		"success.json":             {200, heartbeat.Up, 6 * time.Minute, "", ""},
		"start.json":               {200, heartbeat.Running, time.Hour, "", ""},
		"fail.json":                {200, heartbeat.Failing, 6 * time.Minute, "Nightly backup failed", "dump: cannot write /backup: No space left on device"},
		"exit-code.json":           {200, heartbeat.Failing, 6 * time.Minute, "Nightly backup failed with exit code 3", "rsync error: some files could not be transferred"},
		"base64-output.json":       {200, heartbeat.Failing, 6 * time.Minute, "Nightly backup failed", "disk full"},
		"exit-code-zero.json":      {200, heartbeat.Up, 6 * time.Minute, "", ""},
		"exit-code-too-large.json": {404, heartbeat.New, 0, "", "exit code from 0 to 255"},
		"unknown-signal.json":      {404, heartbeat.New, 0, "", "start, success, fail"},
		"unknown-key.json":         {401, heartbeat.New, 0, "", "urn:tocsin:problem:unauthenticated"},
		"wrong-method.json":        {405, heartbeat.New, 0, "", "GET, HEAD, POST"},
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) != len(cases) {
		t.Errorf("%d files, %d cases, %v", len(files), len(cases), err)
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			answer := j.send(j.file(name))
			beat, err := j.h.teller.Store.Get(t.Context(), "backup")
			if err != nil || answer.StatusCode != c.status || beat.State() != c.state {
				t.Fatalf("answered %d %s, it is %s, %v", answer.StatusCode, answer.Body, beat.State(), err)
			}
			if c.next != 0 && !beat.Deadline.Equal(nine.Add(c.next)) {
				t.Errorf("deadline %s", beat.Deadline)
			}
			told := j.told()
			if c.title == "" {
				if len(told) > 0 || !strings.Contains(answer.Body, c.body) {
					t.Errorf("answered %s, told %+v", answer.Body, told)
				}
				return
			}
			if len(told) != 1 {
				t.Fatalf("told %+v", told)
			}
			body, err := told[0].Body()
			a := told[0].Items[0].Alert
			if err != nil || a.Title != c.title || string(body) != c.body || !strings.Contains(a.Description, c.body) || told[0].Service != "shop" {
				t.Errorf("delivered %+v with %+v, %v", told[0], a, err)
			}
			if !strings.Contains(j.wrote.String(), `"Accepted":1`) || !strings.Contains(j.wrote.String(), `"Pings":1`) {
				t.Errorf("counted %s", j.wrote.String())
			}
		})
	}
}

// TestAPingIsOneWrite: what leads from the key to the heartbeat is not read
// again.
func TestAPingIsOneWrite(t *testing.T) {
	j := newJob(t)
	j.pings("get.json", 200, heartbeat.Up)
	var calls []string
	j.h.teller.Store.Table = counting(t, j.table, &calls)
	j.pings("get.json", 200, heartbeat.Up)
	j.pings("start.json", 200, heartbeat.Running)
	if !slices.Equal(calls, []string{"UpdateItem", "UpdateItem"}) {
		t.Errorf("called %q", calls)
	}
}

// TestAChangedDefinitionIsUsedAtOnce: by every process, whatever it remembers.
func TestAChangedDefinitionIsUsedAtOnce(t *testing.T) {
	j := newJob(t)
	store := j.h.teller.Store
	change := func(change func(*heartbeat.Definition)) {
		t.Helper()
		if _, err := store.Update(t.Context(), "backup", j.at, change); err != nil {
			t.Fatal(err)
		}
	}
	j.pings("get.json", 200, heartbeat.Up)
	change(func(d *heartbeat.Definition) { d.Every = plan.Duration(time.Hour) })
	if answer := j.send(j.file("get.json")); !strings.Contains(answer.Body, `"next":"2026-03-01T10:01:00Z"`) {
		t.Errorf("answered %s", answer.Body)
	}
	change(func(d *heartbeat.Definition) { d.Paused = true })
	j.pings("fail.json", 200, heartbeat.Paused)
	change(func(d *heartbeat.Definition) { d.Paused = false })
	j.pings("get.json", 200, heartbeat.Up)
	for range 2 {
		if _, _, err := store.RotateKey(t.Context(), "backup", j.at); err != nil {
			t.Fatal(err)
		}
	}
	j.pings("get.json", 401, "")
	j.pings("get.json", 401, "")
	if told := j.told(); len(told) != 0 {
		t.Errorf("told %+v", told)
	}
}

func TestAKeyOfWhatWasRemovedIsRefused(t *testing.T) {
	j := newJob(t)
	j.pings("get.json", 200, heartbeat.Up)
	if err := j.h.teller.Store.Remove(t.Context(), "backup", j.at); err != nil {
		t.Fatal(err)
	}
	j.pings("get.json", 401, "")
}

// TestAKeyOfTheFormerOfTheSameIDIsRefused, also while a process remembers it.
func TestAKeyOfTheFormerOfTheSameIDIsRefused(t *testing.T) {
	j := newJob(t)
	j.pings("get.json", 200, heartbeat.Up)
	if err := j.h.teller.Store.Remove(t.Context(), "backup", j.at); err != nil {
		t.Fatal(err)
	}
	j.at = j.at.Add(time.Second)
	next := heartbeat.Definition{ID: "backup", Name: "Nightly backup", Expectation: heartbeat.Expectation{Every: plan.Duration(time.Hour)}}
	if _, _, err := j.h.teller.Store.Create(t.Context(), next, j.at); err != nil {
		t.Fatal(err)
	}
	j.pings("get.json", 401, "")
}

// TestDoubledSlashesAreOne: a redirect would be a lost ping, of which curl says
// nothing.
func TestDoubledSlashesAreOne(t *testing.T) {
	j := newJob(t)
	e := j.file("get.json")
	for _, path := range []string{"//in/heartbeat/" + j.key, "/in/heartbeat/" + j.key + "//0"} {
		e.RawPath = path
		if got := j.send(e); got.StatusCode != http.StatusOK {
			t.Errorf("answered %d %s", got.StatusCode, got.Body)
		}
	}
}

// TestAFailureIsAnsweredOnceTheQueueHasIt: until then the job is told to try
// again, and the next ping of any kind sends what is owed.
func TestAFailureIsAnsweredOnceTheQueueHasIt(t *testing.T) {
	j := newJob(t)
	j.account.Refuse("SendMessage", "AccessDeniedException")
	j.pings("fail.json", 503, "")
	j.account.Refuse("SendMessage", "")
	j.at = j.at.Add(time.Second)
	j.pings("start.json", 200, heartbeat.Failing)
	if told := j.told(); len(told) != 1 || !told[0].ReceivedAt.Equal(nine) {
		t.Errorf("told %+v", told)
	}
	j.account.Refuse("SendMessage", "AccessDeniedException")
	j.pings("success.json", 503, "")
	j.account.Refuse("SendMessage", "")
	j.pings("success.json", 200, heartbeat.Up)
	if told := j.told(); len(told) != 1 || told[0].Items[0].Alert.Status != "resolved" {
		t.Errorf("told %+v", told)
	}
	j.pings("success.json", 200, heartbeat.Up)
	if told := j.told(); len(told) != 0 {
		t.Errorf("told %+v", told)
	}
}

func TestTheEndOfALargeOutputIsKept(t *testing.T) {
	j := newJob(t)
	e := j.file("fail.json")
	e.Body = strings.Repeat("line\n", 40_000) + "disk full\n"
	if answer := j.send(e); answer.StatusCode != 200 {
		t.Fatalf("answered %d %s", answer.StatusCode, answer.Body)
	}
	body, err := j.told()[0].Body()
	if err != nil || len(body) > heartbeat.MaxOutput || !strings.HasSuffix(string(body), "\ndisk full") {
		t.Errorf("kept %d bytes ending in %.20q, %v", len(body), body[max(0, len(body)-20):], err)
	}
	e.Body = strings.Repeat("x", intake.MaxBody+1)
	if answer := j.send(e); answer.StatusCode != 200 {
		t.Errorf("answered %d %s", answer.StatusCode, answer.Body)
	}
}

// TestALoopGoneWildIsRefused: what it did before is told, the rest is refused
// until a while later, and other heartbeats are not concerned.
func TestALoopGoneWildIsRefused(t *testing.T) {
	j := newJob(t)
	_, other, err := j.h.teller.Store.Create(t.Context(), heartbeat.Definition{
		ID: "report", Name: "Report", Expectation: heartbeat.Expectation{Every: plan.Duration(5 * time.Minute)},
	}, j.at)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for i := range 400 {
		switch answer := j.send(j.file([]string{"fail.json", "success.json"}[i%2])); {
		case answer.StatusCode == http.StatusOK:
			taken++
		case answer.StatusCode != http.StatusTooManyRequests || answer.Headers["Retry-After"] != "2" || !strings.Contains(answer.Body, "30 requests a minute"):
			t.Fatalf("answered %d %v %s", answer.StatusCode, answer.Headers, answer.Body)
		}
	}
	if told := j.told(); taken != defaults.PingsPerMinute || len(told) != taken {
		t.Errorf("took %d and told %d", taken, len(told))
	}
	j.key, other = other, j.key
	j.pings("get.json", 200, heartbeat.Up)
	j.key = other
	j.at = j.at.Add(2 * time.Second)
	j.pings("get.json", 200, heartbeat.Up)
	j.pings("get.json", 429, "")
}

// TestASecretInAnOutputIsNotKept: nor is its rest where the output is cut.
func TestASecretInAnOutputIsNotKept(t *testing.T) {
	j := newJob(t)
	_, err := j.h.teller.Store.Update(t.Context(), "backup", j.at, func(d *heartbeat.Definition) {
		d.RedactFields, d.RedactPatterns = []string{"password"}, []string{`ghp_\w+`}
	})
	if err != nil {
		t.Fatal(err)
	}
	e := j.file("fail.json")
	e.Headers["content-type"] = "application/x-www-form-urlencoded" // as curl says of every text
	e.Body = "dump --password=hush: ghp_deadbeef, password=" + strings.Repeat("hush", heartbeat.MaxOutput)
	if answer := j.send(e); answer.StatusCode != 200 {
		t.Fatalf("answered %d %s", answer.StatusCode, answer.Body)
	}
	d := j.told()[0]
	body, err := d.Body()
	if want := "dump --password=[redacted] [redacted], password=[redacted]"; err != nil || string(body) != want || d.Items[0].Alert.Description != want {
		t.Errorf("told %.200q, %.200q, %v", body, d.Items[0].Alert.Description, err)
	}
	if beat, err := j.h.teller.Store.Get(t.Context(), "backup"); err != nil || strings.Contains(beat.Output, "hush") {
		t.Errorf("kept %.200q, %v", beat.Output, err)
	}
}

func TestStartNamesTheMissingVariable(t *testing.T) {
	env := account.Start(t).Environment(dynamo.Start(t))
	for _, missing := range []string{"AWS_REGION", "EVENTS_TABLE", "ALERTS_QUEUE_URL"} {
		_, err := open(slog.New(slog.DiscardHandler), func(name string) (string, bool) {
			v, ok := env(name)
			return v, ok && name != missing
		})
		if err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}

// counting is a table that notes the operations called.
func counting(t *testing.T, table ddb.Table, calls *[]string) ddb.Table {
	t.Helper()
	options := table.Options()
	options.HTTPClient = noting{options.HTTPClient, calls}
	return ddb.Table{Client: dynamodb.New(options), Name: table.Name}
}

type noting struct {
	through dynamodb.HTTPClient
	calls   *[]string
}

func (n noting) Do(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	*n.calls = append(*n.calls, operation)
	return n.through.Do(r)
}
