// Package intake turns one raw request of a monitoring system into one
// delivery and one queue message, and back again for the consumer. It owns the
// message's format; what a payload means is the source's business, and what
// becomes of an alert the router's.
//
//	d, err := intake.Fetch(ctx, objects, message.Body)
package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Version is the version of the message that Encode writes and Decode reads.
const Version = 1

// Delivery is one accepted inbound request with no, one or many alerts. Its
// JSON is the message on the alerts queue, or the object that a message names.
type Delivery struct {
	V           int               `json:"v"`
	ID          string            `json:"id"`                  // "d-..."; the same for a sender's repeat of the same body under the same id
	Integration string            `json:"integration"`         // id of the integration
	Source      string            `json:"source"`              // kind of monitoring system
	Service     string            `json:"service,omitempty"`   // the integration's default service
	ReceivedAt  time.Time         `json:"received_at"`         // orders deliveries; milliseconds, UTC
	SenderID    string            `json:"sender_id,omitempty"` // the sender's own id of the delivery, where it has one
	BodyHash    string            `json:"body_hash"`           // SHA-256 of the raw body as kept, hex; with SenderID it tells a repeat from another body
	ContentType string            `json:"content_type,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`    // those that the source reads, and no proof
	Query       map[string]string `json:"query,omitempty"`      // likewise, parameters of the address
	Path        string            `json:"path,omitempty"`       // what stood after the key
	Text        string            `json:"text,omitempty"`       // the body as received, without what is redacted, where it is short and UTF-8
	Raw         []byte            `json:"raw,omitempty"`        // else: gzip
	RawObject   string            `json:"raw_object,omitempty"` // set by Fetch: the object that keeps the delivery, its body included, so that nobody keeps it twice
	Items       []Item            `json:"items"`                // by position in the body
	Notes       []string          `json:"notes,omitempty"`      // what a reader should know of the body as a whole: "the sender left out 12 alerts"
	Changes     []source.Change   `json:"changes,omitempty"`    // deployments and configuration changes that it told of

	// Refused is how many requests were refused, of which this is the last and
	// not accepted; 0 for a delivery.
	Refused int `json:"refused,omitempty"`

	again    bool // we send or read it again ourselves
	onlyRead bool // nothing of it is accepted
}

// Item is what became of one alert of the body: exactly one field is set.
type Item struct {
	Alert    *alert.Alert `json:"alert,omitempty"`
	Rejected string       `json:"rejected,omitempty"` // why it could not be understood
}

// pointer is the message of a delivery that is too large for one: it names the
// object that holds the delivery.
type pointer struct {
	V           int    `json:"v"`
	ID          string `json:"id"`
	Integration string `json:"integration"`
	Object      string `json:"object"`
}

// Encode returns the message of d, of whatever size.
func Encode(d Delivery) ([]byte, error) {
	d.V = Version
	message, err := json.Marshal(d)
	return escaped(message), err
}

// escaped is JSON without the two characters that encoding/json writes as they
// are and SQS refuses (Amazon SQS API reference, SendMessage): logs of Java have
// them.
func escaped(text []byte) []byte {
	if !bytes.Contains(text, []byte("\xef\xbf")) {
		return text
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\ufffe"), []byte(`\ufffe`)), []byte("\uffff"), []byte(`\uffff`))
}

// Decode reads a message. object is the name of the object that holds the
// delivery when the message only points to it; d then has its ids alone. An
// error is of kind Invalid: the same message never decodes.
func Decode(message []byte) (d Delivery, object string, err error) {
	var m struct {
		Delivery
		Object string `json:"object"`
	}
	if err := json.Unmarshal(message, &m); err != nil {
		return Delivery{}, "", fault.Wrap(fault.Invalid, err, "the message is no delivery")
	}
	if m.V != Version {
		return Delivery{}, "", fault.New(fault.Invalid, "the message has version %d, not %d", m.V, Version)
	}
	if m.Object != "" && m.ID != "" {
		return m.Delivery, m.Object, nil
	}
	return m.Delivery, "", check(m.Delivery)
}

func check(d Delivery) error {
	var bad fault.Problems
	for _, f := range [...]struct{ name, value string }{
		{"id", d.ID}, {"integration", d.Integration}, {"source", d.Source}, {"body_hash", d.BodyHash},
	} {
		if f.value == "" {
			bad.Add(f.name, "missing")
		}
	}
	if d.ReceivedAt.IsZero() {
		bad.Add("received_at", "missing")
	}
	for i, item := range d.Items {
		if (item.Alert == nil) == (item.Rejected == "") {
			bad.Add(fmt.Sprintf("items[%d]", i), "holds not exactly one of alert and rejected")
		}
	}
	return bad.Err("the message is no delivery")
}
