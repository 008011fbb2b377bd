package email

import (
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// Decode reads a mail as an object of subject, from, text and headers, by which
// the mapping of an integration may read it; see [source.Request.Other]. false:
// the body is no mail.
func Decode(r *source.Request) (doc.Value, bool) {
	m, err := read(r.Body)
	if err != nil {
		return doc.Value{}, false
	}
	headers := map[string]any{}
	for f := m.header.Fields(); f.Next(); {
		if headers[f.Key()] == nil {
			headers[f.Key()] = m.field(f.Key())
		}
	}
	return doc.Of(map[string]any{"subject": m.subject, "from": m.from, "text": m.text, "headers": headers}), true
}
