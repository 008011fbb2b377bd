package cloudmonitor

import (
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// isBridged tells an event that Alibaba Cloud's EventBridge passes on, with its
// own attributes beside those of CloudEvents (EventBridge, "Event overview").
func isBridged(v doc.Value) bool {
	return v.Get("specversion").Present() && v.Get("type").Present() && v.Get("ruleId").Text() == "" &&
		(v.First("aliyunaccountid", "aliyuneventbusname") != "" || strings.HasPrefix(v.Get("source").Text(), "acs."))
}

// bridged reads what CloudMonitor says inside of an event as it reads it alone,
// an event of a service as its system event, and what ActionTrail recorded as
// something that happened.
func bridged(v doc.Value) source.Item {
	data, kind := v.Get("data").Inner(), v.Get("type").Text()
	if data.Kind() == doc.Object && data.First("alertState", "curLevel", "levelDescription") != "" {
		return parse(data)
	}
	_, name, _ := strings.Cut(kind, ":")
	if data.Get("eventName").Present() && data.Get("userIdentity").Kind() == doc.Object {
		return called(v, data)
	}
	resource := source.FirstText(word(v, "subject"), word(data, "resourceId"), word(data, "instanceId"))
	stem, over := phase(source.FirstText(name, kind))
	a := alert.Alert{
		DedupKey: eventKey(resource, stem), Status: alert.Firing, Severity: source.SeverityOf(source.FirstText(word(data, "severity"), word(data, "level"))),
		Title: join(" on ", source.FirstText(name, kind), lastOf(resource)), Group: stem, Description: lines("status", data.First("eventStatus", "status"), "reason", data.First("reason", "reasonCode", "message"), "content", data.Text()),
		Labels: labelsOf(v, labelsOf(data, nil, "instanceId", "instanceName", "regionId", "product"), "source", "type", "subject", "aliyunregionid", "aliyunaccountid"),
	}
	if over {
		a.Status = alert.Resolved
	}
	return at(a, v.Get("time").Text())
}

// called reads a call that ActionTrail recorded: who did what.
func called(v, data doc.Value) source.Item {
	user := source.FirstText(data.First("userIdentity.userName", "userIdentity.principalId", "userIdentity.type"))
	a := alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"account": v.Get("aliyunaccountid").Text(), "event": word(data, "eventName"), "service": word(data, "serviceName"), "user": user, "resource": data.First("resourceName", "requestParameters"), "error": word(data, "errorCode")}),
		Status:   alert.Firing, Title: join(": ", join(" by ", word(data, "eventName"), user), word(data, "errorCode")), Group: word(data, "serviceName"),
		Description: lines("service", word(data, "serviceName"), "from", word(data, "sourceIpAddress"), "error", word(data, "errorMessage"), "resource", data.First("resourceName", "resourceType")),
		Labels:      labelsOf(data, map[string]string{"user": user}, "eventName", "serviceName", "sourceIpAddress", "acsRegion", "errorCode"),
	}
	return at(a, source.FirstText(data.Get("eventTime").Text(), v.Get("time").Text()))
}

func lastOf(resource string) string { return resource[strings.LastIndexByte(resource, '/')+1:] }

// Phases are how far something is, at the end of the name of an event (ECS,
// "Summary of system events").
var (
	running = []string{"Executing", "Scheduled", "Inquiring", "Failed"}
	over    = []string{"Executed", "Avoided", "Canceled", "Recovered"}
)

// phased reports whether an event is one of several on the way to an end.
func phased(name string) bool {
	stem, _ := phase(name)
	return stem != name
}

// phase parts the name of an event from how far it is, and reports whether
// that is its end.
func phase(name string) (stem string, ended bool) {
	for _, word := range over {
		if stem, ok := strings.CutSuffix(name, ":"+word); ok {
			return stem, true
		}
	}
	for _, word := range running {
		if stem, ok := strings.CutSuffix(name, ":"+word); ok {
			return stem, false
		}
	}
	if strings.HasPrefix(name[strings.LastIndexByte(name, ':')+1:], "Ipsec") { // VPN Gateway: IpsecHealthCheckFailed, IpsecHealthCheckSuccess
		if stem, ok := strings.CutSuffix(name, "Success"); ok {
			return stem, true
		}
		return strings.TrimSuffix(name, "Failed"), false
	}
	if stem, ok := strings.CutSuffix(name, "_Status_Running"); ok { // Agent_Status_Stopped has gone before
		return stem + "_Status", true
	}
	if stem, ok := strings.CutSuffix(name, "_Status_Stopped"); ok {
		return stem + "_Status", false
	}
	return name, false
}
