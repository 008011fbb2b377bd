// Package account is the little of an AWS account that a function reaches
// beside DynamoDB: Step Functions, SQS and S3 behind one address. Tests that
// run a function's own wiring use it, and see what the function called.
//
//	a := account.Start(t)
//	h, err := newHandler(log, a.Environment(dynamo.Start(t)))
//	...
//	a.Started() // "tocsin-events E-4821-g1"
package account

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"tocsin/shared/cloud"
	"tocsin/shared/ddb"
	"tocsin/shared/queue"
)

// Names of the state machines, of the queues and of the bucket.
const (
	Events    = "tocsin-events"
	Incidents = "tocsin-incidents"
	Messages  = "tocsin-messages"
	Sweeps    = "tocsin-sweeps"
	Alerts    = "tocsin-alerts"
	Bucket    = "tocsin-deliveries"
)

const (
	region = "eu-west-1"
	arn    = "arn:aws:states:" + region + ":123456789012:"
)

// Account answers over HTTP. It is safe for concurrent use.
type Account struct {
	t   testing.TB
	url string

	mu         sync.Mutex
	executions map[string]execution // by name
	started    []string
	woken      []string
	sent       map[string][]Message
	objects    map[string][]byte
	refused    map[string]string // operation → error
}

type execution struct{ machine, status, err, input string }

// Message is one message that was sent to a queue.
type Message struct {
	Group string `json:"MessageGroupId"`
	Body  string `json:"MessageBody"`
	Delay int    `json:"DelaySeconds"`
}

// Start starts an account that is empty, and ends it with the test.
func Start(t testing.TB) *Account {
	t.Helper()
	a := &Account{
		t: t, executions: map[string]execution{}, sent: map[string][]Message{}, objects: map[string][]byte{}, refused: map[string]string{},
	}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// Variables are what the template gives a function that has one table for
// everything.
func (a *Account) Variables(table ddb.Table) map[string]string {
	return map[string]string{
		"AWS_REGION": region, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_ENDPOINT_URL": a.url, "AWS_ENDPOINT_URL_DYNAMODB": *table.Options().BaseEndpoint,
		"EVENTS_TABLE": table.Name, "CONFIG_TABLE": table.Name, "LEDGER_TABLE": table.Name,
		"MESSAGES_QUEUE_URL": a.url + "/" + Messages, "SWEEPS_QUEUE_URL": a.url + "/" + Sweeps, "ALERTS_QUEUE_URL": a.url + "/" + Alerts, "BUCKET": Bucket,
		"EVENT_MACHINE_ARN": arn + "stateMachine:" + Events, "INCIDENT_MACHINE_ARN": arn + "stateMachine:" + Incidents,
	}
}

// Environment is Variables as a function reads them.
func (a *Account) Environment(table ddb.Table) cloud.Lookup {
	variables := a.Variables(table)
	return func(name string) (string, bool) { v, ok := variables[name]; return v, ok }
}

// AlertsQueue sends to the queue of alerts, for tests that give a function
// metrics of their own.
func (a *Account) AlertsQueue(table ddb.Table) *queue.Sender {
	a.t.Helper()
	env := a.Environment(table)
	cfg, err := cloud.Config(env)
	if err != nil {
		a.t.Fatal(err)
	}
	alerts, err := queue.Open(cfg, env, "ALERTS_QUEUE_URL")
	if err != nil {
		a.t.Fatal(err)
	}
	return alerts
}

// Has makes an execution of a machine that is in a status, with the error that
// ended it ("" none).
func (a *Account) Has(machine, name, status, err string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.executions[name] = execution{machine: machine, status: status, err: err}
}

// Refuse lets every call of an operation fail with an error of the service;
// "" lets it work again.
func (a *Account) Refuse(operation, err string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused[operation] = err
}

// Keep puts an object into the bucket.
func (a *Account) Keep(name string, body []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.objects[name] = body
}

// Started returns the executions that were started since it was last asked:
// machine, name and input.
func (a *Account) Started() []string { return take(a, &a.started) }

// Woken returns the tokens whose waits were ended since it was last asked.
func (a *Account) Woken() []string { return take(a, &a.woken) }

// Sent returns the messages that a queue took since it was last asked.
func (a *Account) Sent(queue string) []Message {
	a.mu.Lock()
	defer a.mu.Unlock()
	sent := a.sent[queue]
	delete(a.sent, queue)
	return sent
}

func take(a *Account, list *[]string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := *list
	*list = nil
	return taken
}

// request holds the fields of all operations.
type request struct {
	StateMachineArn, ExecutionArn, Name, Input, TaskToken string

	QueueURL string `json:"QueueUrl"`
	Message
	Entries []struct {
		ID string `json:"Id"`
		Message
	}
}

// ServeHTTP answers the JSON protocol of Step Functions and SQS, and GET of an
// object. Signatures are not checked.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if r.Method == http.MethodGet {
		operation = "GetObject"
	}
	if refused := a.refused[operation]; refused != "" {
		refuse(w, refused)
		return
	}
	if operation == "GetObject" {
		a.getObject(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	var in request
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		a.t.Errorf("%s: %v", operation, err)
	}
	if answer, refused := a.do(operation, in); refused != "" {
		refuse(w, refused)
	} else if err := json.NewEncoder(w).Encode(answer); err != nil {
		a.t.Errorf("%s: %v", operation, err)
	}
}

