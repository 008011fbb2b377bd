// Package dropin tries the endpoints that stand for those of other products
// with real clients of these products: from what a client sends to the page
// that a person receives, and to the end. It is a module of its own because
// of what the clients need.
package dropin

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty"
	clientruntime "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"
	opsgeniealert "github.com/opsgenie/opsgenie-go-sdk-v2/alert"
	opsgenieclient "github.com/opsgenie/opsgenie-go-sdk-v2/client"
	amalert "github.com/prometheus/alertmanager/alert"
	amclient "github.com/prometheus/alertmanager/api/v2/client"
	"github.com/prometheus/alertmanager/api/v2/client/alert"
	"github.com/prometheus/alertmanager/api/v2/models"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/notify"
	amopsgenie "github.com/prometheus/alertmanager/notify/opsgenie"
	ampagerduty "github.com/prometheus/alertmanager/notify/pagerduty"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"github.com/sirupsen/logrus"

	"tocsin/shared/event"
	"tocsin/tests/harness"
)

// TestClientsOfOtherProducts runs all clients against one stack.
func TestClientsOfOtherProducts(t *testing.T) {
	s := &stack{harness.Start(t), t}
	s.alertmanagerToPagerDuty()
	s.alertmanagerToOpsgenie()
	s.prometheusToAlertmanager()
	s.pagerDutySDK()
	s.pagerDutySDKVersion1()
	s.opsgenieSDK()
}

type stack struct {
	*harness.Harness
	t *testing.T
}

// key is what an integration is known by.
type key struct {
	Plain string `json:"key"`
	Hex   string `json:"hex_key"`
	URL   string `json:"url"`
}

// integration makes an integration as a person does.
func (s *stack) integration(id, source string) (k key) {
	s.t.Helper()
	if status := s.API("POST", "/integrations", map[string]any{"id": id, "name": id, "source": source}, &k); status != http.StatusCreated {
		s.t.Fatalf("integration %s: answered %d", id, status)
	}
	return k
}

// must fails the test unless a client is content.
func (s *stack) must(what string, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
}

// paged fails the test unless alice alone was paged, once and with these texts,
// and returns the event.
func (s *stack) paged(texts ...string) string {
	s.t.Helper()
	page := s.Receives("alice")[0]
	for _, text := range texts {
		if !strings.Contains(page.Subject+"\n"+page.Text, text) {
			s.t.Errorf("the page does not say %q:\n%s\n%s", text, page.Subject, page.Text)
		}
	}
	return harness.EventOf(page)
}

// over fails the test unless the event ends by recovery and alice hears of it.
func (s *stack) over(id string) {
	s.t.Helper()
	s.Pass(6*time.Minute).In(id, event.Resolved)
	if told := s.Receives("alice")[0]; harness.EventOf(told) != id || !strings.Contains(told.Text, "All alerts recovered") {
		s.t.Errorf("alice received %s\n%s", told.Subject, told.Text)
	}
}

// tells fails the test unless the timeline holds the texts.
func (s *stack) tells(id string, texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if timeline := s.Settled().Timeline(id); !strings.Contains(timeline, text) {
			s.t.Errorf("the timeline of %s does not tell %q:\n%s", id, text, timeline)
		}
	}
}

// receiver loads a configuration of Alertmanager with one receiver.
func (s *stack) receiver(text string) config.Receiver {
	s.t.Helper()
	c, err := config.Load("route: {receiver: tocsin}\nreceivers:\n- name: tocsin\n" + text)
	s.must("load the configuration of Alertmanager", err)
	return c.Receivers[0]
}

// group is a group of alerts that Alertmanager notifies of.
type group struct {
	s        *stack
	notifier notify.Notifier
	name     string
}

func (s *stack) templates() *template.Template {
	s.t.Helper()
	all, err := template.FromGlobs(nil)
	s.must("read the templates of Alertmanager", err)
	all.ExternalURL = &url.URL{Scheme: "http", Host: "alertmanager.example:9093"}
	return all
}

// notify notifies as Alertmanager does, of one alert of the group.
func (g group) notify(severity string, resolved bool) {
	g.s.t.Helper()
	labels := model.LabelSet{"alertname": model.LabelValue(g.name), "instance": "db-1", "severity": model.LabelValue(severity)}
	a := &amalert.Alert{Alert: model.Alert{Labels: labels, Annotations: model.LabelSet{"summary": "Disk of db-1 is full"}, StartsAt: time.Now().Add(-time.Minute)}}
	if resolved {
		a.EndsAt = time.Now().Add(-time.Second)
	}
	ctx := notify.WithGroupKey(g.s.t.Context(), "{}:{alertname=\""+g.name+"\"}")
	ctx = notify.WithGroupLabels(ctx, model.LabelSet{"alertname": model.LabelValue(g.name)})
	ctx = notify.WithReceiverName(ctx, "tocsin")
	_, err := g.notifier.Notify(ctx, a)
	g.s.must("notify of "+g.name, err)
}

var quiet = slog.New(slog.DiscardHandler)

