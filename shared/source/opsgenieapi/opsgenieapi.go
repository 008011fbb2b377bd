// Package opsgenieapi reads what senders post to Opsgenie's Alert API, which
// is also that of Jira Service Management: new alerts, and what is done with
// them by alias, id or tiny id.
//
//	parsed, err := opsgenieapi.Source.Parse(&source.Request{Path: "v2/alerts/disk-7/close", Query: url.Values{"identifierType": {"alias"}}})
package opsgenieapi

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "opsgenie-api"

// AlertsPath begins the paths of the API (Opsgenie documentation, "Alert API").
const AlertsPath = "v2/alerts"

// foreign are fields that others have beside a message, and the API has not.
const foreign = " !title !name !severity !level !state !host !hostname !id !time !timestamp"

// Source is the Alert API.
var Source = source.Source{
	Name: Name, Parse: Parse, OwnPath: named, Auths: []string{"hmac-sha256"}, // Authorization holds the GenieKey
	Queries: []string{"identifierType", "tags", "keys"},
	Marks: []string{
		"header:Authorization=\"GenieKey *\"",
		"message alias !alert !event_action !status !action !alerts" + foreign,
		"message responders.0.type !alert !action",
		"message priority=P1|P2|P3|P4|P5 !alert !alerts !action !status !event_action !link !alertId !alert_id" + foreign,
	},
	Guide: source.Guide{
		Product: "Opsgenie Alert API (whatever can send to it)", Page: "https://docs.opsgenie.com/docs/alert-api",
		Setup: []string{
			"Change the address of the API from `https://api.opsgenie.com` to the host of {url}; Alertmanager: `opsgenie_configs: [{api_url: https://<host>/, api_key: <key>}]`.",
			"Enter the integration's key as API key; a tool that wants a UUID or 32 hexadecimal digits takes the key's other form, `hex_key`.",
			"A tool whose whole address is free may use `{url}/` in place of `https://api.opsgenie.com/`.",
		},
		Proof: "The key in `Authorization: GenieKey <key>`, or in the address.",
		Understood: "Creating, closing and deleting, acknowledging and taking it back, notes. Whatever else may be asked of an alert (snooze, assign, tags, priority ...) becomes a note on its event; of the same message or description one is made, however often it is told. " +
			"Ids, tiny ids and request ids hold what they stand for: an alert is found by each, also one that nobody created. Alerts cannot be searched; close only what the same key created.",
		Repeats: "429 and 5xx (Opsgenie documentation, \"API rate limiting\" and \"Response\").",
	},
}

// Actions are what a request may do with an alert, as paths name it. Request
// ids hold positions of this list: add at its end.
var Actions = []string{
	"create", "close", "delete", "acknowledge", "unacknowledge", "notes", "snooze", "escalate", "assign", "teams", "responders",
	"tags", "details", "priority", "message", "description", "actions", "remove-tags", "remove-details", "note",
}

func actionNumber(action string) byte { return byte(max(slices.Index(Actions, action), 0)) }

// Target is what a request is about.
type Target struct {
	Action string // of Actions
	Custom string // the name of a custom action
	Alert  Number // not of "create", whose body says it
}

// Find reads a path from AlertsPath on, and the query of its request. False:
// it is no operation on an alert.
func Find(path, identifierType string) (Target, bool) {
	_, rest, ok := strings.Cut("/"+path+"/", "/"+AlertsPath+"/")
	if rest = strings.Trim(rest, "/"); rest == "" {
		return Target{Action: "create"}, ok || strings.Trim(path, "/") == ""
	}
	parts := strings.Split(rest, "/")
	t := Target{Action: parts[len(parts)-1]}
	id := parts[:len(parts)-1] // an alias may hold slashes
	if n := len(parts); n > 2 && parts[n-2] == "actions" {
		t.Action, t.Custom, id = "actions", parts[n-1], parts[:n-2]
	}
	identifier := strings.Join(id, "/")
	if identifier == "" || t.Action == "create" || t.Action == "actions" && t.Custom == "" || !slices.Contains(Actions, t.Action) {
		return t, false
	}
	t.Alert = ByIdentifier(identifier, identifierType)
	return t, ok
}

// PathOf names in the path what a request with the method DELETE does.
func PathOf(method, path string) string {
	path = strings.Trim(path, "/")
	if method != http.MethodDelete {
		return path
	}
	for _, list := range [...]string{"tags", "details"} {
		if of, ok := strings.CutSuffix(path, "/"+list); ok && !strings.HasSuffix(of, AlertsPath) {
			return of + "/remove-" + list
		}
	}
	return path + "/delete"
}

// Parse reads a request: the path says what is done, and without one an alert
// is created. The error names its fields as the API does.
func Parse(r *source.Request) (source.Parsed, error) {
	target, ok := Find(r.Path, r.Query.Get("identifierType"))
	if !ok {
		return source.Parsed{}, fault.New(fault.Invalid, "the path is no operation on an alert")
	}
	root, err := rootOf(r, target)
	if err != nil {
		return source.Parsed{}, err
	}
	if root.Kind() != doc.Object {
		return source.Parsed{}, fault.New(fault.Invalid, "the body is %s, expected an object", root.Kind())
	}
	if target.Action == "create" {
		return create(root)
	}
	return target.does(r, root)
}

