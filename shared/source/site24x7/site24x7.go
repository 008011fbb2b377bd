// Package site24x7 reads the webhooks of Site24x7: its default fields, and
// templates that name them otherwise.
package site24x7

import (
	"fmt"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "site24x7"

// Source is Site24x7. It does not sign.
var Source = source.Source{
	Name: Name, Media: []string{source.FormMedia, "text/plain"}, Parse: Parse,
	Marks: []string{
		"MONITORNAME MONITORTYPE MONITOR_DASHBOARD_LINK STATUS=UP|DOWN|TROUBLE|CRITICAL",
		"MONITORNAME STATUS=UP|DOWN|TROUBLE|CRITICAL",
		"MONITOR_DASHBOARD_LINK STATUS",
		"MONITORTYPE MONITORNAME STATUS",
		"MONITOR_ID MONITORNAME",
		"text:=*site24x7.com*",
		"header:User-Agent=*Site24x7*",
	},
	Guide: source.Guide{
		Product: "Site24x7", Page: "https://www.site24x7.com/help/admin/third-party-integrations/webhooks.html",
		Setup: []string{
			"Admin, Third-Party Integrations, Webhooks: hook URL {url}, method POST, Send Incident Parameters, Post as JSON.",
			"Leave Down, Critical, Trouble and Up chosen as the alerts to send.",
		},
		Proof:      "The key in the address; headers and basic authentication can be set.",
		Understood: "Status DOWN, CRITICAL, TROUBLE and UP of all monitor types, as JSON or as a form; suspension and maintenance open nothing.",
		Repeats:    "Not published; a notification profile may send again while a monitor is down.",
	},
}

// Parse reads the change of a monitor's status.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := source.Object(r)
	if err != nil {
		return source.Parsed{}, err
	}
	f := source.FieldsOf(root)
	word := strings.ToUpper(f.Text("status", "monitorstatus", "state", "severity"))
	if word == "" || f.Text("monitorid", "incidentnumber", "monitordashboardlink", "monitorname", "displayname", "monitor", "name") == "" {
		return source.Parsed{}, fault.New(fault.Invalid, "the body has no STATUS of a MONITOR_ID or MONITORNAME")
	}
	status, severity, known := statusOf(word)
	switch {
	case !known:
		return source.Parsed{Items: []source.Item{{Rejected: fmt.Sprintf("STATUS: is %.40q, expected UP, DOWN, TROUBLE or CRITICAL", word)}}}, nil
	case status == "":
		return source.Parsed{Notes: []string{"the monitor is " + strings.ToLower(word)}}, nil
	}
	a := alertOf(f)
	a.Status, a.Severity = status, severity
	a.Title = fmt.Sprintf("%s is %s", source.FirstText(f.Text("monitorname", "displayname", "monitor", "name"), f.Text("monitorurl"), "Monitor "+f.Text("monitorid")), word)
	return source.One(a), nil
}

// statusOf reads a status; an empty one opens nothing and ends nothing.
func statusOf(word string) (status alert.Status, severity alert.Severity, known bool) {
	switch word {
	case "DOWN", "CRITICAL":
		return alert.Firing, alert.Critical, true
	case "TROUBLE", "CONFIGURATION ERROR", "CONFIG_ERROR", "CONFIGURATION_ERROR":
		return alert.Firing, alert.Warning, true
	case "UP":
		return alert.Resolved, "", true
	case "SUSPENDED", "MAINTENANCE", "DISCOVERY", "DISCOVERY IN PROGRESS":
		return "", "", true
	}
	return "", "", false
}

// alertOf reads what is the same in every status. INCIDENT_TIME is left out:
// it names zones by abbreviations that mean several.
func alertOf(f source.Fields) alert.Alert {
	labels := source.Labels("monitor", f.Text("monitorname", "displayname", "monitor", "name"), "type", f.Text("monitortype"), "url", f.Text("monitorurl"),
		"group", source.Listed(f.Get("monitorgroupname")), "locations", source.Listed(f.Get("failedlocations")))
	source.AddTags(labels, f.Get("tags", "monitortags"))
	source.AddTags(labels, f.Get("grouptags"))
	return alert.Alert{
		Source: Name, DedupKey: keyOf(f), Labels: labels, StartedAt: source.Instant(f.Text("outagetimeunixformat", "outagetime", "ct", "incidenttimeiso")),
		Group: f.Text("monitorname", "displayname", "monitor", "name"),
		Description: source.Lines(f.Text("incidentreason"), reasonOf(f), source.Said("Failed from", source.Listed(f.Get("failedlocations"))),
			source.Said("Down for", f.Text("downtimeduration")), source.Said("Details", f.Text("incidentdetails"))),
		Links: source.Links("Monitor", f.Text("monitordashboardlink"), "Root cause", f.Text("rcalink"), "Monitored", f.Text("monitorurl")),
	}
}

// reasonOf: REASON says why an automation ran, not why a monitor is down.
func reasonOf(f source.Fields) string {
	if reason := f.Text("reason"); !strings.HasPrefix(reason, "Execute on") {
		return reason
	}
	return ""
}

// keyOf: the id is longer than what a float holds, and is taken as written.
func keyOf(f source.Fields) string {
	if id := f.Text("monitorid", "incidentnumber"); id != "" {
		return alert.SenderKey("monitor", id)
	}
	if link := f.Text("monitordashboardlink"); link != "" {
		return alert.SenderKey("monitor_link", link)
	}
	return alert.HashKey(map[string]string{"monitor": f.Text("monitorname", "displayname", "monitor", "name"), "url": f.Text("monitorurl")})
}
