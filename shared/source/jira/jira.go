// Package jira reads issues of Jira and Jira Service Management as alerts: the
// webhooks of Cloud and Data Center, and the web request of an automation rule.
//
//	parsed, err := jira.Source.Parse(&source.Request{Header: header, Body: body, At: received})
package jira

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/proof"
)

// Name is the word of this source.
const Name = "jira"

// Source is Jira. It signs where the webhook has a secret (Jira Cloud platform
// documentation, "Webhooks", Secure admin webhooks).
var Source = source.Source{
	Name: Name, Aliases: []string{"jira_service_management"}, Parse: Parse, Verify: proof.HMAC{Name: "X-Hub-Signature", Prefix: "sha256="}.Verify,
	Marks: []string{
		"webhookEvent=jira:* issue.key", "webhookEvent=jira:* timestamp", "webhookEvent timestamp", "webhookEvent issue.fields", "header:X-Atlassian-Webhook-Identifier",
		"issue.key issue.self issue.fields.summary", "key self fields.summary fields.project", "key fields.summary fields.status.statusCategory",
		"issue.key issue.summary issue.status !issue.fields",
	},
	Guide: source.Guide{
		Product: "Jira, Jira Service Management", Page: "https://developer.atlassian.com/cloud/jira/platform/webhooks/",
		Setup: []string{
			"In System, WebHooks, create one with the URL {url}, a JQL filter for the issues that should page, a secret, and the events issue created, updated and deleted.",
			"Or in an automation rule choose Send web request: POST to {url}, web request body Issue data, with the header Authorization: Bearer <secret>.",
			"Let the rule run when an issue is created and when its status changes, so that Done recovers.",
			"Custom data may name key, summary, description, status, priority and url, alone or in an object called issue.",
		},
		Proof: "X-Hub-Signature: sha256= and the HMAC-SHA256 of the body, in hex, with the webhook's secret. A web request of an automation rule proves itself by a bearer secret.",
		Understood: "jira:issue_created, jira:issue_updated and jira:issue_deleted, and issues alone: open until the status is of the category Done, or the issue has a resolution. " +
			"A change to a status in progress is an acknowledgement. Priorities Highest and Blocker; High, Critical and Major; Medium; Low, Lowest, Minor and Trivial. A version that is released is a change. Everything else is a note.",
		Repeats: "Cloud: 408, 409, 425, 429, 5xx and timeouts, up to 5 times after 5 to 15 minutes, with the same X-Atlassian-Webhook-Identifier. Data Center: never.",
	},
}

// Parse reads one event, or one issue.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	out := source.Parsed{SenderID: r.Header.Get("X-Atlassian-Webhook-Identifier")}
	word, is := strings.ToLower(root.Get("webhookEvent").Text()), issueIn(root)
	switch word {
	case "jira:version_released", "version_released":
		out.Changes = []source.Change{released(root)}
		return out, nil
	case "", "jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "issue_created", "issue_updated", "issue_deleted":
	default:
		out.Notes = append(out.Notes, fmt.Sprintf("%.60s: says nothing of an alert", word))
		return out, nil
	}
	if is.Kind() != doc.Object {
		return source.Parsed{}, fault.New(fault.Invalid, "issue: is %s, expected the object of an issue of Jira", is.Kind())
	}
	if is.First("key", "id") == "" {
		out.Items = []source.Item{{Rejected: "issue.key: missing"}}
		return out, nil
	}
	out.Items = []source.Item{source.Fired(issue(is, root, strings.TrimPrefix(word, "jira:")))}
	return out, nil
}

// issueIn finds the issue: in a field of its own, or as the body itself.
func issueIn(root doc.Value) doc.Value {
	is := root.Get("issue")
	if is.Kind() != doc.Object && (root.Get("fields").Kind() == doc.Object || root.Get("key").Present() && root.Get("summary").Present()) {
		return root
	}
	return is
}

// fieldsOf are the fields of an issue, which custom data of an automation rule
// has beside its key.
func fieldsOf(is doc.Value) doc.Value {
	if fields := is.Get("fields"); fields.Kind() == doc.Object {
		return fields
	}
	return is
}

// released is a version that is out: a change of its project.
func released(root doc.Value) source.Change {
	is := root.Get("version")
	return source.Changed(source.Change{
		ID: alert.SenderKey("version", is.First("id", "name")), Source: Name, Title: "version " + is.First("name", "id") + " is released", At: source.Instant(root.Get("timestamp").Text()),
		Labels: source.Labels("version", is.Get("name").Text(), "project_id", is.Get("projectId").Text(), "release_date", is.First("releaseDate", "userReleaseDate")),
	})
}

