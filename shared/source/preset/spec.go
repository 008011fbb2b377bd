// Package preset reads sources that are data: a [Spec] says where in a request
// the alerts are, which parts of it give title, severity, status, key, times,
// links and labels, and how the sender proves that it is the sender. The
// sources that are shipped so stand in sources/*.yaml; a user's own is a
// configuration document of kind mapping with the same fields.
//
//	p, err := preset.Compile("uptime-kuma", spec)
//	parsed, err := p.Parse(request)
package preset

import (
	"bytes"
	"encoding/json"
)

// Spec describes a source. Texts and conditions are those of package lookup;
// a text that is a list is the first of them that can be said, a description
// all of them, one a line.
type Spec struct {
	Product   string    `json:"product,omitempty"`    // for people: "Uptime Kuma"
	Aliases   List      `json:"aliases,omitempty"`    // other words for it
	Recognise List      `json:"recognise,omitempty"`  // conditions by one of which its requests are told from those of all other sources that ship; a mapping of your own reads what its integration gets, whether they hold or not
	Proof     Proofs    `json:"proof,omitempty"`      // how a request proves itself where the integration's auth is "vendor"; of several ways one must do
	Media     List      `json:"media,omitempty"`      // media types beside JSON and forms; "*" is any. Without it a mapping of your own takes all of them
	Body      string    `json:"body,omitempty"`       // path of the document itself where the body is an envelope: payload|json
	Blank     string    `json:"blank,omitempty"`      // regular expression (RE2) of whole texts that mean nothing, like N/A or a variable that was not filled in
	Extract   []Extract `json:"extract,omitempty"`    // parts of texts to be named
	RequestID string    `json:"request_id,omitempty"` // the sender's own id of the request, by which a repeat of it is known
	Ignore    List      `json:"ignore,omitempty"`     // conditions on the body: it holds no alert, like a ping
	Change    *Change   `json:"change,omitempty"`     // requests that tell of a change, not of alerts
	Reading
	Variants []Variant `json:"variants,omitempty"` // the first whose condition holds adds to the reading, and takes its place where both say something
	Guide    *Guide    `json:"guide,omitempty"`    // what people read of the source
}

// Variant is another form of the same source. Its condition is asked of the
// request, and where none holds of each alert, from which paths then begin.
type Variant struct {
	When List `json:"when"` // conditions, of which one must hold
	Reading
}

// Reading says what an alert is made of. Paths begin at the alert.
type Reading struct {
	Alerts      List              `json:"alerts,omitempty"`      // paths of the alerts; without them the body is one
	Ended       List              `json:"ended,omitempty"`       // paths of further alerts, each of which has ended
	Skip        List              `json:"skip,omitempty"`        // conditions on an alert: it is none
	Key         List              `json:"key,omitempty"`         // what identifies it from firing to recovery
	Identity    List              `json:"identity,omitempty"`    // without a key: paths that identify it together with the title
	Status      *Status           `json:"status,omitempty"`      // whether it fires; without it an alert does
	Severity    *Severity         `json:"severity,omitempty"`    // without it an alert has none, and its priority is P3
	Title       List              `json:"title,omitempty"`       // what is wrong, in a line; needed once
	Description List              `json:"description,omitempty"` // lines
	Group       List              `json:"group,omitempty"`       // what belongs together: rules may merge by it
	Episode     List              `json:"episode,omitempty"`     // names the firing period; without it started_at does, and with "" nothing, as where the recovery of a job is another run
	At          List              `json:"at,omitempty"`          // when the request was made: the start of a firing, the end of a recovery
	StartedAt   List              `json:"started_at,omitempty"`  // when the firing period began, the same in its repeats
	EndedAt     List              `json:"ended_at,omitempty"`    // read of recoveries
	Zone        string            `json:"zone,omitempty"`        // of times without one: "+08:00" or "Europe/Berlin"
	Labels      map[string]string `json:"labels,omitempty"`      // by name
	LabelsFrom  List              `json:"labels_from,omitempty"` // paths of objects, of lists of {name|key|label|title, value}, or of lists of name:value
	LabelsOmit  List              `json:"labels_omit,omitempty"` // names of those that are none, with * for any characters; "#" is every number, true and false
	Links       []Link            `json:"links,omitempty"`       // pages about it
	NeverEnds   bool              `json:"never_ends,omitempty"`  // its sender tells of no end, so that it expires
}

// Status holds conditions for each status, asked in this order; then From is a
// word in common use, and Told a text that may tell of an end. With firing, an
// alert of which nothing holds is rejected; without it, it fires.
type Status struct {
	Ignored      List `json:"ignored,omitempty"`      // neither opens nor ends anything
	Acknowledged List `json:"acknowledged,omitempty"` // somebody there has taken it on
	Resolved     List `json:"resolved,omitempty"`     // it has ended
	Firing       List `json:"firing,omitempty"`       // it is wrong now; with it, a status that is none of these rejects the alert
	From         List `json:"from,omitempty"`         // a word in common use, like ok or down
	Told         List `json:"told,omitempty"`         // a text that may tell of an end
}