// rootOf reads the body, which all but a new alert may leave out.
func rootOf(r *source.Request, t Target) (doc.Value, error) {
	if t.Action != "create" && len(bytes.TrimSpace(r.Body)) == 0 {
		return doc.JSON([]byte("{}"))
	}
	return r.Root()
}

// aliasOf is the alias of a new alert. Without one it is the alert's id, which
// is made of what the alert says, so that a repeat is of the same alert.
func aliasOf(root doc.Value) string {
	if alias := root.Get("alias").Text(); strings.TrimSpace(alias) != "" {
		return alias
	}
	parts := map[string]string{}
	for name, value := range source.Named(root) {
		parts[name] = value.JSON()
	}
	return ByAlias(alert.HashKey(parts)).ID()
}

func create(root doc.Value) (source.Parsed, error) {
	message := root.Get("message").Text()
	if source.FirstText(message) == "" {
		var bad fault.Problems
		bad.Add("message", "Message can not be empty.")
		return source.Parsed{}, bad.Err("the alert is not valid")
	}
	alias := aliasOf(root)
	labels := map[string]string{}
	for name, value := range source.Named(root.Get("details")) {
		labels[name] = value.Text()
	}
	labels["alias"] = alias
	for name, value := range map[string]string{
		"entity": root.Get("entity").Text(), "source": root.Get("source").Text(), "user": root.Get("user").Text(),
		"tags": list(root.Get("tags")), "responders": responders(root),
	} {
		if value != "" {
			labels[name] = value
		}
	}
	about := strings.TrimSpace(root.Get("description").Text() + "\n" + root.Get("note").Text())
	return source.Parsed{Items: []source.Item{source.Told(alert.Alert{
		Source: Name, DedupKey: ByAlias(alias).Key(), Status: alert.Firing, Severity: source.SeverityOf(root.Get("priority").Text()),
		Title: message, Description: about, Labels: labels, Links: addresses(root.Get("details")),
	})}}, nil
}

// list joins the texts of a list, or is the text itself.
func list(v doc.Value) string {
	if v.Kind() != doc.Array {
		return v.Text()
	}
	var texts []string
	for item := range source.Some(v) {
		texts = append(texts, item.Text())
	}
	return strings.Join(texts, ", ")
}

// responders names whom the sender would have told: here rules and plans say.
func responders(root doc.Value) string {
	var names []string
	for _, field := range [...]string{"responders", "teams"} {
		for v := range source.Some(root.Get(field)) {
			name := v.First("name", "username", "id")
			if v.Kind() == doc.String { // as in the first version
				name = v.Text()
			}
			if name != "" {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, ", ")
}

// addresses are the details that are nothing but an address.
func addresses(details doc.Value) []alert.Link {
	links := []alert.Link{}
	for name, value := range source.Named(details) {
		if text := value.Text(); !strings.ContainsAny(text, " \n") {
			links = source.AppendLink(links, name, text)
		}
	}
	return links
}

// statuses of the actions that are more than a note.
var statuses = map[string]alert.Status{
	"close": alert.Resolved, "delete": alert.Resolved, "acknowledge": alert.Acknowledged, "unacknowledge": alert.Unacknowledged,
}

// texts are what Alertmanager's update_alerts tells with each notification,
// changed or not: the same again is the same request.
var texts = []string{"message", "description"}

// does reads what is done with an alert: a note, if there is one, and then the
// action itself.
func (t Target) does(r *source.Request, root doc.Value) (source.Parsed, error) {
	note, out := strings.TrimSpace(root.Get("note").Text()), source.Parsed{}
	if t.Action == "notes" && note == "" {
		var bad fault.Problems
		bad.Add("note", "Note can not be empty.")
		return out, bad.Err("the note is not valid")
	}
	if slices.Contains(texts, t.Action) {
		out.SenderID = t.Action + " of " + t.Alert.TinyID()
	}
	status := statuses[t.Action]
	if status == "" && t.Action != "notes" {
		note = strings.TrimSpace(t.asked(r, root) + "\n" + note)
	}
	if note != "" {
		out.Items = append(out.Items, t.item(alert.Noted, note+by(root)))
	}
	if status != "" {
		out.Items = append(out.Items, t.item(status, ""))
	}
	return out, nil
}

func (t Target) item(s alert.Status, text string) source.Item {
	return source.Told(alert.Alert{Source: Name, DedupKey: t.Alert.Key(), Status: s, Description: text})
}

// asked tells people of what is not done here by itself.
func (t Target) asked(r *source.Request, root doc.Value) string {
	var b strings.Builder
	b.WriteString("Asked for through Opsgenie's API: " + cmp.Or(t.Custom, t.Action))
	for name, value := range source.Named(root) {
		if name != "note" && name != "user" && name != "source" && !strings.HasPrefix(name, "Identifier") {
			b.WriteString("\n" + name + ": " + list(value))
		}
	}
	for _, name := range [...]string{"tags", "keys"} {
		if text := r.Query.Get(name); text != "" {
			b.WriteString("\n" + name + ": " + text)
		}
	}
	return b.String()
}

func by(root doc.Value) string {
	if who := root.First("user", "source"); who != "" {
		return " (" + who + ")"
	}
	return ""
}
