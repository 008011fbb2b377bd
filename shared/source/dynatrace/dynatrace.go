// Package dynatrace reads the problem notifications of Dynatrace, whose body
// is a template: the default one, those of other products, the same inside a
// CloudEvent, and the problem events that workflows send.
package dynatrace

import (
	"fmt"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "dynatrace"

// Source is Dynatrace. It does not sign.
var Source = source.Source{
	Name: Name, Media: []string{"text/plain"}, Parse: Parse,
	Marks: []string{
		"PID ProblemID ProblemTitle State=OPEN|RESOLVED|MERGED",
		"data.PID data.ProblemTitle data.State=OPEN|RESOLVED|MERGED specversion",
		"PID State ProblemTitle",
		"ProblemID State ProblemTitle",
		"ProblemID ProblemTitle ImpactedEntities",
		"PID State=OPEN|RESOLVED|MERGED",
		"data.PID data.State data.ProblemTitle",
		"problemId displayId impactLevel severityLevel status",
		"pid problemTitle state=OPEN|RESOLVED|MERGED",
		"pid problem_title state=OPEN|RESOLVED|MERGED",
		"problemId problemTitle state=OPEN|RESOLVED|MERGED",
		"problem_id problem_title state=OPEN|RESOLVED|MERGED",
		"PID ProblemID ProblemTitle",
		"id displayName impactLevel severityLevel status=OPEN|CLOSED",
		"state=OPEN|RESOLVED|MERGED text:=*.live.dynatrace.com*|*.apps.dynatrace.com*",
		"status=OPEN|RESOLVED|MERGED text:=*.live.dynatrace.com*|*.apps.dynatrace.com*",
		"text:=*#problems/problemdetail*;pid=*",
		"SecurityProblemId SecurityProblemUrl",
		`"event.kind"=DAVIS_PROBLEM|DAVIS_EVENT|SECURITY_EVENT`,
		"ProblemDetailsJSONv2",
		"header:User-Agent=Dynatrace*",
	},
	Guide: source.Guide{
		Product: "Dynatrace", Page: "https://docs.dynatrace.com/docs/analyze-explore-automate/notifications-and-alerting/problem-notifications/webhook-integration",
		Setup: []string{
			"Settings, Integration, Problem notifications, Add notification: Custom integration, URL {url}, and \"Call webhook if problem is closed\" on.",
			`Take the default payload, or better: {"PID": "{PID}", "ProblemID": "{ProblemID}", "State": "{State}", "ProblemTitle": "{ProblemTitle}", "ProblemSeverity": "{ProblemSeverity}", ` +
				`"ProblemImpact": "{ProblemImpact}", "ProblemURL": "{ProblemURL}", "ImpactedEntities": {ImpactedEntities}, "ProblemDetailsText": "{ProblemDetailsText}", "ProblemDetailsJSONv2": {ProblemDetailsJSONv2}, "Tags": "{Tags}"}.`,
			"Press Send test notification: it opens an alert that is closed only by hand.",
		},
		Proof:      "The key in the address; headers and basic authentication can be set.",
		Understood: "States OPEN, RESOLVED and MERGED (the problem goes on as another one, which is sent by itself); ProblemDetailsJSON and ProblemDetailsJSONv2; CloudEvents; Davis problems, Davis events and security events of workflows; security problems.",
		Repeats:    "Not published.",
	},
}

// Parse reads a problem.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := source.Object(r)
	if err != nil {
		return source.Parsed{}, err
	}
	var id string
	if data := root.Get("data").Inner(); data.Kind() == doc.Object && root.Get("specversion").Present() {
		root, id = data, root.Get("id").Text()
	}
	p := problemOf(root)
	if p.pid == "" && p.id == "" && p.title() == "" && p.text("securityproblemid") == "" {
		return source.Parsed{}, fault.New(fault.Invalid, "the body has no PID, ProblemID or ProblemTitle")
	}
	a := p.alert()
	switch state := strings.ToUpper(p.text("state", "status", "problemstate", "problemstatus", "eventstatus")); {
	case state == "" && p.saidClosed(), state == "RESOLVED", state == "CLOSED", state == "MERGED":
		a.Status, a.EndedAt = alert.Resolved, source.Instant(source.FirstText(p.details.Get("endTime").Text(), p.text("problemendtime", "endtime", "eventend")))
	case state == "", state == "OPEN", state == "ACTIVE":
		a.Status = alert.Firing
	default:
		return source.Parsed{Items: []source.Item{{Rejected: fmt.Sprintf("State: is %.40q, expected OPEN, RESOLVED or MERGED", state)}}}, nil
	}
	return source.Parsed{SenderID: id, Items: []source.Item{source.Fired(a)}}, nil
}

// problem is a notification with the parts that its templates name apart.
type problem struct {
	fields   source.Fields
	details  doc.Value // ProblemDetailsJSON of either version
	pid, id  string
	entities []entity
}

type entity struct{ kind, name string }

func problemOf(root doc.Value) problem {
	f := source.FieldsOf(root)
	p := problem{fields: f, details: f.Get("problemdetailsjsonv2", "problemdetailsjson", "problemdetails").Inner()}
	if root.Get("impactLevel").Present() && root.Get("severityLevel").Present() { // the details alone
		f = source.Fields{}
		p.fields, p.details = f, root
	}
	p.pid = source.FirstText(f.Text("pid", "problempid", "eventid"), p.details.First("problemId", "id", "ID"))
	p.id = source.FirstText(f.Text("problemid", "displayid"), p.details.First("displayId", "displayName"))
	if p.pid == "" && p.id == "" {
		p.pid = pidIn(p.page())
	}
	p.entities = entitiesOf(f.Get("impactedentities").Inner())
	if len(p.entities) == 0 {
		p.entities = entitiesOf(p.details.Get("impactedEntities"))
	}
	return p
}

