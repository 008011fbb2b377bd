package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tocsin/shared/config"
	"tocsin/shared/ddb"
	"tocsin/shared/defaults"
	"tocsin/shared/intake"
	"tocsin/shared/integration"
	"tocsin/shared/source"
	"tocsin/shared/source/prometheus"
)

// starts is how often each function is started.
const starts = 61

// function is one whose initialisation is measured, and its target.
type function struct {
	name string
	most float64
}

func mostOfIngest(name string) float64 {
	if name == "ingest-custom" {
		return 2
	}
	return 1.6
}

// initialisation compares what functions take until they ask for work.
func (b *binaries) initialisation() ([]row, error) {
	f := newFake()
	defer f.Close()
	functions := []function{{"action", 1.6}, {"notifier", 2}, {"lifecycle", 2}, {"router", 2}, {"sweeper", 0}, {"api", 3}}
	ingests, err := filepath.Glob(b.dir + "/here/ingest-*")
	if err != nil {
		return nil, err
	}
	for _, file := range ingests {
		functions = append(functions, function{filepath.Base(file), mostOfIngest(filepath.Base(file))})
	}
	measured := make([]comparison, len(functions))
	for range starts {
		empty, err := b.start("empty", f)
		if err != nil {
			return nil, err
		}
		for i, function := range functions {
			ours, err := b.start(function.name, f)
			if err != nil {
				return nil, err
			}
			measured[i].ours, measured[i].peer = append(measured[i].ours, ours), append(measured[i].peer, empty)
		}
	}
	var rows []row
	for i, function := range functions {
		rows = append(rows, rowOf("initialise "+function.name, measured[i], target{most: function.most}))
	}
	return rows, nil
}

func (b *binaries) start(name string, f *fake) (time.Duration, error) {
	p, used, err := startFunction(b.here(name), f.env())
	if err != nil {
		return 0, err
	}
	p.stop()
	return used, nil
}

// maxSize is what a deployed binary may have, in bytes.
const maxSize = 10_000_000

// sizes looks at the binaries as deployed, and at what building them takes.
func (b *binaries) sizes() ([]row, error) {
	list, err := os.ReadDir(b.dir + "/deployed")
	if err != nil {
		return nil, err
	}
	var largest, empty int64
	var name string
	for _, entry := range list {
		info, err := entry.Info()
		if err != nil {
			return nil, err
		}
		switch size := info.Size(); {
		case entry.Name() == "empty":
			empty = size
		case size > largest:
			largest, name = size, entry.Name()
		}
	}
	mb := func(n int64) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }
	zipped, err := b.zipped()
	if err != nil {
		return nil, err
	}
	rows := []row{{what: "largest binary (" + name + ", arm64)", measured: mb(largest), peer: mb(empty),
		ratio: fmt.Sprintf("%.2f", float64(largest)/float64(empty)), target: "≤ 10 MB", state: state(largest <= maxSize)}, zipped}
	more, err := b.building()
	return append(rows, more...), err
}

// ingest compares the acceptance of a delivery, its durable send included,
// with an empty function that is given the same event.
func (b *binaries) ingest() ([]row, error) {
	f := newFake()
	defer f.Close()
	key, err := f.integrate()
	if err != nil {
		return nil, err
	}
	ours, _, err := startFunction(b.here("ingest-prometheus"), f.env())
	if err != nil {
		return nil, err
	}
	defer ours.stop()
	empty, _, err := startFunction(b.here("empty"), f.env())
	if err != nil {
		return nil, err
	}
	defer empty.stop()
	var rows []row
	for _, c := range []struct {
		alerts int
		most   float64
	}{{1, 2.5}, {10, 4}} {
		event, err := b.delivery(key, c.alerts)
		if err != nil {
			return nil, err
		}
		measured, err := invokeInTurns(ours, empty, event)
		if err != nil {
			return nil, err
		}
		rows = append(rows, rowOf(fmt.Sprintf("accept and send, alerts: %d", c.alerts), measured, target{most: c.most}))
	}
	return rows, nil
}

// invocations are made for one sample.
const invocations = 300

func invokeInTurns(ours, peer *process, event []byte) (comparison, error) {
	var c comparison
	for i := range turns + 1 {
		body, a, err := ours.invoke(event, invocations)
		if err != nil {
			return c, err
		}
		_, b, err := peer.invoke(event, invocations)
		if err != nil {
			return c, err
		}
		if i == 0 { // warms up, and shows that the work is done
			if !strings.Contains(string(body), `"statusCode":202`) {
				return c, fmt.Errorf("not accepted: %s", body)
			}
			continue
		}
		c.ours, c.peer = append(c.ours, a), append(c.peer, b)
	}
	return c, nil
}

