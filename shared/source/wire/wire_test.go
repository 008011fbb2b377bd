package wire_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/wire"
)

const limit = 1 << 20

func request(body string, headers ...string) *source.Request {
	r := &source.Request{Header: http.Header{}, Query: url.Values{"q": {"1"}}, Path: "/p", Body: []byte(body), At: time.Unix(1772355600, 0), Proven: true}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// packed is a text as a compression writes it.
func packed(t testing.TB, text string, open func(io.Writer) (io.WriteCloser, error)) string {
	t.Helper()
	var out bytes.Buffer
	w, err := open(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return out.String()
}

func gzipped(w io.Writer) (io.WriteCloser, error)  { return gzip.NewWriter(w), nil }
func zlibbed(w io.Writer) (io.WriteCloser, error)  { return zlib.NewWriter(w), nil }
func deflated(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) }

func gb(t testing.TB, text string) string {
	t.Helper()
	out, err := simplifiedchinese.GBK.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func inUTF16(text string, big bool) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(text)) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return string(out)
}

func TestPlain(t *testing.T) {
	const disk = `{"title":"数据库 db-1 磁盘已满 😀","n":1}`
	const chinese = `{"title":"数据库磁盘已满"}`
	for _, c := range []struct {
		name, body, media, encoding string
		want, wantMedia, note       string
	}{
		{"nothing to do", disk, "application/json", "", disk, "application/json", ""},
		{"identity", disk, "application/json", "identity", disk, "application/json", ""},
		{"no media type", disk, "", "", disk, "", ""},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", "application/json", "", "{\"a\":\"\xff\"}", "application/json", ""},
		{"a character cut", disk[:15] + `"}`, "application/json", "", disk[:15] + `"}`, "application/json", ""},
		{"gzip", packed(t, disk, gzipped), "application/json", "gzip", disk, "application/json", ""},
		{"gzip without a media type", packed(t, disk, gzipped), "", " GZIP ", disk, "", ""},
		{"x-gzip", packed(t, disk, gzipped), "application/json", "x-gzip", disk, "application/json", ""},
		{"deflate", packed(t, disk, zlibbed), "application/json", "deflate", disk, "application/json", ""},
		{"deflate without a frame", packed(t, disk, deflated), "application/json", "deflate", disk, "application/json", ""},
		{"exactly the limit", packed(t, strings.Repeat("a", limit), gzipped), "text/plain", "gzip", strings.Repeat("a", limit), "text/plain", ""},
		{"gzip and GBK", packed(t, gb(t, chinese), gzipped), "application/json; charset=GBK", "gzip", chinese, "application/json; charset=utf-8", ""},
		{"GB 2312", gb(t, chinese), `application/json;charset="gb2312"`, "", chinese, "application/json; charset=utf-8", ""},
		{"characters that GB 2312 has not", gb(t, `{"title":"東京"}`), "application/json; charset=gb18030", "", `{"title":"東京"}`, "application/json; charset=utf-8", ""},
		{"GBK whose second byte is a backslash", gb(t, `{"title":"乗"}`), "text/json; charset=gbk", "", `{"title":"乗"}`, "text/json; charset=utf-8", ""},
		{"GBK that is not named", gb(t, chinese), "application/json", "", chinese, "application/json", "GB 18030"},
		{"GBK that is called UTF-8", gb(t, chinese), "application/json; charset=utf-8", "", chinese, "application/json; charset=utf-8", "GB 18030"},
		{"a form in GBK", "title=" + url.QueryEscape(gb(t, "磁盘已满")) + "&n=1", source.FormMedia + "; charset=gbk", "", "n=1&title=" + url.QueryEscape("磁盘已满"), source.FormMedia + "; charset=utf-8", ""},
		{"a form in GBK that is not named", "title=" + url.QueryEscape(gb(t, "磁盘已满")) + "&n=1", source.FormMedia, "", "n=1&title=" + url.QueryEscape("磁盘已满"), source.FormMedia, "GB 18030"},
		{"a form in UTF-8", "title=" + url.QueryEscape("磁盘") + "&b=1&a=2", source.FormMedia, "", "title=" + url.QueryEscape("磁盘") + "&b=1&a=2", source.FormMedia, ""},
		{"JSON that is called a form", gb(t, chinese), source.FormMedia, "", chinese, source.FormMedia, "GB 18030"},
		{"Latin-1", "{\"a\":\"caf\xe9 \x80\"}", "application/json; charset=iso-8859-1", "", `{"a":"café €"}`, "application/json; charset=utf-8", ""},
		{"Latin-1 that is not named", "{\"a\":\"d\xe9j\xe0 vu\"}", "application/json", "", "{\"a\":\"d\xe9j\xe0 vu\"}", "application/json", ""},
		{"UTF-16 with a mark", "\xff\xfe" + inUTF16(disk, false), "application/json", "", disk, "application/json", ""},
		{"UTF-16, the large end first", "\xfe\xff" + inUTF16(disk, true), "application/json; charset=utf-16", "", disk, "application/json; charset=utf-8", ""},
		{"UTF-16 without a mark", inUTF16(disk, true), "application/json; charset=utf-16be", "", disk, "application/json; charset=utf-8", ""},
		{"UTF-16 that does not say which", inUTF16(disk, true), "application/json; charset=utf-16", "", disk, "application/json; charset=utf-8", ""},
		{"half a character of UTF-16", "\xff\xfea\x00\x3d\xd8", "text/plain", "", "a\ufffd", "text/plain", ""},
		{"half a unit of UTF-16", "\xff\xfea\x00b", "text/plain", "", "a\ufffd", "text/plain", ""},
		{"what is called UTF-16 and is not", disk, "application/json; charset=utf-16", "", disk, "application/json; charset=utf-8", ""},
		{"a set that is not read, and not needed", `{"a":"b"}`, "application/json; charset=shift_jis", "", `{"a":"b"}`, "application/json; charset=utf-8", ""},
		{"XML in GBK", gb(t, `<?xml version="1.0" encoding="GBK" ?><a>磁盘</a>`), "text/xml", "", `<?xml version="1.0" encoding="UTF-8" ?><a>磁盘</a>`, "text/xml", ""},
		{"XML in UTF-16", "\xff\xfe" + inUTF16(`<?xml version='1.0' encoding='UTF-16'?><a>磁盘</a>`, false), "text/xml", "", `<?xml version='1.0' encoding='UTF-8'?><a>磁盘</a>`, "text/xml", ""},
		{"XML whose character set grows in lower case", `<?xml encoding="` + strings.Repeat("Ⱥ", 50) + `"?><a/>`, "text/xml; charset=utf-8", "", `<?xml encoding="UTF-8"?><a/>`, "text/xml; charset=utf-8", ""},
		{"XML that says what it is not", `<?xml version="1.0" encoding="iso-8859-1"?><a/>`, "text/xml; charset=utf-8", "", `<?xml version="1.0" encoding="UTF-8"?><a/>`, "text/xml; charset=utf-8", ""},
		{"GBK that was taken for UTF-8 on the way", "{\"title\":\"\ufffd\ufffd\"}", "application/json; charset=gbk", "", "{\"title\":\"\ufffd\ufffd\"}", "application/json; charset=utf-8", "were lost on the way"},
		{"a mail", "Subject: " + gb(t, "磁盘已满"), "message/rfc822", "", "Subject: " + gb(t, "磁盘已满"), "message/rfc822", ""},
		{"empty", "", "application/json; charset=gbk", "", "", "application/json; charset=utf-8", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(c.body)
			if c.media != "" {
				r.Header.Set("Content-Type", c.media)
			}
			if c.encoding != "" {
				r.Header.Set("Content-Encoding", c.encoding)
			}
			got, notes, err := wire.Plain(r, limit)
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Body) != c.want || got.Header.Get("Content-Type") != c.wantMedia || got.Header.Get("Content-Encoding") != "" && got != r {
				t.Errorf("%q as %q, want %q as %q", head(got.Body), got.Header.Get("Content-Type"), head([]byte(c.want)), c.wantMedia)
			}
			if said := strings.Join(notes, "\n"); !strings.Contains(said, c.note) || (c.note == "") != (said == "") {
				t.Errorf("notes %q, want %q", said, c.note)
			}
			if got.Path != r.Path || got.Query.Get("q") != "1" || !got.At.Equal(r.At) || !got.Proven {
				t.Errorf("%+v", got)
			}
			if string(r.Body) != c.body || c.media != r.Header.Get("Content-Type") {
				t.Error("the request itself was changed, whose proof is checked")
			}
		})
	}
}

