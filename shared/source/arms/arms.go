// Package arms reads what the alert management of Alibaba Cloud's Application
// Real-Time Monitoring Service posts: the variable $alertmanager_content, the
// events of its custom integrations, and the bodies and texts of its
// notification templates in Chinese and English.
package arms

import (
	"fmt"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "arms"

// Source is ARMS. It signs nothing; its webhooks carry headers that the user
// sets.
var Source = source.Source{
	Name: Name, Aliases: []string{"alibaba-arms"}, Parse: Parse, Marks: marks(), Media: []string{"text/plain"},
	Guide: source.Guide{
		Product: "Alibaba Cloud ARMS", Page: "https://www.alibabacloud.com/help/en/arms/alarm-operation-center/use-webhook-to-send-custom-alert-notifications",
		Setup: []string{
			"In the ARMS console open Alert Management, Notification Objects, Webhook, and add a webhook: method Post, address {url}.",
			"Set the header Content-Type to application/json.",
			"Enter $alertmanager_content as the template of notifications and as that of recoveries. The console's test does not fill it in.",
			"Name the webhook in a notification policy, with notifications of recoveries.",
		},
		Proof:      "The key in the address, or a header of the webhook (Authorization: Bearer, or basic).",
		Understood: "$alertmanager_content; events of custom integrations, one or a list; the templates of the documentation in Chinese and English, as JSON or as text. P1 to P4 follow the worse of severity and ARMS's own level.",
		Repeats:    "Not published: ARMS gives up after 5 s. A notification policy repeats while an alert fires.",
	},
}

// marks outweigh those of Alertmanager, in whose format ARMS sends; the labels
// are ARMS's own.
func marks() []string {
	out := []string{
		"labels.alertname annotations.message !alerts !status !state",
		"0.labels.alertname 0.annotations.message !0.status !0.startsAt !0.generatorURL",
		"告警名称 告警内容", "告警名称 通知策略", `"Alert name" "Alert content"`, `"Alert name" "Notification policy"`,
	}
	for _, own := range [...]string{"alert_type", "alert_rule_id", "integration_id", "userid", "product_type", "involvedObject_kind", "involvedObject_name", "alert_level", "alert_name"} {
		label := "alerts.0.labels._aliyun_arms_" + own + " alerts.0.labels alerts.0.status=firing|resolved !orgId !alerts.0.panelURL !alerts.0.silenceURL"
		out = append(out, label, label+" alerts.0.fingerprint", label+" receiver groupLabels commonLabels")
	}
	return append(out, "alerts.0.labels alerts.0.status=firing|resolved dispatchRuleName commonLabels groupLabels")
}

// Parse reads a body of any form.
func Parse(r *source.Request) (source.Parsed, error) {
	if isTest(r.Body) {
		return source.Parsed{Notes: []string{"a test of the console: its template is not filled in"}}, nil
	}
	root, err := r.Root()
	if err != nil {
		return parseText(string(r.Body), err)
	}
	switch alerts := root.Get("alerts"); {
	case alerts.Kind() == doc.Array:
		return parseAll(alerts, func(v doc.Value) source.Item { return notified(v, root) })
	case root.Kind() == doc.Array:
		return parseAll(root, func(v doc.Value) source.Item { return pushed(v, r.At) })
	case root.Kind() != doc.Object:
		return source.Parsed{}, fault.New(fault.Invalid, "the body is %s, expected an object or an array", root.Kind())
	case root.Get("labels").Kind() == doc.Object:
		return source.Parsed{Items: []source.Item{pushed(root, r.At)}}, nil
	}
	return parseTemplate(root)
}

// isTest tells the console's test, which sends variables by their names.
func isTest(body []byte) bool {
	text := strings.Trim(strings.TrimSpace(string(body)), `"`)
	return text == "$alertmanager_content" || text == "$content"
}

func parseAll(list doc.Value, read func(doc.Value) source.Item) (source.Parsed, error) {
	if err := source.TooMany(list.Len()); err != nil {
		return source.Parsed{}, err
	}
	out := source.Parsed{}
	for v := range list.Items() {
		out.Items = append(out.Items, read(v))
	}
	return out, nil
}

// notified reads an alert of $alertmanager_content. Its endsAt is when ARMS
// means to recover it by itself, of which it tells: no expiry.
func notified(v, root doc.Value) source.Item {
	a, problem := common(v, root.Get("level").Text())
	if problem != "" {
		return source.Item{Rejected: problem}
	}
	a.Links = source.Links("ARMS", root.Get("externalURL").Text(), "Source", v.Get("generatorURL").Text())
	status := source.FirstText(v.Get("status").Text(), root.Get("status").Text())
	switch strings.ToLower(status) {
	case "firing":
		a.Status = alert.Firing
	case "resolved":
		a.Status, a.EndedAt = alert.Resolved, source.InstantIn(v.Get("endsAt").Text(), source.China)
	default:
		return source.Item{Rejected: fmt.Sprintf("status: is %.40q, expected firing or resolved", status)}
	}
	return source.Fired(a)
}

// pushed reads an event of a custom integration. It has no status: it fires
// until endsAt, where it has one.
func pushed(v doc.Value, received time.Time) source.Item {
	a, problem := common(v, v.Get("severity").Text())
	if problem != "" {
		return source.Item{Rejected: problem}
	}
	a.Status, a.Links = alert.Firing, source.Links("Source", v.Get("generatorURL").Text())
	switch ends := source.InstantIn(v.Get("endsAt").Text(), source.China); {
	case strings.EqualFold(v.Get("status").Text(), "resolved"), !ends.IsZero() && !ends.After(received):
		a.Status, a.EndedAt = alert.Resolved, ends
	default:
		a.ExpiresAt = ends
	}
	return source.Fired(a)
}

// common reads what notifications and events share: labels and annotations.
func common(v doc.Value, level string) (a alert.Alert, problem string) {
	if v.Kind() != doc.Object {
		return a, fmt.Sprintf("is %s, expected an object", v.Kind())
	}
	labels := map[string]string{}
	for name, value := range source.Named(v.Get("labels")) {
		labels[name] = value.Text()
	}
	fingerprint, told := v.Get("fingerprint").Text(), v.Get("annotations")
	if fingerprint == "" && len(labels) == 0 {
		return a, "labels: missing; an alert needs labels or a fingerprint"
	}
	key := alert.HashKey(labels)
	if fingerprint != "" {
		key = alert.SenderKey("fingerprint", fingerprint)
	}
	about := source.FirstText(told.Get("message").Text(), told.Get("description").Text())
	return alert.Alert{
		Source: Name, DedupKey: key, Severity: severityOf(labels, level), Labels: labels,
		Title: source.FirstText(told.Get("summary").Text(), labels["alertname"], labels["_aliyun_arms_alert_name"], about),
		Group: source.FirstText(labels["alertname"], labels["_aliyun_arms_alert_rule_id"]), Description: describe(about, told),
		StartedAt: source.InstantIn(v.Get("startsAt").Text(), source.China),
	}, ""
}

func describe(about string, told doc.Value) string {
	if value := told.First("_aliyun_arms_alert_now_value", "value"); value != "" && !strings.Contains(about, value) {
		return strings.TrimSpace(about + "\nvalue: " + value)
	}
	return about
}

// severityOf is the worse of what the rule says (severity) and what ARMS makes
// of it; the level of the whole group counts where there is neither.
func severityOf(labels map[string]string, level string) alert.Severity {
	rule, own := severityWord(labels["severity"]), severityWord(labels["_aliyun_arms_alert_level"])
	switch {
	case rule == "" && own == "":
		return severityWord(level)
	case rule == "", own != "" && own.Priority().Higher(rule.Priority()):
		return own
	}
	return rule
}

// severityWord: to ARMS "page" is the least of its levels (P4), not the worst.
func severityWord(word string) alert.Severity {
	if strings.EqualFold(strings.TrimSpace(word), "page") {
		return alert.Info
	}
	return source.SeverityOf(word)
}
