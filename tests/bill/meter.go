package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// meter stands between the functions and AWS, passes every call on, and counts
// what it costs. Writes to DynamoDB are looked at before and after, because
// their price depends on the item that they replace.
type meter struct {
	behind string // the real address
	server *http.Server
	client http.Client

	mu    sync.Mutex
	usage usage
}

// usage is what was called.
type usage struct {
	calls         map[string]int // by service and operation
	reads, writes units          // DynamoDB's
	sends         map[bool]int   // SQS: requests by 64 KB, fair or not
	large         int            // those of them beyond the first 64 KB of a message
	puts, gets    int            // S3
	stored        map[string]int // bytes added to tables, by name
	objects       int            // bytes added to the bucket
}

// units are those of tables, by name as in the template.
type units map[string]float64

func newUsage() usage {
	return usage{calls: map[string]int{}, sends: map[bool]int{}, reads: units{}, writes: units{}, stored: map[string]int{}}
}

// startMeter returns a meter before an address, and its own.
func startMeter(behind string) (*meter, string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	m := &meter{behind: behind, usage: newUsage(), client: http.Client{Timeout: time.Minute}}
	m.server = &http.Server{Handler: m, ReadHeaderTimeout: time.Minute}
	go func() { _ = m.server.Serve(l) }()
	return m, "http://" + l.Addr().String(), nil
}

// take returns what was used since it was last called.
func (m *meter) take() usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.usage
	m.usage = newUsage()
	return u
}

func (m *meter) add(count func(u *usage)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	count(&m.usage)
}

