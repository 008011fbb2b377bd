package aws

import (
	"maps"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/prometheus"
)

// message is one of SNS without its wrapping.
type message struct {
	id, topic, subject, text string
	body                     doc.Value // the text, where it is JSON
	at                       time.Time
	attributes               map[string]string
}

func messageOf(v doc.Value) message {
	m := message{
		id: v.Get("MessageId").Text(), topic: v.Get("TopicArn").Text(), subject: v.Get("Subject").Text(), text: v.Get("Message").Text(),
		body: v.Get("Message").Inner(), at: source.Instant(v.Get("Timestamp").Text()), attributes: map[string]string{},
	}
	for name, attribute := range source.Named(v.Get("MessageAttributes")) {
		if attribute.Get("Type").Text() != "Binary" {
			set(m.attributes, name, attribute.Get("Value").Text())
		}
	}
	return m
}

// rawMessage is a body that SNS delivered as published; headers tell the rest.
func rawMessage(r *source.Request) message {
	root, _ := r.Root()
	return message{
		id: r.Header.Get(rawMessageID), topic: r.Header.Get(rawTopic), text: string(r.Body), body: root, attributes: map[string]string{},
		at: source.Instant(root.First("time", "timestamp")),
	}
}

// message reads what somebody published: by its own format, else as it is.
func (in *reader) message(m message) {
	in.identify(m.id)
	v := m.body
	switch {
	case v.Get("Records").Kind() == doc.Array && v.Get("Records").Len() > 0:
		if err := in.records(v.Get("Records")); err != nil {
			in.reject(err.Error())
		}
	case m.attributes["EventType"] != "" && m.attributes["State"] != "" && m.attributes["Id"] != "":
		in.backup(m)
	case v.Get("AlarmName").Present() && v.Get("NewStateValue").Present():
		in.add(in.alarm(ofMessage(v, m.topic)))
	case v.Get("detail-type").Present() && v.Get("detail").Kind() == doc.Object:
		in.event(v)
	case v.Get("detailType").Present() && v.Get("detail").Kind() == doc.Object:
		in.event(eventOf(v, v.Get("detailType").Text(), v.Get("detail")))
	case v.Get("alarmData").Kind() == doc.Object:
		in.add(in.alarm(ofAction(v)))
	case v.Get("anomalyId").Present():
		in.anomaly(v, v.Get("accountId").Text())
	case v.Get("Event Message").Present():
		in.databaseEvent(m)
	case v.At("approval.pipelineName").Present():
		in.approval(m)
	case v.Get("deploymentId").Present() && v.Get("deploymentGroupName").Present():
		in.deployment(m)
	case v.Get("messageType").Present() && v.First("configRuleName", "configurationItem", "configurationItemSummary", "configSnapshotId", "awsRegion") != "":
		in.config(m, m.labels())
	case v.At("requestContext.functionArn").Present() && v.At("requestContext.condition").Present():
		in.event(eventOf(v, "Lambda Function Invocation Result - Failure", v))
	case v.At("alerts.0.labels").Kind() == doc.Object && v.At("alerts.0.status").Present():
		in.alertmanager(v)
	case v.Get("InsightId").Present() && v.Get("MessageType").Present():
		in.insight(m)
	case v.Get("mail").Kind() == doc.Object && v.First("notificationType", "eventType") != "":
		in.mail(m)
	case cacheEvent(v) != "":
		in.cache(m)
	case v.Get("LifecycleTransition").Present() && v.Get("AutoScalingGroupName").Present():
		in.note("Auto Scaling: lifecycle action " + v.Get("LifecycleTransition").Text() + " of group " + v.Get("AutoScalingGroupName").Text())
	case strings.HasPrefix(v.Get("Event").Text(), "autoscaling:"):
		in.scaling(m)
	case v.Get("Event").Text() == "s3:TestEvent":
		in.note("Amazon S3 tests that it may publish to topic " + m.topic)
	case strings.HasPrefix(m.text, "Successfully validated SNS topic for Amazon SES"):
		in.note("Amazon SES tests that it may publish to topic " + m.topic)
	case strings.Contains(m.text, "\nEnvironment: ") && strings.Contains(m.text, "\nApplication: "):
		in.beanstalk(m)
	case strings.HasPrefix(strings.TrimSpace(m.text), "StackId='"):
		in.stack(m)
	case strings.Contains(m.text, "AWS Budget Notification") && lines(m.text, ":")["Budget Name"] != "":
		in.budget(m)
	case v.Kind() == doc.Object:
		in.published(m)
	default:
		in.plain(m)
	}
}

