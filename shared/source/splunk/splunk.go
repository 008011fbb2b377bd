// Package splunk reads what the products of Splunk post: the webhook of an
// alert of Splunk Enterprise and Cloud, also about an episode of IT Service
// Intelligence; detectors of Observability Cloud (SignalFx); and outgoing
// webhooks of On-Call (VictorOps).
package splunk

import (
	"fmt"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/proof"
)

// Name is the word of this source.
const Name = "splunk"

// Source is Splunk.
var Source = source.Source{
	Name: Name, Aliases: []string{"splunk_itsi", "signalfx", "splunk_oncall", "victorops"}, Verify: verify, Media: []string{source.FormMedia}, Parse: Parse,
	Marks: []string{
		"search_name sid result",
		"search_name results_link",
		"sid results_link owner app",
		"detector detectorUrl incidentId statusExtended",
		"detectorId incidentId eventType rule",
		`detectorId incidentId status=anomalous|ok|stopped|"manually resolved"|"auto resolved"`,
		`detector incidentId status=anomalous|ok|stopped|"manually resolved"|"auto resolved"`,
		"detectorUrl=*signalfx.com* severity",
		"result.itsi_group_id",
		"itsi_group_id",
		`"STATE.CURRENT_ALERT_PHASE"`,
		"STATE.CURRENT_ALERT_PHASE",
		`"ALERT.entity_id" "ALERT.message_type"`,
		"ALERT.entity_id ALERT.message_type",
		"message_type=CRITICAL|WARNING|INFO|ACKNOWLEDGEMENT|RECOVERY entity_id",
		"entity_id current_alert_phase",
		"header:X-SFX-Signature",
		"header:User-Agent=Splunk*",
	},
	Guide: source.Guide{
		Product: "Splunk", Page: "https://docs.splunk.com/Documentation/Splunk/latest/Alert/Webhooks",
		Setup: []string{
			"Search, Save As Alert, Add Actions, Webhook: URL {url}; Splunk Cloud also needs the host in its allow list of webhooks.",
			"A field `severity` in the search's results is the severity of the alert.",
			"Observability Cloud: Data Management, Webhook: URL {url} and a shared secret; then choose it as the recipient of a detector's rule.",
			"On-Call: Integrations, Outgoing Webhooks: Any-Incident, URL {url}, with the fields STATE.* and ALERT.*.",
		},
		Proof: "The key in the address; Observability Cloud also signs: Base64 HMAC of the body in X-SFX-Signature (auth vendor).",
		Understood: "An alert's first result, by the name of its search; notable events of Enterprise Security, each by itself; ITSI episodes with severity and status; detectors with anomalous, ok, manually resolved and stopped; " +
			"On-Call incidents with UNACKED, ACKED and RESOLVED, and what others send to the REST endpoint of On-Call (message_type, entity_id).",
		Repeats:   "An alert of a search is not sent again; Observability Cloud sends again for up to 24 hours unless answered by 200 at once.",
		NeverEnds: true,
	},
}

// verify checks the signature of Observability Cloud: SHA-1, as
// signalfx-python (signalflow, WebhookNotification) says, or SHA-256.
func verify(r *source.Request, secrets []string) error {
	scheme := proof.HMAC{Name: "X-SFX-Signature", Base64: true}
	if scheme.Verify(r, secrets) == nil {
		return nil
	}
	scheme.Hash = "sha1"
	return scheme.Verify(r, secrets)
}

// Parse reads a request of any of the products.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := source.Object(r)
	if err != nil {
		return source.Parsed{}, err
	}
	read := searched
	switch f := source.FieldsOf(root); {
	case f.Text("statecurrentalertphase", "alertentityid", "stateentityid") != "", f.Text("entityid") != "" && f.Text("messagetype", "currentalertphase") != "":
		read = onCall
	case f.Text("incidentid", "statusextended") != "" && f.Text("detector", "detectorid", "detectorurl") != "":
		read = detected
	case episodeOf(root).Present():
		read = episode
	case f.Text("searchname", "sid", "resultslink") == "" && !root.Get("result").Present():
		return source.Parsed{}, fault.New(fault.Invalid, "the body has no search_name (Splunk), incidentId (Observability Cloud) or STATE.CURRENT_ALERT_PHASE (On-Call)")
	}
	return read(root), nil
}

