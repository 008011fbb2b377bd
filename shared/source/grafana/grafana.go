// Package grafana reads the webhooks of Grafana: those of unified alerting
// (Grafana 8 and later), which are Alertmanager's with more in them, and those
// of legacy alerting (up to Grafana 10).
package grafana

import (
	"fmt"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/prometheus"
	"tocsin/shared/source/proof"
)

// Name is the word of this source.
const Name = "grafana"

// Source is Grafana.
var Source = source.Source{
	Name: Name, Aliases: []string{"grafana_legacy"}, Verify: verify, Parse: Parse,
	Marks: []string{
		"alerts.0.labels alerts.0.fingerprint orgId",
		"alerts.0.labels alerts.0.status orgId state=alerting|ok",
		"alerts.0.labels alerts.0.silenceURL",
		"alerts.0.labels alerts.0.status alerts.0.panelURL",
		"alerts orgId groupLabels commonLabels receiver state",
		"alerts.0.labels alerts.0.status=firing|resolved receiver groupLabels commonLabels version=1 externalURL groupKey",
		"alerts.0.labels alerts.0.status=firing|resolved receiver groupLabels commonLabels alerts.0.valueString title message state",
		"ruleName ruleId state=alerting|ok|no_data|paused|pending|unknown",
		"ruleName evalMatches",
		"header:User-Agent=Grafana*",
		"header:X-Grafana-Alerting-Signature",
	},
	Guide: source.Guide{
		Product: "Grafana Alerting", Page: "https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/",
		Setup: []string{
			"Alerts & IRM, Alerting, Contact points, Add contact point: integration Webhook, URL {url}, method POST.",
			"To sign (Grafana 12): HMAC signature with the secret; leave its header as it is, and set the timestamp header to X-Grafana-Alerting-Timestamp.",
			"Leave \"Disable resolved message\" off. Route to the contact point by a notification policy, and press Test.",
		},
		Proof: "The key in the address; from Grafana 12 HMAC-SHA256 in X-Grafana-Alerting-Signature (auth vendor), over the time and the body when X-Grafana-Alerting-Timestamp is set.",
		Understood: "Unified alerting of all versions with several alerts in one, values, links to panel, dashboard and silence, DatasourceNoData and DatasourceError; " +
			"legacy alerting with ok, alerting and no_data (which fires). Paused, pending and unknown open nothing. " +
			"A custom payload without alerts is read by the names title, status, severity and the like.",
		Repeats: "5xx, as Alertmanager.",
	},
}

// timeHeaders are names of the header of the signed time: the one of the
// Setup, and another in use. Grafana lets its users choose, and has no default.
var timeHeaders = [...]string{"X-Grafana-Alerting-Timestamp", "X-Grafana-Alerting-Signature-Timestamp"}

// verify checks the hex HMAC of the body, or of "time:body" (Grafana 12,
// "Configure webhook notifications", HMAC signature).
func verify(r *source.Request, secrets []string) error {
	scheme := proof.HMAC{Name: "X-Grafana-Alerting-Signature"}
	for _, name := range timeHeaders {
		if r.Header.Get(name) != "" {
			scheme.TimeHeader, scheme.TimeJoin = name, ":"
			break
		}
	}
	return scheme.Verify(r, secrets)
}

// Parse reads a webhook of either alerting.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := source.Object(r)
	switch {
	case err != nil:
		return source.Parsed{}, err
	case root.Get("alerts").Kind() == doc.Array:
		return unified(root, r)
	case root.Get("ruleId").Present() || root.Get("ruleName").Present():
		return legacy(root), nil
	}
	return custom(root)
}

