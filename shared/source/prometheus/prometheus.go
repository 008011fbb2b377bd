// Package prometheus reads what Prometheus Alertmanager posts to a webhook
// (version 4; 3 and none are read too), what a Prometheus server itself posts
// to /api/v2/alerts of what it takes for an Alertmanager, and what the
// relatives of Alertmanager post in its format.
//
//	parsed, err := prometheus.Source.Parse(&source.Request{Body: body, At: received})
package prometheus

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "prometheus"

// Source is Prometheus with its Alertmanager. Neither signs (Prometheus
// documentation, "Configuration", http_config: basic, bearer, OAuth 2 or mTLS).
var Source = source.Source{
	Name: Name, Aliases: []string{"alertmanager", "signoz", "chronosphere"}, Parse: Parse,
	Marks: []string{
		"alerts.0.labels alerts.0.status=firing|resolved receiver groupLabels commonLabels !orgId !alerts.0.panelURL !alerts.0.silenceURL",
		"alerts.0.labels alerts.0.status=firing|resolved alerts.0.fingerprint !orgId !alerts.0.panelURL !alerts.0.silenceURL",
		"alerts.0.labels.alertname alerts.0.status=firing|resolved !orgId !alerts.0.panelURL !alerts.0.silenceURL",
		"receiver groupKey externalURL version=3|4 alerts !orgId",
		"0.labels.alertname 0.startsAt", "0.labels.alertname 0.generatorURL", "0.labels.alertname 0.annotations", "0.labels.alertname 0.labels.severity",
		"labels.alertname status=firing|resolved startsAt", "labels.alertname status=firing|resolved fingerprint",
		"header:User-Agent=Alertmanager/* receiver alerts groupLabels",
		"header:User-Agent=Prometheus/* 0.labels",
	},
	Guide: source.Guide{
		Product: "Prometheus Alertmanager", Page: "https://prometheus.io/docs/alerting/latest/configuration/#webhook_config",
		Setup: []string{
			"Add a receiver to alertmanager.yml: `webhook_configs: [{url: {url}, send_resolved: true}]`.",
			"Route what should page to that receiver and reload Alertmanager.",
			"Or let Prometheus post without Alertmanager: `alerting: {alertmanagers: [{scheme: https, path_prefix: <path of {url}>, static_configs: [{targets: [<host of {url}>]}]}]}`.",
		},
		Proof:      "The key in the address; with `http_config` also basic, bearer, or TLS of its own.",
		Understood: "Webhooks of version 4 and 3, and without one; one alert of them alone; /api/v2/alerts, where an alert without endsAt ends 5 minutes after it was last sent, as with Alertmanager; the same from SigNoz, Chronosphere, Mimir, Loki, Thanos and VictoriaMetrics.",
		Repeats:    "5xx, with growing pauses (Alertmanager v0.28, notify/webhook).",
	},
}

// Parse reads a body of either form. An alert that cannot be understood is an
// item that says why; its neighbours are read all the same.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	alerts, bare, err := alertsOf(root)
	if err != nil {
		return source.Parsed{}, err
	}
	n := alerts.Len()
	if err := source.TooMany(n); err != nil {
		return source.Parsed{}, err
	}
	out := source.Parsed{Notes: notes(r.Body, root), Items: make([]source.Item, 0, max(n, 1))}
	if bare {
		out.ExpiresAfter = resolveTimeout
	}
	for v := range alerts.Items() {
		if bare {
			out.Items = append(out.Items, pushed(v, r.At))
		} else {
			out.Items = append(out.Items, notified(v, root, r.At))
		}
	}
	if alerts.Kind() == doc.Object {
		out.Items = append(out.Items, notified(alerts, root, r.At))
	}
	return out, nil
}

// resolveTimeout is when Alertmanager takes a pushed alert without endsAt for
// resolved, unless it is sent again (Alertmanager, configuration,
// resolve_timeout, default).
const resolveTimeout = 5 * time.Minute

// alertsOf finds the alerts: in a webhook, bare in an array, or one by itself,
// as relays pass them on.
func alertsOf(root doc.Value) (alerts doc.Value, bare bool, err error) {
	if root.Kind() == doc.Array {
		return root, true, nil
	}
	if root.Kind() != doc.Object {
		return root, false, fault.New(fault.Invalid, "the body is neither an Alertmanager webhook (an object) nor a list of alerts (an array)")
	}
	var bad fault.Problems
	switch alerts = root.Get("alerts"); alerts.Kind() {
	case doc.Array:
	case doc.Absent, doc.Null:
		if root.Get("labels").Kind() == doc.Object {
			return root, false, nil
		}
		bad.Add("alerts", "missing; expected an array")
	default:
		bad.Add("alerts", "is %s, expected an array", alerts.Kind())
	}
	return alerts, false, bad.Err("the body is no Alertmanager webhook")
}

func notes(body []byte, root doc.Value) []string {
	var out []string
	switch version := root.Get("version").Text(); version {
	case "4", "3", "":
	default:
		out = append(out, fmt.Sprintf("the webhook is of version %.20q; it was read as version 4", version))
	}
	if n := strings.TrimSpace(root.Get("truncatedAlerts").Text()); n != "" && n != "0" {
		out = append(out, fmt.Sprintf("the sender left out %.20s alerts (max_alerts)", n))
	}
	if !utf8.Valid(body) {
		out = append(out, "the body has invalid UTF-8; it was replaced by U+FFFD")
	}
	return out
}

// notified reads an alert of a webhook.
func notified(v, webhook doc.Value, received time.Time) source.Item {
	a, problem := Told(v, webhook, received)
	if problem != "" {
		return source.Item{Rejected: problem}
	}
	return source.Fired(a)
}

