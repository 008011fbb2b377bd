package prometheus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// envelope is a decoded body.
type envelope struct {
	bare      bool   // the array of /api/v2/alerts, not a webhook
	groupKey  string // text in version 4, a number in version 3
	truncated string // truncatedAlerts as written
	alerts    []wire
}

// fields are the fields in use of an alert, which both forms share. Where one
// stands twice, the last counts.
type fields[T ~string, A any] struct {
	Status       T            `json:"status"`
	Labels       map[string]T `json:"labels"`
	Annotations  A            `json:"annotations"`
	StartsAt     T            `json:"startsAt"`
	EndsAt       T            `json:"endsAt"`
	GeneratorURL T            `json:"generatorURL"`
	Fingerprint  T            `json:"fingerprint"`
}

type annotated[T ~string] struct {
	Summary      T `json:"summary"`
	Description  T `json:"description"`
	Message      T `json:"message"`
	RunbookURL   T `json:"runbook_url"`
	Dashboard    T `json:"dashboard"`
	DashboardURL T `json:"dashboard_url"`
}

// wire is an alert as sent, or why it cannot be read.
type wire struct {
	fields[string, annotated[string]]
	problem string
}

// webhook is the body that Alertmanager posts (Alertmanager documentation,
// "Configuration", webhook_config; template/template.go, Data).
type webhook[A any] struct {
	Version   text `json:"version"`
	GroupKey  text `json:"groupKey"`
	Truncated text `json:"truncatedAlerts"`
	Alerts    *[]A `json:"alerts"`
}

// text is a field that is a string, and is read when it is something else: a
// number or a boolean as written, null as nothing, the rest as JSON.
type text string

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	switch {
	case string(raw) == "null":
	case json.Unmarshal(raw, &s) == nil:
		*t = text(s)
	default:
		*t = text(raw)
	}
	return nil
}

// anything is annotations of any type: they are told, and nothing depends on
// them, so they are no reason to lose an alert.
type anything struct{ annotated[text] }

// UnmarshalJSON never fails: what is no object is a message.
func (a *anything) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &a.annotated) != nil {
		return a.Message.UnmarshalJSON(raw)
	}
	return nil
}

// byteOrderMark begins what some editors and shells write as UTF-8; JSON has
// none, and a reader may ignore it (RFC 8259, section 8.1).
const byteOrderMark = "\ufeff"

// decode reads a body of either form.
func decode(body []byte) (envelope, error) {
	body = bytes.TrimPrefix(body, []byte(byteOrderMark))
	if err := source.CheckDepth(body); err != nil {
		return envelope{}, err
	}
	switch trimmed := bytes.TrimLeft(body, " \t\r\n"); {
	case len(trimmed) == 0:
		return envelope{}, fault.New(fault.Invalid, "the body is empty")
	case trimmed[0] == '[':
		alerts, err := decodeArray(body)
		return envelope{bare: true, alerts: alerts}, err
	case trimmed[0] == '{':
		return decodeWebhook(body)
	}
	return envelope{}, notJSON(body)
}

func notJSON(body []byte) error {
	var v json.RawMessage
	if err := json.Unmarshal(body, &v); err != nil {
		return source.JSONError(err)
	}
	return fault.New(fault.Invalid, "the body is neither an Alertmanager webhook (an object) nor a list of alerts (an array)")
}

func decodeArray(body []byte) ([]wire, error) {
	var strict []wire
	err := json.Unmarshal(body, &strict)
	if err == nil {
		return strict, nil
	}
	if !wrongType(err) {
		return nil, source.JSONError(err)
	}
	var loose []json.RawMessage
	if err := json.Unmarshal(body, &loose); err != nil {
		return nil, source.JSONError(err)
	}
	return loosen(loose), nil
}

func decodeWebhook(body []byte) (envelope, error) {
	var strict webhook[wire]
	err := json.Unmarshal(body, &strict)
	if err == nil {
		return envelopeOf(strict, func(alerts []wire) []wire { return alerts })
	}
	if !wrongType(err) {
		return envelope{}, source.JSONError(err)
	}
	var loose webhook[json.RawMessage]
	if err := json.Unmarshal(body, &loose); err != nil {
		return envelope{}, source.JSONError(err)
	}
	return envelopeOf(loose, loosen)
}

func wrongType(err error) bool {
	_, ok := errors.AsType[*json.UnmarshalTypeError](err)
	return ok
}

func envelopeOf[A any](w webhook[A], read func([]A) []wire) (envelope, error) {
	var bad fault.Problems
	switch w.Version {
	case "4", "3", "":
	default:
		bad.Add("version", "is %.20q, expected 4 or 3", string(w.Version))
	}
	if w.Alerts == nil {
		bad.Add("alerts", "missing; expected an array")
	}
	if err := bad.Err("the body is no Alertmanager webhook"); err != nil {
		return envelope{}, err
	}
	return envelope{groupKey: string(w.GroupKey), truncated: string(w.Truncated), alerts: read(*w.Alerts)}, nil
}

// loosen reads alerts one by one, for bodies in which some field is not of the
// type that Alertmanager sends.
func loosen(raw []json.RawMessage) []wire {
	out := make([]wire, len(raw))
	for i, r := range raw {
		if json.Unmarshal(r, &out[i].fields) == nil {
			continue
		}
		var f fields[text, anything]
		if err := json.Unmarshal(r, &f); err != nil {
			out[i] = wire{problem: problemOf(err)}
			continue
		}
		out[i] = wire{fields: plain(f)}
	}
	return out
}

func problemOf(err error) string {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		return fmt.Sprintf("%.80s: is a JSON %.20s, expected an object", e.Field, e.Value)
	} else if ok {
		return fmt.Sprintf("is a JSON %.20s, expected an object", e.Value)
	}
	return "is not readable"
}

func plain(f fields[text, anything]) fields[string, annotated[string]] {
	labels := make(map[string]string, len(f.Labels))
	for name, value := range f.Labels {
		labels[name] = string(value)
	}
	a := f.Annotations
	return fields[string, annotated[string]]{
		Status: string(f.Status), Labels: labels, StartsAt: string(f.StartsAt), EndsAt: string(f.EndsAt),
		GeneratorURL: string(f.GeneratorURL), Fingerprint: string(f.Fingerprint),
		Annotations: annotated[string]{
			string(a.Summary), string(a.Description), string(a.Message), string(a.RunbookURL), string(a.Dashboard), string(a.DashboardURL),
		},
	}
}
