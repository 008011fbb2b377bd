package detect

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/lookup"
)

// Decode reads bodies that are neither JSON nor a form: lines of JSON, of
// syslog, CEF and LEEF, XML, logfmt and plain text, whatever the media type
// says of them. A text is an object of its first line, as subject, unless all
// it has are lines that say "name: value", and the whole, as text. false: the
// body is nothing that can be read.
func Decode(r *source.Request) (doc.Value, bool) {
	body := bytes.TrimSpace(bytes.TrimPrefix(r.Body, []byte("\ufeff")))
	if len(body) == 0 || !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
		return doc.Value{}, false
	}
	switch body[0] {
	case '{', '[':
		if v, ok := jsonLines(body); ok {
			return v, true
		}
	case '<':
		if v, ok := fromXML(body); ok {
			return v, true
		}
	}
	text := strings.ToValidUTF8(string(body[:min(len(body), maxPlain)]), "")
	if v, ok := lines(text); ok && len(body) <= maxPlain {
		return v, true
	}
	if fields, ok := logfmt(text); ok && len(body) <= maxPlain {
		return doc.Of(fields), true
	}
	if !strings.ContainsFunc(text, unicode.IsLetter) {
		return doc.Value{}, false
	}
	fields := map[string]any{"text": text}
	if line := lookup.Line(text); lookup.Pairs(text).Len() < 2 || isHeading(line) {
		fields["subject"] = line
	}
	return doc.Of(fields), true
}

// Bounds of bodies that are not JSON: of XML, beyond which it is read as text,
// and of what is read of a text.
const (
	maxXML   = 256 << 10
	maxPlain = 64 << 10
)

// jsonLines reads one JSON text after another as an array.
func jsonLines(body []byte) (doc.Value, bool) {
	var texts []json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(body))
	for {
		var one json.RawMessage
		err := dec.Decode(&one)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(texts) == source.MaxItems {
			return doc.Value{}, false
		}
		texts = append(texts, one)
	}
	joined, err := json.Marshal(texts)
	if err != nil {
		return doc.Value{}, false
	}
	v, err := doc.JSON(joined)
	return v, err == nil
}

// maxElements bounds what a body of nothing but tags can cost.
const maxElements = 10_000

// fromXML reads XML as an object: attributes and elements by name, several of
// one name as a list, text beside elements as "text". Entities are not read,
// and there is nothing outside of the document that could be.
func fromXML(body []byte) (doc.Value, bool) {
	if len(body) > maxXML {
		return doc.Value{}, false
	}
	dec := xml.NewDecoder(bytes.NewReader(body))
	dec.Strict = true
	left := maxElements
	for {
		t, err := dec.Token()
		if err != nil {
			return doc.Value{}, false
		}
		if start, ok := t.(xml.StartElement); ok {
			value, err := element(dec, start, 1, &left)
			if err != nil {
				return doc.Value{}, false
			}
			v := doc.Of(map[string]any{start.Name.Local: value})
			return v, v.Present()
		}
	}
}

var errTooMuch = errors.New("too deep or too many elements")

func element(dec *xml.Decoder, start xml.StartElement, depth int, left *int) (any, error) {
	if *left--; *left < 0 || depth > doc.MaxDepth-2 {
		return nil, errTooMuch
	}
	fields := map[string]any{}
	for _, a := range start.Attr {
		add(fields, a.Name.Local, a.Value)
	}
	var text strings.Builder
	for {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			child, err := element(dec, t, depth+1, left)
			if err != nil {
				return nil, err
			}
			add(fields, t.Name.Local, child)
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			said := strings.TrimSpace(text.String())
			if len(fields) == 0 {
				return said, nil
			}
			if said != "" {
				add(fields, "text", said)
			}
			return fields, nil
		}
	}
}

func add(fields map[string]any, name string, value any) {
	switch before := fields[name].(type) {
	case nil:
		fields[name] = value
	case []any:
		fields[name] = append(before, value)
	default:
		fields[name] = []any{before, value}
	}
}

// logfmt reads name=value pairs, with values in quotes where they have spaces.
// It takes only a text that is nothing else, of two pairs or more.
func logfmt(text string) (map[string]any, bool) {
	fields := map[string]any{}
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		name, after, ok := strings.Cut(rest, "=")
		if !ok || name == "" || len(name) > 64 || strings.ContainsFunc(name, notInName) {
			return nil, false
		}
		var value string
		if value, rest, ok = cutValue(after); !ok {
			return nil, false
		}
		fields[name] = value
	}
	return fields, len(fields) >= 2
}

func notInName(c rune) bool {
	return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("_-./", c)
}

// cutValue cuts a bare or quoted value off s.
func cutValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		at := strings.IndexFunc(s, unicode.IsSpace)
		if at < 0 {
			return s, "", true
		}
		return s[:at], s[at:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c == '"':
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}