// labels of what a topic carries.
func (m *message) labels() map[string]string {
	out := maps.Clone(m.attributes)
	a, _ := parseARN(m.topic)
	where := "topic"
	if a.service == "sqs" {
		where = "queue"
	}
	set(out, where, m.topic, "account", a.account, "region", a.region)
	return out
}

// plain is a text. Where its first words tell a state, those without it say
// what it is of; else it has no identity but the message's.
func (in *reader) plain(m message) {
	if m.body.Kind() == doc.String { // as an input transformer of EventBridge writes it
		m.text = m.body.Text()
	}
	title := source.FirstText(m.subject, firstLine(m.text))
	if title == "" {
		in.reject("Message: is empty")
		return
	}
	a := alert.Alert{
		DedupKey: m.key(), Title: title, Description: m.text, Status: alert.Firing, Severity: source.SeverityTold(title), Labels: m.labels(), StartedAt: m.at, Links: source.Links("From the message", linkIn(m.text)),
	}
	if told := source.StatusTold(title); told != "" {
		a.Status, a.DedupKey, a.Episode = told, m.told(title), "message"
	}
	if a.Status == alert.Resolved {
		a.StartedAt, a.EndedAt = time.Time{}, m.at
		in.fire(a)
		return
	}
	in.happened(a)
}

// told is the key of what messages of a topic tell under one title.
func (m *message) told(title string) string {
	return alert.HashKey(map[string]string{"topic": m.topic, "told": source.Stem(title)})
}

// alertmanager reads what a template of Alertmanager makes of its alerts
// (Amazon Managed Service for Prometheus user guide, "Configure alert manager
// to send messages to Amazon SNS as JSON").
func (in *reader) alertmanager(webhook doc.Value) {
	if err := source.TooMany(webhook.Get("alerts").Len() + len(in.out.Items)); err != nil {
		in.reject(err.Error())
		return
	}
	for v := range webhook.Get("alerts").Items() {
		a, problem := prometheus.Told(v, webhook, in.received)
		if problem != "" {
			in.reject(problem)
			continue
		}
		in.fire(a)
	}
}

// key of a message that names no identity of what it tells.
func (m *message) key() string {
	if m.id == "" {
		return alert.HashKey(map[string]string{"topic": m.topic, "subject": m.subject, "text": m.text})
	}
	return alert.SenderKey("sns_message", m.id)
}

// published is JSON of somebody's own, read by the names that are in common
// use.
func (in *reader) published(m message) {
	v := m.body
	a := alert.Alert{
		DedupKey: m.key(), Status: alert.Firing, StartedAt: m.at, Episode: "message", Labels: m.labels(),
		Title:       source.FirstText(m.subject, titleIn(v), join(": ", v.First("type", "eventType", "event", "Event"), firstName(v)), m.untitled()),
		Description: source.FirstText(v.First("description", "Description", "message", "Message", "content.description", "reason", "cause"), m.text),
		Severity:    source.SeverityOf(v.First("severity", "Severity", "priority", "level", "metadata.additionalContext.priority")),
		Links:       source.Links("Link", v.First("url", "link", "href")),
	}
	if id := v.First("dedup_key", "dedupKey", "alert_id", "alertId", "incident_id", "incidentId", "id", "Id"); id != "" {
		a.DedupKey = alert.HashKey(map[string]string{"topic": m.topic, "id": id})
	}
	set(a.Labels, scalars(v)...)
	turned := ownMeaning(stateIn(v))
	if turned != unclear && a.DedupKey == m.key() { // what has a state comes again
		a.DedupKey = m.recurring(a.Title)
	}
	if turned == begins && a.Severity == "" {
		a.Severity = alert.Error
	}
	if turned == ended {
		a.Status, a.EndedAt, a.StartedAt = alert.Resolved, m.at, time.Time{}
	}
	if a.DedupKey == m.key() {
		in.happened(a) // a message comes once
		return
	}
	in.fire(a)
}

func titleIn(v doc.Value) string {
	return v.First("title", "Title", "summary", "subject", "alarmName", "name", "message", "content.title")
}

func stateIn(v doc.Value) string { return v.First("state", "State", "status", "Status") }

// recurring is the key of JSON with a state but no id of its alert: by what it
// names, else by what it identifies, else by its title.
func (m *message) recurring(title string) string {
	parts := about(m.body)
	switch {
	case len(parts) > 0:
		parts["topic of the message"] = m.topic
		return alert.HashKey(parts)
	case title == m.untitled():
		return m.key()
	}
	return m.told(title)
}

func (m *message) untitled() string { return "Message of topic " + m.topic }

// ownMeaning sorts a state of anybody's.
func ownMeaning(state string) turn {
	if turned := meaning(state, nil); turned != unclear {
		return turned
	}
	switch source.StatusOf(state) {
	case alert.Firing:
		return begins
	case alert.Resolved:
		return ended
	}
	return unclear
}