// Severity holds conditions for each severity, asked in this order; then From
// is a word in common use, Told a text that may begin with one, and then there
// is Default.
type Severity struct {
	Critical List   `json:"critical,omitempty"` // conditions, of which one must hold: P1
	Error    List   `json:"error,omitempty"`    // conditions, of which one must hold: P2
	Warning  List   `json:"warning,omitempty"`  // conditions, of which one must hold: P3
	Info     List   `json:"info,omitempty"`     // conditions, of which one must hold: P4
	From     List   `json:"from,omitempty"`     // a word in common use, like fatal or P2
	Told     List   `json:"told,omitempty"`     // a text that may begin with such a word
	Default  string `json:"default,omitempty"`  // critical, error, warning or info, where nothing above says it
}

// Link is a link to a page about the alert.
type Link struct {
	Text string `json:"text"` // what is shown
	URL  string `json:"url"`  // http or https
}

// Extract names parts of a text: Match is a regular expression (RE2) whose
// named groups become @name in paths. From is a path from the top of the body.
type Extract struct {
	From  string `json:"from"`  // path from the top of the body
	Match string `json:"match"` // regular expression (RE2) with named groups: (?P<host>[a-z]+)
}

// Change says when a request tells of a change, and what of it.
type Change struct {
	When   List              `json:"when"`             // conditions, of which one must hold; needed
	Title  List              `json:"title"`            // what was changed; needed
	ID     List              `json:"id,omitempty"`     // the sender's own id of the change
	At     List              `json:"at,omitempty"`     // when it was made
	Labels map[string]string `json:"labels,omitempty"` // by name
	Links  []Link            `json:"links,omitempty"`  // pages about it
}

// Proof is a way to prove a request by the secret of its integration: the
// secret itself, or a signature (hmac-*) over the raw body. A jws is a token
// (HS256) whose claim sha256 is that of the body; rsa-* is a signature whose
// secret is the sender's public key in PEM; standard (Standard Webhooks) and
// http-signature (HMAC of the headers Date and Digest) say all themselves.
type Proof struct {
	Header     string `json:"header,omitempty"`      // that holds the secret or signature
	Field      string `json:"field,omitempty"`       // path: of the secret, in place of a header; with rsa-* of the text that is signed, in place of the body
	Scheme     string `json:"scheme"`                // secret, hmac-sha256, hmac-sha1, hmac-sha512, rsa-sha256, rsa-sha1, jws: a token (HS256) whose claim sha256 is that of the body, standard: Standard Webhooks, whose headers have names of their own, or http-signature
	Prefix     string `json:"prefix,omitempty"`      // before the secret or signature
	Encoding   string `json:"encoding,omitempty"`    // of an HMAC: hex, which is meant without it, or base64
	List       string `json:"list,omitempty"`        // separates several signatures
	TimeHeader string `json:"time_header,omitempty"` // signed before the body
	TimePrefix string `json:"time_prefix,omitempty"` // before the time where it stands in the list: t= of "t=1772355600,v1=5257a8..."
	TimeJoin   string `json:"time_join,omitempty"`   // between time and body
}

// Proofs is a list of proofs. A single one may stand for a list of one.
type Proofs []Proof

// UnmarshalJSON reads a proof or a list of proofs.
func (l *Proofs) UnmarshalJSON(raw []byte) error {
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '{' {
		*l = make(Proofs, 1)
		return json.Unmarshal(raw, &(*l)[0])
	}
	return json.Unmarshal(raw, (*[]Proof)(l))
}

// MarshalJSON writes a single proof as one, which versions before there were
// lists read too.
func (l Proofs) MarshalJSON() ([]byte, error) {
	if len(l) == 1 {
		return json.Marshal(l[0])
	}
	return json.Marshal([]Proof(l))
}

// OneOrMany says to who decodes it otherwise what one of them is.
func (Proofs) OneOrMany() string { return "an object" }

// Guide is what docs say of the source.
type Guide struct {
	Page       string `json:"page,omitempty"`       // address of the vendor's page about its webhooks
	Setup      List   `json:"setup,omitempty"`      // steps on the sender's side; {url} is the integration's address, {id} its id
	Proof      string `json:"proof,omitempty"`      // how requests are authenticated
	Understood string `json:"understood,omitempty"` // what is read: forms, versions, states
	Repeats    string `json:"repeats,omitempty"`    // when it sends again
	NeverEnds  bool   `json:"never_ends,omitempty"` // it never sends a recovery, so that its alerts expire
}

// List is a list of texts. A single text may stand for a list of one.
type List []string

// UnmarshalJSON reads a text or a list of texts.
func (l *List) UnmarshalJSON(raw []byte) error {
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '"' {
		var one string
		err := json.Unmarshal(raw, &one)
		*l = List{one}
		return err
	}
	return json.Unmarshal(raw, (*[]string)(l))
}

// OneOrMany says to who decodes it otherwise what one of them is.
func (List) OneOrMany() string { return "a text" }
