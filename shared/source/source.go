// Package source says what a kind of monitoring system must offer: how its
// requests are recognised and verified, and how they become alerts. Each
// vendor has a package below; sources that are data alone are in preset. This
// package holds what they share. Parsing is pure: no clock, no I/O.
package source

import (
	"net/url"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/change"
	"tocsin/shared/fault"
)

// Source is one kind of monitoring system.
type Source struct {
	// Name is the word of it in configuration, labels and logs: "prometheus".
	Name string

	// Aliases are other words under which it is known.
	Aliases []string

	// Marks are conditions (package lookup) by one of which its requests are
	// told from those of all other sources.
	Marks []string

	// Verify checks the vendor's own proof over the raw body against the valid
	// secrets of an integration whose auth is "vendor"; nil: the vendor has
	// none. An error is of kind Unauthenticated and names no secret; or of kind
	// Unavailable, where the sender should ask again.
	Verify func(r *Request, secrets []string) error

	// Signed says that requests prove themselves without a secret, by a
	// published certificate: Verify is asked whatever the integration's auth.
	Signed bool

	// Auths are the kinds of proof of an integration, beside "none", that its
	// senders have room for; nil: all.
	Auths []string

	// Media are the media types that it sends beside JSON; "*" is any.
	Media []string

	// Parse reads a request. The error is of kind Invalid and means that
	// nothing of it can be understood.
	Parse func(r *Request) (Parsed, error)

	// Headers, and Queries, which are parameters of the address, are those that
	// Parse reads. They are kept with a delivery, so that it can be read again.
	Headers, Queries []string

	// Rewrite redacts bodies whose texts only the source can decode; nil: they
	// are JSON, forms or texts.
	Rewrite Rewrite

	// OwnPath reports whether the path of a request names an alert by an id that
	// was made here: it says nothing of it, works only as it is, and is not
	// redacted. nil: none does.
	OwnPath func(r *Request) bool

	// RetryStatus is the status on which its sender tries again; 0 is what
	// [Source.Retry] knows of it.
	RetryStatus int

	// Guide says how its side is set up.
	Guide Guide
}

// Rewrite returns a body in which clean has seen every text, by its name where
// it has one, and notes what it left out, because it is no text. false: it is
// no such body.
type Rewrite func(body []byte, clean func(name, text string) string) (rewritten []byte, notes []string, ok bool)

// Guide is what docs and an integration's page say of a source.
type Guide struct {
	Product    string   // "Prometheus Alertmanager"
	Page       string   // the vendor's page about its webhooks
	Setup      []string // steps on the sender's side; {url} is the integration's URL, {address} its mail address
	Proof      string   // how requests are authenticated
	Understood string   // what is read: forms, versions, states
	Repeats    string   // statuses and times at which it sends again, as far as published
	NeverEnds  bool     // it never sends a recovery: its alerts expire by the integration's setting
}

// Parsed is what a request says.
type Parsed struct {
	SenderID string        // the sender's own id of this request, where it has one
	Items    []Item        // one for each alert of the body, by position
	Notes    []string      // what a reader should know of the body as a whole
	Changes  []Change      // deployments and configuration changes, sent as context
	Confirm  *Confirmation // the sender asks to confirm that it may send
	Answer   any           // the body that this sender wants to see with status 200; nil: the receipt will do

	// Only200 says that this sender takes no other status than 200 for success.
	Only200 bool `json:",omitempty"`

	// NeverEnds says that the sender of this request tells of no recovery, where
	// only the request shows who it is; see Guide.NeverEnds.
	NeverEnds bool `json:",omitempty"`

	// ExpiresAfter is when an alert of this request ends that says nothing of its
	// end, after its last report, unless the integration says otherwise; 0 never.
	ExpiresAfter time.Duration `json:",omitempty"`
}

// Item is one alert of a body, or why it could not be understood: exactly one
// field is set.
type Item struct {
	Alert    *alert.Alert
	Rejected string
}

// Change is a deployment or configuration change: context of later events.
type Change = change.Change

// Confirmation is an address that the sender wants visited before it sends.
// The source has checked that it is the vendor's.
type Confirmation struct {
	URL string
}

// MaxItems is the number of alerts that one body may hold. It bounds what a
// body of the allowed size, made of nothing but commas, can cost.
const MaxItems = 10_000

// TooMany is the error for a body with n alerts, nil while n is allowed.
func TooMany(n int) error {
	if n <= MaxItems {
		return nil
	}
	return fault.New(fault.Invalid, "the body holds %d alerts, more than %d; send them in parts", n, MaxItems)
}

// Fired is [Told] of an alert whose start names its firing period.
func Fired(a alert.Alert) Item {
	if a.Episode == "" {
		a.Episode = Episode(a.StartedAt)
	}
	return Told(a)
}

// Told returns the item of an alert: Priority follows Severity, and what the
// sender wrote is made fit to keep.
func Told(a alert.Alert) Item {
	a.Priority = a.Severity.Priority()
	if a.Labels == nil {
		a.Labels = map[string]string{}
	}
	hideSecrets(&a)
	alert.Clean(&a)
	return Item{Alert: &a}
}

// One is the whole of a request that holds one alert.
func One(a alert.Alert) Parsed { return Parsed{Items: []Item{Fired(a)}} }

// Episode names a firing period by its start, "" when the sender gave none.
func Episode(start time.Time) string {
	if start.IsZero() {
		return ""
	}
	return start.UTC().Format(time.RFC3339Nano)
}

// AppendLink adds a link to an absolute http or https address, without a user
// and password that stand in it: links are mailed, and work without. Any other
// address, and one that is too long to be kept, is left out.
func AppendLink(links []alert.Link, text, address string) []alert.Link {
	if len(address) > alert.MaxURL {
		return links
	}
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return links
	}
	return append(links, alert.Link{Text: text, URL: withoutUser(address)})
}

// Links returns the links of texts and addresses in turn; see [AppendLink].
func Links(textAndAddress ...string) []alert.Link {
	links := []alert.Link{}
	for i := 0; i+1 < len(textAndAddress); i += 2 {
		links = AppendLink(links, textAndAddress[i], textAndAddress[i+1])
	}
	return links
}