// backup reads a message of AWS Backup, whose state is in its attributes (AWS
// Backup developer guide, "Using Amazon SNS to track AWS Backup events").
func (in *reader) backup(m message) {
	state := m.attributes["State"]
	a := alert.Alert{
		DedupKey: alert.SenderKey("backup_job", m.attributes["Id"]), Title: join(": ", source.FirstText(m.subject, "Notification from AWS Backup"), m.attributes["EventType"]+" "+state),
		Description: m.text, Group: m.attributes["EventType"], Labels: m.labels(), StartedAt: source.Instant(m.attributes["StartTime"]),
	}
	switch meaning(state, nil) {
	case ended:
		a.Status, a.EndedAt = alert.Resolved, m.at
	case begins:
		a.Status, a.Severity = alert.Firing, alert.Error
	default:
		in.note("AWS Backup: " + m.attributes["EventType"] + " " + m.attributes["Id"] + " is " + state)
		return
	}
	in.fire(a)
}

// databaseEvent reads what RDS, DMS and their relatives publish: something
// happened to a database. It has no recovery.
func (in *reader) databaseEvent(m message) {
	v := m.body
	id, told := v.First("Source ID", "SourceId", "SourceIdentifier", "Resource"), v.Get("Event Message").Text()
	var categories []string
	for c := range source.Some(v.Get("Category")) {
		categories = append(categories, c.Text())
	}
	severity := toldSeverity(told, categories)
	if word := source.SeverityOf(v.Get("Severity").Text()); word != "" { // of Amazon Redshift
		severity = word
	}
	labels := m.labels()
	set(labels, "source_id", id, "source_type", v.Get("Event Source").Text(), "event_id", eventCode(v.Get("Event ID").Text()))
	in.happened(alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"source": id, "event": strings.TrimSpace(v.Get("Event ID").Text()), "type": v.Get("Event Source").Text()}),
		Title:    join(": ", id, told), Description: told, Group: labels["event_id"], Status: alert.Firing, Severity: severity, Labels: labels,
		StartedAt: source.Instant(v.Get("Event Time").Text()), Links: source.Links("Console", v.Get("Identifier Link").Text()),
	})
}

// eventCode is the code at the end of an address: RDS-EVENT-0002.
func eventCode(address string) string {
	_, code, found := strings.Cut(strings.TrimSpace(address), "#")
	if !found {
		return strings.TrimSpace(address)
	}
	return code
}

// toldSeverity reads how bad something is from what a database says happened,
// and from its categories (Amazon RDS user guide, "Amazon RDS event categories
// and event messages").
func toldSeverity(told string, categories []string) alert.Severity {
	text := strings.ToLower(told + " " + strings.Join(categories, " "))
	for _, w := range [...]string{"fail", "error", "low storage", "unable", "incompatible", "out of", "corrupt", "cannot", "crash"} {
		if strings.Contains(text, w) && !strings.Contains(text, "failover") {
			return alert.Error
		}
	}
	for _, w := range [...]string{"failover", "stopped", "shutdown", "shut down", "restarted", "exhausted", "availability"} {
		if strings.Contains(text, w) {
			return alert.Warning
		}
	}
	for _, w := range [...]string{"finished", "backing up", "backup", "started", "created", "creation", "completed", "restored", "maintenance", "applying", "updated", "notification", "deleted"} {
		if strings.Contains(text, w) {
			return alert.Info
		}
	}
	return ""
}

// scaling reads what an Auto Scaling group publishes (Amazon EC2 Auto Scaling
// user guide, "Amazon SNS notification options").
func (in *reader) scaling(m message) {
	v := m.body
	event := strings.TrimPrefix(v.Get("Event").Text(), "autoscaling:")
	verb := "launch"
	if strings.Contains(event, "TERMINATE") {
		verb = "terminate"
	}
	if event == "TEST_NOTIFICATION" || !strings.HasPrefix(event, "EC2_INSTANCE_") {
		in.note("Auto Scaling: " + event + " of group " + v.Get("AutoScalingGroupName").Text())
		return
	}
	labels := m.labels()
	set(labels, "auto_scaling_group", v.Get("AutoScalingGroupName").Text(), "instance", v.Get("EC2InstanceId").Text(), "status", v.Get("StatusCode").Text())
	a := alert.Alert{
		DedupKey: scalingKey(v.First("AutoScalingGroupARN", "AutoScalingGroupName"), verb), Title: v.Get("AutoScalingGroupName").Text() + ": " + event, Group: event,
		Description: join("\n", v.Get("Description").Text(), v.Get("StatusMessage").Text(), v.Get("Cause").Text()), Labels: labels, Status: alert.Resolved, EndedAt: m.at,
	}
	if strings.HasSuffix(event, "_ERROR") {
		a.Status, a.Severity, a.StartedAt, a.EndedAt, a.Episode = alert.Firing, alert.Error, m.at, time.Time{}, verb
	}
	in.fire(a)
}

