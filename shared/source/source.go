// Package source says what a kind of monitoring system must offer: how its
// payload becomes alerts, and how it signs, if it has a scheme of its own.
// Each vendor has a package below; this one holds what they share. Parsing is
// pure: no clock, no I/O.
package source

import (
	"net/http"
	"net/url"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
)

// Source is one kind of monitoring system.
type Source struct {
	// Name is the word of it in configuration, labels and logs: "prometheus".
	Name string

	// Verify checks the vendor's own signature over the raw body against the
	// valid secrets. Nil: the vendor has none, and what the integration asks
	// for (none, bearer, basic, HMAC) is all there is to check. An error is of
	// kind Unauthenticated and names no secret.
	Verify func(header http.Header, body []byte, secrets []string, at time.Time) error

	// Parse reads a body received at an instant of real time. The error is of
	// kind Invalid and means that nothing of the body can be understood.
	Parse func(body []byte, at time.Time) (Parsed, error)
}

// Parsed is what a body says.
type Parsed struct {
	SenderID string   // the sender's own id of this request, where it has one
	Items    []Item   // one for each alert of the body, by position
	Notes    []string // what a reader should know of the body as a whole
}

// Item is one alert of a body, or why it could not be understood: exactly one
// field is set.
type Item struct {
	Alert    *alert.Alert
	Rejected string
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

// AppendLink adds a link to an absolute http or https address; any other
// address is left out.
func AppendLink(links []alert.Link, text, address string) []alert.Link {
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return links
	}
	return append(links, alert.Link{Text: text, URL: address})
}