// searched reads the webhook of an alert. Its search runs again and again: the
// time is that of a result, which begins no new episode.
func searched(root doc.Value) source.Parsed {
	result, name := root.Get("result"), strings.TrimSpace(root.Get("search_name").Text())
	if result.Get("rule_title").Present() || strings.Contains(result.Get("event_id").Text(), "@@notable@@") {
		return notable(root, result, name)
	}
	item := source.Fired(alert.Alert{
		Source: Name, Status: alert.Firing, DedupKey: searchKey(root, name), Severity: severityOf(result.First("severity", "urgency")),
		Title: source.FirstText(name, "Search "+root.Get("sid").Text()), Description: resultText(result), Group: root.Get("app").Text(), Labels: resultLabels(root, result),
		StartedAt: source.Instant(result.First("_time", "time")), Links: source.Links("Results", root.Get("results_link").Text(), "Drilldown", result.First("drilldown_link", "url")),
	})
	item.Alert.Episode = ""
	return source.Parsed{SenderID: root.Get("sid").Text(), Items: []source.Item{item}}
}

// notable reads a notable event of Enterprise Security, which the search of a
// correlation makes, and to which analysts give a status (Splunk Enterprise
// Security, "Using notable events in search").
func notable(root, result doc.Value, name string) source.Parsed {
	id := result.First("event_id", "event_hash")
	a := alert.Alert{
		Source: Name, Status: alert.Firing, DedupKey: alert.SenderKey("notable", id), Episode: source.FirstText(id, "notable"), Severity: severityOf(result.First("urgency", "severity")),
		Title: source.FirstText(result.First("rule_title", "rule_name"), name, "Notable event"), Description: source.FirstText(result.Get("rule_description").Text(), resultText(result)), Group: source.FirstText(result.Get("rule_name").Text(), name),
		Labels: resultLabels(root, result), StartedAt: source.Instant(result.First("_time", "time")), Links: source.Links("Results", root.Get("results_link").Text(), "Drilldown", result.First("drilldown_link", "drilldown_search_link", "url")),
	}
	if id == "" {
		a.DedupKey = alert.HashKey(map[string]string{"search": name, "title": a.Title, "src": source.Listed(result.Get("src")), "dest": source.Listed(result.Get("dest")), "user": source.Listed(result.Get("user"))})
	}
	switch status := strings.ToLower(result.First("status_label", "status")); status {
	case "4", "5", "resolved", "closed":
		a.Status = alert.Resolved
	}
	parsed := source.One(a)
	parsed.SenderID = root.Get("sid").Text()
	return parsed
}

// searchKey: an alert that was never saved has no name, only a run.
func searchKey(root doc.Value, name string) string {
	run := source.FirstText(root.Get("sid").Text(), root.Get("results_link").Text())
	switch {
	case name != "":
		return alert.SenderKey("search", strings.TrimPrefix(root.Get("app").Text()+"/"+name, "/"))
	case run != "":
		return alert.SenderKey("run", run)
	}
	return alert.HashKey(map[string]string{"result": root.Get("result").JSON()})
}

// resultText is the event that was found, or else the row of a table.
func resultText(result doc.Value) string {
	if raw := result.First("description", "message", "_raw"); raw != "" {
		return raw
	}
	var lines []string
	for name, v := range source.Named(result) {
		if !strings.HasPrefix(name, "_") && len(lines) < maxRows {
			lines = append(lines, source.Said(name, source.Listed(v)))
		}
	}
	return source.Lines(lines...)
}

const maxRows = 30

