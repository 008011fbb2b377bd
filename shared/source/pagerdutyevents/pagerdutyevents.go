// Package pagerdutyevents reads what senders post to PagerDuty's Events API:
// alert and change events of version 2, and the generic events of version 1.
//
//	parsed, err := pagerdutyevents.Source.Parse(&source.Request{Path: "v2/enqueue", Body: body})
package pagerdutyevents

import (
	"bytes"
	"cmp"
	"strings"
	"unicode/utf8"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "pagerduty-events"

// Paths of the API (PagerDuty developer documentation, "Events API v2
// Overview" and "Events API v1 Overview").
const (
	EventPath   = "v2/enqueue"
	ChangePath  = "v2/change/enqueue"
	GenericPath = "generic/2010-04-15/create_event.json"
)

// Source is the Events API. Nothing is signed: the key is a field of the body.
var Source = source.Source{
	Name: Name, Parse: Parse,
	Media: []string{"*"}, // PagerDuty reads JSON whatever the header says
	Marks: []string{
		"event_action=trigger|acknowledge|resolve routing_key",
		"event_action=trigger payload.summary payload.source payload.severity",
		"event_action=acknowledge|resolve dedup_key",
		"event_type=trigger|acknowledge|resolve service_key",
		"routing_key payload.summary !event_action",
		"header:X-Routing-Key payload.summary",
	},
	Guide: source.Guide{
		Product: "PagerDuty Events API (whatever can send to it)", Page: "https://developer.pagerduty.com/docs/events-api-v2-overview",
		Setup: []string{
			"Change the address of the API from `https://events.pagerduty.com` to the host of {url}; Alertmanager: `pagerduty_configs: [{url: https://<host>/v2/enqueue, routing_key: <key>}]`.",
			"Enter the integration's key as routing key, or as service key of version 1; a tool that wants 32 hexadecimal digits takes the key's other form, `hex_key`.",
			"A tool whose whole address is free may use `{url}/v2/enqueue` with any routing key.",
		},
		Proof: "The key in `routing_key`, `service_key` or X-Routing-Key, or in the address. It is cut out of the body before that is kept.",
		Understood: "Events of version 2 (trigger, acknowledge, resolve), change events, generic events of version 1. Without dedup_key one is made of what the event says, " +
			"so that a repeat finds the same alert. Of a long summary the title is the beginning, and the description has all of it; a severity beside the four is that of its word, like fatal, or counts as none.",
		Repeats: "429 and 5xx; version 1: 403 and 5xx (Events API documentation, \"Response codes & retry logic\").",
	},
}

// maxKey is the length of a dedup key in characters (Events API v2, "Send an
// alert event").
const maxKey = 255

// version says where the fields of an event stand.
type version struct{ action, key, title, details string }

var (
	version1 = version{"event_type", "incident_key", "description", "details"}
	version2 = version{"event_action", "dedup_key", "payload.summary", "payload.custom_details"}
)

// versionOf tells by the path, and without one by the fields.
func versionOf(path string, root doc.Value) version {
	if strings.HasSuffix(path, GenericPath) || root.Get("event_type").Present() && !root.Get("event_action").Present() {
		return version1
	}
	return version2
}

func isChange(path string, root doc.Value) bool {
	if path = strings.Trim(path, "/"); path != "" {
		return strings.HasSuffix(path, ChangePath)
	}
	return root.At("payload.summary").Present() && !root.Get("event_action").Present() && !root.At("payload.severity").Present()
}

// Parse reads an event. The error names its fields as the API does.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	if root.Kind() != doc.Object {
		return source.Parsed{}, fault.New(fault.Invalid, "the body is %s, expected an object", root.Kind())
	}
	if isChange(r.Path, root) {
		return change(root)
	}
	return versionOf(r.Path, root).read(root)
}