func (s *stack) alertmanagerToPagerDuty() {
	k := s.integration("am-pagerduty", "pagerduty-events")
	c := s.receiver("  pagerduty_configs: [{url: '" + s.Addresses.Front + "/v2/enqueue', routing_key: " + k.Hex + ", severity: '{{ .CommonLabels.severity }}'}]\n").PagerdutyConfigs[0]
	n, err := ampagerduty.New(c, s.templates(), quiet)
	s.must("make the notifier", err)
	g := group{s: s, notifier: n, name: "PagerDutyDisk"}
	g.notify("critical", false)
	id := s.paged("P1", "[FIRING:1] PagerDutyDisk")
	g.notify("critical", false)
	s.Receives()
	g.notify("critical", true)
	s.over(id)
	if e := s.Event(id); e.Labels["num_firing"] != "1" || e.AlertCount != 1 {
		s.t.Errorf("%d alerts, labels %v", e.AlertCount, e.Labels)
	}
}

// pagerDutySDKVersion1: the client has no setting for the address of version
// 1, so what carries its requests leads them elsewhere.
func (s *stack) pagerDutySDKVersion1() {
	k := s.integration("pd-sdk-1", "pagerduty-events")
	send := func(e pagerduty.Event) *pagerduty.EventResponse {
		s.t.Helper()
		e.ServiceKey = k.Hex
		answer, err := pagerduty.CreateEventWithHTTPClient(e, elsewhere{s.front()})
		s.must(e.Type, err)
		return answer
	}
	first := send(pagerduty.Event{Type: "trigger", Description: "Queue of the shop is long", Client: "Monitor", Details: map[string]any{"length": 900}})
	id := s.paged("P3", "Queue of the shop is long", "length: 900")
	send(pagerduty.Event{Type: "resolve", IncidentKey: first.IncidentKey})
	s.over(id)
}

// elsewhere sends requests to another host.
type elsewhere struct{ to *url.URL }

func (e elsewhere) Do(r *http.Request) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host, r.Host = e.to.Scheme, e.to.Host, e.to.Host
	return http.DefaultClient.Do(r)
}

func (s *stack) front() *url.URL {
	s.t.Helper()
	u, err := url.Parse(s.Addresses.Front)
	s.must("read the address of the stack", err)
	return u
}

func (s *stack) alertmanagerToOpsgenie() {
	k := s.integration("am-opsgenie", "opsgenie-api")
	c := s.receiver("  opsgenie_configs: [{api_url: '" + s.Addresses.Front + "/', api_key: " + k.Plain + ", priority: P2, update_alerts: true, tags: 'shop,disk'}]\n").OpsGenieConfigs[0]
	n, err := amopsgenie.New(c, s.templates(), quiet)
	s.must("make the notifier", err)
	g := group{s: s, notifier: n, name: "OpsgenieDisk"}
	g.notify("warning", false)
	id := s.paged("P2", "[FIRING:1] OpsgenieDisk")
	g.notify("warning", false)
	s.Receives()
	g.notify("warning", true)
	s.over(id)
	if e := s.Event(id); e.Labels["instance"] != "db-1" || e.Labels["tags"] != "shop, disk" || e.AlertCount != 1 {
		s.t.Errorf("%d alerts, labels %v", e.AlertCount, e.Labels)
	}
}

// prometheusToAlertmanager sends to what stands for Alertmanager's API.
func (s *stack) prometheusToAlertmanager() {
	k := s.integration("am-api", "prometheus")
	u, err := url.Parse(k.URL)
	s.must("read the webhook", err)
	c := amclient.New(clientruntime.New(u.Host, u.Path+"/api/v2", []string{"http"}), strfmt.Default)
	post := func(ends time.Time) {
		s.t.Helper()
		_, err := c.Alert.PostAlerts(alert.NewPostAlertsParams().WithContext(s.t.Context()).WithAlerts(models.PostableAlerts{{
			Alert:       models.Alert{Labels: models.LabelSet{"alertname": "ApiDisk", "instance": "db-1", "severity": "error"}},
			Annotations: models.LabelSet{"summary": "Disk of db-1 is full"},
			StartsAt:    strfmt.DateTime(time.Now().Truncate(time.Hour).Add(-time.Hour)), EndsAt: strfmt.DateTime(ends),
		}}))
		s.must("post alerts", err)
	}
	post(time.Now().Add(time.Hour))
	id := s.paged("P2", "Disk of db-1 is full")
	post(time.Now().Add(time.Hour))
	s.Receives()
	post(time.Now().Add(-time.Second))
	s.over(id)
}

