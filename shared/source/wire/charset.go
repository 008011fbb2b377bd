package wire

import (
	"bytes"
	"encoding/binary"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"tocsin/shared/source"
)

// charset is a character set that is read; nil is UTF-8. What no character
// stands for becomes U+FFFD.
type charset func([]byte) []byte

func isUTF8(name string) bool {
	switch name {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return true
	}
	return false
}

// charsetNamed knows the names of the Encoding Standard (WHATWG, section 4.2)
// that senders of alerts use.
func charsetNamed(name string) (c charset, known bool) {
	switch name {
	case "gb2312", "gbk", "gb18030", "x-gbk", "gb_2312-80", "cp936", "ms936", "windows-936", "euc-cn":
		return fromGB, true
	case "iso-8859-1", "iso8859-1", "latin1", "l1", "iso_8859-1", "windows-1252", "cp1252", "x-cp1252":
		return fromWestern, true
	case "utf-16", "utf-16le", "ucs-2", "unicode", "iso-10646-ucs-2":
		return func(b []byte) []byte { return fromUTF16(b, len(b) > 0 && b[0] == 0) }, true
	case "utf-16be", "unicodefffe":
		return func(b []byte) []byte { return fromUTF16(b, true) }, true
	}
	return nil, isUTF8(name)
}

// inUTF8 returns a body in UTF-8, and a note where its character set was
// guessed.
func inUTF8(contentType, media string, body []byte) ([]byte, []string, error) {
	form := media == source.FormMedia && !source.LooksLikeJSON(body)
	sample := body
	if form {
		if plain, err := url.QueryUnescape(string(body)); err == nil {
			sample = []byte(plain)
		}
	}
	name := parameter(contentType, "charset")
	if name == "" {
		name, _, _ = prologOf(body)
		name = strings.ToLower(name)
	}
	c, note, err := charsetOf(name, sample)
	switch {
	case err != nil:
		return nil, nil, err
	case c != nil && form:
		body = c.form(body)
	case c != nil:
		body = c(body)
	}
	if said, from, to := prologOf(body); !isUTF8(strings.ToLower(said)) {
		body = slices.Concat(body[:from], []byte("UTF-8"), body[to:])
	}
	return body, note, nil
}

// prologOf is what XML says itself of its character set in its first line, and
// where.
func prologOf(body []byte) (name string, from, to int) {
	head := bytes.TrimLeft(body[:min(len(body), maxProlog)], "\ufeff \t\r\n")
	prolog, _, whole := bytes.Cut(head, []byte("?>"))
	_, after, named := bytes.Cut(prolog, []byte("encoding="))
	inQuotes := len(after) > 1 && (after[0] == '"' || after[0] == '\'')
	if !whole || !named || !inQuotes || !bytes.HasPrefix(prolog, []byte("<?xml")) {
		return "", 0, 0
	}
	found, _, ends := bytes.Cut(after[1:], after[:1])
	if !ends {
		return "", 0, 0
	}
	from = bytes.Index(body, []byte("encoding=")) + len(`encoding="`)
	return string(found), from, from + len(found)
}

// maxProlog is longer than such a line.
const maxProlog = 256

// lost is the note of a body that is not what its sender wrote.
const lost = "characters of the body were lost on the way and cannot be read: let the sender write UTF-8, or use the content type application/octet-stream"

// guessed is the note of a body that was not said to be in GB 18030.
const guessed = "the body is not UTF-8 and was read as GB 18030, as its bytes look; the sender should name its charset in Content-Type"

// charsetOf is the character set of a text that is said to be in one. A byte
// order mark says more than a name, and what is UTF-8 anyhow is not UTF-16.
func charsetOf(name string, text []byte) (charset, []string, error) {
	c, known := charsetNamed(name)
	valid := utf8.Valid(text)
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		return func(b []byte) []byte { return fromUTF16(b, false) }, nil, nil
	case valid && bytes.Contains(text, []byte("\ufffd")):
		return nil, []string{lost}, nil
	case valid && (c == nil && known || plainly(name, text)):
		return nil, nil, nil
	case !known:
		return nil, nil, &UnsupportedError{Text: "the character set is " + quoted(name) + ", expected UTF-8, or UTF-16, GB 18030 or Windows-1252"}
	case c == nil && looksGB(text):
		return fromGB, []string{guessed}, nil
	}
	return c, nil, nil
}

// plainly reports whether a valid text is what it would be in UTF-8, although
// it is said to be in another character set: ASCII is the same in nearly all,
// and UTF-16 of JSON, XML or a form has zeros.
func plainly(name string, text []byte) bool {
	return bytes.IndexByte(text, 0) < 0 && (strings.HasPrefix(name, "u") || isASCII(text))
}

func isASCII(text []byte) bool {
	for _, b := range text {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// form reads a form whose names and values are in c below their escapes.
func (c charset) form(body []byte) []byte {
	fields, err := url.ParseQuery(string(bytes.TrimSpace(body)))
	if err != nil {
		return c(body)
	}
	out := make(url.Values, len(fields))
	for name, values := range fields {
		for _, v := range values {
			out.Add(string(c([]byte(name))), string(c([]byte(v))))
		}
	}
	return []byte(out.Encode())
}

// looksGB tells GB 2312 from other bytes that are no UTF-8: outside of ASCII it
// has pairs of bytes from 0xA1 on and nothing else, where Western languages have
// single bytes between letters. A UTF-8 text with a character cut is none.
func looksGB(text []byte) bool {
	pairs, whole := 0, 0
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		if _, size := utf8.DecodeRune(text[i:]); size > 2 {
			whole++
		}
		if i+1 == len(text) || text[i] < 0xa1 || text[i] > 0xf7 || text[i+1] < 0xa1 || text[i+1] == 0xff {
			return false
		}
		pairs++
		i += 2
	}
	return pairs > 1 && whole*3 < pairs
}

func fromGB(b []byte) []byte {
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(b)
	if err != nil { // it has none for bytes, which become U+FFFD
		return b
	}
	return out
}

// western are the characters of Windows-1252 from 0x80 to 0x9f, where Latin-1
// has controls that nobody sends.
var western = [...]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

func fromWestern(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/8)
	for _, c := range b {
		if c >= 0x80 && c < 0xa0 {
			out = utf8.AppendRune(out, western[c-0x80])
		} else {
			out = utf8.AppendRune(out, rune(c))
		}
	}
	return out
}

// fromUTF16 reads UTF-16 in the order that its byte order mark tells, else in
// that given. A last byte that is alone is no character.
func fromUTF16(b []byte, big bool) []byte {
	switch {
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		b, big = b[2:], true
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		b, big = b[2:], false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if big {
		order = binary.BigEndian
	}
	units := make([]uint16, 0, len(b)/2+1)
	for ; len(b) > 1; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	if len(b) == 1 {
		units = append(units, utf8.RuneError)
	}
	return []byte(string(utf16.Decode(units)))
}
