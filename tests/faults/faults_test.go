package faults_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"tocsin/local/stack"
	"tocsin/tests/faults"
)

// service counts what was delivered to it.
func service(t *testing.T) (address string, delivered *atomic.Int64) {
	delivered = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { delivered.Add(1); w.Write([]byte("{}")) }))
	t.Cleanup(s.Close)
	return s.URL, delivered
}

func call(t *testing.T, address, operation, body, invocation string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	req.Header.Set("Amz-Sdk-Invocation-Id", invocation)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name      string
		fault     faults.Fault
		status    int // 0: no answer
		says      string
		delivered int64
	}{
		{"pass", faults.Pass, 200, "{}", 1},
		{"refuse", faults.Refuse, 500, "InternalServerError", 0},
		{"throttle", faults.Throttle, 400, "ProvisionedThroughputExceededException", 0},
		{"lose", faults.Lose, 0, "", 1},
		{"cut", faults.Cut, 0, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, delivered := service(t)
			p := faults.New(t)
			address = p.Route(stack.Cloud, address)
			rule := p.Harm(&faults.Rule{Operation: "PutItem", Fault: c.fault})
			status, text := call(t, address, "PutItem", "{}", "1")
			if status != c.status || !strings.Contains(text, c.says) || delivered.Load() != c.delivered || !rule.Harmed() {
				t.Errorf("status %d, %q, delivered %d, harmed %v", status, text, delivered.Load(), rule.Harmed())
			}
			if status, _ := call(t, address, "PutItem", "{}", "2"); status != 200 {
				t.Errorf("the call after it answered %d", status)
			}
		})
	}
}

func TestRuleChoosesCalls(t *testing.T) {
	address, _ := service(t)
	p := faults.New(t)
	address = p.Route(stack.Cloud, address)
	p.Harm(&faults.Rule{Operation: "PutItem", Holding: []string{"EVENT#E-1"}, Nth: 2, Calls: 2, Whole: true, Fault: faults.Refuse})
	var got []int
	calls := p.Record(func() {
		for _, c := range []struct{ operation, body, invocation string }{
			{"GetItem", "EVENT#E-1", "a"}, {"PutItem", "EVENT#E-2", "b"}, {"PutItem", "EVENT#E-1", "c"},
			{"PutItem", "EVENT#E-1", "d"}, {"PutItem", "EVENT#E-1", "d"}, {"PutItem", "EVENT#E-1", "e"}, {"PutItem", "EVENT#E-1", "f"},
		} {
			status, _ := call(t, address, c.operation, c.body, c.invocation)
			got = append(got, status)
		}
	})
	for i, want := range []int{200, 200, 200, 500, 500, 500, 200} {
		if got[i] != want {
			t.Errorf("call %d answered %d, want %d", i+1, got[i], want)
		}
	}
	if len(calls) != 7 || calls[1].Operation != "PutItem" || calls[1].Body != "EVENT#E-2" {
		t.Errorf("recorded %+v", calls)
	}
}

func TestInboxIsNotRouted(t *testing.T) {
	if got := faults.New(t).Route(stack.Mail, "http://inbox.example"); got != "http://inbox.example" {
		t.Errorf("routed to %s", got)
	}
}