func scalingKey(group, verb string) string {
	return alert.HashKey(map[string]string{"auto_scaling_group": group, "action": verb})
}

// stack reads what CloudFormation publishes of a stack and its resources: a
// list of Name='value' (AWS CloudFormation user guide, "Monitor stack
// progress"). A stack that came to its end is a change.
func (in *reader) stack(m message) {
	v := lines(strings.ReplaceAll(m.text, "'\n", "\n"), "='")
	state, id := v["ResourceStatus"], v["StackId"]
	name := source.FirstText(v["StackName"], id)
	whole := v["ResourceType"] == "AWS::CloudFormation::Stack" && v["PhysicalResourceId"] == id
	labels := m.labels()
	set(labels, "stack", name, "state", state)
	if !whole || strings.HasSuffix(state, "_IN_PROGRESS") {
		in.note("CloudFormation: " + v["LogicalResourceId"] + " of stack " + name + " is " + state)
		return
	}
	at := source.Instant(v["Timestamp"])
	a := alert.Alert{DedupKey: alert.SenderKey("stack", id), Episode: "stack", Title: "Stack " + name + ": " + state, Labels: labels, Status: alert.Resolved, EndedAt: at}
	if strings.Contains(state, "FAILED") || strings.Contains(state, "ROLLBACK") {
		a.Status, a.Severity, a.Description, a.StartedAt, a.EndedAt = alert.Firing, alert.Error, v["ResourceStatusReason"], at, time.Time{}
	} else {
		in.changed(source.Change{ID: source.FirstText(v["EventId"], m.id), Title: a.Title, At: at, Labels: labels})
	}
	in.fire(a)
}

// budget reads the mail-like text that AWS Budgets publishes. One budget has an
// alert for each of its thresholds; it does not recover.
func (in *reader) budget(m message) {
	v := lines(m.text, ":")
	labels := m.labels()
	set(labels, "budget", v["Budget Name"], "budget_type", v["Budget Type"], "alert_type", v["Alert Type"], "threshold", v["Alert Threshold"], "budgeted", v["Budgeted Amount"])
	in.happened(alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"account": labels["account"], "budget": v["Budget Name"], "type": v["Alert Type"], "threshold": v["Alert Threshold"]}),
		Title:    join(" ", "Budget", v["Budget Name"], "is at", strings.ToLower(v["Alert Type"]), source.FirstText(v["ACTUAL Amount"], v["FORECASTED Amount"]), "of", v["Budgeted Amount"]), Description: m.text, Group: v["Budget Name"],
		Status: alert.Firing, Severity: alert.Warning, Labels: labels, StartedAt: m.at,
	})
}

// lines reads lines of a name and a value.
func lines(text, sep string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, sep); ok && len(name) <= 64 {
			set(out, strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), "'"))
		}
	}
	return out
}

// anomaly reads one of AWS Cost Anomaly Detection, which says the same through
// SNS and EventBridge (AWS Cost Management user guide, "Detecting unusual
// spend"). It has no recovery.
func (in *reader) anomaly(v doc.Value, account string) {
	id, what := v.Get("anomalyId").Text(), v.First("dimensionalValue", "dimensionValue", "monitorName")
	labels := map[string]string{}
	set(labels, "account", account, "monitor", v.First("monitorName", "monitorArn"), "dimension", what,
		"service", v.At("rootCauses.0.service").Text(), "region", v.At("rootCauses.0.region").Text(), "usage_type", v.At("rootCauses.0.usageType").Text())
	impact := v.Get("impact")
	in.happened(alert.Alert{
		DedupKey: alert.SenderKey("cost_anomaly", id), Episode: id, Title: join(" ", "Cost anomaly:", what, "is", impact.Get("totalImpact").Text(), "USD above what was expected"),
		Description: join("\n", "Actual "+impact.Get("totalActualSpend").Text()+", expected "+impact.Get("totalExpectedSpend").Text()+" USD.", "Causes: "+v.Get("rootCauses").JSON()),
		Group:       "Cost anomaly", Status: alert.Firing, Severity: alert.Warning, Labels: labels, StartedAt: source.Instant(v.Get("anomalyStartDate").Text()),
		Links: source.Links("Anomaly", v.Get("anomalyDetailsLink").Text()),
	})
}
