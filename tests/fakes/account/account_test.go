package account_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/shared/cloud"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
	"tocsin/shared/machine"
	"tocsin/shared/object"
	"tocsin/shared/queue"
	"tocsin/tests/fakes/account"
)

// opened returns an account and what a function opens it with.
func opened(t *testing.T) (*account.Account, aws.Config, cloud.Lookup) {
	t.Helper()
	a := account.Start(t)
	env := a.Environment(ddb.Table{Client: dynamodb.New(dynamodb.Options{BaseEndpoint: aws.String("http://127.0.0.1:1")}), Name: "tocsin"})
	cfg, err := cloud.Config(env)
	if err != nil {
		t.Fatal(err)
	}
	return a, cfg, env
}

func TestExecutions(t *testing.T) {
	a, cfg, env := opened(t)
	m, err := machine.Open(cfg, env, "EVENT_MACHINE_ARN")
	if err != nil {
		t.Fatal(err)
	}
	described := func(want machine.Status, how string) {
		t.Helper()
		if status, detail, err := m.Describe(t.Context(), "E-1-g1"); err != nil || status != want || detail != how {
			t.Errorf("described as %q %q, %v; want %q %q", status, detail, err, want, how)
		}
	}
	start := func(want ...string) {
		t.Helper()
		if err := m.Start(t.Context(), "E-1-g1", []byte("{}")); err != nil {
			t.Error(err)
		}
		if got := a.Started(); !slices.Equal(got, want) {
			t.Errorf("started %q, want %q", got, want)
		}
	}
	described(machine.Absent, "")
	start(account.Events + " E-1-g1 {}")
	start() // the same again
	described(machine.Running, "RUNNING")
	a.Has(account.Events, "E-1-g1", "FAILED", "Broken")
	described(machine.Over, "FAILED Broken")
	start() // a name is used once
	a.Has(account.Incidents, "E-1-g1", "RUNNING", "")
	described(machine.Absent, "") // it is another machine's
	if err := m.Wake(t.Context(), "token"); err != nil || !slices.Equal(a.Woken(), []string{"token"}) || len(a.Woken()) != 0 {
		t.Errorf("woken: %v", err)
	}
	a.Refuse("DescribeExecution", "AccessDeniedException")
	if _, _, err := m.Describe(t.Context(), "E-1-g1"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("described: %v", err)
	}
	a.Refuse("SendTaskSuccess", "TaskTimedOut")
	if err := m.Wake(t.Context(), "token"); err != nil || len(a.Woken()) != 0 {
		t.Errorf("a late token: %v", err)
	}
}

func TestQueuesAndObjects(t *testing.T) {
	a, cfg, env := opened(t)
	q, err := queue.Open(cfg, env, "MESSAGES_QUEUE_URL")
	if err != nil {
		t.Fatal(err)
	}
	want := []account.Message{{Group: "E-1", Body: "one", Delay: 5}}
	if err := q.Send(t.Context(), queue.Entry{Group: "E-1", Body: "one", Delay: 5 * time.Second}); err != nil {
		t.Error(err)
	}
	var more []queue.Entry
	for i := range 12 {
		more = append(more, queue.Entry{Body: fmt.Sprint(i)})
		want = append(want, account.Message{Body: fmt.Sprint(i)})
	}
	if err := q.SendAll(t.Context(), more); err != nil {
		t.Error(err)
	}
	if got := a.Sent(account.Messages); !slices.Equal(got, want) || len(a.Sent(account.Messages)) != 0 || len(a.Sent(account.Sweeps)) != 0 {
		t.Errorf("sent %+v, want %+v", got, want)
	}

	bucket, err := object.Open(cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Get(t.Context(), "deliveries/x"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an absent object: %v", err)
	}
	a.Keep("deliveries/x", []byte("body"))
	if body, err := bucket.Get(t.Context(), "deliveries/x"); err != nil || string(body) != "body" {
		t.Errorf("got %q, %v", body, err)
	}
}
