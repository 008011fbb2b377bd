package aws

import (
	"net/url"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// records reads a list of what AWS hands to a function, or of messages of a
// queue.
func (in *reader) records(list doc.Value) error {
	if err := source.TooMany(list.Len() + len(in.out.Items)); err != nil {
		return err
	}
	for v := range list.Items() {
		in.record(v)
	}
	return nil
}

func (in *reader) record(v doc.Value) {
	switch sns := v.Get("Sns"); {
	case sns.Kind() == doc.Object:
		in.identify(sns.Get("MessageId").Text())
		in.message(messageOf(sns))
	case isQueued(v), v.Get("body").Present():
		in.queued(v)
	case v.Get("s3").Kind() == doc.Object:
		in.stored(v)
	case v.Get("ses").Kind() == doc.Object:
		in.posted(v)
	default:
		in.reject("Sns, body, s3, ses: missing; expected a record of SNS, SQS, S3 or SES")
	}
}

// isQueued tells a message of a queue, as SQS hands it to a function or, with
// names in capitals, to whoever receives it (Amazon SQS API reference, Message).
func isQueued(v doc.Value) bool {
	return v.Get("body").Present() && v.First("messageId", "eventSource", "receiptHandle") != "" || v.Get("Body").Present() && v.First("MessageId", "ReceiptHandle") != ""
}

// queued reads what stands in a message of SQS: what a topic or a bucket put
// there, an event, or what somebody sent.
func (in *reader) queued(v doc.Value) {
	id, body := v.First("messageId", "MessageId"), v.Get("body")
	if !body.Present() {
		body = v.Get("Body")
	}
	in.identify(id)
	switch inner := body.Inner(); {
	case inner.Get("Type").Text() == SubscriptionConfirmation && IsEnvelope(inner):
		in.note("the queue is asked to confirm its subscription to topic " + inner.Get("TopicArn").Text() + ": confirm it where the queue is read")
	case inner.Get("Records").Kind() == doc.Array:
		if err := in.records(inner.Get("Records")); err != nil {
			in.reject(err.Error())
		}
	case !in.document(inner):
		in.message(message{id: id, topic: v.Get("eventSourceARN").Text(), text: body.Text(), body: inner, at: source.Instant(v.At("attributes.SentTimestamp").Text()), attributes: map[string]string{}})
	}
}

// stored reads what Amazon S3 says of an object (Amazon S3 user guide, "Event
// message structure"). A replication that failed or is late ends when it was
// done; all others happened.
func (in *reader) stored(v doc.Value) {
	event, bucket, at := strings.TrimPrefix(v.Get("eventName").Text(), "s3:"), v.At("s3.bucket.name").Text(), source.Instant(v.Get("eventTime").Text())
	key := v.At("s3.object.key").Text()
	if plain, err := url.QueryUnescape(key); err == nil {
		key = plain
	}
	kind, _, _ := strings.Cut(event, ":")
	labels := map[string]string{}
	set(labels, "bucket", bucket, "object", key, "event", event, "region", v.Get("awsRegion").Text(), "principal", v.At("userIdentity.principalId").Text(), "source_ip", v.At("requestParameters.sourceIPAddress").Text())
	a := alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"bucket": bucket, "object": key, "event": kind}), Title: join(" ", "S3", event+":", join("/", bucket, key)), Group: join(" ", "S3", kind), Labels: labels,
		Description: join("\n", sized("Size: %s bytes", v.At("s3.object.size").Text()), sized("Rule: %s", v.At("s3.configurationId").Text()), sized("Reason: %s", v.At("replicationEventData.failureReason").Text())),
		Status:      alert.Firing, Severity: alert.Info, StartedAt: at,
	}
	switch event {
	case "Replication:OperationFailedReplication", "ReducedRedundancyLostObject":
		a.Severity = alert.Error
	case "Replication:OperationMissedThreshold", "Replication:OperationNotTracked":
		a.Severity = alert.Warning
	case "Replication:OperationReplicatedAfterThreshold":
		a.Status, a.Severity, a.StartedAt, a.EndedAt = alert.Resolved, "", time.Time{}, at
	}
	if kind == "Replication" {
		a.Episode = kind
		in.fire(a)
		return
	}
	in.happened(a)
}

// object reads what Amazon S3 says of an object by EventBridge (Amazon S3 user
// guide, "EventBridge event message structure").
func (in *reader) object(v doc.Value, name string) {
	bucket, key, labels := v.At("detail.bucket.name").Text(), v.At("detail.object.key").Text(), eventLabels(v)
	set(labels, "bucket", bucket, "object", key, "reason", v.At("detail.reason").Text(), "principal", v.At("detail.requester").Text(), "source_ip", v.At("detail.source-ip-address").Text())
	in.happened(alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"bucket": bucket, "object": key, "event": name}), Title: join(": ", join(" ", "S3", name), join("/", bucket, key)), Group: join(" ", "S3", name), Labels: labels,
		Description: join("\n", v.At("detail.reason").Text(), sized("Size: %s bytes", v.At("detail.object.size").Text())), Status: alert.Firing, Severity: alert.Info, StartedAt: source.Instant(v.Get("time").Text()),
	})
}

// posted reads what a receipt rule of Amazon SES hands to a function: a mail
// without its text (Amazon SES developer guide, "Lambda function event
// structure"). Its subject says what it is.
func (in *reader) posted(v doc.Value) {
	mail, at := v.At("ses.mail"), source.Instant(v.At("ses.mail.timestamp").Text())
	from, subject := source.FirstText(source.Listed(mail.At("commonHeaders.from")), mail.Get("source").Text()), mail.At("commonHeaders.subject").Text()
	in.identify(mail.Get("messageId").Text())
	for _, verdict := range [...]string{"spamVerdict", "virusVerdict"} {
		if v.At("ses.receipt."+verdict+".status").Text() == "FAIL" {
			in.note("a mail from " + from + " is dropped: its " + verdict + " is FAIL")
			return
		}
	}
	labels := map[string]string{}
	set(labels, "from", from, "to", source.Listed(mail.Get("destination")), "mail", mail.Get("messageId").Text())
	a := alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"from": mail.Get("source").Text(), "subject": source.Stem(subject)}), Title: source.FirstText(subject, "Mail from "+from), Description: sized("From: %s", from),
		Labels: labels, Status: alert.Firing, Severity: source.SeverityTold(subject), StartedAt: at, Episode: "mail",
	}
	if source.StatusTold(subject) == alert.Resolved {
		a.Status, a.StartedAt, a.EndedAt = alert.Resolved, time.Time{}, at
	}
	in.fire(a)
}