func refuse(w http.ResponseWriter, err string) {
	w.Header().Set("X-Amzn-ErrorType", err)
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, `{"__type":"`+err+`","message":"refused by the test"}`)
}

func (a *Account) getObject(w http.ResponseWriter, r *http.Request) {
	body, ok := a.objects[strings.TrimPrefix(r.URL.Path, "/"+Bucket+"/")]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code></Error>`)
		return
	}
	_, _ = w.Write(body)
}

type answer = map[string]any

func (a *Account) do(operation string, in request) (out answer, refused string) {
	switch operation {
	case "StartExecution":
		return a.start(in)
	case "DescribeExecution":
		return a.describe(in)
	case "SendTaskSuccess":
		a.woken = append(a.woken, in.TaskToken)
		return answer{}, ""
	case "SendMessage":
		a.take(in.QueueURL, in.Message)
		return answer{"MessageId": "1", "MD5OfMessageBody": sum(in.Body)}, ""
	case "SendMessageBatch":
		return a.sendBatch(in), ""
	}
	a.t.Errorf("the account does not know the operation %q", operation)
	return nil, "UnknownOperationException"
}

// start answers as the service does: the same again while it runs with the
// same input, else a name is used once (API reference, "StartExecution").
func (a *Account) start(in request) (out answer, refused string) {
	machine := in.StateMachineArn[strings.LastIndexByte(in.StateMachineArn, ':')+1:]
	known, ok := a.executions[in.Name]
	switch {
	case ok && (known.status != "RUNNING" || known.input != in.Input):
		return nil, "ExecutionAlreadyExists"
	case !ok:
		a.executions[in.Name] = execution{machine: machine, status: "RUNNING", input: in.Input}
		a.started = append(a.started, machine+" "+in.Name+" "+in.Input)
	}
	return answer{"executionArn": arn + "execution:" + machine + ":" + in.Name, "startDate": 1773256320.0}, ""
}

func (a *Account) describe(in request) (out answer, refused string) {
	at := strings.LastIndexByte(in.ExecutionArn, ':')
	found, ok := a.executions[in.ExecutionArn[at+1:]]
	if !ok || !strings.HasSuffix(in.ExecutionArn[:at], ":"+found.machine) {
		return nil, "ExecutionDoesNotExist"
	}
	out = answer{
		"executionArn": in.ExecutionArn, "stateMachineArn": arn + "stateMachine:" + found.machine,
		"status": found.status, "startDate": 1773256320.0,
	}
	if found.err != "" {
		out["error"] = found.err
	}
	return out, ""
}

func (a *Account) sendBatch(in request) answer {
	done := []answer{}
	for _, e := range in.Entries {
		a.take(in.QueueURL, e.Message)
		done = append(done, answer{"Id": e.ID, "MessageId": "1", "MD5OfMessageBody": sum(e.Body)})
	}
	return answer{"Successful": done, "Failed": []answer{}}
}

func (a *Account) take(url string, m Message) {
	queue := url[strings.LastIndexByte(url, '/')+1:]
	a.sent[queue] = append(slices.Clip(a.sent[queue]), m)
}

// sum is what the SDK compares with what it sent.
func sum(body string) string {
	s := md5.Sum([]byte(body))
	return hex.EncodeToString(s[:])
}
