// Package rig drives a local stack from programs that measure it: it sends
// webhooks, acts on links and reads what was logged. Tests have the harness.
package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/local/inbox"
	"tocsin/local/seed"
	"tocsin/local/stack"
	"tocsin/shared/ddb"
	"tocsin/shared/ledger"
)

// Rig is a running stack with a small team and an integration.
type Rig struct {
	*stack.Stack
	dir    string
	state  string
	seeded seed.Seeded
	starts time.Time // of all alerts
}

// Start brings a stack up in a folder of its own. Its sweeper runs only when
// it is told to.
func Start(ctx context.Context, c stack.Config) (*Rig, error) {
	dir, err := root()
	if err != nil {
		return nil, err
	}
	state, err := os.MkdirTemp("", "tocsin-rig")
	if err != nil {
		return nil, err
	}
	c.Dir, c.State, c.NoSchedules, c.Progress = dir, state, true, os.Stderr
	r := &Rig{dir: dir, state: state}
	if r.Stack, err = stack.Start(ctx, c); err != nil {
		_ = os.RemoveAll(state)
		return nil, err
	}
	if r.seeded, err = seed.Stack(ctx, r.Stack, state); err != nil {
		_ = r.Stop()
		return nil, err
	}
	r.starts = r.Clock.Now().Add(-time.Minute)
	return r, nil
}

// root returns the checkout that the program was started in.
func root() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "template.yaml")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("start it in the checkout: there is no template.yaml")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// Stop ends the stack and forgets it.
func (r *Rig) Stop() error {
	defer func() { _ = os.RemoveAll(r.state) }()
	return r.Stack.Stop()
}

// Alert is one alert of a webhook.
type Alert struct {
	Name, Instance string
	Resolved       bool
}

// Body is what Alertmanager posts for alerts of one group.
func (r *Rig) Body(alerts ...Alert) ([]byte, error) {
	list := make([]map[string]any, len(alerts))
	for i, a := range alerts {
		list[i] = map[string]any{
			"status": "firing", "startsAt": r.starts.Format(time.RFC3339Nano), "endsAt": "0001-01-01T00:00:00Z",
			"labels":       map[string]string{"alertname": a.Name, "instance": a.Instance, "severity": "critical", "job": "shop", "cluster": "eu-1", "namespace": "front"},
			"annotations":  map[string]string{"summary": a.Name + " on " + a.Instance, "description": "The value has been above its bound for 5 minutes.", "runbook_url": "https://runbooks.example.com/" + a.Name},
			"generatorURL": "http://prometheus.example:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1", "fingerprint": fmt.Sprintf("%x", a.Name+"/"+a.Instance),
		}
		if a.Resolved {
			list[i]["status"], list[i]["endsAt"] = "resolved", r.starts.Add(time.Second).Format(time.RFC3339)
		}
	}
	return json.Marshal(map[string]any{
		"version": "4", "receiver": "tocsin", "status": list[0]["status"], "alerts": list, "truncatedAlerts": 0,
		"groupLabels": map[string]string{"alertname": alerts[0].Name}, "commonLabels": map[string]string{"job": "shop", "severity": "critical"},
		"commonAnnotations": map[string]string{}, "groupKey": fmt.Sprintf("{}:{alertname=%q}", alerts[0].Name),
		"externalURL": "http://alertmanager.example:9093",
	})
}

// Send posts a webhook and returns the id of the accepted delivery.
func (r *Rig) Send(alerts ...Alert) (delivery string, err error) {
	body, err := r.Body(alerts...)
	if err != nil {
		return "", err
	}
	resp, err := http.Post(r.Addresses.Front+r.seeded.Webhook, "application/json", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var receipt struct {
		DeliveryID string `json:"delivery_id"`
	}
	if err := json.Unmarshal(answer, &receipt); err != nil || resp.StatusCode != http.StatusAccepted {
		return "", fmt.Errorf("the webhook answered %d: %s", resp.StatusCode, answer)
	}
	return receipt.DeliveryID, nil
}

// Act posts an action to a link, as its page's form does.
func (r *Rig) Act(link, action string, fields url.Values) error {
	form := url.Values{"action": {action}}
	for name, values := range fields {
		form[name] = values
	}
	resp, err := http.PostForm(link, form)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s answered %d: %.300s", action, resp.StatusCode, body)
	}
	return nil
}

// Link returns the first link of messages by which their reader acts.
func Link(messages []inbox.Message) (string, error) {
	for _, m := range messages {
		for _, l := range m.Links {
			if strings.Contains(l, "/a/") {
				return l, nil
			}
		}
	}
	return "", fmt.Errorf("none of %d messages has a link", len(messages))
}

// Ledger is the store of deliveries.
func (r *Rig) Ledger() *ledger.Store {
	return &ledger.Store{Table: ddb.Table{Client: dynamodb.NewFromConfig(r.SDK()), Name: r.Output("LedgerTable")}}
}

var eventID = regexp.MustCompile(`E-\d+`)

// EventOf returns the event that a message is about.
func EventOf(m inbox.Message) string { return eventID.FindString(m.Subject) }

// Root is the checkout.
func (r *Rig) Root() string { return r.dir }
