package aws

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// alarm is an alarm of CloudWatch as its three forms tell it.
type alarm struct {
	arn, name, account, region string
	about                      string // what its owner wrote of it
	state, reason, before      string
	at                         time.Time // of the state
	since                      time.Time // of the state before, where it is told
	contributor                doc.Value // id and attributes of one time series of many
	series                     string    // its id
	rule, children             string    // of a composite alarm
	held                       string    // why its actions are suppressed
	condition                  string    // what must hold, as far as told
	labels                     map[string]string
}

// alarm makes an alert of a. A single time series of an alarm over many
// (Metrics Insights) is an alert of its own beside the alarm's.
func (in *reader) alarm(a alarm) source.Item {
	if a.name == "" && a.arn == "" {
		return source.Item{Rejected: "alarm name: missing"}
	}
	named, _ := parseARN(a.arn)
	out := alert.Alert{
		Source: in.name, DedupKey: a.key(), Title: source.FirstText(a.name, a.arn), Group: a.name,
		Description: join("\n", a.about, a.reason, a.condition, a.rule, a.children, a.held), Labels: a.labels,
	}
	switch a.state {
	case inAlarm:
		out.Status, out.Severity, out.StartedAt = alert.Firing, alarmSeverity(a.name), a.at
	case "INSUFFICIENT_DATA":
		out.Status, out.Severity, out.StartedAt = alert.Firing, a.unknown(), a.at
		if a.before == inAlarm && !a.since.IsZero() {
			out.StartedAt = a.since
		}
		out.Title += ": insufficient data"
	case "OK":
		out.Status, out.EndedAt = alert.Resolved, a.at
	default:
		return source.Item{Rejected: fmt.Sprintf("state: is %.40q, expected ALARM, OK or INSUFFICIENT_DATA", a.state)}
	}
	if attributes := flat(a.contributor); attributes != "" {
		out.Title += " (" + attributes + ")"
	}
	region := source.FirstText(named.region, a.region)
	set(out.Labels, "alarm_name", a.name, "alarm_arn", a.arn, "account", source.FirstText(a.account, named.account), "region", region,
		"state", a.state, "previous_state", a.before, "contributor", a.series)
	out.Links = source.Links("Alarm", console(region, "/cloudwatch/home?region="+region+"#alarmsV2:alarm/"+url.PathEscape(a.name)), "From its description", linkIn(a.about))
	return source.Fired(out)
}

const inAlarm = "ALARM"

// unknown is the severity of an alarm that has no data. After ALARM nothing
// says that it is well, so it stays as bad as it was, in the same firing
// period where the message tells when that began.
func (a *alarm) unknown() alert.Severity {
	if a.before == inAlarm {
		return alarmSeverity(a.name)
	}
	return alert.Info
}

// key is the alarm's ARN, which notifications from before 2020 do not tell.
func (a *alarm) key() string {
	switch {
	case a.arn == "":
		return alert.HashKey(map[string]string{"account": a.account, "region": a.region, "alarm": a.name, "contributor": a.series})
	case a.series != "":
		return alert.SenderKey("alarm_contributor", a.arn+"/"+a.series)
	}
	return alert.SenderKey("alarm_arn", a.arn)
}

// alarmSeverity: an alarm has no severity but where its owner put one of these
// words into its name. Words that metrics are called by (high, low, error) say
// nothing.
func alarmSeverity(name string) alert.Severity {
	for w := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		switch w = strings.ToLower(w); w {
		case "critical", "crit", "fatal", "p1", "p2", "p3", "p4", "sev1", "sev2", "sev3", "sev4", "warning", "warn", "info":
			return source.SeverityOf(w)
		}
	}
	return alert.Error
}

// ofMessage reads what an alarm publishes to SNS (Amazon CloudWatch user
// guide, "Notifying users on alarm changes"). topic is that of the message.
func ofMessage(v doc.Value, topic string) alarm {
	t := v.Get("Trigger")
	a := alarm{
		arn: v.Get("AlarmArn").Text(), name: v.Get("AlarmName").Text(), account: v.Get("AWSAccountId").Text(), region: v.Get("Region").Text(),
		about: v.Get("AlarmDescription").Text(), state: v.Get("NewStateValue").Text(), reason: v.Get("NewStateReason").Text(), before: v.Get("OldStateValue").Text(),
		at: source.Instant(v.Get("StateChangeTime").Text()), contributor: v.Get("AlarmContributorAttributes"), series: v.Get("AlarmContributorId").Text(),
		labels: map[string]string{},
	}
	a.composite(v.Get("AlarmRule").Text(), v.Get("TriggeringChildren"), v.First("ActionsSuppressedReason", "ActionsSuppressedBy"))
	set(a.labels, "topic", topic)
	a.metric(t.Get("Namespace").Text(), t.Get("MetricName").Text(), t.Get("Dimensions"))
	for m := range source.Some(t.Get("Metrics")) {
		metric := m.At("MetricStat.Metric")
		a.metric(metric.Get("Namespace").Text(), metric.Get("MetricName").Text(), metric.Get("Dimensions"))
		set(a.labels, "expression", m.Get("Expression").Text())
	}
	a.condition = conditionOf(t)
	return a
}

// ofEvent reads an alarm's event of EventBridge (Amazon CloudWatch user guide,
// "Alarm events and EventBridge").
func ofEvent(v doc.Value) alarm {
	a := ofData(v.Get("detail"))
	a.arn, a.account, a.region = v.At("resources.0").Text(), v.Get("account").Text(), v.Get("region").Text()
	return a
}