func head(b []byte) string { return string(b[:min(len(b), 200)]) }

func TestWhatIsNotRead(t *testing.T) {
	bomb := packed(t, strings.Repeat("0", 100<<20), gzipped)
	for _, c := range []struct {
		name, body, media, encoding string
		want                        string
	}{
		{"brotli", "\x0b", "application/json", "br", `415 the content encoding is "br", expected gzip, deflate or identity`},
		{"zstd", "\x28\xb5\x2f\xfd", "application/json", "zstd", "415 the content encoding"},
		{"twice", packed(t, packed(t, "{}", gzipped), gzipped), "application/json", "gzip, gzip", "415 the content encoding"},
		{"a long name", "{}", "application/json", strings.Repeat("x", 10_000), `415 the content encoding is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"`},
		{"gzip that is none", `{"a":1}`, "application/json", "gzip", "400 the body is not whole, or not gzip as its Content-Encoding says"},
		{"gzip that is cut", packed(t, strings.Repeat("abc", 100), gzipped)[:20], "application/json", "gzip", "400 the body is not whole"},
		{"gzip that was taken for UTF-8 on the way", strings.ToValidUTF8(packed(t, "{}", gzipped), "\ufffd"), "application/json", "gzip", "400 bytes of the body were lost on the way: send it without compression, or with the content type application/octet-stream"},
		{"nothing as gzip", "", "application/json", "gzip", "400 the body is not whole"},
		{"deflate that is none", "\xff\xff\xff", "application/json", "deflate", "400 the body is not whole, or not deflate"},
		{"a bomb", bomb, "application/json", "gzip", "413"},
		{"a bomb of deflate", packed(t, strings.Repeat("0", limit+1), deflated), "application/json", "deflate", "413"},
		{"Shift JIS", "\x83\x65\x83\x58", "text/plain; charset=Shift_JIS", "", `415 the character set is "shift_jis", expected UTF-8`},
		{"no set at all", "\xc3\xa9", "text/plain; charset=" + strings.Repeat("k", 100), "", `415 the character set is "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"`},
		{"a form without a boundary", "--b--", "multipart/form-data", "", "400 the content type multipart/form-data names no boundary"},
		{"a form with a broken boundary", "--b--", `multipart/form-data; boundary="`, "", "400 the content type multipart/form-data names no boundary"},
		{"an empty form", "", "multipart/form-data; boundary=b", "", "400 the body is no whole multipart form: part 1"},
		{"a form of something else", `{"a":1}`, "multipart/form-data; boundary=b", "", "400 the body is no whole multipart form: part 1"},
		{"a form that is cut in a part", "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nvalu", "multipart/form-data; boundary=b", "", "400 the body is no whole multipart form: part 1"},
		{"a form that is cut behind a part", "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nvalue\r\n--b\r\n", "multipart/form-data; boundary=b", "", "400 the body is no whole multipart form: part 2"},
		{"a form of very many parts", strings.Repeat("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n", 1001) + "--b--", "multipart/form-data; boundary=b", "", "400 the form has more than 1000 parts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := wire.Plain(request(c.body, "Content-Type", c.media, "Content-Encoding", c.encoding), limit)
			if got := statusOf(err); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func statusOf(err error) string {
	var large *http.MaxBytesError
	var unsupported *wire.UnsupportedError
	switch {
	case err == nil:
		return "200"
	case errors.As(err, &large):
		return "413"
	case errors.As(err, &unsupported):
		return "415 " + err.Error()
	case fault.Is(err, fault.Invalid):
		return "400 " + err.Error()
	}
	return err.Error()
}

// part is one part of a form: its disposition beside form-data, media and text.
type part struct{ disposition, media, text string }

func formOf(t testing.TB, parts ...part) *source.Request {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, p := range parts {
		h := textproto.MIMEHeader{"Content-Disposition": {"form-data; " + p.disposition}}
		if p.media != "" {
			h.Set("Content-Type", p.media)
		}
		one, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := one.Write([]byte(p.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return request(body.String(), "Content-Type", w.FormDataContentType())
}

func TestMultipartFormIsAForm(t *testing.T) {
	r := formOf(t,
		part{`name="title"`, "", "Disk full & 数据"},
		part{`name="tag"`, "text/plain; charset=utf-8", "a"},
		part{`name="tag"`, "", "b"},
		part{`name="payload"`, "application/json", `{"event":"down"}`},
		part{`name="file"; filename="alert.json"`, "application/octet-stream", `{"host":"db-1"}`},
		part{`name="log"; filename="log.txt"`, "text/plain; charset=gbk", gb(t, "磁盘已满")},
		part{`name="note"`, "", gb(t, "磁盘已满")},
		part{`name="thumb"; filename="t.jpg"`, "image/jpeg", "\xff\xd8\xff"},
		part{`name="raw"; filename="x"`, "application/octet-stream", "\x00\x01"},
		part{`filename="no-name.txt"`, "text/plain", "x"},
		part{`name="empty"`, "", ""},
	)
	got, notes, err := wire.Plain(r, limit)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"title": {"Disk full & 数据"}, "tag": {"a", "b"}, "payload": {`{"event":"down"}`}, "file": {`{"host":"db-1"}`}, "log": {"磁盘已满"}, "note": {"磁盘已满"}, "empty": {""},
	}
	if string(got.Body) != want.Encode() || got.Media() != source.FormMedia {
		t.Errorf("%s as %s\nwant %s", got.Body, got.Header.Get("Content-Type"), want.Encode())
	}
	if said := strings.Join(notes, "\n"); len(notes) != 3 || !strings.Contains(said, `the file "thumb" of the form ("image/jpeg")`) || !strings.Contains(said, `"raw"`) || !strings.Contains(said, "without a name") {
		t.Errorf("%s", said)
	}
	root, err := got.Root()
	if err != nil || root.Get("title").Text() != "Disk full & 数据" || root.Get("payload").Inner().Get("event").Text() != "down" {
		t.Errorf("%v %v", root.JSON(), err)
	}
}

func TestOneDocumentAsAFileIsTheBody(t *testing.T) {
	document := part{`name="file"; filename="alert.json"`, "application/octet-stream", ` [{"host":"db-1"}]`}
	for name, c := range map[string]struct {
		form             *source.Request
		want, wantsMedia string
	}{
		"alone":            {formOf(t, document), ` [{"host":"db-1"}]`, "application/json"},
		"with a picture":   {formOf(t, document, part{`name="thumb"; filename="t.png"`, "image/png", "\x89"}), ` [{"host":"db-1"}]`, "application/json"},
		"with a field":     {formOf(t, document, part{`name="a"`, "", "1"}), "a=1&file=+%5B%7B%22host%22%3A%22db-1%22%7D%5D", source.FormMedia},
		"two of one name":  {formOf(t, document, document), "file=+%5B%7B%22host%22%3A%22db-1%22%7D%5D&file=+%5B%7B%22host%22%3A%22db-1%22%7D%5D", source.FormMedia},
		"a field, no file": {formOf(t, part{`name="payload"`, "", `{"a":1}`}), "payload=%7B%22a%22%3A1%7D", source.FormMedia},
		"a text":           {formOf(t, part{`name="file"; filename="a.txt"`, "text/plain", "Disk full"}), "file=Disk+full", source.FormMedia},
	} {
		got, _, err := wire.Plain(c.form, limit)
		if err != nil || string(got.Body) != c.want || got.Media() != c.wantsMedia {
			t.Errorf("%s: %s as %s, %v", name, got.Body, got.Media(), err)
		}
	}
}

func TestMultipartFormMayBePacked(t *testing.T) {
	r := formOf(t, part{`name="a"`, "", "1"})
	r.Header.Set("Content-Encoding", "gzip")
	r.Body = []byte(packed(t, string(r.Body), gzipped))
	got, _, err := wire.Plain(r, limit)
	if err != nil || string(got.Body) != "a=1" || got.Header.Get("Content-Encoding") != "" {
		t.Errorf("%s %v", got.Body, err)
	}
}

// FuzzPlain: whatever is sent, it is refused as the sender's fault or is plain,
// and what is plain stays as it is.
func FuzzPlain(f *testing.F) {
	f.Add([]byte(`{"a":1}`), "application/json", "")
	f.Add([]byte(packed(f, `{"a":1}`, gzipped)), "application/json; charset=gbk", "gzip")
	f.Add([]byte(packed(f, `{"a":1}`, zlibbed)), "", "deflate")
	f.Add([]byte("\xff\xfe{\x00}\x00"), "text/plain; charset=utf-16", "")
	f.Add([]byte(gb(f, "title=磁盘&a=%D6%D0")), source.FormMedia+"; charset=gb2312", "")
	f.Add([]byte(gb(f, `<?xml version="1.0" encoding="GBK"?><a>磁盘</a>`)), "text/xml", "")
	form := formOf(f, part{`name="a"`, "", "1"}, part{`name="b"; filename="c"`, "image/png", "\x89"})
	f.Add(form.Body, form.Header.Get("Content-Type"), "")
	f.Fuzz(func(t *testing.T, body []byte, media, encoding string) {
		r := request(string(body), "Content-Type", media, "Content-Encoding", encoding)
		got, _, err := wire.Plain(r, 64<<10)
		if err != nil {
			if said := statusOf(err); !strings.HasPrefix(said, "4") || !utf8.ValidString(said) {
				t.Fatal(said)
			}
			return
		}
		if len(got.Body) > 16*(64<<10) && len(got.Body) > 16*len(body) {
			t.Fatalf("%d bytes of %d", len(got.Body), len(body))
		}
		again, _, err := wire.Plain(got, int64(max(len(got.Body), 64<<10)))
		if err != nil {
			t.Fatalf("plain is refused: %v", err)
		}
		if utf8.Valid(got.Body) && !bytes.Equal(got.Body, again.Body) {
			t.Fatalf("plain is changed: %q to %q", head(got.Body), head(again.Body))
		}
	})
}

// BenchmarkPlain: what there is nothing to do with costs nothing that shows.
func BenchmarkPlain(b *testing.B) {
	r := request(`{"alerts":[`+strings.Repeat(`{"status":"firing","labels":{"alertname":"Disk full 磁盘"}},`, 100)+`{}]}`, "Content-Type", "application/json; charset=utf-8")
	b.ReportAllocs()
	b.SetBytes(int64(len(r.Body)))
	for b.Loop() {
		if got, _, err := wire.Plain(r, limit); err != nil || got != r {
			b.Fatal(err)
		}
	}
}
