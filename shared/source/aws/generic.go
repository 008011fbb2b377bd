package aws

import (
	"slices"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// generic reads an event of which only the wrapping is known: a state if it
// has one by a usual name, else it is something that happened.
func (in *reader) generic(v doc.Value, name string) {
	detail, at := v.Get("detail"), source.Instant(v.Get("time").Text())
	state := stateOf(detail)
	told := textOf(detail, "title", "Title", "summary", "message", "Message", "insightDescription", "description", "Description", "detailMessage", "changeDescription", "reason", "cause", "errorMessage")
	what := source.FirstText(detail.First("name", "Name"), readable(lastOf(v.At("resources.0").Text())), firstName(detail), lastOf(v.At("resources.0").Text()))
	a := alert.Alert{
		DedupKey: genericKey(v, name), Title: join(": ", name, join(" ", what, state), firstLine(told)), Group: name, Description: join("\n", told, short(detail)), Labels: eventLabels(v),
		Links: eventLinks(v), Status: alert.Firing, StartedAt: at,
		Severity: source.SeverityOf(detail.First("severity", "severity.label", "severity.description", "Severity", "insightSeverity", "priority", "eventType")),
	}
	set(a.Labels, append(scalars(detail), "state", state)...)
	if detail.Get("insightId").Present() { // what is added to an insight belongs to it, and it began when the insight did
		a.Episode = "insight"
		if start := source.Instant(detail.First("startTimeISO", "startTime")); !start.IsZero() {
			a.StartedAt = start
		}
	}
	t := genericMeaning(name, state)
	if state == "" {
		_, t = phase(name)
	}
	switch {
	case t == ended:
		a.Status, a.StartedAt, a.EndedAt = alert.Resolved, source.Instant(""), at
	case t == passes:
		in.note(a.Title)
		return
	case t == begins:
		a.Episode = "state"
		if a.Severity == "" {
			a.Severity = alert.Error
		}
	case name == "EC2 Spot Instance Interruption Warning", name == "EC2 Instance Rebalance Recommendation":
		in.happened(a)
		return
	}
	in.fire(a)
}

// textOf is the first of these fields that is a text.
func textOf(v doc.Value, names ...string) string {
	for _, name := range names {
		if field := v.Get(name); field.Kind() == doc.String && strings.TrimSpace(field.Text()) != "" {
			return field.Text()
		}
	}
	return ""
}

// stateOf finds a state by a usual name, else by a name that ends like one:
// TrainingJobStatus, compliance-status.
func stateOf(detail doc.Value) string {
	if now := detail.Get("new-state"); now.Kind() == doc.Object {
		detail = now
	}
	if state := detail.First("state.value", "state", "status", "current-state", "currentState", "lifecycleState", "State", "Status"); state != "" {
		return shortState(state)
	}
	for name, value := range source.Named(detail) {
		if plain := source.Plain(name); value.Kind() == doc.String && (strings.HasSuffix(plain, "status") || strings.HasSuffix(plain, "state") || plain == "result") {
			return shortState(value.Text())
		}
	}
	return ""
}

func shortState(state string) string {
	if len(state) > 64 || strings.HasPrefix(state, "{") {
		return ""
	}
	return state
}

// genericMeaning: what runs is well if it is a thing, and on its way if it is a
// job; what is active is well only if it is the state of a thing.
func genericMeaning(name, state string) turn {
	switch strings.ToUpper(state) {
	case "RUNNING":
		if hasWord(name, "Job", "Run", "Execution", "Command", "Step", "Automation", "Build", "Scan", "Test", "Backup", "Task", "Experiment") {
			return passes
		}
	case "AVAILABLE":
		if hasWord(name, "Update") {
			return unclear
		}
	case "ACTIVE":
		if !hasWord(name, "State", "Status") || hasWord(name, "Finding", "Insight", "Alert", "Alarm", "Anomaly", "Problem", "Incident", "Issue") {
			return begins
		}
	}
	return meaning(state, nil)
}

func hasWord(name string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}

// phase parts the name of an event from its last word, where that is what
// became of something: services that have an event for each end put it there
// ("DevOps Guru Insight Closed", "Practice Run Failed").
func phase(name string) (stem string, turned turn) {
	at := strings.LastIndexByte(name, ' ')
	switch name[at+1:] {
	case "Closed", "Resolved", "Recovered", "Succeeded", "Successful", "Success":
		turned = ended
	case "Failed", "Failure", "Error", "Interrupted":
		turned = begins
	}
	if at < 0 || turned == unclear {
		return name, unclear
	}
	return name[:at], turned
}

// genericKey identifies what an event is about: by an id in its detail, else by
// its resources, else by the names in its detail, else by its own kind.
func genericKey(v doc.Value, name string) string {
	detail := v.Get("detail")
	stem, _ := phase(name)
	parts := map[string]string{"source": v.Get("source").Text(), "account": v.Get("account").Text(), "region": v.Get("region").Text()}
	switch id := detail.First("insightId", "findingArn", "findingId", "alertId", "alarm_id", "problemId", "incidentId", "arn", "id", "Id", "name", "Name"); {
	case id != "":
		parts["id"] = id
	case v.Get("resources").Len() > 0:
		parts["resources"] = v.Get("resources").JSON()
		parts["type"] = stem
	default:
		parts["type"] = stem
		for field, value := range about(detail) {
			parts["detail."+field] = value
		}
	}
	return alert.HashKey(parts)
}

// about are the texts at the top of an object that say what it is about: its
// names (jobName, TrainingJobName, queue-name), else things of one word and what
// identifies them (service, host, orderId).
func about(v doc.Value) map[string]string {
	if names := fieldsThat(isName, v); len(names) > 0 {
		return names
	}
	return fieldsThat(func(field string) bool { return isThing(field) || isID(field) }, v)
}

// isID: what identifies a single run or message says nothing of what it is
// about.
func isID(field string) bool {
	plain := source.Plain(field)
	return strings.HasSuffix(plain, "id") && !hasWord(plain, "event", "message", "request", "run", "execution", "correlation", "communication", "trace", "session", "user")
}

var things = strings.Fields(`alarm service component host server node cluster instance device resource application app database queue topic job check monitor endpoint url domain site website tenant`)

func isThing(field string) bool { return slices.Contains(things, source.Plain(field)) }

func fieldsThat(is func(string) bool, v doc.Value) map[string]string {
	out := map[string]string{}
	for name, value := range source.Named(v) {
		if is(name) && value.Kind() == doc.String && len(value.Text()) <= 128 && len(out) < 8 {
			set(out, name, value.Text())
		}
	}
	return out
}

func firstName(v doc.Value) string {
	for _, is := range [...]func(string) bool{isName, isThing} {
		for name, value := range source.Named(v) {
			if is(name) && value.Kind() == doc.String && len(value.Text()) <= 128 {
				return value.Text()
			}
		}
	}
	return ""
}

// readable leaves out what tells a person nothing: a UUID.
func readable(id string) string {
	if len(id) == 36 && strings.Count(id, "-") == 4 && strings.Trim(strings.ToLower(id), "0123456789abcdef-") == "" {
		return ""
	}
	return id
}

func isName(field string) bool {
	plain := source.Plain(field)
	return strings.HasSuffix(plain, "name") && plain != "eventname" && plain != "username"
}
