package ministack

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// request is one call of a service. header may be nil.
type request struct {
	method, service, path string
	header                map[string]string
	body                  []byte
}

// call sends a request and returns the body of a 2xx answer. The emulator
// reads account, region and service from the credential and checks no
// signature.
func (s *Server) call(ctx context.Context, r request) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, s.Endpoint+r.path, bytes.NewReader(r.body))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+Account+"/20260101/"+Region+"/"+r.service+
		"/aws4_request, SignedHeaders=host, Signature=0")
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("call %s: %w", r.service, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("call %s: %w", r.service, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, nil, refusal(r.service, resp.StatusCode, answer)
	}
	return answer, resp.Header, nil
}

func refusal(service string, status int, answer []byte) error {
	var e struct {
		Message string `xml:"Error>Message"`
	}
	if xml.Unmarshal(answer, &e) == nil && e.Message != "" {
		return fmt.Errorf("%s: %s", service, e.Message)
	}
	return fmt.Errorf("%s answered %d: %s", service, status, answer)
}

// query calls an action of CloudFormation and decodes its XML answer into out.
func (s *Server) query(ctx context.Context, action string, parameters url.Values, out any) error {
	parameters.Set("Action", action)
	parameters.Set("Version", "2010-05-15")
	answer, _, err := s.call(ctx, request{http.MethodPost, "cloudformation", "/",
		map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, []byte(parameters.Encode())})
	if err != nil || out == nil {
		return err
	}
	return xml.Unmarshal(answer, out)
}

// Put stores an object.
func (s *Server) Put(ctx context.Context, o Object, body []byte) error {
	_, _, err := s.call(ctx, request{http.MethodPut, "s3", "/" + o.Bucket + "/" + o.Key, nil, body})
	return err
}

// MakeBucket creates a bucket, or keeps the one there is.
func (s *Server) MakeBucket(ctx context.Context, name string) error {
	_, _, err := s.call(ctx, request{http.MethodPut, "s3", "/" + name, nil, nil})
	return err
}

// FunctionError is the error that a function returned, with its Go type name.
type FunctionError struct {
	Function string `json:"-"`
	Type     string `json:"errorType"`
	Message  string `json:"errorMessage"`
}

func (e *FunctionError) Error() string {
	return fmt.Sprintf("function %s: %s: %s", e.Function, e.Type, e.Message)
}

// Invoke calls a function by name or ARN and waits for its answer. A function
// that failed is a [*FunctionError].
func (s *Server) Invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	path := "/2015-03-31/functions/" + url.PathEscape(function) + "/invocations"
	answer, header, err := s.call(ctx, request{http.MethodPost, "lambda", path, nil, payload})
	if err != nil {
		return nil, err
	}
	if header.Get("X-Amz-Function-Error") == "" {
		return answer, nil
	}
	failure := &FunctionError{Function: function}
	if err := json.Unmarshal(answer, failure); err != nil {
		failure.Message = strings.TrimSpace(string(answer))
	}
	return nil, failure
}

// InvokeLater calls a function without waiting for it, as a service does that
// only tells of something.
func (s *Server) InvokeLater(ctx context.Context, function string, payload []byte) error {
	path := "/2015-03-31/functions/" + url.PathEscape(function) + "/invocations"
	_, _, err := s.call(ctx, request{http.MethodPost, "lambda", path, map[string]string{"X-Amz-Invocation-Type": "Event"}, payload})
	return err
}

// isNoUpdates recognises CloudFormation's refusal of an update that changes nothing.
func isNoUpdates(err error) bool {
	return err != nil && strings.Contains(err.Error(), "No updates are to be performed")
}

func isAbsent(err error) bool { return err != nil && strings.Contains(err.Error(), "does not exist") }

// Event is what EventBridge matches with its rules. Sources that begin with
// "aws." are taken too: whoever stands in for a service publishes as it.
type Event struct {
	Source    string
	Kind      string // the detail type
	Detail    any    // becomes JSON
	Resources []string
}

// Publish gives an event to the default bus.
func (s *Server) Publish(ctx context.Context, e Event) error {
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"Entries": []any{map[string]any{
		"Source": e.Source, "DetailType": e.Kind, "Detail": string(detail), "Resources": e.Resources,
	}}})
	if err != nil {
		return err
	}
	answer, _, err := s.call(ctx, request{http.MethodPost, "events", "/", map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSEvents.PutEvents"}, body})
	if err != nil {
		return err
	}
	var result struct {
		FailedEntryCount int
		Entries          []struct{ ErrorCode, ErrorMessage string }
	}
	if err := json.Unmarshal(answer, &result); err != nil {
		return err
	}
	if result.FailedEntryCount > 0 {
		return fmt.Errorf("events: %s: %s", result.Entries[0].ErrorCode, result.Entries[0].ErrorMessage)
	}
	return nil
}

// StateMachine is a machine as it was deployed, substitutions made.
type StateMachine struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`
	Role       string `json:"roleArn"`
}

// StateMachine returns a deployed machine by its ARN.
func (s *Server) StateMachine(ctx context.Context, arn string) (StateMachine, error) {
	body, err := json.Marshal(map[string]string{"stateMachineArn": arn})
	if err != nil {
		return StateMachine{}, err
	}
	answer, _, err := s.call(ctx, request{http.MethodPost, "states", "/", map[string]string{
		"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AWSStepFunctions.DescribeStateMachine"}, body})
	if err != nil {
		return StateMachine{}, err
	}
	var m StateMachine
	return m, json.Unmarshal(answer, &m)
}
