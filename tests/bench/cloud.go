package main

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/shared/cloud"
)

// fake is as little of DynamoDB and SQS as the measured functions call: items
// are kept, conditions hold, messages vanish.
type fake struct {
	*httptest.Server
	mu    sync.Mutex
	items map[string]attributes // by table, pk and sk
}

type attributes map[string]map[string]any

func (a attributes) text(name string) string { s, _ := a[name]["S"].(string); return s }

func newFake() *fake {
	f := &fake{items: map[string]attributes{}}
	f.Server = httptest.NewServer(f)
	return f
}

// call has the fields in use of all operations.
type call struct {
	TableName                 string
	Key, Item                 attributes
	ExpressionAttributeValues attributes
	TransactItems             []struct{ Put *call }
	RequestItems              map[string]struct{ Keys []attributes }
	MessageBody               string
}

func id(table string, a attributes) string {
	return strings.Join([]string{table, a.text("pk"), a.text("sk")}, "\x00")
}

// ServeHTTP is the endpoint of both services.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in call
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	out, ok := f.answer(operation, in)
	if !ok {
		http.Error(w, operation, http.StatusNotImplemented)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(out)
}

func (f *fake) answer(operation string, in call) (out any, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch operation {
	case "SendMessage":
		sum := md5.Sum([]byte(in.MessageBody)) // the SDK checks it
		return map[string]string{"MessageId": "m-1", "MD5OfMessageBody": hex.EncodeToString(sum[:])}, true
	case "GetItem":
		return map[string]any{"Item": f.items[id(in.TableName, in.Key)]}, true
	case "PutItem":
		f.items[id(in.TableName, in.Item)] = in.Item
		return struct{}{}, true
	case "TransactWriteItems":
		for _, t := range in.TransactItems {
			f.items[id(t.Put.TableName, t.Put.Item)] = t.Put.Item
		}
		return struct{}{}, true
	case "BatchGetItem":
		return map[string]any{"Responses": f.batch(in), "UnprocessedKeys": struct{}{}}, true
	case "Query":
		return map[string]any{"Items": f.query(in)}, true
	}
	return nil, false
}

func (f *fake) batch(in call) map[string][]attributes {
	found := map[string][]attributes{}
	for table, want := range in.RequestItems {
		found[table] = []attributes{}
		for _, key := range want.Keys {
			if item, ok := f.items[id(table, key)]; ok {
				found[table] = append(found[table], item)
			}
		}
	}
	return found
}

// query is that of ddb.Table.QueryAll: a partition (:p) and the beginning of
// its sort keys (:s).
func (f *fake) query(in call) []attributes {
	prefix := strings.Join([]string{in.TableName, in.ExpressionAttributeValues.text(":p"), in.ExpressionAttributeValues.text(":s")}, "\x00")
	found := []attributes{}
	for _, k := range slices.Sorted(maps.Keys(f.items)) {
		if strings.HasPrefix(k, prefix) {
			found = append(found, f.items[k])
		}
	}
	return found
}

// env is the environment of a function that calls the fake.
func (f *fake) env() []string {
	var env []string
	for name, value := range f.variables() {
		env = append(env, name+"="+value)
	}
	return env
}

func (f *fake) variables() map[string]string {
	machine := "arn:aws:states:eu-west-1:123456789012:stateMachine:bench"
	return map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_SESSION_TOKEN": "bench",
		"AWS_ENDPOINT_URL": f.URL, "AWS_LAMBDA_FUNCTION_NAME": "bench", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"METRICS_NAMESPACE": "Bench", "LOG_LEVEL": "INFO",
		"GOMAXPROCS": "1", "GOGC": "400", "GOMEMLIMIT": "200MiB", // as in template.yaml
		"EVENTS_TABLE": "events", "CONFIG_TABLE": "config", "LEDGER_TABLE": "ledger", "BUCKET": "bucket",
		"ALERTS_QUEUE_URL": f.URL + "/1/alerts", "MESSAGES_QUEUE_URL": f.URL + "/1/messages", "SWEEPS_QUEUE_URL": f.URL + "/1/sweeps",
		"EVENT_MACHINE_ARN": machine, "INCIDENT_MACHINE_ARN": machine,
		"SECRETS_PREFIX": "/bench/integrations/", "LINK_KEYS_PARAMETER": "/bench/link-keys",
		"PUBLIC_URL": "https://bench.example", "MAIL_FROM": "bench@bench.example", "NTFY_BASE_URL": "https://ntfy.bench.example",
		"ADMIN_EMAIL": "admin@bench.example",
	}
}

// config is the AWS configuration of a client of the fake.
func (f *fake) config() (aws.Config, cloud.Lookup, error) {
	values := f.variables()
	env := cloud.Lookup(func(name string) (string, bool) { v, ok := values[name]; return v, ok })
	cfg, err := cloud.Config(env)
	if err != nil {
		return cfg, nil, fmt.Errorf("configure: %w", err)
	}
	return cfg, env, nil
}
