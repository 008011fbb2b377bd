package aws

import (
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// eventOf is the event of EventBridge that says what a message of another form
// says, so that both are read alike and have one key. The frame is that of v.
func eventOf(v doc.Value, name string, detail doc.Value) doc.Value {
	fields := map[string]any{"detail-type": name, "detail": raw(detail.JSON())}
	for to, from := range map[string][]string{"source": {"source"}, "account": {"account", "accountId", "awsAccountId"}, "region": {"region", "awsRegion"}, "time": {"time", "notificationCreationTime", "timestamp"}} {
		fields[to] = v.First(from...)
	}
	if resources := v.Get("resources"); resources.Kind() == doc.Array {
		fields["resources"] = raw(resources.JSON())
	}
	return doc.Of(fields)
}

// raw is JSON as it is.
type raw string

// MarshalJSON implements json.Marshaler.
func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// approval reads that a pipeline waits for a person (AWS CodePipeline user
// guide, "JSON data format for manual approval notifications"). Nothing tells
// that somebody answered, but it says until when it waits.
func (in *reader) approval(m message) {
	is, labels := m.body.Get("approval"), m.labels()
	pipeline, stage, action := is.Get("pipelineName").Text(), is.Get("stageName").Text(), is.Get("actionName").Text()
	set(labels, "pipeline", pipeline, "stage", stage, "action", action, "region", m.body.Get("region").Text())
	in.fire(alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"account": labels["account"], "region": labels["region"], "pipeline": pipeline, "stage": stage, "action": action}), Episode: is.Get("expires").Text(),
		Title: join(" ", "Pipeline", pipeline, "waits for approval of", join("/", stage, action)), Group: pipeline, Labels: labels, Status: alert.Firing, Severity: alert.Info, StartedAt: m.at, ExpiresAt: source.Instant(is.Get("expires").Text()),
		Description: join("\n", is.Get("customData").Text(), sized("Expires: %s", is.Get("expires").Text())),
		Links:       source.Links("Approve or reject", is.Get("approvalReviewLink").Text(), "To review", is.Get("externalEntityLink").Text(), "Pipeline", m.body.Get("consoleLink").Text()),
	})
}

// deployment reads what a trigger of AWS CodeDeploy publishes (AWS CodeDeploy
// user guide, "JSON data formats for CodeDeploy triggers").
func (in *reader) deployment(m message) {
	v := m.body
	name := "CodeDeploy Deployment State-change Notification"
	detail := map[string]string{"application": v.Get("applicationName").Text(), "deploymentGroup": v.Get("deploymentGroupName").Text(), "deploymentId": v.Get("deploymentId").Text(),
		"state": v.Get("status").Text(), "errorInformation": v.At("errorInformation").Inner().First("ErrorMessage", "ErrorCode")}
	if v.Get("instanceId").Present() {
		name = "CodeDeploy Instance State-change Notification"
		detail["instanceId"], detail["state"] = lastOf(v.Get("instanceId").Text()), source.FirstText(v.Get("instanceStatus").Text(), detail["state"])
	}
	topic := m.labels()
	in.event(doc.Of(map[string]any{"detail-type": name, "account": source.FirstText(v.Get("accountId").Text(), topic["account"]), "region": source.FirstText(v.Get("region").Text(), topic["region"]),
		"detail": detail, "id": m.id, "time": source.FirstText(stamp(v.Get("completeTime").Text()), m.at.Format(time.RFC3339))}))
}

