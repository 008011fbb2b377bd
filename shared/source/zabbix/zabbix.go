// Package zabbix reads what media types of Zabbix post: webhooks, whose
// parameters their users name, and alert scripts.
package zabbix

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "zabbix"

// Source is Zabbix. It does not sign.
var Source = source.Source{
	Name: Name, Media: []string{source.FormMedia, "text/plain"}, Parse: Parse,
	Marks: []string{
		"event_id event_source event_nseverity event_value=0|1",
		"event_id event_value trigger_id",
		"event_source event_value event_nseverity",
		"event_nseverity trigger_id",
		"event_id event_update_status event_value",
		"eventid triggerid",
		"hostname severity status=PROBLEM|RESOLVED|OK|UPDATED trigger item",
		`"EVENT.ID" "EVENT.VALUE"`,
		`"EVENT.ID" "TRIGGER.ID"`,
		`"TRIGGER.NAME" "TRIGGER.STATUS"`,
		`"{EVENT.ID}"`,
		`"{TRIGGER.NAME}"`,
		"EVENT_ID TRIGGER_NAME",
		"TRIGGER_ID TRIGGER_STATUS",
		"zabbix_url",
		"event_id event_name event_severity trigger_id", "trigger trigger_status=PROBLEM|OK trigger_severity", "triggerId name service status=PROBLEM|OK|RESOLVED", `"Event ID" "Trigger ID"`, `properties."Event ID" properties."Trigger ID"`,
		"trigger.id event.id event.status",
		"eventId triggerId", "EventID TriggerID", "triggerName triggerStatus", "EventID EventNSeverity", "Event_ID Event_Update_Status",
		"event_id event_status event_severity host_name",
		"To Subject Message URL", `message="*Original problem ID: *"`, "trigger_id status=PROBLEM|RESOLVED|OK|UPDATED", "trigger_name host status=PROBLEM|RESOLVED|OK", "eventid host severity status=PROBLEM|RESOLVED|OK", "event_id host severity status=PROBLEM|RESOLVED|OK|UPDATED", "eventId eventNSeverity eventValue",
		"告警主机 事件ID", "告警主机 告警信息 当前状态",
		"text:=*tr_events.php?triggerid=*",
		`text:="*Original problem ID: *"`, `text:="*Trigger status: *Original event ID: *"`,
		"text:=*告警主机:*当前状态:*事件ID*",
		"header:User-Agent=Zabbix*",
	},
	Guide: source.Guide{
		Product: "Zabbix", Page: "https://www.zabbix.com/documentation/current/en/manual/config/notifications/media/webhook",
		Setup: []string{
			"Alerts, Media types, Create media type: type Webhook; parameters url = {url}, event_id = {EVENT.ID}, event_source = {EVENT.SOURCE}, event_value = {EVENT.VALUE}, event_update_status = {EVENT.UPDATE.STATUS}, " +
				"event_update_action = {EVENT.UPDATE.ACTION}, event_update_message = {EVENT.UPDATE.MESSAGE}, event_update_user = {USER.FULLNAME}, event_nseverity = {EVENT.NSEVERITY}, event_name = {EVENT.NAME}, " +
				"event_date = {EVENT.DATE}, event_time = {EVENT.TIME}, event_recovery_date = {EVENT.RECOVERY.DATE}, event_recovery_time = {EVENT.RECOVERY.TIME}, event_opdata = {EVENT.OPDATA}, event_tags = {EVENT.TAGSJSON}, " +
				"trigger_id = {TRIGGER.ID}, host_name = {HOST.NAME}, host_ip = {HOST.IP}, zabbix_url = {$ZABBIX.URL}.",
			"Script: `var p = JSON.parse(value), url = p.url, r = new HttpRequest(); delete p.url; r.addHeader('Content-Type: application/json'); r.post(url, JSON.stringify(p)); if (r.getStatus() > 299) throw 'Tocsin answered ' + r.getStatus(); return 'OK';`",
			"Alerts, Actions, Trigger actions: operations, recovery operations and update operations that send to a user with this media.",
		},
		Proof: "The key in the address; a script can set headers.",
		Understood: "Problems, recoveries and updates (an acknowledgement is told apart) by any style of names (event_id, eventId, EVENT.ID, {EVENT.ID}), also by the lines of the default messages and of those in common use in Chinese; " +
			"severities 0 to 5 and their words. An alert is a problem, known by {EVENT.ID}: a trigger may have several at once. Without it, it is known by its trigger, else by host and name. " +
			"Times have no zone and are read as UTC. Discovery and autoregistration open nothing.",
		Repeats: "A media type tries again up to its number of attempts (3), 10 s apart, unless the script answers.",
	},
}