// ofAction reads what an alarm hands to a Lambda function (Amazon CloudWatch
// user guide, "Invoke a Lambda function from an alarm").
func ofAction(v doc.Value) alarm {
	a := ofData(v.Get("alarmData"))
	a.arn, a.account, a.region = v.Get("alarmArn").Text(), v.Get("accountId").Text(), v.Get("region").Text()
	return a
}

func ofData(v doc.Value) alarm {
	state, config := v.Get("state"), v.Get("configuration")
	a := alarm{
		name: v.Get("alarmName").Text(), about: config.Get("description").Text(),
		state: state.Get("value").Text(), reason: state.Get("reason").Text(), before: v.At("previousState.value").Text(),
		at: source.Instant(state.Get("timestamp").Text()), since: source.Instant(v.At("previousState.timestamp").Text()), contributor: v.At("alarmContributor.attributes"), series: v.At("alarmContributor.id").Text(),
		labels: map[string]string{},
	}
	data := state.Get("reasonData").Inner()
	a.composite(config.Get("alarmRule").Text(), data.Get("triggeringAlarms"), state.First("actionsSuppressedReason", "actionsSuppressedBy"))
	for m := range source.Some(config.Get("metrics")) {
		metric := m.At("metricStat.metric")
		a.metric(metric.Get("namespace").Text(), metric.Get("name").Text(), metric.Get("dimensions"))
		set(a.labels, "expression", m.Get("expression").Text())
	}
	if threshold := data.Get("threshold").Text(); threshold != "" {
		a.condition = join(", ", "Threshold "+threshold, "values "+data.Get("recentDatapoints").Text())
	}
	return a
}

func (a *alarm) composite(rule string, children doc.Value, held string) {
	if rule != "" {
		a.rule = "Rule: " + rule
	}
	var triggering []string
	for c := range source.Some(children) {
		triggering = append(triggering, c.First("arn", "Arn")+" "+c.First("state.value", "State.Value"))
	}
	if told := join(", ", triggering...); told != "" {
		a.children = "Triggered by: " + told
	}
	if held != "" {
		a.held = "Its own actions are suppressed: " + held
	}
}

// metric labels the alarm with one of its metrics. What an earlier one says
// stays.
func (a *alarm) metric(namespace, name string, dimensions doc.Value) {
	keep := func(label, value string) {
		if a.labels[label] == "" {
			set(a.labels, label, value)
		}
	}
	keep("namespace", namespace)
	keep("metric", name)
	for name, value := range dimensionsOf(dimensions) {
		keep(name, value)
	}
}

// dimensionsOf reads an object, or a list of names and values.
func dimensionsOf(v doc.Value) map[string]string {
	out := map[string]string{}
	for name, value := range source.Named(v) {
		set(out, name, value.Text())
	}
	for d := range source.Some(v) {
		if name := d.First("name", "Name"); name != "" {
			set(out, name, d.First("value", "Value"))
		}
	}
	return out
}

// operators are the comparisons of alarms (Amazon CloudWatch API reference,
// PutMetricAlarm, ComparisonOperator).
var operators = map[string]string{
	"GreaterThanOrEqualToThreshold": ">=", "GreaterThanThreshold": ">", "LessThanThreshold": "<", "LessThanOrEqualToThreshold": "<=",
	"GreaterThanUpperThreshold": "above the band", "LessThanLowerThreshold": "below the band", "LessThanLowerOrGreaterThanUpperThreshold": "outside of the band",
}

// conditionOf says what the alarm waits for, as far as its message tells.
func conditionOf(t doc.Value) string {
	operator := t.Get("ComparisonOperator").Text()
	if operator == "" {
		return ""
	}
	what := join(" of ", t.First("Statistic", "ExtendedStatistic"), source.FirstText(t.Get("MetricName").Text(), t.Get("ThresholdMetricId").Text(), "the expression"))
	return join(" ", "Condition:", what, source.FirstText(operators[operator], operator), t.Get("Threshold").Text(), unless(t.Get("Unit").Text(), "None"),
		sized("in %s periods", t.Get("EvaluationPeriods").Text()), sized("of %s s", t.Get("Period").Text()))
}

func sized(format, n string) string {
	if n == "" {
		return ""
	}
	return fmt.Sprintf(format, n)
}

func unless(s, meaningless string) string {
	if s == meaningless {
		return ""
	}
	return s
}

// flat writes the fields of an object in a line.
func flat(v doc.Value) string {
	var fields []string
	for name, value := range source.Named(v) {
		if !source.HoldsSecret(name) {
			fields = append(fields, name+"="+value.Text())
		}
	}
	return join(", ", fields...)
}

// configured reads the event of an alarm that was created, changed or deleted.
// A deleted alarm says OK no more, so it ends.
func (in *reader) configured(v doc.Value) {
	operation := v.At("detail.operation").Text()
	if operation != "delete" {
		in.note(fmt.Sprintf("the configuration of alarm %.200q changed: %.20s", v.At("detail.alarmName").Text(), operation))
		return
	}
	a := ofEvent(v)
	a.state, a.reason, a.at = "OK", "The alarm was deleted.", source.Instant(v.Get("time").Text())
	in.add(in.alarm(a))
}