func (s *stack) pagerDutySDK() {
	k := s.integration("pd-sdk", "pagerduty-events")
	c := pagerduty.NewClient("", pagerduty.WithV2EventsAPIEndpoint(s.Addresses.Front))
	send := func(e pagerduty.V2Event) *pagerduty.V2EventResponse {
		s.t.Helper()
		e.RoutingKey = k.Hex
		answer, err := c.ManageEventWithContext(s.t.Context(), &e)
		s.must(e.Action, err)
		if answer.Status != "success" || answer.Message != "Event processed" {
			s.t.Errorf("%s was answered %+v", e.Action, answer)
		}
		return answer
	}
	disk := pagerduty.V2Event{Action: "trigger", Payload: &pagerduty.V2Payload{
		Summary: "Disk of db-2 is full", Source: "db-2", Severity: "error", Timestamp: time.Now().Format(time.RFC3339), Details: map[string]any{"used": "97 %"},
	}}
	first := send(disk)
	id := s.paged("P2", "Disk of db-2 is full", "used: 97 %")
	if again := send(disk); again.DedupKey != first.DedupKey {
		s.t.Errorf("sent again it has the key %q, not %q", again.DedupKey, first.DedupKey)
	}
	s.Receives()
	send(pagerduty.V2Event{Action: "acknowledge", DedupKey: first.DedupKey})
	s.Settled().In(id, event.AckedState)
	send(pagerduty.V2Event{Action: "resolve", DedupKey: first.DedupKey})
	s.over(id)

	if answer, err := c.CreateChangeEventWithContext(s.t.Context(), pagerduty.ChangeEvent{
		RoutingKey: k.Plain, Payload: pagerduty.ChangeEventPayload{Summary: "Release 412", Source: "ci"},
	}); err != nil || answer.Status != "success" {
		s.t.Errorf("a change was answered %+v, %v", answer, err)
	}
	for name, e := range map[string]pagerduty.V2Event{
		"unknown key": {RoutingKey: strings.Repeat("0", 32), Action: "resolve", DedupKey: "x"},
		"no summary":  {RoutingKey: k.Hex, Action: "trigger", Payload: &pagerduty.V2Payload{Source: "db-2"}},
	} {
		if answer, err := c.ManageEventWithContext(s.t.Context(), &e); err == nil || !strings.Contains(err.Error(), "400") {
			s.t.Errorf("%s: answered %+v, %v", name, answer, err)
		}
	}
	s.Receives()
}

func (s *stack) opsgenieSDK() {
	k := s.integration("og-sdk", "opsgenie-api")
	log := logrus.New()
	log.SetOutput(io.Discard)
	c := s.opsgenie(k.Plain, log)
	ctx := s.t.Context()
	created, err := c.Create(ctx, &opsgeniealert.CreateAlertRequest{Message: "Disk of db-3 is full", Priority: opsgeniealert.P1, Details: map[string]string{"host": "db-3"}})
	s.must("create", err)
	id := s.paged("P1", "Disk of db-3 is full")
	done, err := created.RetrieveStatus(ctx)
	s.must("ask for the request", err)
	if !done.IsSuccess || done.Action != "Create" || done.AlertID == "" {
		s.t.Errorf("the request became %+v", done)
	}
	found, err := c.Get(ctx, &opsgeniealert.GetAlertRequest{IdentifierValue: done.AlertID})
	s.must("get", err)

	_, err = c.Acknowledge(ctx, &opsgeniealert.AcknowledgeAlertRequest{IdentifierType: opsgeniealert.TINYID, IdentifierValue: found.TinyId, Note: "on my way", User: "ann"})
	s.must("acknowledge", err)
	s.Settled().In(id, event.AckedState)
	_, err = c.AddNote(ctx, &opsgeniealert.AddNoteRequest{IdentifierType: opsgeniealert.ALERTID, IdentifierValue: found.Id, Note: "Old logs go"})
	s.must("note", err)
	_, err = c.Snooze(ctx, &opsgeniealert.SnoozeAlertRequest{IdentifierValue: found.Id, EndTime: time.Now().Add(time.Hour)})
	s.must("snooze", err)
	s.tells(id, "on my way (ann)", "Old logs go", "Asked for through Opsgenie's API: snooze")
	s.In(id, event.AckedState)
	_, err = c.Unacknowledge(ctx, &opsgeniealert.UnacknowledgeAlertRequest{IdentifierValue: found.Id})
	s.must("unacknowledge", err)
	if again := s.paged("Disk of db-3 is full"); again != id {
		s.t.Errorf("paged for %s, want %s", again, id)
	}
	_, err = c.Close(ctx, &opsgeniealert.CloseAlertRequest{IdentifierType: opsgeniealert.ALIAS, IdentifierValue: done.AlertID})
	s.must("close", err)
	s.over(id)

	_, err = s.opsgenie(strings.Repeat("0", 32), log).Create(ctx, &opsgeniealert.CreateAlertRequest{Message: "x"})
	if refused, ok := err.(*opsgenieclient.ApiError); !ok || refused.StatusCode != http.StatusUnauthorized || refused.Message != "Could not authenticate" || refused.RequestId == "" {
		s.t.Errorf("an unknown key was answered %v", err)
	}
	s.Receives()
}

func (s *stack) opsgenie(key string, log logrus.FieldLogger) *opsgeniealert.Client {
	s.t.Helper()
	c, err := opsgeniealert.NewClient(&opsgenieclient.Config{ApiKey: key, OpsGenieAPIURL: opsgenieclient.ApiUrl(s.front().Host), Logger: log})
	s.must("make the client", err)
	return c
}