// ServeHTTP passes one call on.
func (m *meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	service, operation := operationOf(r)
	var in call
	if service == "DynamoDB" || service == "SQS" {
		_ = json.Unmarshal(body, &in) // what cannot be read is refused behind us
	}
	touched := m.before(r.Context(), in)
	status, header, answer, err := m.pass(r, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	m.after(r.Context(), touched)
	m.count(service, operation, in, touched, body, answer)
	maps.Copy(w.Header(), header)
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// operationOf names a call: services with JSON protocols say it in a header,
// S3 by method.
func operationOf(r *http.Request) (service, operation string) {
	target, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case !ok:
		return "S3", r.Method
	case strings.HasPrefix(target, "DynamoDB"):
		return "DynamoDB", operation
	case target == "AmazonSQS":
		return "SQS", operation
	}
	return target, operation
}

func (m *meter) pass(r *http.Request, body []byte) (status int, header http.Header, answer []byte, err error) {
	out, err := http.NewRequestWithContext(r.Context(), r.Method, m.behind+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	out.Header, out.Host = r.Header, r.Host
	resp, err := m.client.Do(out)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, answer, err
}

// call has the fields of requests that prices depend on.
type call struct {
	TableName      string
	Key, Item      item
	ConsistentRead bool
	IndexName      string
	MessageBody    string
	Group          string `json:"MessageGroupId"`
	Entries        []call
	TransactItems  []struct{ Put, Update, Delete, ConditionCheck, Get *call }
	RequestItems   map[string]json.RawMessage
}

// touch is one item that a call writes.
type touch struct {
	table         string
	key           item
	transaction   bool
	only          bool // looked at, not written
	before, after item
}

// key is that of an item: every table has the same two attributes.
func (c *call) key() item {
	if c.Key != nil {
		return c.Key
	}
	return item{"pk": c.Item["pk"], "sk": c.Item["sk"]}
}

// table is the name of the table that a call names first, as in the template;
// "" for none.
func (c *call) table() string {
	name := c.TableName
	for table := range c.RequestItems {
		name = table
	}
	return tableOf(name)
}

func tableOf(name string) string { return strings.TrimSuffix(logicalID(name), "Table") }

// writes lists the items that a call writes.
func (c *call) writes() []*touch {
	var all []*touch
	for _, t := range c.TransactItems {
		if one := cmp.Or(t.Put, t.Update, t.Delete, t.ConditionCheck); one != nil {
			all = append(all, &touch{table: one.TableName, key: one.key(), transaction: true, only: t.ConditionCheck != nil})
		}
	}
	for table, text := range c.RequestItems {
		var list []struct{ PutRequest, DeleteRequest *call }
		if json.Unmarshal(text, &list) != nil {
			continue // a batch of reads is no list
		}
		for _, w := range list {
			all = append(all, &touch{table: table, key: cmp.Or(w.PutRequest, w.DeleteRequest).key()})
		}
	}
	return all
}

func (m *meter) before(ctx context.Context, in call) []*touch {
	touched := in.writes()
	if len(touched) == 0 && in.TableName != "" && in.IndexName == "" && (in.Item != nil || in.Key != nil) {
		touched = []*touch{{table: in.TableName, key: in.key()}}
	}
	for _, t := range touched {
		t.before = m.read(ctx, t.table, t.key)
	}
	return touched
}

func (m *meter) after(ctx context.Context, touched []*touch) {
	for _, t := range touched {
		t.after = m.read(ctx, t.table, t.key)
	}
}

// read reads an item without counting it.
func (m *meter) read(ctx context.Context, table string, key item) item {
	body, err := json.Marshal(map[string]any{"TableName": table, "Key": key, "ConsistentRead": true})
	if err != nil {
		return nil
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, m.behind, bytes.NewReader(body))
	if err != nil {
		return nil
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := m.client.Do(r)
	if err != nil {
		return nil
	}
	defer func() { _ = resp.Body.Close() }()
	var out struct{ Item item }
	_ = json.NewDecoder(resp.Body).Decode(&out)
	return out.Item
}

// count notes one call.
func (m *meter) count(service, operation string, in call, touched []*touch, body, answer []byte) {
	m.add(func(u *usage) {
		u.calls[strings.TrimSpace(service+" "+operation+" "+in.table())]++
		switch {
		case service == "S3" && operation == http.MethodPut:
			u.puts++
			u.objects += len(body)
		case service == "S3":
			u.gets++
		case operation == "SendMessage":
			n := up(len(in.MessageBody), queueUnit)
			u.sends[in.Group != ""] += n
			u.large += n - 1
		case operation == "SendMessageBatch":
			size := 0
			for _, e := range in.Entries {
				size += len(e.MessageBody)
			}
			u.sends[len(in.Entries) > 0 && in.Entries[0].Group != ""] += up(size, queueUnit)
		case operation == "GetItem":
			u.reads[in.table()] += readUnits(touched[0].before.size(), in.ConsistentRead)
		case operation == "BatchGetItem":
			u.batch(in, answer)
		case operation == "Query":
			u.query(in, answer)
		default:
			u.written(touched)
		}
	})
}

// queueUnit is how many bytes of a message one request covers.
const queueUnit = 64 << 10

// batch counts each item by itself, also those that are absent.
func (u *usage) batch(in call, answer []byte) {
	var out struct{ Responses map[string][]item }
	_ = json.Unmarshal(answer, &out)
	for table, text := range in.RequestItems {
		var want struct {
			Keys           []item
			ConsistentRead bool
		}
		_ = json.Unmarshal(text, &want)
		found, name := out.Responses[table], tableOf(table)
		for _, i := range found {
			u.reads[name] += readUnits(i.size(), want.ConsistentRead)
		}
		u.reads[name] += float64(len(want.Keys)-len(found)) * readUnits(0, want.ConsistentRead)
	}
}

// query counts the items found together.
func (u *usage) query(in call, answer []byte) {
	var out struct{ Items []item }
	_ = json.Unmarshal(answer, &out)
	size := 0
	for _, i := range out.Items {
		size += i.size()
	}
	u.reads[in.table()] += readUnits(size, in.ConsistentRead)
}

func (u *usage) written(touched []*touch) {
	for _, t := range touched {
		factor := 1.0
		if t.transaction {
			factor = 2
		}
		u.writes[tableOf(t.table)] += factor * writeUnits(t.before, t.after)
		if t.only {
			continue
		}
		u.writes[tableOf(t.table)] += indexUnits(t.before, t.after)
		u.stored[tableOf(t.table)] += storage(t.after) - storage(t.before)
	}
}

// storage is what an item and its index entries take.
func storage(i item) int {
	if i == nil {
		return 0
	}
	total := i.size() + itemOverhead
	for _, x := range indexes {
		if e := entry(i, x); e != "" {
			total += len(e) + item{"pk": i["pk"], "sk": i["sk"]}.size() + itemOverhead
		}
	}
	return total
}

// String lists the calls.
func (u usage) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(u.calls)) {
		_, _ = fmt.Fprintf(&b, "%s ×%d  ", name, u.calls[name])
	}
	return strings.TrimSpace(b.String())
}
