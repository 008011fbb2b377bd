package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestDispatch(t *testing.T) {
	var taken []string
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })
	dispatch := Dispatch(h, func(_ context.Context, event json.RawMessage) error {
		taken = append(taken, string(event))
		return errors.New("later")
	})
	for event, http := range map[string]bool{
		`{"version":"2.0","rawPath":"/x","requestContext":{"http":{"method":"POST","path":"/x"}},"body":"{}"}`: true,
		`{"Records":[{"EventSource":"aws:sns"}]}`:                                                              false,
		`{"source":"aws.cloudwatch","alarmArn":"a","alarmData":{}}`:                                            false,
		`{"version":"0","detail-type":"d","detail":{"requestContext":{"http":{"method":"POST"}}}}`:             false,
		`{"version":0,"requestContext":[],"body":{"a":1}}`:                                                     false,
		`{"requestContext":{"http":{}}}`:                                                                       false,
		`[]`:                                                                                                   false,
		`null`:                                                                                                 false,
		`"text"`:                                                                                               false,
	} {
		taken = nil
		answer, err := dispatch.Invoke(t.Context(), []byte(event))
		if http != (err == nil) || http != strings.Contains(string(answer), `"statusCode":418`) || http != (len(taken) == 0) {
			t.Errorf("%s: answer %s, taken %q, %v", event, answer, taken, err)
		}
		if !http && taken[0] != event {
			t.Errorf("%s was taken as %s", event, taken[0])
		}
	}
}

func TestErrorOfADirectInvocationIsLogged(t *testing.T) {
	var wrote bytes.Buffer
	later := errors.New("later")
	direct := logged(slog.New(slog.NewJSONHandler(&wrote, nil)), func(context.Context, json.RawMessage) error { return later })
	if err := direct(t.Context(), nil); !errors.Is(err, later) || !strings.Contains(wrote.String(), `"err":"later"`) {
		t.Errorf("%v, wrote %s", err, wrote.String())
	}
}