// maxEntities bounds how many entities are told.
const maxEntities = 20

func entitiesOf(list doc.Value) []entity {
	var found []entity
	for v := range source.Some(list) {
		if e := (entity{v.First("type", "Type", "entityId.type"), v.First("name", "Name", "entity", "Entity", "entityId.id")}); e.name != "" && len(found) < maxEntities {
			found = append(found, e)
		}
	}
	return found
}

// saidClosed reads what tells the end where the state is left empty.
func (p problem) saidClosed() bool {
	return strings.EqualFold(p.details.Get("status").Text(), "CLOSED") || strings.HasPrefix(p.description(), "RESOLVED Problem ")
}

func (p problem) page() string {
	return p.text("problemurl", "securityproblemurl", "url", "link", "titlelink", "linktoupstreamdetails")
}

// pidIn finds the problem in the address of its page.
func pidIn(page string) string {
	_, pid, _ := strings.Cut(page, ";pid=")
	pid, _, _ = strings.Cut(pid, ";")
	return pid
}

func (p problem) text(names ...string) string { return p.fields.Text(names...) }

func (p problem) title() string {
	return source.FirstText(p.text("problemtitle", "title", "eventname"), p.details.Get("title").Text(), p.firstEvent())
}

// firstEvent names what happened in words, where the details of version 1 stand
// alone: they have no title.
func (p problem) firstEvent() string {
	kind := p.details.At("rankedEvents.0.eventType").Text()
	if kind == "" {
		return ""
	}
	return "Problem " + p.id + ": " + strings.ToLower(strings.ReplaceAll(kind, "_", " "))
}

func (p problem) alert() alert.Alert {
	return alert.Alert{
		Source: Name, DedupKey: p.key(), Episode: source.FirstText(p.pid, p.id), Severity: severityOf(p.severity()),
		Title: p.titleOn(), Description: p.description(), Group: p.title(), Labels: p.labels(),
		StartedAt: source.Instant(source.FirstText(p.details.Get("startTime").Text(), p.text("problemstarttime", "starttime", "eventstart", "timestamp"))),
		Links:     source.Links("Problem", p.page()),
	}
}

// key: a problem's PID is its own, from OPEN to RESOLVED.
func (p problem) key() string {
	switch {
	case p.pid != "":
		return alert.SenderKey("pid", p.pid)
	case p.id != "":
		return alert.SenderKey("problem", p.id)
	case p.text("securityproblemid") != "":
		return alert.SenderKey("security_problem", p.text("securityproblemid"))
	}
	return alert.HashKey(map[string]string{"title": p.title(), "entity": p.where()})
}

// titleOn says the problem and where it is, unless the title does.
func (p problem) titleOn() string {
	title, where := source.FirstText(p.title(), "Problem "+source.FirstText(p.id, p.pid, p.text("securityproblemid"))), p.where()
	if where == "" || strings.Contains(title, where) {
		return title
	}
	return title + ": " + where
}

const maxNames = 3

func (p problem) where() string {
	var names []string
	for _, e := range p.entities[:min(len(p.entities), maxNames)] {
		names = append(names, e.name)
	}
	if len(names) == 0 {
		return source.Listed(p.fields.Get("impactedentitynames", "namesofimpactedentities", "affectedentitynames"))
	}
	return strings.Join(names, ", ")
}

func (p problem) severity() string {
	return source.FirstText(p.text("problemseverity", "severitylevel", "severity", "vulnerabilityrisklevel", "eventcategory"), p.details.Get("severityLevel").Text())
}

// severityOf reads the levels of Dynatrace (Problems API v2, severityLevel),
// then words that users choose.
func severityOf(level string) alert.Severity {
	switch strings.ToUpper(level) {
	case "AVAILABILITY":
		return alert.Critical
	case "ERROR", "MONITORING_UNAVAILABLE":
		return alert.Error
	case "PERFORMANCE", "SLOWDOWN", "RESOURCE_CONTENTION", "RESOURCE", "CUSTOM_ALERT", "CUSTOM":
		return alert.Warning
	}
	return source.SeverityOf(level)
}

func (p problem) description() string {
	if text := p.text("problemdetailstext", "problemdetailsmarkdown", "eventdescription", "description"); text != "" {
		return text
	}
	lines := []string{
		source.Said("Impacted", p.text("impactedentity")),
		source.Said("Impact", source.FirstText(p.text("problemimpact"), p.details.Get("impactLevel").Text())),
		source.Said("Severity", p.severity()),
		source.Said("Root cause", p.details.At("rootCauseEntity.name").Text()),
	}
	n := 0
	for e := range p.details.Get("rankedEvents").Items() {
		if n++; n > maxEntities {
			break
		}
		lines = append(lines, source.Said(e.Get("eventType").Text(), e.Get("entityName").Text()))
	}
	return source.Lines(lines...)
}

func (p problem) labels() map[string]string {
	labels := source.Labels(
		"problem", p.id, "severity_level", p.severity(), "impact", source.FirstText(p.text("problemimpact", "impactlevel"), p.details.Get("impactLevel").Text()),
		"root_cause", p.details.At("rootCauseEntity.name").Text())
	for _, e := range p.entities {
		name := strings.ToLower(source.FirstText(e.kind, "entity"))
		if had := labels[name]; had != "" {
			labels[name] = had + ", " + e.name
		} else {
			labels[name] = e.name
		}
	}
	source.AddTags(labels, p.fields.Get("tags"))
	source.AddTags(labels, p.details.Get("entityTags"))
	return labels
}
