package stepfunctions

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Invoker calls a Lambda function and waits for its answer. It returns an
// error only where no answer came; every answer, good or bad, is a Reply.
// Calls come from many goroutines.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (*Reply, error)
}

// Reply is what the Lambda API answered to an invocation.
type Reply struct {
	Status        int    // HTTP status
	Version       string // X-Amz-Executed-Version
	FunctionError string // X-Amz-Function-Error; set where the function failed
	ErrorType     string // X-Amzn-ErrorType; set where the service refused
	Payload       []byte
}

// HTTPInvoker calls functions over the Lambda HTTP API. Requests are not signed.
type HTTPInvoker struct {
	Endpoint string       // such as http://127.0.0.1:4566
	Client   *http.Client // nil: http.DefaultClient; without a timeout, for a function may run for 15 minutes
}

// Invoke implements [Invoker]. function is a name or an ARN, either with or
// without a qualifier.
func (i *HTTPInvoker) Invoke(ctx context.Context, function string, payload []byte) (*Reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, i.Endpoint+invocationPath(function), bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Amz-Invocation-Type", "RequestResponse")
	client := i.Client
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	return &Reply{
		Status:        response.StatusCode,
		Version:       response.Header.Get("X-Amz-Executed-Version"),
		FunctionError: response.Header.Get("X-Amz-Function-Error"),
		ErrorType:     response.Header.Get("X-Amzn-ErrorType"),
		Payload:       body,
	}, nil
}

// invocationPath takes name and qualifier out of "name", "name:qualifier",
// "account:function:name" and "arn:aws:lambda:region:account:function:name".
func invocationPath(function string) string {
	rest := function
	if _, after, found := strings.Cut(function, ":function:"); found {
		rest = after
	}
	name, qualifier, qualified := strings.Cut(rest, ":")
	address := "/2015-03-31/functions/" + url.PathEscape(name) + "/invocations"
	if qualified {
		address += "?Qualifier=" + url.QueryEscape(qualifier)
	}
	return address
}

// outcome turns an answer into the result of lambda:invoke or into its failure.
// Source: Step Functions Developer Guide, "Handle transient Lambda service
// exceptions" and "Invoke an AWS Lambda function with Step Functions".
func outcome(reply *Reply, err error) (result map[string]any, _ *failure) {
	if err != nil {
		return nil, new(failed("Lambda.SdkClientException", err.Error()))
	}
	if reply.Status/100 != 2 {
		return nil, new(failed(refusal(reply), string(reply.Payload)))
	}
	if reply.FunctionError != "" {
		return nil, new(failed(thrown(reply.Payload), string(reply.Payload)))
	}
	version := reply.Version
	if version == "" {
		version = "$LATEST"
	}
	status := json.Number(fmt.Sprint(reply.Status))
	return map[string]any{"ExecutedVersion": version, "Payload": payload(reply.Payload), "StatusCode": status}, nil
}

// refusal names the error of an invocation that Lambda did not accept.
func refusal(reply *Reply) string {
	kind, _, _ := strings.Cut(reply.ErrorType, ":")
	switch {
	case reply.Status == http.StatusTooManyRequests:
		return "Lambda.TooManyRequestsException"
	case reply.Status >= 500:
		return "Lambda.ServiceException"
	case kind != "":
		return "Lambda." + kind
	case reply.Status == http.StatusNotFound:
		return "Lambda.ResourceNotFoundException"
	}
	return "Lambda.AWSLambdaException"
}

// thrown names the error that a function ended with.
func thrown(body []byte) string {
	var failed struct {
		Type string `json:"errorType"`
	}
	if json.Unmarshal(body, &failed) != nil || failed.Type == "" {
		return "Lambda.Unknown"
	}
	return failed.Type
}

// payload is the function's answer, as text where it is not JSON.
func payload(body []byte) any {
	if len(body) == 0 {
		return nil
	}
	value, err := decode(body)
	if err != nil {
		return string(body)
	}
	return value
}
