// Package aws reads what Amazon Web Services say of themselves, in whatever
// wrapping it arrives: alarms of CloudWatch, events of EventBridge with the
// findings in them, and messages of SNS around these or anything else. The
// sources cloudwatch and eventbridge differ in how a request reaches them and
// how it is verified, not in what they can read.
//
//	parsed, err := aws.Parse("cloudwatch", request)
package aws

import (
	"fmt"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Headers of a message that SNS delivers as it was published (Amazon SNS
// developer guide, "HTTP/HTTPS headers").
const (
	rawDelivery  = "X-Amz-Sns-Rawdelivery"
	rawMessageID = "X-Amz-Sns-Message-Id"
	rawTopic     = "X-Amz-Sns-Topic-Arn"
)

// Headers are those that [Parse] reads.
var Headers = []string{rawDelivery, rawMessageID, rawTopic}

// Parse reads a body for the source of that name. What the wrapping alone
// tells is that of the whole; each message, record or event in it is an item,
// a change or a note.
func Parse(name string, r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	raw := r.Header.Get(rawDelivery) == "true"
	if err != nil && !raw {
		return source.Parsed{}, err
	}
	in := reader{name: name, received: r.At}
	switch {
	case IsEnvelope(root): // before all else: nothing beside it is signed
		in.document(root)
	case root.Get("Records").Kind() == doc.Array:
		if err := in.records(root.Get("Records")); err != nil {
			return source.Parsed{}, err
		}
	case root.Get("Messages").Kind() == doc.Array && isQueued(root.At("Messages.0")):
		if err := in.records(root.Get("Messages")); err != nil {
			return source.Parsed{}, err
		}
	case root.Kind() == doc.Array && !raw:
		if err := source.TooMany(root.Len()); err != nil {
			return source.Parsed{}, err
		}
		for v := range root.Items() {
			switch {
			case isQueued(v):
				in.record(v)
			case !in.document(v):
				in.reject(unknown)
			}
		}
	case in.document(root):
	case raw, transformed(root):
		in.message(rawMessage(r))
	default:
		return source.Parsed{}, fault.New(fault.Invalid, "%s", unknown)
	}
	in.out.NeverEnds = in.once > 0 && in.once == len(in.out.Items)
	return in.out, nil
}

// transformed tells what an input transformer of EventBridge made of an event,
// or what SNS delivered as published: JSON of somebody's own that names a state
// and what it is of.
func transformed(v doc.Value) bool {
	return v.Kind() == doc.Object && ownMeaning(stateIn(v)) != unclear && (titleIn(v) != "" || firstName(v) != "")
}

const unknown = "this is no message of SNS (Type, TopicArn), no event of EventBridge (detail-type, detail) and no alarm of CloudWatch (AlarmName, NewStateValue)"

// reader collects what a body says.
type reader struct {
	name     string // of the source
	received time.Time
	once     int // alerts of what happened, which nothing ends
	out      source.Parsed
}

// document reads what names its own format. It returns false where v does not.
func (in *reader) document(v doc.Value) bool {
	switch {
	case v.Kind() != doc.Object:
		return false
	case IsEnvelope(v):
		in.envelope(v)
	case v.Get("detail-type").Present() && v.Get("detail").Kind() == doc.Object:
		in.identify(v.Get("id").Text())
		in.event(v)
	case v.Get("alarmData").Kind() == doc.Object:
		in.identify(join("@", v.Get("alarmArn").Text(), v.Get("time").Text()))
		in.add(in.alarm(ofAction(v)))
	case v.Get("AlarmName").Present() && v.Get("NewStateValue").Present():
		in.add(in.alarm(ofMessage(v, "")))
	default:
		return false
	}
	return true
}

// identify names the request by the first of what it holds.
func (in *reader) identify(id string) {
	if in.out.SenderID == "" {
		in.out.SenderID = id
	}
}

func (in *reader) add(item source.Item) { in.out.Items = append(in.out.Items, item) }

func (in *reader) fire(a alert.Alert) {
	a.Source = in.name
	in.add(source.Fired(a))
}

// happened is fire for what nobody ever says to be over.
func (in *reader) happened(a alert.Alert) {
	in.once++
	in.fire(a)
}

func (in *reader) reject(why string) { in.add(source.Item{Rejected: why}) }

// maxNotes and maxNote (in characters) bound what a body of nothing but notes
// leaves behind.
const (
	maxNotes = 20
	maxNote  = 300
)

func (in *reader) note(text string) {
	switch n := len(in.out.Notes); {
	case n < maxNotes:
		in.out.Notes = append(in.out.Notes, fmt.Sprintf("%.*s", maxNote, text))
	case n == maxNotes:
		in.out.Notes = append(in.out.Notes, "and more that is no alert")
	}
}

// join puts texts together that are not empty.
func join(sep string, texts ...string) string {
	var filled []string
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			filled = append(filled, t)
		}
	}
	return strings.Join(filled, sep)
}

// set keeps the labels that have a value, names and values in turn.
func set(labels map[string]string, namesAndValues ...string) {
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		if value := strings.TrimSpace(namesAndValues[i+1]); value != "" {
			labels[namesAndValues[i]] = value
		}
	}
}

// arn is an Amazon Resource Name (AWS General Reference, "Amazon Resource
// Names"): arn:partition:service:region:account:resource.
type arn struct{ partition, service, region, account, resource string }

func parseARN(s string) (arn, bool) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != "arn" {
		return arn{}, false
	}
	return arn{p[1], p[2], p[3], p[4], p[5]}, true
}

// suffixes are the domains of the partitions (AWS SDKs, partitions.json);
// those of the isolated partitions have no way to us.
var suffixes = map[string]string{
	"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu",
}

// consoles are the domains of the partitions' consoles.
var consoles = map[string]string{
	"aws": "console.aws.amazon.com", "aws-us-gov": "console.amazonaws-us-gov.com", "aws-cn": "console.amazonaws.cn", "aws-eusc": "console.amazonaws-eusc.eu",
}

// isRegion tells the name of a region, like us-gov-west-1, from that of
// something else that stands before amazonaws.com, like s3-us-west-2.
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) < 3 || len(parts) > 4 || len(s) > 24 {
		return false
	}
	for i, p := range parts {
		allowed := "abcdefghijklmnopqrstuvwxyz"
		if i == len(parts)-1 {
			allowed = "0123456789"
		}
		if p == "" || strings.Trim(p, allowed) != "" {
			return false
		}
	}
	return len(parts[0]) >= 2 && len(parts[0]) <= 4
}

// partitionOf guesses the partition of a region where no ARN names it.
func partitionOf(region string) string {
	switch first, _, _ := strings.Cut(region, "-"); {
	case first == "cn":
		return "aws-cn"
	case first == "eusc":
		return "aws-eusc"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// console is an address in the console of a region, "" where there is no
// telling which region.
func console(region, path string) string {
	if !isRegion(region) {
		return ""
	}
	return "https://" + region + "." + consoles[partitionOf(region)] + path
}

// linkIn finds the first address in a text that a person wrote: often that of
// a runbook.
func linkIn(text string) string {
	for word := range strings.FieldsSeq(text) {
		word = strings.Trim(word, `()[]<>"',.;`)
		if strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://") {
			return word
		}
	}
	return ""
}

// firstLine is the first line of a text that has something to read.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}
