// Package sls reads the webhooks of alerting in Alibaba Cloud's Simple Log
// Service, sent one by one or merged into an array.
package sls

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
const Name = "sls"

// Source is Simple Log Service. It signs nothing; its webhooks carry headers
// that the user sets.
var Source = source.Source{
	Name: Name, Aliases: []string{"alibaba-sls"}, Parse: Parse,
	Marks: []string{
		"alert_instance_id alert_id fire_time", "0.alert_instance_id 0.alert_id 0.fire_time",
		"alert_instance_id alert_name project", "0.alert_instance_id 0.alert_name 0.project",
		"alert_name project aliuid", "0.alert_name 0.project 0.aliuid", "alert_name project fire_time resolve_time", "0.alert_name 0.project 0.fire_time",
		"AlertDisplayName FireTime", "AlertName Project FireTime",
	},
	Guide: source.Guide{
		Product: "Alibaba Cloud Simple Log Service", Page: "https://www.alibabacloud.com/help/en/sls/variables-in-new-alert-templates",
		Setup: []string{
			"In the alert center open Notification Objects, Webhook Integration, and create one: type General Webhook, method POST, address {url}.",
			"Leave the WebHook part of the alert template empty, or add to the default fingerprint, signin_url and query_url.",
			"Name the webhook in an action policy, and let the alert rule send recoveries.",
		},
		Proof:      "The key in the address, or a header of the webhook (Authorization: Bearer, or basic).",
		Understood: "The default content of both versions of templates, single and merged, and the variables of the alerts before them (AlertName, FireTime); severities 10 to 2 and their words; numbers as texts. An alert is known by fingerprint, else by what this is made of: rule, project and labels; where labels are left out, by alert_instance_id.",
		Repeats:    "Not published; an action policy repeats while an alert fires.",
	},
}

// Parse reads one alert or an array of them.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	switch root.Kind() {
	case doc.Object:
		return source.Parsed{Items: []source.Item{parse(root)}}, nil
	case doc.Array:
		if err := source.TooMany(root.Len()); err != nil {
			return source.Parsed{}, err
		}
		out := source.Parsed{}
		for v := range root.Items() {
			out.Items = append(out.Items, parse(v.Inner()))
		}
		return out, nil
	}
	return source.Parsed{}, fault.New(fault.Invalid, "the body is %s, expected an alert (an object) or merged alerts (an array)", root.Kind())
}

func parse(v doc.Value) source.Item {
	if v.Kind() != doc.Object {
		return source.Item{Rejected: fmt.Sprintf("is %s, expected an object", v.Kind())}
	}
	name := v.First("alert_name", "alert_display_name", "AlertDisplayName", "AlertName")
	labels, told := v.Get("labels").Inner(), v.Get("annotations").Inner()
	if name == "" && v.First("alert_instance_id", "fingerprint", "alert_id", "AlertID") == "" {
		return source.Item{Rejected: "alert_name: missing; expected the default content of an alert template"}
	}
	a := alert.Alert{
		Source: Name, DedupKey: keyOf(v, name, labels), Severity: severityOf(v.Get("severity").Text()),
		Title: titleOf(name, told.First("title", "summary")), Group: source.FirstText(name, v.Get("alert_id").Text()),
		Description: describe(v, told), Labels: labelsOf(v, labels), StartedAt: instant(v, "fire_time", "FireTime"),
		Links: source.Links("Details", v.Get("signin_url").Text(), "Query", v.First("query_url", "results.0.query_url", "FullResultUrl"), "Dashboard", v.First("dashboard_url", "results.0.dashboard_url", "DashboardUrl"), "Alert", v.Get("alert_url").Text()),
	}
	ended := instant(v, "resolve_time")
	switch status := strings.ToLower(strings.TrimSpace(v.Get("status").Text())); {
	case status == "resolved", status == "recovered", status == "恢复", status == "已恢复", status == "" && !ended.IsZero():
		a.Status, a.EndedAt = alert.Resolved, ended
	case status == "firing", status == "triggered", status == "触发", status == "触发告警", status == "":
		a.Status = alert.Firing
	default:
		return source.Item{Rejected: fmt.Sprintf("status: is %.40q, expected firing or resolved", status)}
	}
	return source.Fired(a)
}

func instant(v doc.Value, paths ...string) time.Time {
	return source.InstantIn(v.First(paths...), source.China)
}

// keyOf is the fingerprint, or that of which it is made: project, rule and
// labels (Simple Log Service, "Deduplicate alerts based on fingerprints"). The
// instance has the time of an evaluation in it, so it counts only where a
// content leaves these out.
func keyOf(v doc.Value, name string, labels doc.Value) string {
	if text := v.Get("fingerprint").Text(); text != "" {
		return alert.SenderKey("fingerprint", text)
	}
	rule, instance := source.FirstText(v.First("alert_id", "AlertID"), name), v.Get("alert_instance_id").Text()
	if instance != "" && (rule == "" || !v.Get("labels").Present()) {
		return alert.SenderKey("alert_instance_id", instance)
	}
	parts := map[string]string{"alert": rule, "project": v.First("project", "Project")}
	for n, value := range source.Named(labels) {
		parts["label."+n] = value.Text()
	}
	return alert.HashKey(parts)
}

// severityOf reads the numbers and what templates make of them (variables in
// alert templates: severity).
func severityOf(word string) alert.Severity {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "10":
		return alert.Critical
	case "8", "高":
		return alert.Error
	case "6", "中":
		return alert.Warning
	case "4", "2", "低", "报告", "仅报告", "report", "report only":
		return alert.Info
	}
	return source.SeverityOf(word)
}

func titleOf(name, title string) string {
	switch {
	case name == "" || strings.Contains(title, name):
		return title
	case title == "":
		return name
	}
	return name + ": " + title
}

// maxShown bounds the results that a description shows.
const maxShown = 3

func describe(v, told doc.Value) string {
	lines := []string{told.First("desc", "description", "message")}
	if condition := v.First("condition", "Condition"); condition != "" {
		lines = append(lines, "condition: "+condition)
	}
	if query := v.First("results.0.query"); query != "" {
		lines = append(lines, "query: "+query)
	}
	shown := 0
	for result := range v.Get("fire_results").Inner().Items() {
		if shown++; shown > maxShown {
			break
		}
		lines = append(lines, result.Text())
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func labelsOf(v, labels doc.Value) map[string]string {
	out := map[string]string{}
	for _, names := range [...][2]string{{"aliuid", "Uid"}, {"region", "Region"}, {"project", "Project"}, {"alert_id", "AlertID"}, {"alert_name", "AlertName"}} {
		if text := v.First(names[:]...); text != "" {
			out[names[0]] = text
		}
	}
	if store := v.First("results.0.store"); store != "" {
		out["store"] = store
	}
	for name, value := range source.Named(labels) {
		out[name] = value.Text()
	}
	return out
}