// integrate makes an integration and returns its key.
func (f *fake) integrate() (string, error) {
	cfg, env, err := f.config()
	if err != nil {
		return "", err
	}
	table, err := ddb.Open(cfg, env, "CONFIG_TABLE")
	if err != nil {
		return "", err
	}
	store := &integration.Store{Table: table}
	_, key, err := store.Create(context.Background(), integration.Integration{ID: "bench", Name: "Bench", Source: prometheus.Name, Auth: integration.None, Limit: defaults.MaxRequestsPerMinute}, time.Now())
	return key, err
}

// delivery is an event of API Gateway with a webhook of n alerts.
func (b *binaries) delivery(key string, n int) ([]byte, error) {
	text, err := os.ReadFile(b.root + "/events/ingest-prometheus/alertmanager-firing.json")
	if err != nil {
		return nil, err
	}
	var event map[string]any
	if err := json.Unmarshal(text, &event); err != nil {
		return nil, err
	}
	event["rawPath"] = "/in/prometheus/" + key
	event["body"] = string(webhook(n))
	return json.Marshal(event)
}

// router measures the first batch of a new process, which reads and compiles
// 1,000 rules, beside one with none.
func (b *binaries) router() ([]row, error) {
	rules, err := firstBatches(1000)
	if err != nil {
		return nil, err
	}
	defer rules.Close()
	none, err := firstBatches(1)
	if err != nil {
		return nil, err
	}
	defer none.Close()
	batch, err := batchOfOne()
	if err != nil {
		return nil, err
	}
	var first, whole comparison
	for range turns {
		with, err := b.firstBatch("router", rules, batch)
		if err != nil {
			return nil, err
		}
		without, err := b.firstBatch("router", none, batch)
		if err != nil {
			return nil, err
		}
		empty, err := b.firstBatch("empty", none, batch)
		if err != nil {
			return nil, err
		}
		first.ours, first.peer = append(first.ours, with), append(first.peer, without)
		whole.ours, whole.peer = append(whole.ours, with), append(whole.peer, empty)
	}
	return []row{
		rowOf("router until its first batch is done, 1,000 rules", whole, target{}),
		rowOf("the same, beside 1 rule", first, target{}),
	}, nil
}

// firstBatches is a cloud with n rules that discard what the batch holds.
func firstBatches(n int) (*fake, error) {
	f := newFake()
	cfg, env, err := f.config()
	if err != nil {
		return f, err
	}
	table, err := ddb.Open(cfg, env, "CONFIG_TABLE")
	if err != nil {
		return f, err
	}
	var docs []config.Document
	for i, r := range benchRules(n) {
		spec, err := json.Marshal(r)
		if err != nil {
			return f, err
		}
		docs = append(docs, config.Document{Kind: "rule", Name: fmt.Sprintf("rule-%05d", i), Spec: spec})
	}
	_, err = config.NewStore(table).Publish(context.Background(), docs, "bench", "", 0, time.Now())
	return f, err
}

// firstBatch returns what a new process takes until it has handled one batch.
func (b *binaries) firstBatch(name string, f *fake, batch []byte) (time.Duration, error) {
	p, start, err := startFunction(b.here(name), f.env())
	if err != nil {
		return 0, err
	}
	defer p.stop()
	body, used, err := p.invoke(batch, 1)
	if err == nil && strings.Contains(string(body), "itemIdentifier") {
		err = fmt.Errorf("the batch failed: %s\n%s", body, p.log.Bytes())
	}
	return start + used, err
}

// batchOfOne is an event of SQS with one delivery.
func batchOfOne() ([]byte, error) {
	parsed, err := prometheus.Parse(&source.Request{Body: webhook(1), At: time.Now()})
	if err != nil {
		return nil, err
	}
	d := intake.Delivery{ID: "d-bench", Integration: "bench", Source: prometheus.Name, BodyHash: "bench", ReceivedAt: time.Now()}
	for _, item := range parsed.Items {
		d.Items = append(d.Items, intake.Item(item))
	}
	body, err := intake.Encode(d)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"Records": []any{map[string]any{
		"messageId": "m-1", "receiptHandle": "r-1", "body": string(body), "eventSource": "aws:sqs", "awsRegion": "eu-west-1",
		"eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:alerts",
		"attributes":     map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": fmt.Sprint(time.Now().UnixMilli())},
	}}})
}
