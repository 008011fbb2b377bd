package aws

import (
	"net/url"
	"strings"

	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// Types of the messages of SNS (Amazon SNS developer guide, "HTTP/HTTPS
// notification JSON format").
const (
	Notification             = "Notification"
	SubscriptionConfirmation = "SubscriptionConfirmation"
	UnsubscribeConfirmation  = "UnsubscribeConfirmation"
)

// IsEnvelope reports whether v is what SNS puts around a message.
func IsEnvelope(v doc.Value) bool {
	switch v.Get("Type").Text() {
	case Notification, SubscriptionConfirmation, UnsubscribeConfirmation:
		return v.Get("TopicArn").Present() && v.Get("Message").Present()
	}
	return false
}

// envelope reads a message with what SNS puts around it.
func (in *reader) envelope(v doc.Value) {
	in.identify(v.Get("MessageId").Text())
	topic := v.Get("TopicArn").Text()
	switch v.Get("Type").Text() {
	case SubscriptionConfirmation:
		in.confirm(topic, v.Get("SubscribeURL").Text())
	case UnsubscribeConfirmation:
		in.note("the subscription to topic " + topic + " has ended: nothing more comes from it")
	default:
		in.message(messageOf(v))
	}
}

// confirm asks for a visit of the address at which a subscription begins. Who
// sends notifications through a topic has to be believed before, see Verify of
// the source cloudwatch.
func (in *reader) confirm(topic, address string) {
	if !AtTopic(topic, address) || parsed(address).Query().Get("Action") != "ConfirmSubscription" {
		in.reject("SubscribeURL: is not the https address at SNS in the topic's region that confirms a subscription")
		return
	}
	in.out.Confirm = &source.Confirmation{URL: address}
	in.note("topic " + topic + " asked to confirm its subscription")
}

// AtTopic reports whether an address is one of SNS in the region of a topic:
// https, its endpoint exactly, no user, no port.
func AtTopic(topic, address string) bool {
	host, u := Host(topic), parsed(address)
	return host != "" && u != nil && u.Scheme == "https" && u.Host == host && u.User == nil && u.Fragment == ""
}

func parsed(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil || len(address) > 2048 || strings.ContainsAny(address, " \t\r\n\\") {
		return nil
	}
	return u
}

// Host is the endpoint of SNS in the region of a topic, "" if it is none that
// we know (AWS General Reference, "Amazon SNS endpoints and quotas").
func Host(topic string) string {
	a, ok := parseARN(topic)
	suffix := suffixes[a.partition]
	if !ok || a.service != "sns" || suffix == "" || !isRegion(a.region) {
		return ""
	}
	return "sns." + a.region + "." + suffix
}

// Names are those of which SNS's signing certificates have one, by the region
// of a topic (AWS SDK for Java 2, services-custom/sns-message-manager,
// SnsHostProvider).
func Names(topic string) []string {
	a, ok := parseARN(topic)
	if !ok || Host(topic) == "" {
		return nil
	}
	suffix := suffixes[a.partition]
	names := []string{"sns." + suffix, "sns." + a.region + "." + suffix, "sns-signing." + a.region + "." + suffix, "sns-" + a.region + "." + suffix}
	if a.partition == "aws-us-gov" {
		names = append(names, "sns-us-gov-west-1."+suffix)
	}
	return names
}
