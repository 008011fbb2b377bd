package cloudwatch

import (
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/aws"
	"tocsin/shared/source/proof"
)

// Verifier checks the signatures of SNS (Amazon SNS developer guide, "Verifying
// the signatures of Amazon SNS messages"). It is safe for concurrent use.
//
// What is trusted is the endpoint of SNS in the region of the message's topic:
// the certificate must come from there, at a path where SNS keeps certificates
// and nothing that others could have put there, and be made out to SNS. Its own
// chain is not built: the endpoint serves it without the certificates between
// it and a root (github.com/robbiet480/go.sns, issue 8), and a list of them
// kept here would refuse every alarm on the day that Amazon signs by another.
// The AWS SDKs that verify messages decide the same.
type Verifier struct{ certificates proof.Certificates }

// NewVerifier returns a verifier that fetches certificates by client; nil is
// one that reaches public addresses only.
func NewVerifier(client *http.Client) *Verifier {
	isSNS := func(host string) bool { return strings.HasPrefix(host, "sns.") } // which one it must be, the topic says
	return &Verifier{proof.Certificates{Hosts: isSNS, Client: client}}
}

// maxAge is how old a message may be. SNS tries for an hour at most (Amazon SNS
// developer guide, "Amazon SNS message delivery retries"); the second hour is
// for the attempts themselves, and for clocks. A copy sent within it has the
// id of the first delivery and is counted as its duplicate.
const maxAge = 2 * time.Hour

// Verify checks a request. A message without SNS's wrapping has no signature;
// it is believed only if the integration's own secret was checked already. It
// returns proof.ErrRefused, or an error of kind Unavailable where the
// certificate could not be fetched: SNS repeats on that, and on a refusal not.
func (v *Verifier) Verify(r *source.Request, _ []string) error {
	root, err := r.Root()
	if err != nil || !aws.IsEnvelope(root) {
		if r.Proven {
			return nil
		}
		return proof.ErrRefused
	}
	topic, address := root.Get("TopicArn").Text(), root.Get("SigningCertURL").Text()
	signature, err := base64.StdEncoding.DecodeString(root.Get("Signature").Text())
	algorithm := algorithms[root.Get("SignatureVersion").Text()]
	if err != nil || algorithm == x509.UnknownSignatureAlgorithm || !unambiguous(root) ||
		!fresh(root.Get("Timestamp").Text(), r.At) || !atRoot(topic, address) {
		return proof.ErrRefused
	}
	return v.certificates.Check(proof.Signed{
		Address: address, Names: aws.Names(topic), Algorithm: algorithm, Text: []byte(canonical(root)), Signature: signature,
	}, r.At)
}

// algorithms are those of the versions of signatures.
var algorithms = map[string]x509.SignatureAlgorithm{"1": x509.SHA1WithRSA, "2": x509.SHA256WithRSA}

func fresh(stamp string, at time.Time) bool {
	t := source.Instant(stamp)
	return !t.IsZero() && at.Sub(t) <= maxAge && t.Sub(at) <= proof.MaxSkew
}

// atRoot: nothing but a file at the root of the endpoint, so that no call of
// SNS's API can stand in for it.
func atRoot(topic, address string) bool {
	file, ok := strings.CutPrefix(address, "https://"+aws.Host(topic)+"/")
	return ok && aws.Host(topic) != "" && file != ".pem" && !strings.Contains(file, "/")
}

// Fields that are signed, in order (same guide, "when using HTTP query-based
// requests"). Attributes of a message are not among them.
var (
	ofNotification = []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	ofSubscription = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
)

// unambiguous: only a message may have more than one line; SNS allows no line
// break in a subject (API reference, Publish). Otherwise what was signed in one
// field could be moved to another, as each is a line of its name and one of its
// text.
func unambiguous(m doc.Value) bool {
	for _, name := range [...]string{"MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"} {
		if strings.Contains(m.Get(name).Text(), "\n") {
			return false
		}
	}
	return true
}

// canonical leaves out a field that is not there, as SNS does with a subject.
func canonical(m doc.Value) string {
	fields := ofSubscription
	if m.Get("Type").Text() == aws.Notification {
		fields = ofNotification
	}
	var b strings.Builder
	for _, name := range fields {
		if value := m.Get(name); value.Present() {
			b.WriteString(name + "\n" + value.Text() + "\n")
		}
	}
	return b.String()
}
