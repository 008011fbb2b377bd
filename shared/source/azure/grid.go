package azure

import (
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// validation is the event by which Event Grid asks whether an endpoint wants
// its events, and validated the answer (Azure Event Grid, "Webhook event
// delivery", endpoint validation).
const validation = "Microsoft.EventGrid.SubscriptionValidationEvent"

type validated struct {
	ValidationResponse string `json:"validationResponse"`
}

// isGrid tells an event of Event Grid in its own schema or as a CloudEvent.
func isGrid(v doc.Value) bool {
	return v.Get("eventType").Present() && v.Get("eventTime").Present() && v.Get("data").Present() ||
		v.Get("specversion").Present() && strings.HasPrefix(v.Get("type").Text(), "Microsoft.")
}

// grid reads events of Event Grid, one or a list.
func grid(list []doc.Value) source.Parsed {
	out := source.Parsed{SenderID: list[0].Get("id").Text()}
	once := 0
	for _, v := range list {
		kind := v.First("eventType", "type")
		if kind == validation {
			out.Answer = validated{v.At("data.validationCode").Text()}
			out.Notes = append(out.Notes, "Event Grid asked whether its events are wanted here, and was told so")
			continue
		}
		a, ends, problem := happening(v, kind)
		if problem != "" {
			out.Items = append(out.Items, source.Item{Rejected: problem})
			continue
		}
		if !ends {
			once++
		}
		out.Items = append(out.Items, source.Fired(a))
	}
	out.NeverEnds = once > 0 && once == len(out.Items)
	return out
}

// happening reads one event, and whether another one ends it.
func happening(v doc.Value, kind string) (a alert.Alert, ends bool, problem string) {
	if kind == "" || !isGrid(v) {
		return a, false, "eventType: missing; expected an event of Event Grid"
	}
	data, subject, at := v.Get("data"), source.FirstText(v.Get("subject").Text(), v.First("data.resourceUri", "topic", "source")), source.Instant(v.First("eventTime", "time"))
	a = alert.Alert{
		Source: Name, Status: alert.Firing, Group: kind, Title: lastPart(kind) + " on " + lastOf(subject), StartedAt: at,
		Description: source.Lines(data.First("message", "statusMessage", "status"), source.Details(data)), Labels: source.Labels("event", kind, "subject", subject, "topic", v.Get("topic").Text(), "caller", data.At("claims.name").Text()),
		DedupKey: alert.HashKey(map[string]string{"event": kind, "subject": subject, "topic": v.First("topic", "source")}),
	}
	addTarget(a.Labels, source.FirstText(data.Get("resourceUri").Text(), v.Get("topic").Text()))
	family := kind[:strings.LastIndexByte(kind, '.')+1]
	over := func(over bool) {
		ends = true
		a.DedupKey = alert.HashKey(map[string]string{"event": family, "subject": subject, "topic": v.First("topic", "source")})
		a.Episode = "state"
		if over {
			a.Status, a.StartedAt, a.EndedAt = alert.Resolved, time.Time{}, at
		}
	}
	switch state := data.At("resourceInfo.properties.availabilityState").Text(); {
	case state != "":
		a.Title, a.Labels["state"] = lastOf(subject)+" is "+state, state
		a.Severity = resource(doc.Of(map[string]string{"currentHealthStatus": state}), "")
		over(strings.EqualFold(state, "Available"))
	case strings.HasPrefix(kind, "Microsoft.Resources.Resource"):
		a.Severity = alert.Warning
		if !strings.HasSuffix(kind, "Failure") {
			a.Severity = alert.Info
		}
	case strings.HasSuffix(kind, "NearExpiry"):
		a.Severity = alert.Warning
		over(false)
	case strings.HasSuffix(kind, "Expired"):
		a.Severity = alert.Error
		over(false)
	case strings.HasPrefix(kind, "Microsoft.KeyVault.") && strings.HasSuffix(kind, "NewVersionCreated"):
		over(true)
	default:
		a.Severity = source.SeverityOf(data.First("severity", "Severity", "properties.severity", "level"))
		if a.Severity == "" {
			a.Severity = alert.Info
		}
	}
	return a, ends, ""
}

func lastPart(kind string) string { return kind[strings.LastIndexByte(kind, '.')+1:] }
