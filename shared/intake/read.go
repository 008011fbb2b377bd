package intake

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/integration"
	"tocsin/shared/source"
	"tocsin/shared/source/wire"
)

// Read reads a request of a route, whose {path...}, if it has one, is what
// stands after the key.
func (in *Intake) Read(r *http.Request) (*source.Request, error) {
	body := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), MaxBody)+bytes.MinRead))
	if _, err := body.ReadFrom(r.Body); err != nil {
		err = readError(err)
		in.count(outcomeOf(err), Receipt{})
		return nil, err
	}
	return &source.Request{Header: r.Header, Query: r.URL.Query(), Path: r.PathValue("path"), Body: body.Bytes(), At: in.Now().UTC()}, nil
}

func readError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || fault.Is(err, fault.Invalid) {
		return err
	}
	return fault.Wrap(fault.Invalid, err, "the body ended early")
}

// read takes off a request how it was sent and out of it what nobody may keep,
// and reads what is left, which it returns too.
func read(found integration.Found, src source.Source, req *source.Request) (source.Parsed, *source.Request, error) {
	media := req.Media()
	req, notes, err := wire.Plain(req, MaxBody)
	if err = unread(err); err == nil {
		err = CheckMedia(req, media, src.Media)
	}
	if err != nil {
		_, err = source.HideSecrets(source.Parsed{}, err)
		return source.Parsed{}, withoutBody(found, req), found.Redact.Err(err)
	}
	path, ownPath := req.Path, src.OwnPath != nil && src.OwnPath(req)
	req, redacted, more := found.Redact.Request(req, src.Rewrite)
	if ownPath {
		req.Path = path
	}
	notes = append(notes, more...)
	parsed, err := source.HideSecrets(src.Parse(req))
	parsed, again := found.Redact.Parsed(parsed)
	if len(notes) > 0 {
		parsed.Notes = append(notes, parsed.Notes...)
	}
	if redacted += again; redacted > 0 {
		parsed.Notes = append(parsed.Notes, fmt.Sprintf("redacted in %d places before it was kept", redacted))
	}
	if a := found.Again; a != nil && !a.OnlyRead {
		parsed.Notes = append(parsed.Notes, "sent again by "+a.By+" from delivery "+a.Delivery)
	}
	return parsed, req, found.Redact.Err(err)
}

// withoutBody is what may be kept of a request that cannot be read: where
// something is to be taken out, no body, because nobody finds it in there.
func withoutBody(found integration.Found, req *source.Request) *source.Request {
	if found.Redact.Empty() {
		return req
	}
	clean, _, _ := found.Redact.Request(req.WithBody(nil), nil)
	return clean
}

// unread gives what is sent in a way that is not read the status that says so.
func unread(err error) error {
	e, ok := errors.AsType[*wire.UnsupportedError](err)
	if !ok {
		return err
	}
	refused := unsupported(e.Text)
	if e.Encoding {
		refused.Header = http.Header{"Accept-Encoding": {wire.Encodings}} // RFC 9110, section 12.5.3
	}
	return refused
}

// CheckMedia accepts what the source sends, and what looks like JSON, whatever
// its sender calls it. sent is the media type before the request was made plain.
func CheckMedia(req *source.Request, sent string, others []string) error {
	media := req.Media()
	known := media == "" || media == "application/json" || strings.HasSuffix(media, "+json") || slices.Contains(others, media) || slices.Contains(others, "*")
	if known || source.LooksLikeJSON(req.Body) {
		return nil
	}
	return unsupported(fmt.Sprintf("the content type is not %s: found %.60q", strings.Join(append([]string{"application/json"}, others...), ", "), sent))
}

func unsupported(text string) *httpapi.StatusError {
	return &httpapi.StatusError{Status: http.StatusUnsupportedMediaType, Text: text}
}

// maxShown bounds the reasons in one refusal.
const maxShown = 100

// understood refuses a body whose alerts were all rejected: there is nothing
// to accept. A body without alerts is fine.
func understood(p source.Parsed) error {
	var bad fault.Problems
	for i, item := range p.Items {
		if item.Alert != nil {
			return nil
		}
		if i < maxShown {
			bad.Add(fmt.Sprintf("alerts[%d]", i), "%s", item.Rejected)
		}
	}
	return bad.Err("none of the alerts can be understood")
}

// shown is the text of an error without its cause, which is for the log.
func shown(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return (&fault.Error{Text: e.Text, Fields: e.Fields}).Error()
	}
	return "it cannot be read"
}