func resultLabels(root, result doc.Value) map[string]string {
	return source.Labels(
		"search", root.Get("search_name").Text(), "app", root.Get("app").Text(), "owner", root.Get("owner").Text(),
		"host", source.Listed(result.Get("host")), "source", source.Listed(result.Get("source")), "sourcetype", source.Listed(result.Get("sourcetype")),
		"index", source.Listed(result.Get("index")), "service", source.Listed(result.Get("service")), "src", source.Listed(result.Get("src")), "dest", source.Listed(result.Get("dest")),
		"security_domain", result.Get("security_domain").Text(), "risk_score", result.Get("risk_score").Text(), "user", source.Listed(result.Get("user")))
}

// severityOf reads the numbers of ITSI, and words that a search chooses.
func severityOf(word string) alert.Severity {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "6":
		return alert.Critical
	case "5":
		return alert.Error
	case "4", "3":
		return alert.Warning
	case "2", "1", "normal":
		return alert.Info
	}
	return source.SeverityOf(word)
}

// episodeOf finds the episode of ITSI in the result or in the body.
func episodeOf(root doc.Value) doc.Value {
	for _, v := range [...]doc.Value{root.Get("result"), root} {
		if v.Get("itsi_group_id").Present() {
			return v
		}
	}
	return doc.Value{}
}

// episode reads an episode (Splunk ITSI, "Event management": status 1 new, 2
// in progress, 3 pending, 4 resolved, 5 closed).
func episode(root doc.Value) source.Parsed {
	e := episodeOf(root)
	a := alert.Alert{
		Source: Name, DedupKey: alert.SenderKey("episode", e.Get("itsi_group_id").Text()), Episode: e.Get("itsi_group_id").Text(),
		Severity: severityOf(e.First("itsi_group_severity", "severity", "severity_label")), Title: source.FirstText(e.First("itsi_group_title", "title"), root.Get("search_name").Text(), "Episode"),
		Description: e.First("itsi_group_description", "description", "_raw"), Group: e.First("itsi_policy_title", "itsi_policy_id"), Labels: resultLabels(root, e),
		StartedAt: source.Instant(e.First("itsi_first_event_time", "itsi_earliest_event_time", "start_time")),
		Links:     source.Links("Results", root.Get("results_link").Text(), "Drilldown", e.First("itsi_drilldown_uri", "drilldown_uri")),
	}
	switch status := strings.ToLower(e.First("itsi_group_status", "status", "status_label")); status {
	case "", "0", "1", "2", "3", "new", "in progress", "pending", "unassigned":
		a.Status = alert.Firing
	case "4", "5", "resolved", "closed":
		a.Status, a.EndedAt = alert.Resolved, source.Instant(e.First("itsi_last_event_time", "mod_time"))
	default:
		return rejected("itsi_group_status: is %.40q, expected 1 to 5", status)
	}
	return source.One(a)
}

func rejected(format string, args ...any) source.Parsed {
	return source.Parsed{Items: []source.Item{{Rejected: fmt.Sprintf(format, args...)}}}
}

