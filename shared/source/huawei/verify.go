package huawei

import (
	"crypto/x509"
	_ "embed" // for certificate
	"encoding/base64"
	"strings"
	"time"

	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/proof"
)

// certificate is the one that Huawei shows for verifying SMN's messages,
// and advises to use in place of what signing_cert_url says (SMN user guide,
// "Verifying the HTTP(S) signature certificate", 2026-06-17). It is valid until
// 2030-09-07; another one is fetched.
//
//go:embed smn.pem
var certificate []byte

// Source is Cloud Eye through SMN, which signs every message.
var Source = With(&proof.Certificates{Hosts: isSMN, Known: certificate})

// With is the source with other certificates.
func With(certificates *proof.Certificates) source.Source {
	return source.Source{
		Name: Name, Aliases: []string{"huawei-ces"}, Parse: Parse, Signed: true, Media: []string{"text/plain"},
		Verify: func(r *source.Request, _ []string) error { return verify(certificates, r) },
		Marks: []string{
			"signing_cert_url topic_urn message_id type=Notification|SubscriptionConfirmation|UnsubscribeConfirmation",
			"topic_urn=urn:smn:* message_id type", "header:X-SMN-MESSAGE-TYPE topic_urn", "data.IsAlarm data.AlarmRuleName version", "events.0.metadata.event_name events.0.metadata.event_severity events.0.starts_at",
		},
		Guide: source.Guide{
			Product: "Huawei Cloud Eye", Page: "https://support.huaweicloud.com/intl/en-us/usermanual-smn/smn_ug_a9002.html",
			Setup: []string{
				"In Cloud Eye, Alarm Management, Alarm Notifications, create a notification content template for HTTP/HTTPS in JSON.",
				"Create a notification object (or an SMN subscription) with the protocol HTTPS and the endpoint {url}. Its subscription is confirmed by itself.",
				"AOM and LTS: in Alarm Center, Alarm Notification, name the topic in the notification rule (alarm action rule).",
				"Name it, its group or its topic in the notification policy of the alarm rules, for alarms and their clearing.",
			},
			Proof:      "SMN's signature: SHA-256 with RSA, by the certificate that Huawei publishes or that signing_cert_url names on smn.<region>.myhuaweicloud.com. The key in the address says whose topic it is.",
			Understood: "Cloud Eye's JSON in its template v1 and as it was before, in Chinese and English; its texts by their subjects; events of AOM and alarms of LTS, as the API has them or as their default templates write them; other messages of a topic, which never recover; confirmations.",
			Repeats:    "5xx, and what does not answer within 5 s, up to six times; then the endpoint is left alone for 5 to 10 minutes.",
		},
	}
}

// isSMN: smn.<region>.myhuaweicloud.com, in Europe .eu.
func isSMN(host string) bool {
	region, ok := strings.CutPrefix(host, "smn.")
	if !ok {
		return false
	}
	for _, domain := range [...]string{".myhuaweicloud.com", ".myhuaweicloud.eu"} {
		if r, found := strings.CutSuffix(region, domain); found && r != "" && strings.Trim(r, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" {
			return true
		}
	}
	return false
}

// The types of messages.
const (
	notification = "Notification"
	confirmation = "SubscriptionConfirmation"
	farewell     = "UnsubscribeConfirmation"
)

// maxAge is how old a message may be: SMN stamps it once and repeats it with
// that stamp, so five minutes would refuse repeats. A message that is sent
// twice is one delivery by its message_id.
const maxAge = time.Hour

func verify(certificates *proof.Certificates, r *source.Request) error {
	root, err := r.Root()
	if err != nil {
		return proof.ErrRefused
	}
	age := r.At.Sub(source.Instant(root.Get("timestamp").Text()))
	signature, err := base64.StdEncoding.DecodeString(root.Get("signature").Text())
	signed, ok := canonical(root)
	if err != nil || !ok || age > maxAge || age < -proof.MaxSkew {
		return proof.ErrRefused
	}
	return certificates.Check(proof.Signed{
		Address: root.Get("signing_cert_url").Text(), Algorithm: x509.SHA256WithRSA, Text: []byte(signed), Signature: signature,
	}, r.At)
}

// canonical is what SMN signs: names and values, each in a line of its own (SMN
// user guide, "Message Signature Verification"). Only a message may have more
// than one line: otherwise what stands in one field could be moved to another.
func canonical(root doc.Value) (string, bool) {
	names := []string{"message", "message_id", "subject", "timestamp", "topic_urn", "type"}
	if root.Get("type").Text() != notification {
		names[2] = "subscribe_url"
	}
	var b strings.Builder
	for _, name := range names {
		value := root.Get(name)
		text := value.Text()
		switch {
		case name == "subject" && text == "":
			continue
		case value.Kind() != doc.String || name != "message" && strings.Contains(text, "\n"):
			return "", false
		}
		b.WriteString(name + "\n" + text + "\n")
	}
	return b.String(), true
}