// custom reads one alert by itself, or what a template of the user's own makes
// of a notification (Grafana 12, "Custom payload"), by the names that templates
// have for it. Without a status it fires.
func custom(root doc.Value) (source.Parsed, error) {
	f := source.FieldsOf(root, root.Get("labels"), root.Get("commonLabels"), root.Get("annotations"), root.Get("commonAnnotations"))
	name, status := f.Text("alertname", "rulename", "name"), alert.Firing
	title := source.FirstText(f.Text("title", "subject"), titleOf(map[string]string{"alertname": name}, f.Text("summary", "message")), name)
	if title == "" {
		return source.Parsed{}, fault.New(fault.Invalid, "the body has neither alerts (unified alerting), a ruleId (legacy alerting) nor a title of its own")
	}
	if word := f.Text("status", "state", "alertstatus", "alertstate"); word != "" {
		if status = source.StatusOf(word); status == "" {
			return source.Parsed{Items: []source.Item{{Rejected: fmt.Sprintf("status: is %.40q, expected firing or resolved", word)}}}, nil
		}
	}
	a := alert.Alert{
		Source: Name, Status: status, Severity: source.SeverityOf(f.Text("severity", "priority", "level")), Title: title, Labels: map[string]string{},
		Description: source.Lines(f.Text("description"), f.Text("summary"), f.Text("message")), Group: f.Text("groupkey", "alertname"),
		StartedAt: source.Instant(f.Text("startsat", "startedat")),
		Links:     source.Links("Runbook", f.Text("runbookurl"), "Panel", f.Text("panelurl"), "Dashboard", f.Text("dashboardurl"), "Rule", f.Text("generatorurl", "ruleurl"), "Grafana", f.Text("grafanaurl", "externalurl", "url")),
	}
	if a.DedupKey = alert.SenderKey("fingerprint", f.Text("fingerprint")); f.Text("fingerprint") == "" {
		a.DedupKey = alert.HashKey(map[string]string{"group": f.Text("groupkey"), "title": source.Stem(source.FirstText(name, title)), "instance": f.Text("instance", "host")})
	}
	for _, labels := range [...]string{"labels", "commonLabels", "groupLabels"} {
		source.AddFields(a.Labels, root.Get(labels))
	}
	if status == alert.Resolved {
		a.EndedAt = source.Instant(f.Text("endsat", "endedat"))
	}
	return source.One(a), nil
}

func unified(root doc.Value, r *source.Request) (source.Parsed, error) {
	alerts := root.Get("alerts")
	if err := source.TooMany(alerts.Len()); err != nil {
		return source.Parsed{}, err
	}
	var out source.Parsed
	if n := root.Get("truncatedAlerts").Text(); n != "" && n != "0" {
		out.Notes = append(out.Notes, fmt.Sprintf("the sender left out %.20s alerts (max alerts)", n))
	}
	for v := range alerts.Items() {
		a, problem := prometheus.Told(v, root, r.At)
		if problem != "" {
			out.Items = append(out.Items, source.Item{Rejected: problem})
			continue
		}
		out.Items = append(out.Items, source.Fired(enriched(a, v)))
	}
	return out, nil
}

// enriched adds what Grafana says beyond Alertmanager.
func enriched(a alert.Alert, v doc.Value) alert.Alert {
	told := v.Get("annotations")
	a.Source = Name
	a.Title = titleOf(a.Labels, a.Title)
	a.Description = source.Lines(a.Description, source.Said("Values", valuesOf(v)), source.Said("Error", told.Get("Error").Text()), source.Said("State reason", told.Get("grafana_state_reason").Text()))
	a.Links = source.Links(
		"Runbook", told.Get("runbook_url").Text(), "Panel", v.Get("panelURL").Text(), "Dashboard", v.Get("dashboardURL").Text(),
		"Rule", v.Get("generatorURL").Text(), "Silence", v.Get("silenceURL").Text(), "Image", v.Get("imageURL").Text())
	return a
}