// detected reads a detector (Splunk Observability Cloud, "Send alert
// notifications to a webhook").
func detected(root doc.Value) source.Parsed {
	id, at := root.Get("incidentId").Text(), source.Instant(root.Get("timestamp").Text())
	told, _, _ := strings.Cut(strings.TrimSpace(root.Get("messageBody").Text()), "\n")
	a := alert.Alert{
		Source: Name, DedupKey: alert.SenderKey("incident", id), Episode: id, Severity: source.SeverityOf(root.Get("severity").Text()),
		Title: source.FirstText(root.First("messageTitle", "title"), strings.Trim(root.First("detector", "detectorName")+": "+root.First("rule", "ruleName"), ": "), told, "Incident "+id), Group: root.First("detector", "detectorName"),
		Description: source.Lines(source.FirstText(root.Get("messageBody").Text(), root.Get("description").Text()), source.Said("Condition", root.Get("detectOnCondition").Text()), source.Said("Tip", root.Get("tip").Text())),
		Labels:      source.Labels("detector", root.First("detector", "detectorName"), "rule", root.First("rule", "ruleName"), "organization", root.Get("orgId").Text()),
		Links:       source.Links("Runbook", root.Get("runbookUrl").Text(), "Detector", root.Get("detectorUrl").Text(), "Chart", root.Get("imageUrl").Text()),
	}
	if id == "" { // as in a test
		a.DedupKey = alert.HashKey(map[string]string{"detector": root.First("detectorId", "detectorUrl", "detector"), "rule": root.Get("rule").Text()})
	}
	source.AddFields(a.Labels, root.Get("dimensions"))
	for _, input := range source.Named(root.Get("inputs")) {
		source.AddFields(a.Labels, input.Get("key"))
		source.AddFields(a.Labels, input.Get("dimensions"))
	}
	switch status := strings.ToLower(root.First("statusExtended", "status")); status {
	case "anomalous":
		a.Status, a.StartedAt = alert.Firing, at
	case "ok", "manually resolved", "auto resolved", "resolved", "stopped":
		a.Status, a.EndedAt = alert.Resolved, at
	default:
		return answered(rejected("statusExtended: is %.40q, expected anomalous, ok, manually resolved or stopped", status))
	}
	return answered(source.One(a))
}

// answered is out, to be answered by 200: anything else is sent again for a day (Splunk Observability
// Cloud, "Send alert notifications to a webhook").
func answered(out source.Parsed) source.Parsed {
	out.Only200 = true
	return out
}

// onCall reads an outgoing webhook, whose names have dots in them.
func onCall(root doc.Value) source.Parsed {
	f := source.FieldsOf(root)
	id, incident := f.Text("stateentityid", "alertentityid", "entityid"), f.Text("stateincidentname", "incidentincidentname", "incidentincidentid", "incidentname", "incidentid")
	a := alert.Alert{
		Source: Name, DedupKey: alert.SenderKey("entity", source.FirstText(id, "incident "+incident)), Episode: incident,
		Severity: source.SeverityOf(f.Text("alertentitystate", "alertmessagetype", "statecurrentstate", "incidententitystate", "messagetype", "alerttype")),
		Title:    source.FirstText(f.Text("alertentitydisplayname", "stateservice", "incidentservice", "entitydisplayname"), id, "Incident "+incident), Description: f.Text("alertstatemessage", "stateackmsg", "statemessage", "ackmsg"),
		Group: f.Text("alertmonitoringtool", "statemonitortype", "monitoringtool"), Links: source.Links("Info", f.Text("stateinfourl", "alertalerturl", "alerturl")),
		Labels:    source.Labels("host", f.Text("statehost", "alerthostname", "hostname"), "service", f.Text("stateservice"), "incident", incident, "monitor", f.Text("alertmonitorname"), "routing_key", f.Text("alertroutingkey")),
		StartedAt: source.Instant(f.Text("stateincidenttimestamp", "incidentincidenttimestamp", "statestatestarttime", "statestarttime")),
	}
	switch phase := strings.ToUpper(f.Text("statecurrentalertphase", "incidentcurrentphase", "currentalertphase", "alertmessagetype", "messagetype")); phase {
	case "UNACKED", "TRIGGERED", "CRITICAL", "WARNING", "INFO":
		a.Status = alert.Firing
	case "ACKED", "ACKNOWLEDGEMENT", "ACKNOWLEDGED":
		a.Status = alert.Acknowledged
	case "RESOLVED", "RECOVERY":
		a.Status, a.Severity, a.EndedAt = alert.Resolved, "", source.Instant(f.Text("statelasttimestamp"))
	default:
		return rejected("STATE.CURRENT_ALERT_PHASE: is %.40q, expected UNACKED, ACKED or RESOLVED", phase)
	}
	return source.One(a)
}
