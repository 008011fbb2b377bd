package source

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source/lookup"
)

// Request is what a sender posted.
type Request struct {
	Header http.Header
	Query  url.Values
	Path   string // what stands after the integration's key: "", "/api/v2/alerts"
	Body   []byte
	At     time.Time // when it was received, in real time

	// Other reads what is neither JSON nor a form; nil: nothing does.
	Other func(*Request) (doc.Value, bool)

	// Proven says that the integration has a secret of its own, and that this
	// request was checked against it before Verify is asked.
	Proven bool

	// Once is what a checked signature says that tells the request from every
	// other with the same body: its time, or the id of the message.
	Once string

	sent []byte // what was sent, where Body is something else; nil: Body

	root    doc.Value
	err     error
	notJSON error // why the body is none, whatever else it was read as
	read    bool
	whole   bool // the body is JSON, with nothing to mend
}

// Sent is the body as it was sent, over which senders sign.
func (r *Request) Sent() []byte {
	if r.sent != nil {
		return r.sent
	}
	return r.Body
}

// WithBody returns the request with another body, whose reading begins anew.
func (r *Request) WithBody(body []byte) *Request { return r.With(r.Header, body) }

// With returns the request with another header and body, whose reading begins
// anew.
func (r *Request) With(header http.Header, body []byte) *Request {
	return &Request{Header: header, Query: r.Query, Path: r.Path, Body: body, At: r.At, Other: r.Other, Proven: r.Proven, Once: r.Once, sent: r.Sent()}
}

// Media returns the media type in lower case, without its parameters.
func (r *Request) Media() string {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		media, _, _ = strings.Cut(r.Header.Get("Content-Type"), ";")
	}
	return strings.ToLower(strings.TrimSpace(media))
}

// Root reads the body, once: JSON whatever the media type says of it, else a
// form, whose fields are those of an object. The error is of kind Invalid.
func (r *Request) Root() (doc.Value, error) {
	if !r.read {
		r.root, r.err = r.decode()
		r.read = true
	}
	return r.root, r.err
}

func (r *Request) decode() (doc.Value, error) {
	root, err := doc.JSON(r.Body)
	if err == nil {
		r.whole = true
		if said, ok := r.said(root); ok {
			return said, nil
		}
		return root, nil
	}
	r.notJSON = err
	if !r.IsForm() {
		if other, read := r.other(); read {
			return other, nil
		}
		return root, err
	}
	fields, err := url.ParseQuery(string(bytes.TrimSpace(r.Body)))
	if err != nil {
		return doc.Value{}, fault.Wrap(fault.Invalid, err, "the body is no form")
	}
	return doc.Form(fields), nil
}

// said reads what a body says that is only a JSON string: a document that was
// encoded twice, or a text.
func (r *Request) said(root doc.Value) (doc.Value, bool) {
	if root.Kind() != doc.String {
		return doc.Value{}, false
	}
	one := r.With(r.Header, []byte(root.Text()))
	inner, err := doc.JSON(one.Body)
	if err == nil && inner.Kind() >= doc.Array {
		return inner, true
	}
	if len(one.Body) > maxSaid {
		return doc.Value{}, false
	}
	return one.other()
}

// maxSaid bounds a text that stands in a JSON string.
const maxSaid = 64 << 10

// Loose is [Request.Root] for senders whose bodies people write by hand: what
// is nearly JSON is mended, and Root reads it so from then on.
func (r *Request) Loose() (doc.Value, error) {
	if root, err := r.Root(); r.whole {
		return root, err
	}
	if mended, ok := doc.Mend(r.Body); ok {
		r.root, r.err = doc.JSON(mended)
		r.whole, r.notJSON = true, nil
	}
	return r.Root()
}

func (r *Request) other() (doc.Value, bool) {
	if r.Other == nil {
		return doc.Value{}, false
	}
	return r.Other(r)
}

// BrokenJSON says where a body that means to be JSON is none: it begins like an
// object or a list of them, or its media type says so and it is neither form
// nor XML. Lines of JSON are whole. nil: it is not meant to be JSON, or it is.
func (r *Request) BrokenJSON() error {
	root, _ := r.Root()
	if r.notJSON == nil || root.Kind() == doc.Array || !r.meansJSON() {
		return nil
	}
	return r.notJSON
}

func (r *Request) meansJSON() bool {
	body := bare(r.Body)
	if bytes.HasPrefix(body, []byte("{")) {
		return true
	}
	if list, ok := bytes.CutPrefix(body, []byte("[")); ok && bytes.HasPrefix(bytes.TrimSpace(list), []byte("{")) {
		return true
	}
	says := r.Media() == "application/json" || strings.HasSuffix(r.Media(), "+json")
	return says && !isXML(body) && !looksLikeForm(body)
}

func isXML(body []byte) bool {
	return bytes.HasPrefix(bare(body), []byte("<"))
}

// bare is a body without its byte order mark and the white space around it.
func bare(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
}

// FormMedia is the media type of a form.
const FormMedia = "application/x-www-form-urlencoded"

// LooksLikeJSON tells an object or a list from its beginning.
func LooksLikeJSON(body []byte) bool {
	body = bare(body)
	return len(body) > 0 && (body[0] == '{' || body[0] == '[')
}

// IsForm reports whether the body, unless it is JSON, is a form.
func (r *Request) IsForm() bool { return r.Media() == FormMedia || looksLikeForm(r.Body) }

// looksLikeForm tells a form that is sent as something else: name=value, no
// white space.
func looksLikeForm(body []byte) bool {
	name, _, ok := bytes.Cut(bytes.TrimSpace(body), []byte("="))
	return ok && len(name) > 0 && len(name) <= 64 && !bytes.ContainsAny(name, " \t\r\n{[<\":") && !bytes.ContainsAny(bytes.TrimSpace(body), " \n\t")
}

// Scope is where paths into r begin, from its top.
func (r *Request) Scope() *lookup.Scope {
	root, _ := r.Root()
	return &lookup.Scope{Item: root, Root: root, Header: r.Header, Query: r.Query, Path: r.Path, Text: string(r.Body), XML: r.notJSON != nil && isXML(r.Body)}
}