// stamp is a time as events write it, "" if it is none.
func stamp(text string) string {
	t := source.Instant(text)
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// config reads what AWS Config publishes, and says by EventBridge (AWS Config
// developer guide, "Notifications that AWS Config sends to an Amazon SNS topic").
func (in *reader) config(m message, labels map[string]string) {
	v, item := m.body, m.body.Get("configurationItem")
	if item.Kind() != doc.Object {
		item = v.Get("configurationItemSummary")
	}
	switch name := v.Get("messageType").Text(); {
	case name == "ComplianceChangeNotification":
		in.event(eventOf(v, "Config Rules Compliance Change", v))
	case item.Kind() == doc.Object:
		what, how := item.First("resourceName", "resourceId"), v.First("configurationItemDiff.changeType", "configurationItemSummary.changeType")
		set(labels, "resource", item.First("ARN", "resourceId"), "resource_type", item.Get("resourceType").Text(), "region", item.Get("awsRegion").Text(), "account", item.Get("awsAccountId").Text(), "change", how)
		in.changed(source.Change{ID: m.id, Title: join(" ", item.Get("resourceType").Text(), what, source.FirstText(how, item.Get("configurationItemStatus").Text())), Labels: labels,
			At: source.Instant(source.FirstText(item.Get("configurationItemCaptureTime").Text(), v.Get("notificationCreationTime").Text()))})
	case strings.HasSuffix(name, "Failed"):
		in.happened(alert.Alert{DedupKey: alert.HashKey(map[string]string{"account": labels["account"], "region": labels["region"], "failed": name}), Title: "AWS Config: " + name, Group: name,
			Description: v.Get("errorMessage").Text(), Labels: labels, Status: alert.Firing, Severity: alert.Warning, StartedAt: m.at})
	default:
		in.note("AWS Config: " + name)
	}
}

// insight reads what Amazon DevOps Guru publishes: an insight is opened, grows
// and is closed (Amazon DevOps Guru user guide, "Working with Amazon SNS").
func (in *reader) insight(m message) {
	v, name := m.body, "DevOps Guru New Insight Open"
	if v.Get("MessageType").Text() == "CLOSED_INSIGHT" {
		name = "DevOps Guru Insight Closed"
	}
	in.event(doc.Of(map[string]any{
		"detail-type": name, "source": "aws.devops-guru", "account": v.First("AccountId"), "region": v.First("Region"), "time": m.at.Format(time.RFC3339),
		"detail": map[string]string{"insightId": v.Get("InsightId").Text(), "insightSeverity": v.Get("InsightSeverity").Text(), "insightType": v.Get("InsightType").Text(), "insightUrl": v.Get("InsightUrl").Text(), "startTimeISO": v.First("StartTimeISO", "StartTime"),
			"insightDescription": source.FirstText(v.Get("InsightName").Text(), v.Get("InsightDescription").Text())},
	}))
}

// mail reads what Amazon SES says of a mail that it sent or received: one that
// came back, was complained of or could not be sent is an alert (Amazon SES
// developer guide, "Amazon SNS notification contents").
func (in *reader) mail(m message) {
	v, kind := m.body, m.body.First("notificationType", "eventType")
	about := v.Get(strings.ToLower(strings.ReplaceAll(kind, " ", "")))
	if kind == "Rendering Failure" {
		about = v.Get("failure")
	}
	from, subject := v.At("mail.source").Text(), v.At("mail.commonHeaders.subject").Text()
	to := recipients(about)
	if to == "" {
		to = source.Listed(v.At("mail.destination"))
	}
	a := alert.Alert{Status: alert.Firing, Severity: alert.Warning, Group: kind, Labels: m.labels(), StartedAt: source.Instant(source.FirstText(about.Get("timestamp").Text(), v.At("mail.timestamp").Text()))}
	var why string
	switch kind {
	case "Bounce":
		why = join(" ", about.Get("bounceType").Text(), about.Get("bounceSubType").Text(), about.At("bouncedRecipients.0.diagnosticCode").Text())
		if about.Get("bounceType").Text() != "Permanent" {
			a.Severity = alert.Info
		}
	case "Complaint":
		why = about.First("complaintFeedbackType", "complaintSubType")
	case "Reject", "Rendering Failure":
		a.Severity, why = alert.Error, about.First("reason", "errorMessage")
	case "DeliveryDelay":
		a.Severity, why = alert.Info, about.Get("delayType").Text()
	default:
		in.note(join(" ", "Amazon SES:", kind, "of a mail from", from, "to", to))
		return
	}
	set(a.Labels, "from", from, "to", to, "mail", v.At("mail.messageId").Text())
	a.DedupKey = alert.HashKey(map[string]string{"topic": m.topic, "kind": kind, "from": from, "to": to})
	a.Title = join(" ", kind, "of mail to", to)
	a.Description = join("\n", why, sized("From: %s", from), sized("Subject: %s", subject))
	in.happened(a)
}

// recipients are those of a bounce, complaint or delay.
func recipients(about doc.Value) string {
	var to []string
	for _, list := range [...]string{"bouncedRecipients", "complainedRecipients", "delayedRecipients"} {
		for r := range source.Some(about.Get(list)) {
			to = append(to, r.Get("emailAddress").Text())
		}
	}
	return join(", ", to...)
}

const cachePrefix = "ElastiCache:"

// cacheEvent is the name of what ElastiCache says: {"ElastiCache:FailoverComplete": "cluster"}.
func cacheEvent(v doc.Value) string {
	for name := range source.Named(v) {
		if event, ok := strings.CutPrefix(name, cachePrefix); ok {
			return event
		}
	}
	return ""
}

// cache reads that something happened to a cluster of ElastiCache (Amazon
// ElastiCache user guide, "Event notifications and Amazon SNS").
func (in *reader) cache(m message) {
	event, labels := cacheEvent(m.body), m.labels()
	cluster := source.Listed(m.body.Get(cachePrefix + event))
	set(labels, "cluster", cluster, "event", event)
	a := alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"topic": m.topic, "cluster": cluster, "event": event}), Title: join(" ", "ElastiCache", cluster+":", event), Group: event, Labels: labels,
		Description: m.text, Status: alert.Firing, Severity: alert.Info, StartedAt: m.at,
	}
	switch {
	case strings.Contains(event, "Fail") && !strings.Contains(event, "Failover"):
		a.Severity = alert.Error
	case strings.Contains(event, "Failover"), strings.Contains(event, "Replace"), strings.Contains(event, "Reboot"):
		a.Severity = alert.Warning
	}
	in.happened(a)
}