func (v version) read(root doc.Value) (source.Parsed, error) {
	var bad fault.Problems
	a := alert.Alert{Source: Name, Status: v.status(root, &bad), Title: root.At(v.title).Text(), Severity: source.SeverityOf(root.At("payload.severity").Text())}
	key := root.Get(v.key).Text()
	switch {
	case utf8.RuneCountInString(key) > maxKey:
		bad.Add(v.key, "is too long (maximum %d characters)", maxKey)
	case blank(key) && (a.Status == alert.Acknowledged || a.Status == alert.Resolved):
		bad.Add(v.key, "is missing or blank")
	case blank(a.Title) && a.Status == alert.Firing:
		bad.Add(v.title, "is missing or blank")
	}
	if err := bad.Err("the event is not valid"); err != nil {
		return source.Parsed{}, err
	}
	a.DedupKey = alert.SenderKey("dedup_key", v.dedupKey(root))
	a.Description, a.Labels, a.Links = source.Details(root.At(v.details)), v.labels(root), linksOf(root)
	if len(a.Title) > alert.MaxTitle {
		a.Description = source.Lines(a.Title, a.Description) // a title is cut
	}
	if at := source.Instant(root.At("payload.timestamp").Text()); a.Status == alert.Resolved {
		a.EndedAt = at
	} else {
		a.StartedAt = at
	}
	// A repeat has a time of its own, so the time names no firing period.
	return source.Parsed{Items: []source.Item{source.Told(a)}}, nil
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

func (v version) status(root doc.Value, bad *fault.Problems) alert.Status {
	switch action := strings.ToLower(strings.TrimSpace(root.Get(v.action).Text())); action {
	case "trigger":
		return alert.Firing
	case "acknowledge":
		return alert.Acknowledged
	case "resolve":
		return alert.Resolved
	case "":
		bad.Add(v.action, "is missing or blank")
	default:
		bad.Add(v.action, "is %.40q, expected trigger, acknowledge or resolve", action)
	}
	return ""
}

// DedupKey returns the key by which the sender may speak of the event again:
// its own, or the one that was made of what the event says, which taken holds,
// the keys of the alerts that were accepted.
func DedupKey(r *source.Request, taken []string) string {
	root, _ := r.Root()
	if key := root.Get(versionOf(r.Path, root).key).Text(); !blank(key) || len(taken) == 0 {
		return key
	}
	_, made, _ := strings.Cut(taken[0], ":")
	return made
}

// dedupKey of an event without one is a hash of all that it says but its
// sender's key. PagerDuty makes a random one; this one is the same when a
// sender whose answer was lost sends again, and another as soon as the event
// tells of another time or condition.
func (v version) dedupKey(root doc.Value) string {
	if key := root.Get(v.key).Text(); !blank(key) {
		return key
	}
	_, digits, _ := strings.Cut(hashOf(root), ":")
	return digits
}

func hashOf(root doc.Value) string {
	parts := map[string]string{}
	for name, value := range root.Fields() {
		if name != "routing_key" && name != "service_key" {
			parts[name] = value.JSON()
		}
	}
	return alert.HashKey(parts)
}

// Bounds of what details become labels: short values, and so many of them
// that they leave room for the fields of the event.
const (
	maxDetailLabels = 40
	maxDetailValue  = 128
)

// labels holds the fields that say where the event is from, and the short
// ones of its details. There is no Group: PagerDuty keeps alerts apart by
// their keys, and payload.group is a word for a part of the system.
func (v version) labels(root doc.Value) map[string]string {
	labels, n := map[string]string{}, 0
	for name, value := range source.Named(root.At(v.details)) {
		text := value.Text()
		if k := value.Kind(); n < maxDetailLabels && k != doc.Array && k != doc.Object && !blank(text) && len(text) <= maxDetailValue && !strings.Contains(text, "\n") {
			labels[name] = text
			n++
		}
	}
	for _, name := range [...]string{"source", "component", "group", "class"} {
		put(labels, name, root.Get("payload").Get(name).Text())
	}
	put(labels, "client", root.Get("client").Text())
	return labels
}

func put(labels map[string]string, name, value string) {
	if !blank(value) {
		labels[name] = value
	}
}

// linksOf takes the sender's page, links and images, and the contexts of
// version 1, which are both. An image leads to itself where it leads nowhere else.
func linksOf(root doc.Value) []alert.Link {
	links := source.Links(cmp.Or(root.Get("client").Text(), "Sender"), root.Get("client_url").Text())
	for _, list := range [...]string{"links", "images", "contexts"} {
		for v := range root.Get(list).Items() {
			links = source.AppendLink(links, v.First("text", "alt"), v.First("href", "src"))
		}
	}
	return links
}

// change reads a change event.
func change(root doc.Value) (source.Parsed, error) {
	payload := root.Get("payload")
	if blank(payload.Get("summary").Text()) {
		var bad fault.Problems
		bad.Add("payload.summary", "is missing or blank")
		return source.Parsed{}, bad.Err("the event is not valid")
	}
	told := source.Told(alert.Alert{Title: payload.Get("summary").Text(), Labels: version2.labels(root), Links: linksOf(root)}).Alert
	_, digits, _ := strings.Cut(hashOf(root), ":")
	return source.Parsed{Changes: []source.Change{{
		ID: digits, Title: told.Title, Source: Name, At: source.Instant(payload.Get("timestamp").Text()), Labels: told.Labels, Links: told.Links,
	}}}, nil
}

// TakeKey cuts the sender's key out of the body, which is kept, and returns
// it, or that of the header; "" is none. A body that is no JSON is an error of
// kind Invalid.
func TakeKey(r *source.Request) (key string, without *source.Request, err error) {
	event := bytes.TrimPrefix(r.Body, []byte("\ufeff")) // positions are counted without it
	root, err := doc.JSON(event)
	if err != nil {
		return "", r, err
	}
	key, body, done := r.Header.Get("X-Routing-Key"), []byte(nil), 0
	for name, value := range root.Fields() {
		if name != "routing_key" && name != "service_key" {
			continue
		}
		key = cmp.Or(value.Text(), key)
		from, to := value.Span()
		body = append(append(body, event[done:from]...), `""`...)
		done = to
	}
	if done > 0 {
		r = r.WithBody(append(body, event[done:]...))
	}
	return strings.TrimSpace(key), r, nil
}
