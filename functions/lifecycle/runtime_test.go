package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/shared/lifecycle"
	"tocsin/shared/lifecycle/lifecycletest"
	"tocsin/tests/dynamo"
)

// runtimeVariable is where the service says how its runtime is reached.
const runtimeVariable = "AWS_LAMBDA_RUNTIME_API"

// TestMain is the function itself where the test below has started it as one.
func TestMain(m *testing.M) {
	if os.Getenv(runtimeVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// typeName is the name by which Step Functions knows an error.
func typeName(err error) string {
	if err == nil {
		return ""
	}
	return reflect.TypeOf(err).Name()
}

// answered is what the runtime was told of one invocation.
type answered struct {
	path, body string
}

// service is the runtime's endpoint (Lambda developer guide, "Using the Lambda
// runtime API"): it hands out invocations and takes their answers.
type service struct {
	calls   chan []byte
	answers chan answered
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/invocation/next") {
		select {
		case payload := <-s.calls:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", "4102444800000")
			_, _ = w.Write(payload)
		case <-r.Context().Done():
		}
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = []byte(err.Error())
	}
	w.WriteHeader(http.StatusAccepted)
	s.answers <- answered{r.URL.Path, string(body)}
}

// TestTheProgramAnswersTheRuntime runs main under a runtime, as the service
// does, and reads what the service is told.
func TestTheProgramAnswersTheRuntime(t *testing.T) {
	b := lifecycletest.On(t, folder, dynamo.Start(t))
	s := &service{calls: make(chan []byte), answers: make(chan answered, 1)}
	server := httptest.NewServer(s)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	program := exec.CommandContext(ctx, os.Args[0])
	program.Env = append(os.Environ(), runtimeVariable+"="+strings.TrimPrefix(server.URL, "http://"))
	for name, value := range b.Account.Variables(b.Table) {
		program.Env = append(program.Env, name+"="+value)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = program.Wait() // it was killed
	}()
	ask := func(name string) answered {
		t.Helper()
		select {
		case s.calls <- b.File(name):
		case <-ctx.Done():
			t.Fatal("the program asks for no invocation")
		}
		select {
		case a := <-s.answers:
			return a
		case <-ctx.Done():
			t.Fatal("the program does not answer")
		}
		return answered{}
	}

	for _, name := range []string{"unknown-op", "unknown-version", "no-id", "two-ids", "generation-zero", "evaluate"} {
		var told struct{ ErrorType, ErrorMessage string }
		a := ask(name)
		if err := json.Unmarshal([]byte(a.body), &told); err != nil || !strings.HasSuffix(a.path, "/error") || told.ErrorType != "Refused" || told.ErrorMessage == "" {
			t.Errorf("%s: the service is told %s %s", name, a.path, a.body)
		}
	}
	on(b).opened()
	if a := ask("evaluate"); !strings.HasSuffix(a.path, "/response") || a.body != `{"next":"`+string(lifecycle.Page)+`","wait_seconds":301}` {
		t.Errorf("the service is told %s %s", a.path, a.body)
	}
	b.Break(lifecycletest.EventKey)
	if a := ask("evaluate"); !strings.HasSuffix(a.path, "/error") || !strings.Contains(a.body, `"errorType":"Unavailable"`) {
		t.Errorf("the service is told %s %s", a.path, a.body)
	}
}