// healths are the colours and words of AWS Elastic Beanstalk for the health of
// an environment (AWS Elastic Beanstalk developer guide, "Health colors and
// statuses"); "" is well.
var healths = map[string]alert.Severity{
	"Ok": "", "Info": "", "GREEN": "", "Warning": alert.Warning, "YELLOW": alert.Warning, "Degraded": alert.Error, "Severe": alert.Critical, "RED": alert.Critical,
}

// beanstalk reads what AWS Elastic Beanstalk says of an environment, in lines
// of a name and a value.
func (in *reader) beanstalk(m message) {
	v, labels := lines(m.text, ":"), m.labels()
	at := source.Instant(v["Timestamp"])
	if at.IsZero() {
		at = m.at
	}
	in.environment(environment{application: v["Application"], name: v["Environment"], told: v["Message"], url: v["Environment URL"], id: m.id, at: at}, labels)
}

// environment is what was told of one of AWS Elastic Beanstalk.
type environment struct {
	application, name, told, url, id string
	at                               time.Time
}

// environment reads a change of its health as an alert, a deployment as a
// change, and what failed as an alert of its own.
func (in *reader) environment(e environment, labels map[string]string) {
	set(labels, "environment", e.name, "application", e.application)
	a := alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"account": labels["account"], "region": labels["region"], "application": e.application, "environment": e.name}), Episode: "health",
		Title: join(": ", e.name, e.told), Description: e.told, Group: e.application, Labels: labels, Status: alert.Firing, StartedAt: e.at, Links: source.Links("Environment", e.url),
	}
	health := transition(e.told)
	severity, known := healths[health]
	lower := strings.ToLower(e.told)
	switch {
	case known && severity != "":
		a.Severity = severity
		set(a.Labels, "health", health)
	case known:
		a.Status, a.StartedAt, a.EndedAt = alert.Resolved, time.Time{}, e.at
		set(a.Labels, "health", health)
	case strings.Contains(lower, "failed") || strings.Contains(lower, "error") || strings.Contains(lower, "unsuccessful") || strings.Contains(lower, "aborted"):
		a.DedupKey, a.Severity = alert.HashKey(map[string]string{"account": labels["account"], "region": labels["region"], "environment": e.name, "told": source.Stem(e.told)}), alert.Error
	case strings.Contains(lower, "deployed"):
		in.changed(source.Change{ID: e.id, Title: a.Title, At: e.at, Labels: labels})
		return
	default:
		in.note("Elastic Beanstalk: " + a.Title)
		return
	}
	in.fire(a)
}

// transition is the health that an environment has come to: "Environment
// health has transitioned from Ok to Severe. 100.0 % of ...".
func transition(told string) string {
	_, rest, ok := strings.Cut(told, "transitioned from ")
	if !ok {
		return ""
	}
	if _, rest, ok = strings.Cut(rest, " to "); !ok {
		return ""
	}
	word, _, _ := strings.Cut(rest+" ", " ")
	return strings.Trim(word, ".,;")
}