// Parse reads an event.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := source.Object(r)
	e := eventOf(root, string(r.Body))
	switch {
	case err != nil && len(e.written) == 0:
		return source.Parsed{}, err
	case slices.Contains([]string{"1", "2", "discovery", "autoregistration"}, e.Text("eventsource", "eventtype")):
		return source.Parsed{Notes: []string{"discovery and autoregistration report no problem"}}, nil
	case e.title() == "" && e.id() == "" && strings.Contains(string(r.Body), "{EVENT."):
		return source.Parsed{Notes: []string{"a test of the media type: its macros are not filled"}}, nil
	case e.title() == "" && e.id() == "" && e.trigger() == "":
		return source.Parsed{}, fault.New(fault.Invalid, "the body has no event_id, trigger_id or event_name, in any style of names")
	}
	a := e.alert()
	status, problem := e.status()
	switch {
	case problem != "":
		return source.Parsed{Items: []source.Item{{Rejected: problem}}}, nil
	case status == alert.Firing && e.updated() && e.id() == "" && e.trigger() == "":
		return source.Parsed{Notes: []string{"an update that does not say of which problem: its message has no {EVENT.ID}"}}, nil
	}
	a.Status = status
	return source.Parsed{Items: []source.Item{e.timed(a)}}, nil
}

// timed sets the times. What says only when the message was made names no
// firing period.
func (e event) timed(a alert.Alert) source.Item {
	a.StartedAt = e.when("eventdate", "eventtime", "eventtimestamp", "eventdatetime", "eventclock", "eventts", "clock")
	if a.Status == alert.Resolved {
		a.EndedAt = e.ended()
	}
	said := e.when("date", "time", "timestamp", "datetime")
	switch {
	case a.Status == alert.Resolved && a.EndedAt.IsZero():
		a.EndedAt = said
	case a.Status != alert.Resolved && a.StartedAt.IsZero():
		a.StartedAt = said
		return source.Told(a)
	}
	return source.Fired(a)
}