// Told is the alert that v of a webhook tells of, or what is wrong with it: for
// senders of the same webhook who say more than Alertmanager. It names its
// status, whatever endsAt says. Where a template left it out, the webhook has
// one: it fires while any of its alerts does, so then endsAt decides.
func Told(v, webhook doc.Value, received time.Time) (a alert.Alert, problem string) {
	if a, problem = common(v, webhook.Get("groupKey").Text()); problem != "" {
		return a, problem
	}
	status, ends := v.Get("status").Text(), source.Instant(v.Get("endsAt").Text())
	if status == "" {
		if status = webhook.Get("status").Text(); status == "firing" && !ends.IsZero() && !ends.After(received) {
			status = "resolved"
		}
	}
	switch strings.ToLower(status) {
	case "":
		return a, "status: missing; expected firing or resolved"
	case "firing", "active":
		a.Status, a.ExpiresAt = alert.Firing, ahead(ends, received)
	case "resolved":
		a.Status, a.EndedAt = alert.Resolved, ends
	default:
		return a, fmt.Sprintf("status: is %.40q, expected firing or resolved", status)
	}
	return a, ""
}

// pushed reads an alert of /api/v2/alerts. It has no status: it fires until
// endsAt (Alertmanager API v2, api/v2/openapi.yaml, postableAlert; a server
// sends endsAt ahead of its next repeat, and in the past once it has resolved).
func pushed(v doc.Value, received time.Time) source.Item {
	a, problem := common(v, "")
	if problem != "" {
		return source.Item{Rejected: problem}
	}
	a.Status = alert.Firing
	ends := source.Instant(v.Get("endsAt").Text())
	if a.ExpiresAt = ahead(ends, received); a.ExpiresAt.IsZero() && !ends.IsZero() {
		a.Status, a.EndedAt = alert.Resolved, ends
	}
	return source.Fired(a)
}

func ahead(t, of time.Time) time.Time {
	if t.After(of) {
		return t
	}
	return time.Time{}
}

// common reads what both forms share. A field of another type than Alertmanager
// sends is taken by its text.
func common(v doc.Value, group string) (a alert.Alert, problem string) {
	if v.Kind() != doc.Object {
		return a, fmt.Sprintf("is %s, expected an object", v.Kind())
	}
	switch k := v.Get("labels").Kind(); k {
	case doc.Object, doc.Null, doc.Absent:
	default:
		return a, fmt.Sprintf("labels: is %s, expected an object", k)
	}
	labels, told := labelsOf(v.Get("labels")), v.Get("annotations")
	message := told.Get("message").Text()
	if told.Kind() == doc.String || told.Kind() == doc.Array {
		message = told.Text()
	}
	fingerprint := v.Get("fingerprint").Text()
	if fingerprint == "" && len(labels) == 0 {
		return a, "labels: missing; an alert needs labels or a fingerprint"
	}
	about := told.Get("description").Text()
	return alert.Alert{
		Source: Name, DedupKey: keyOf(fingerprint, labels), Severity: SeverityOf(labels),
		Title:       source.FirstText(speaking(told.Get("summary").Text()), told.Get("title").Text(), labels["alertname"], about, message),
		Group:       source.FirstText(group, labels["alertname"]),
		Description: source.FirstText(about, message), Labels: labels, Links: linksOf(v, told), StartedAt: source.Instant(v.Get("startsAt").Text()),
	}, ""
}

// speaking returns a summary that tells something: SigNoz gives all rules the
// same unless its user writes one.
func speaking(summary string) string {
	if strings.HasPrefix(summary, "This alert is fired when the defined metric") || strings.HasPrefix(summary, "The rule threshold is set to") {
		return ""
	}
	return summary
}

func labelsOf(v doc.Value) map[string]string {
	labels := make(map[string]string, min(v.Len(), 16))
	for name, value := range source.Named(v) {
		labels[name] = value.Text()
	}
	for _, name := range telling {
		if value := v.Get(name); value.Present() { // also behind the thousandth
			labels[name] = value.Text()
		}
	}
	return labels
}

// telling are labels by which an alert is judged, however many there are.
var telling = append([]string{"alertname"}, severityLabels[:]...)

// severityLabels are the labels that are in common use for severity.
var severityLabels = [...]string{"severity", "priority", "level", "criticality"}

// keyOf prefers Alertmanager's fingerprint, sent since 0.19; before, and from
// a Prometheus server, the label set is the identity.
func keyOf(fingerprint string, labels map[string]string) string {
	if fingerprint != "" {
		return alert.SenderKey("fingerprint", fingerprint)
	}
	return alert.HashKey(labels)
}

// SeverityOf reads the labels that are in common use for it; their text is
// free, so an unknown word says nothing.
func SeverityOf(labels map[string]string) alert.Severity {
	for _, name := range severityLabels {
		if s := source.SeverityOf(labels[name]); s != "" {
			return s
		}
	}
	return ""
}

// linksOf takes the address of the expression and the annotations that are in
// common use for addresses (kubernetes-mixin: runbook_url, dashboard_url;
// SigNoz: related_logs, related_traces).
func linksOf(v, told doc.Value) []alert.Link {
	return source.Links(
		"Runbook", told.First("runbook_url", "runbook", "runbookURL"), "Dashboard", told.Get("dashboard").Text(), "Dashboard", told.Get("dashboard_url").Text(),
		"Logs", told.Get("related_logs").Text(), "Traces", told.Get("related_traces").Text(),
		"Prometheus", v.Get("generatorURL").Text())
}
