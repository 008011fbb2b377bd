// Package prometheus reads what Prometheus Alertmanager posts to a webhook
// (version 4; 3 and none are read too) and what a Prometheus server itself
// posts to /api/v2/alerts of what it takes for an Alertmanager.
//
//	parsed, err := prometheus.Source.Parse(body, received)
package prometheus

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tocsin/shared/alert"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "prometheus"

// Source is Prometheus with its Alertmanager. Neither signs (Prometheus
// documentation, "Configuration", http_config: basic, bearer, OAuth 2 or mTLS).
var Source = source.Source{Name: Name, Parse: Parse}

// Parse reads a body of either form. An alert that cannot be understood is an
// item that says why; its neighbours are read all the same. received is real
// time: a Prometheus server says by endsAt until when an alert fires.
func Parse(body []byte, received time.Time) (source.Parsed, error) {
	e, err := decode(body)
	if err != nil {
		return source.Parsed{}, err
	}
	if err := source.TooMany(len(e.alerts)); err != nil {
		return source.Parsed{}, err
	}
	out := source.Parsed{Notes: notes(body, e), Items: make([]source.Item, 0, len(e.alerts))}
	for i := range e.alerts {
		out.Items = append(out.Items, itemOf(&e, &e.alerts[i], received))
	}
	return out, nil
}

func notes(body []byte, e envelope) []string {
	var out []string
	if n := strings.TrimSpace(e.truncated); n != "" && n != "0" {
		out = append(out, fmt.Sprintf("the sender left out %.20s alerts (max_alerts)", n))
	}
	if !utf8.Valid(body) {
		out = append(out, "the body has invalid UTF-8; it was replaced by U+FFFD")
	}
	return out
}

func itemOf(e *envelope, w *wire, received time.Time) source.Item {
	if w.problem != "" {
		return source.Item{Rejected: w.problem}
	}
	if w.Fingerprint == "" && len(w.Labels) == 0 {
		return source.Item{Rejected: "labels: missing; an alert needs labels or a fingerprint"}
	}
	a := alert.Alert{
		Source: Name, DedupKey: keyOf(w), Severity: severityOf(w.Labels["severity"]),
		Title: firstText(w.Annotations.Summary, w.Labels["alertname"], w.Annotations.Description, w.Annotations.Message),
		Group: firstText(e.groupKey, w.Labels["alertname"]), Description: firstText(w.Annotations.Description, w.Annotations.Message),
		Labels: w.Labels, Links: linksOf(w), StartedAt: instant(w.StartsAt),
	}
	a.Priority = a.Severity.Priority()
	a.Episode = episode(a.StartedAt)
	if problem := setStatus(&a, e.bare, w, received); problem != "" {
		return source.Item{Rejected: problem}
	}
	alert.Clean(&a)
	return source.Item{Alert: &a}
}

// keyOf prefers Alertmanager's fingerprint, sent since 0.19; before, and from
// a Prometheus server, the label set is the identity.
func keyOf(w *wire) string {
	if w.Fingerprint != "" {
		return alert.SenderKey("fingerprint", w.Fingerprint)
	}
	return alert.HashKey(w.Labels)
}

// setStatus takes the status that a webhook names, whatever endsAt says. The
// bare array has none: an alert fires until endsAt (Alertmanager API v2,
// api/v2/openapi.yaml, postableAlert; a server sends endsAt ahead of its next
// repeat, and in the past once it has resolved).
func setStatus(a *alert.Alert, bare bool, w *wire, received time.Time) (problem string) {
	ends := instant(w.EndsAt)
	switch {
	case bare && !ends.IsZero() && !ends.After(received):
		a.Status = alert.Resolved
	case bare:
		a.Status = alert.Firing
	case w.Status == "":
		return "status: missing; expected firing or resolved"
	default:
		a.Status = alert.Status(w.Status)
	}
	switch a.Status {
	case alert.Firing:
		if ends.After(received) {
			a.ExpiresAt = ends
		}
	case alert.Resolved:
		a.EndedAt = ends
	default:
		return fmt.Sprintf("status: is %.40q, expected firing or resolved", w.Status)
	}
	return ""
}

// severityOf sorts the words in common use in the label severity; the label
// is free text, so an unknown word says nothing.
func severityOf(word string) alert.Severity {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "critical", "page":
		return alert.Critical
	case "error", "high":
		return alert.Error
	case "warning":
		return alert.Warning
	case "info", "none":
		return alert.Info
	}
	return ""
}

// linksOf takes the address of the expression and the annotations that are in
// common use for addresses (kubernetes-mixin: runbook_url, dashboard_url).
func linksOf(w *wire) []alert.Link {
	links := make([]alert.Link, 0, 1)
	links = source.AppendLink(links, "Runbook", w.Annotations.RunbookURL)
	links = source.AppendLink(links, "Dashboard", w.Annotations.Dashboard)
	links = source.AppendLink(links, "Dashboard", w.Annotations.DashboardURL)
	return source.AppendLink(links, "Prometheus", w.GeneratorURL)
}

// firstText returns the first of texts that has something to read.
func firstText(texts ...string) string {
	for _, s := range texts {
		if strings.ContainsFunc(s, legible) {
			return s
		}
	}
	return ""
}

func legible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// The years within which a time is believed: outside of them it is the zero
// time of some language, or cannot be rendered as RFC 3339.
const (
	firstYear = 1970
	lastYear  = 9998
)

// instant reads a time; what is absent, unreadable or outside of the years
// believed is the zero time: a bad time is no reason to lose an alert.
func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if t = t.UTC(); err != nil || t.Year() < firstYear || t.Year() > lastYear {
		return time.Time{}
	}
	return t
}

// episode names a firing period by its start, "" when the sender gave none.
func episode(start time.Time) string {
	if start.IsZero() {
		return ""
	}
	return start.Format(time.RFC3339Nano)
}