func (e event) ended() time.Time {
	for _, names := range [...][3]string{{"eventrecoverydate", "eventrecoverytime", "eventrecoverytimestamp"}, {"recoverydate", "recoverytime", "recoveryclock"}, {"eventrdate", "eventrtime", "eventrecoverydatetime"}, {"recoverydate", "recoverytime", "recoveryts"}} {
		if t := e.when(names[0], names[1], names[2]); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// event is an event by the names of Zabbix's macros, without dots: as fields,
// and as lines that a message is known to have.
type event struct {
	source.Fields
	written map[string]string
}

func eventOf(root doc.Value, body string) event {
	e := event{Fields: source.FieldsOf(root, root.Get("properties"), root.At("embeds.0"), root.At("attachments.0"))}
	message := e.Text("alertmessage", "message", "eventmessage", "body", "description", "textcontent", "markdowncontent", "markdowntext", "text", "content")
	if message == "" && !strings.HasPrefix(strings.TrimSpace(body), "{") {
		message = body
	}
	e.written = linesOf(message)
	if e.Fields.Text("eventid", "triggerid") != "" { // its fields are the media type's own: times in the message are for people
		maps.DeleteFunc(e.written, func(name, _ string) bool { return strings.HasSuffix(name, "date") || strings.HasSuffix(name, "time") })
	}
	addNamed(e.written, e.Fields)
	addLinked(e.written, e.page()+"\n"+body)
	return e
}

// page is the address of the event's page, where it is told. The address to
// which a media type posts is often called url too.
func (e event) page() string {
	page := e.Fields.Text("link", "eventurl", "alerturl", "problemurl", "generatorurl", "linktoupstreamdetails", "titlelink")
	if own := e.Fields.Text("url"); page == "" && strings.Contains(own, ".php") {
		return own
	}
	return page
}

// Text returns the first of these names that is there.
func (e event) Text(names ...string) string {
	for _, name := range names {
		if text := source.FirstText(e.Fields.Text(name), e.written[name]); text != "" {
			return text
		}
	}
	return ""
}

// id is that of the problem, also in its updates and its recovery (Zabbix
// manual, "Supported macros", {EVENT.ID}).
func (e event) id() string {
	id := e.Text("originaleventid", "originalproblemid", "eventid", "problemid", "id")
	if id == e.trigger() && e.Text("eventid", "problemid") == "" {
		return "" // a template that calls the trigger so
	}
	return id
}

func (e event) trigger() string { return e.Text("triggerid") }

func (e event) host() string {
	return e.Text("hostname", "hosthost", "host", "hostname1", "eventhost", "hostvisiblename", "hostvisible")
}

// title is the problem's name; the subject of a message has the state before
// it.
func (e event) title() string {
	return withoutState(e.Text("eventname", "triggername", "problemname", "trigger", "title", "alertsubject", "subject", "name", "summary", "problem", "servicename", "triggerdescription"))
}

// withoutState cuts what the default messages begin with (Zabbix manual,
// "Default message templates").
func withoutState(title string) string {
	head, rest, ok := strings.Cut(title, ": ")
	if !ok || rest == "" {
		return title
	}
	for _, state := range [...]string{"problem", "resolved", "updated problem", "updated", "recovery", "recovered", "ok", "acknowledged"} {
		if head = strings.ToLower(head); head == state || strings.HasPrefix(head, state+" in ") {
			return strings.TrimSpace(rest)
		}
	}
	return title
}

func (e event) alert() alert.Alert {
	title, host := e.title(), e.host()
	if title == "" {
		title = "Problem " + source.FirstText(e.id(), "of trigger "+e.trigger())
	}
	if host != "" && !strings.Contains(title, host) {
		title += " on " + host
	}
	return alert.Alert{
		Source: Name, DedupKey: e.key(), Episode: e.id(), Severity: e.severity(), Title: title, Description: e.description(),
		Group: host, Labels: e.labels(), Links: e.links(),
	}
}

// key is the problem's, as in Zabbix's own media types: a trigger that
// generates multiple problems has several at once, which recover apart (Zabbix
// manual, "Event correlation"), and its internal events are others again.
func (e event) key() string {
	switch trigger, id := e.trigger(), e.id(); {
	case id != "":
		return alert.SenderKey("event", id)
	case trigger != "":
		return alert.SenderKey("trigger", trigger)
	}
	return alert.HashKey(map[string]string{"host": e.host(), "trigger": e.title()})
}

// severity reads numbers and words (Zabbix manual, "Trigger severity"), then
// words that users put in their place.
func (e event) severity() alert.Severity {
	word := strings.ToLower(e.Text("eventupdatenseverity", "eventnseverity", "nseverity", "triggernseverity", "eventseverity", "severity", "triggerseverity", "triggerseveritytext", "priority"))
	switch word {
	case "5":
		return alert.Critical
	case "4":
		return alert.Error
	case "3", "2":
		return alert.Warning
	case "1", "0", "not classified", "not_classified":
		return alert.Info
	}
	return source.SeverityOf(word)
}

// status: the value says whether the problem goes on; an update is told beside
// it, and speaks of an acknowledgement among others.
func (e event) status() (status alert.Status, problem string) {
	state := strings.ToLower(e.Text("eventrecoveryvalue", "eventvalue", "triggervalue", "eventstatus", "status", "triggerstatus", "problemstatus", "state", "zabbixaction"))
	if state, _, _ = strings.Cut(state, ":"); state == "" {
		state = source.FirstText(stateOf(e.Text("eventtype")), stateOf(e.Text("alertsubject", "subject", "title", "summary")))
	}
	switch state {
	case "0", "ok", "resolved", "recovery", "recovered", "closed", "close", "up", "恢复", "已恢复":
		return alert.Resolved, ""
	case "acknowledged", "ack":
		return alert.Acknowledged, ""
	case "", "1", "problem", "update", "updated", "firing", "trigger", "triggered", "open", "create", "active", "故障", "告警", "问题":
		if e.acknowledged() {
			return alert.Acknowledged, ""
		}
		return alert.Firing, ""
	}
	if s := source.StatusOf(state); s != "" {
		return s, ""
	}
	return "", fmt.Sprintf("event_value: is %.40q, expected 1 or PROBLEM, 0 or RESOLVED", state)
}

// stateOf reads the state with which a subject begins.
func stateOf(subject string) string {
	state, _, _ := strings.Cut(strings.ToLower(subject), ":")
	state, _, _ = strings.Cut(state, " in ")
	switch state {
	case "resolved", "ok", "recovery", "recovered":
		return "resolved"
	}
	return ""
}

// updated: an update of a problem, which is no new one.
func (e event) updated() bool {
	return e.Text("eventupdatestatus", "updatestatus") == "1" || strings.HasPrefix(strings.ToLower(e.Text("status", "eventstatus", "alertsubject", "subject")), "update")
}

// acknowledged: {EVENT.UPDATE.ACTION} lists what was done, in words.
func (e event) acknowledged() bool {
	action := strings.ToLower(e.Text("eventupdateaction", "updateaction", "action"))
	if action == "" {
		return e.updated() && strings.EqualFold(e.Text("eventackstatus", "ackstatus", "eventack"), "yes")
	}
	said := e.updated() || action == "acknowledge" || action == "acknowledged"
	return said && strings.Contains(action, "acknowledge") && !strings.Contains(action, "unacknowledge")
}

// when reads a day and a time of day (2026.03.01 and 08:55:00), or one field
// with both.
func (e event) when(day, clock string, whole ...string) time.Time {
	if t := source.Instant(e.Text(day) + " " + e.Text(clock)); !t.IsZero() {
		return t
	}
	return source.Instant(e.Text(append(whole, clock)...))
}

func (e event) description() string {
	said, message := e.Text("eventupdatemessage", "updatemessage", "ackmessage"), e.Text("alertmessage", "message", "description", "body", "eventmessage")
	lines := []string{message}
	for _, l := range [...][2]string{
		{"Trigger", e.Text("triggerdescription", "triggerexpression")}, {"Operational data", e.Text("eventopdata", "triggeropdata", "opdata", "operationaldata")}, {"Item", e.item()},
		{"Value", e.Text("itemvalue", "itemlastvalue", "itemvalue1")}, {source.FirstText(e.Text("eventupdateuser", "userfullname", "username"), "Update"), said},
	} {
		if !strings.Contains(message, l[1]) {
			lines = append(lines, source.Said(l[0], l[1]))
		}
	}
	return source.Lines(lines...)
}

func (e event) labels() map[string]string {
	labels := source.Labels(
		"host", e.host(), "ip", e.Text("hostip", "ip", "hostip1"), "host_group", source.Listed(e.Get("hostgroup", "hostgroups", "triggerhostgroupname", "hostgroupname")),
		"trigger_id", e.trigger(), "event_id", e.id(), "severity", e.Text("eventseverity", "severity", "triggerseverity"), "item", e.item())
	if tags := e.Get("eventtagsjson", "eventtags", "triggertags", "tags"); tags.Inner().Kind() == doc.Object {
		source.AddFields(labels, tags.Inner())
	} else {
		source.AddTags(labels, tags)
	}
	return labels
}

func (e event) item() string {
	item := e.Get("itemname", "itemname1", "item")
	if item.Kind() == doc.Object {
		item = item.Get("key")
	}
	return source.FirstText(source.Listed(item), e.written["itemname"])
}

func (e event) links() []alert.Link {
	page := e.page()
	if server := strings.TrimSuffix(e.Text("zabbixurl"), "/"); page == "" && server != "" && e.trigger() != "" && e.id() != "" {
		page = server + "/tr_events.php?triggerid=" + e.trigger() + "&eventid=" + e.id()
	}
	return source.Links("Event", page, "Runbook", e.Text("triggerurl", "runbookurl", "runbook"), "Zabbix", e.Text("zabbixurl"))
}