// titleOf begins with the rule's title, which people choose in Grafana. A rule
// without data or with an error fires as an alert of its own under another
// name, and its summary speaks of what is not known.
func titleOf(labels map[string]string, summary string) string {
	name := labels["alertname"]
	switch {
	case name == "DatasourceNoData" || name == "DatasourceError":
		return strings.TrimSuffix(name+": "+labels["rulename"], ": ")
	case name == "" || strings.Contains(strings.ToLower(summary), strings.ToLower(name)):
		return summary
	}
	return name + ": " + summary
}

// valuesOf is the list of values by the name of their query; before Grafana 9
// there was only a text of them.
func valuesOf(v doc.Value) string {
	values := v.Get("values")
	if values.Len() == 0 {
		return v.Get("valueString").Text()
	}
	var parts []string
	for name, value := range source.Named(values) {
		if !source.HoldsSecret(name) {
			parts = append(parts, name+"="+value.Text())
		}
	}
	return strings.Join(parts, ", ")
}

// legacy reads a notification of legacy alerting, which has no time.
func legacy(root doc.Value) source.Parsed {
	status, note, problem := legacyStatus(root.Get("state").Text())
	switch {
	case problem != "":
		return source.Parsed{Items: []source.Item{{Rejected: problem}}}
	case note != "":
		return source.Parsed{Notes: []string{note}}
	}
	labels := legacyLabels(root)
	return source.One(alert.Alert{
		Source: Name, DedupKey: legacyKey(root), Status: status, Severity: prometheus.SeverityOf(labels),
		Title: legacyTitle(root), Description: source.Lines(root.Get("message").Text(), root.Get("error").Text(), legacyValues(root.Get("evalMatches"))),
		Group: root.Get("ruleName").Text(), Labels: labels,
		Links: source.Links("Rule", root.Get("ruleUrl").Text(), "Image", root.Get("imageUrl").Text()),
	})
}

func legacyStatus(state string) (status alert.Status, note, problem string) {
	switch strings.ToLower(state) {
	case "alerting", "no_data":
		return alert.Firing, "", ""
	case "ok":
		return alert.Resolved, "", ""
	case "paused", "pending", "unknown":
		return "", "the rule is " + strings.ToLower(state), ""
	case "":
		return "", "", "state: missing; expected alerting, ok, no_data, paused, pending or unknown"
	}
	return "", "", fmt.Sprintf("state: is %.40q, expected alerting, ok, no_data, paused, pending or unknown", state)
}

// legacyKey: a test has no rule, and 0 for its id.
func legacyKey(root doc.Value) string {
	org, id := root.Get("orgId").Text(), root.Get("ruleId").Text()
	switch {
	case id == "" || id == "0":
		return alert.HashKey(map[string]string{"org": org, "rule": root.Get("ruleName").Text()})
	case org == "":
		return alert.SenderKey("rule", id)
	}
	return alert.SenderKey("rule", org+"/"+id)
}

// legacyTitle is the rule's name; the sender's own title has the state before
// it.
func legacyTitle(root doc.Value) string {
	_, titled, _ := strings.Cut(root.Get("title").Text(), "] ")
	name := source.FirstText(root.Get("ruleName").Text(), titled, root.Get("title").Text())
	if strings.EqualFold(root.Get("state").Text(), "no_data") {
		return "No data: " + name
	}
	return name
}

func legacyLabels(root doc.Value) map[string]string {
	labels := map[string]string{}
	source.AddFields(labels, root.Get("tags"))
	if matches := root.Get("evalMatches"); matches.Len() == 1 {
		source.AddFields(labels, matches.Index(0).Get("tags"))
	}
	return labels
}

// maxMatches bounds how many series a description lists.
const maxMatches = 20

func legacyValues(matches doc.Value) string {
	var lines []string
	for m := range matches.Items() {
		if len(lines) == maxMatches {
			break
		}
		lines = append(lines, source.Said(source.FirstText(m.Get("metric").Text(), "value"), m.Get("value").Text()))
	}
	return source.Lines(lines...)
}
