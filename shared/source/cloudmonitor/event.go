package cloudmonitor

import (
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// systemEvent reads an event as its callback sends it.
func systemEvent(v doc.Value) source.Item {
	name, resource := v.First("name", "eventName"), word(v, "resourceId")
	stem, over := phase(name)
	a := alert.Alert{
		DedupKey: eventKey(resource, stem), Status: alert.Firing, Severity: source.SeverityOf(word(v, "level")),
		Title: join(" on ", source.FirstText(name), source.FirstText(word(v, "instanceName"), resource)), Group: name,
		Description: lines("status", word(v, "status"), "product", word(v, "product"), "region", word(v, "regionId"), "content", v.Get("content").Text()),
		Labels:      labelsOf(v, nil, "product", "resourceId", "instanceName", "regionId", "groupId", "userId", "status"),
	}
	if over {
		a.Status = alert.Resolved
	}
	return at(a, v.First("time", "eventTime", "timestamp"))
}

// eventKey: an event has no identity that lasts from one message to the next,
// so it is known by what happened to what, however far that is.
func eventKey(resource, name string) string {
	return alert.HashKey(map[string]string{"resource": resource, "event": name})
}

// subscribed reads what a subscription pushes: e is the event, whose name and
// resource are in meta where it is the system's.
func subscribed(v, e doc.Value) source.Item {
	status, problem := statusOf(e.Get("alertStatus").Text())
	if problem != "" {
		return source.Item{Rejected: "alert.alertStatus: " + problem}
	}
	meta := e.At("meta.sysEventMeta")
	name := source.FirstText(word(e, "eventName"), word(meta, "name"), word(v, "strategyName"))
	if name == "" {
		return source.Item{Rejected: "alert.eventName: missing; an alert needs the name of its event"}
	}
	resource := source.FirstText(word(meta, "resourceId"), word(e, "arn"), word(e, "groupId"))
	stem, over := phase(name)
	if over {
		status = alert.Resolved
	}
	a := alert.Alert{
		DedupKey: eventKey(resource, stem), Status: status, Severity: source.SeverityOf(source.FirstText(word(e, "severity"), word(v, "severity"), word(meta, "level"))),
		Title: join(" on ", name, source.FirstText(word(meta, "instanceName"), resource)), Group: name,
		Description: lines("event", word(meta, "eventNameZh"), "status", word(meta, "status"), "product", word(e, "product"), "type", word(e, "eventType"), "content", e.First("eventContentMap", "eventRawContent")),
		Labels:      labelsOf(e, labelsOf(meta, nil, "regionId", "instanceName", "resourceId"), "product", "source", "groupId", "groupName", "userId", "eventType"),
	}
	if strategy := word(v, "strategyName"); strategy != "" {
		a.Labels["strategyName"] = strategy
	}
	return at(a, source.FirstText(e.Get("timestamp").Text(), v.Get("startTime").Text(), v.Get("time").Text(), meta.Get("eventTime").Text()))
}

// second reads an event of CloudMonitor 2.0, which is known by its rule and
// what it watches.
func second(v doc.Value) source.Item {
	status, problem := statusOf(v.Get("status").Text())
	if strings.EqualFold(word(v, "subtype"), "NORMAL_RESOLVE") {
		status, problem = alert.Resolved, ""
	}
	if problem != "" {
		return source.Item{Rejected: "status: " + problem}
	}
	labels := map[string]string{}
	for _, path := range [...]string{"resource.tags", "labels", "alertEntityFields"} {
		for name, value := range source.Named(v.At(path)) {
			labels[name] = value.Text()
		}
	}
	entity := source.FirstText(word(v, "alertEntityId"), word(v, "resource.entity.entity_id"))
	a := alert.Alert{
		DedupKey: keyOf("rule", source.FirstText(word(v, "ruleId"), word(v, "subject")), map[string]string{"entity": entity}), Status: status,
		Severity: source.SeverityOf(word(v, "severity")), Title: source.FirstText(word(v, "subject"), word(v, "alertMessage"), entity),
		Group:       source.FirstText(word(v, "ruleId"), word(v, "subject")),
		Description: lines("message", word(v, "alertMessage"), "entity", join(" ", entity, word(v, "resource.entity.prop.instanceName")), "value", word(v, "data.value"), "threshold", join(" ", word(v, "data.comparisonOperator"), word(v, "data.threshold"))),
		Labels:      labelsOf(v, labels, "workspace", "userId", "ruleId", "alertEntityId"),
		Links:       source.Links("History", v.Get("alertHistoryUrl").Text(), "Rule", v.First("alertRuleUrl", "ruleUrl"), "Entity", v.Get("entityUrl").Text()),
	}
	return at(a, v.First("timestamp", "time"))
}