func issue(is, root doc.Value, event string) alert.Alert {
	fields, key := fieldsOf(is), is.First("key", "id")
	told := source.Instant(root.Get("timestamp").Text())
	a := alert.Alert{
		Source: Name, Status: statusOf(fields, root.At("changelog.items"), event), DedupKey: alert.SenderKey("issue", key), Episode: key, Severity: severityOf(fields),
		Title: source.FirstText(fields.Get("summary").Text(), key), Group: cmp.Or(fields.First("project.key"), project(key)),
		Description: textOf(fields.Get("description")), Labels: labelsOf(fields, key, root), Links: linksOf(is, key),
		StartedAt: source.Instant(fields.Get("created").Text()),
	}
	if event == "issue_created" && !told.IsZero() {
		a.StartedAt = told
	}
	if a.Status == alert.Resolved {
		a.EndedAt = source.Instant(fields.Get("resolutiondate").Text())
		if a.EndedAt.IsZero() || event == "issue_deleted" {
			a.EndedAt = later(told, a.EndedAt)
		}
	}
	return a
}

func later(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

// over are names of statuses of the category Done, for versions of Jira that
// do not tell the category.
var over = []string{"done", "closed", "resolved", "canceled", "cancelled", "completed", "declined", "rejected", "won't do", "won't fix"}

// statusOf: only the change to a status in progress says that somebody has
// begun; later edits of the same issue repeat that it is open.
func statusOf(fields, changes doc.Value, event string) alert.Status {
	category := strings.ToLower(fields.First("status.statusCategory.key", "status.statusCategory.name", "status.statusCategory"))
	done := category == "done" || category == "" && slices.Contains(over, strings.ToLower(fields.First("status.name", "status")))
	if event == "issue_deleted" || done || category == "" && (fields.Get("resolution").Present() || fields.First("resolutiondate") != "") {
		return alert.Resolved
	}
	if category == "indeterminate" || category == "in progress" {
		for c := range changes.Items() {
			if strings.EqualFold(c.Get("field").Text(), "status") {
				return alert.Acknowledged
			}
		}
	}
	return alert.Firing
}

// severityOf sorts the priorities that Jira comes with, new and old, and those
// of one's own that name or begin with a common word: "P1 - Critical", "Sev 1".
func severityOf(fields doc.Value) alert.Severity {
	switch word := strings.ToLower(fields.First("priority.name", "priority")); word {
	case "highest", "blocker":
		return alert.Critical
	case "high", "critical", "major":
		return alert.Error
	case "medium":
		return alert.Warning
	case "low", "lowest", "minor", "trivial":
		return alert.Info
	default:
		return cmp.Or(source.SeverityOf(strings.ReplaceAll(word, " ", "")), source.SeverityTold(word))
	}
}

func project(key string) string {
	before, _, ok := strings.Cut(key, "-")
	if !ok {
		return ""
	}
	return before
}

func labelsOf(fields doc.Value, key string, root doc.Value) map[string]string {
	return source.Labels("issue", key, "project", cmp.Or(fields.First("project.key"), project(key)), "issue_type", fields.First("issuetype.name", "issuetype"), "status", fields.First("status.name", "status"),
		"jira_priority", fields.First("priority.name", "priority"), "assignee", fields.First("assignee.displayName", "assignee.name"), "reporter", fields.First("reporter.displayName", "reporter.name"),
		"resolution", fields.First("resolution.name"), "labels", join(fields.Get("labels"), ""), "components", join(fields.Get("components"), "name"), "actor", root.First("user.displayName", "user.name"))
}

func join(list doc.Value, name string) string {
	var texts []string
	for v := range source.Some(list) {
		if name != "" {
			v = v.Get(name)
		}
		if text := v.Text(); text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", ")
}

// linksOf finds the page of an issue from the address of its API, where it is
// not told.
func linksOf(is doc.Value, key string) []alert.Link {
	site, _, ok := strings.Cut(is.Get("self").Text(), "/rest/")
	if !ok {
		return source.Links("Issue", is.First("url", "link"))
	}
	return source.Links("Issue", site+"/browse/"+key)
}

// textOf is a description: a text, or a document in the format of Atlassian,
// whose texts are its leaves ("Atlassian Document Format").
func textOf(v doc.Value) string {
	if v.Kind() != doc.Object {
		return v.Text()
	}
	var b strings.Builder
	addText(&b, v)
	return strings.TrimSpace(b.String())
}

func addText(b *strings.Builder, v doc.Value) {
	b.WriteString(v.Get("text").Text())
	for child := range v.Get("content").Items() {
		addText(b, child)
	}
	switch v.Get("type").Text() {
	case "paragraph", "heading", "hardBreak", "codeBlock":
		b.WriteByte('\n')
	}
}
