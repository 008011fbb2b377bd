// Package pingdom reads the webhooks of Pingdom: uptime checks of all types,
// and transaction checks.
package pingdom

import (
	"cmp"
	"fmt"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "pingdom"

// Source is Pingdom. It does not sign.
var Source = source.Source{
	Name: Name, Parse: Parse,
	Marks: []string{
		"check_id check_type check_params previous_state current_state=UP|DOWN|SUCCESS|FAILING",
		"check_id check_name current_state=UP|DOWN|SUCCESS|FAILING|FAIL|FAILED|UNKNOWN|PAUSED|UNCONFIRMED_DOWN",
		"check_id check_type state_changed_timestamp",
		"current_state previous_state check_params",
		"checkname incidentid action=assign|notify_of_close", "message|json.checkname message|json.action=assign|notify_of_close",
		"header:User-Agent=Pingdom*",
	},
	Guide: source.Guide{
		Product: "Pingdom", Page: "https://www.pingdom.com/resources/webhooks/",
		Setup: []string{
			"Integrations, Integrations, Add integration: type Webhook, URL {url}, Active.",
			"Choose the integration in each check, and leave \"Alert when back up\" on.",
		},
		Proof:      "The key in the address.",
		Understood: "All types of uptime checks (DOWN, UP) and transaction checks (FAILING, SUCCESS); other states open and end nothing; the importance of the check is the severity.",
		Repeats:    "Not published; a check may be set to alert again while it is down.",
	},
}

// Parse reads the change of a check's state.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := source.Object(r)
	if err != nil {
		return source.Parsed{}, err
	}
	if message := root.Get("message").Inner(); message.Kind() == doc.Object {
		root = message // as of 2016 and before, in a field of a form
	}
	state := stateOf(root)
	id, name := root.First("check_id", "check"), root.First("check_name", "checkname")
	if state == "" || id == "" && name == "" {
		return source.Parsed{}, fault.New(fault.Invalid, "the body has no current_state of a check_id")
	}
	a := alert.Alert{
		Source: Name, DedupKey: keyOf(id, name, root), Severity: severityOf(root.Get("importance_level").Text()),
		Title:       fmt.Sprintf("%s is %s", source.FirstText(name, "Check "+id), state),
		Description: descriptionOf(root), Group: name, Labels: labelsOf(root),
		Links: source.Links("Checked", root.At("check_params.full_url").Text(), "Checked", root.At("check_params.url").Text(), "Check", checkPage(id, root.Get("check_type").Text())),
	}
	changed := source.Instant(root.First("state_changed_timestamp", "state_changed_utc_time"))
	switch state {
	case "DOWN", "FAILING", "FAIL", "FAILED":
		a.Status, a.StartedAt = alert.Firing, changed
	case "UP", "SUCCESS":
		a.Status, a.EndedAt = alert.Resolved, changed
	case "UNCONFIRMED_DOWN", "UNKNOWN", "PAUSED":
		return source.Parsed{Notes: []string{"the check is " + strings.ToLower(state)}}, nil
	default:
		return source.Parsed{Items: []source.Item{{Rejected: fmt.Sprintf("current_state: is %.40q, expected DOWN, UP, FAILING or SUCCESS", state)}}}, nil
	}
	return source.One(a), nil
}

// stateOf reads the state, or the action of messages of 2016 and before.
func stateOf(root doc.Value) string {
	switch root.Get("action").Text() {
	case "assign":
		return "DOWN"
	case "notify_of_close":
		return "UP"
	}
	return strings.ToUpper(strings.TrimSpace(root.Get("current_state").Text()))
}

func keyOf(id, name string, root doc.Value) string {
	if id == "" {
		return alert.HashKey(map[string]string{"check": name, "host": root.At("check_params.hostname").Text()})
	}
	return alert.SenderKey("check", id)
}

func severityOf(importance string) alert.Severity {
	switch strings.ToUpper(importance) {
	case "HIGH":
		return alert.Error
	case "LOW":
		return alert.Warning
	}
	return ""
}

func descriptionOf(root doc.Value) string {
	short, long := root.Get("description").Text(), root.Get("long_description").Text()
	if short == long {
		short = ""
	}
	return source.Lines(short, long, root.Get("custom_message").Text(),
		source.Said("Seen from", root.At("first_probe.location").Text()), source.Said("Confirmed from", root.At("second_probe.location").Text()))
}

func labelsOf(root doc.Value) map[string]string {
	params := root.Get("check_params")
	labels := source.Labels(
		"check", root.First("check_name", "checkname"), "type", root.Get("check_type").Text(), "host", cmp.Or(params.Get("hostname").Text(), root.Get("host").Text()),
		"url", params.First("full_url", "url"), "importance", root.Get("importance_level").Text(), "location", root.At("first_probe.location").Text())
	source.AddTags(labels, root.Get("tags"))
	return labels
}

// checkPage is the page of an uptime check; others have pages of their own.
func checkPage(id, kind string) string {
	if id == "" || strings.Trim(id, "0123456789") != "" || strings.EqualFold(kind, "TRANSACTION") {
		return ""
	}
	return "https://my.pingdom.com/reports/responsetime#check=" + id
}
