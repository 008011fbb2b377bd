package source

import (
	"net/http"
	"strings"
	"testing"
)

func TestFormsInParts(t *testing.T) {
	part := func(head, text string) string { return "--b7\r\n" + head + "\r\n\r\n" + text + "\r\n" }
	field := func(name, text string) string { return part(`Content-Disposition: form-data; name="`+name+`"`, text) }
	for _, c := range []struct{ name, body, path, want string }{
		{"one field", field("data", `{"id":7}`) + "--b7--\r\n", "data", `{"id":7}`},
		{"several", field("a", "1") + field("b", "two words") + "--b7--", "b", "two words"},
		{"the same twice", field("a", "1") + field("a", "2") + "--b7--\r\n", "a.1", "2"},
		{"line feeds alone", strings.ReplaceAll(field("a", "1")+"--b7--\r\n", "\r\n", "\n"), "a", "1"},
		{"a file is left out", part(`Content-Disposition: form-data; name="f"; filename="x.txt"`, "secret") + field("a", "1") + "--b7--\r\n", "f", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &Request{Header: http.Header{"Content-Type": {MultipartMedia + "; boundary=b7"}}, Body: []byte(c.body)}
			root, err := r.Root()
			if err != nil {
				t.Fatal(err)
			}
			if got := root.At(c.path).Text(); got != c.want {
				t.Errorf("%s is %q, want %q", c.path, got, c.want)
			}
		})
	}
}

func TestWhatIsNoFormInParts(t *testing.T) {
	for _, body := range []string{
		"", "--", "--\n", "---\nkind: mapping\nnote: form-data\n", "--b7\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nnever ends",
		"--b7\r\nno header with form-data\r\n", "-- signed, the form-data team\nsecond line",
	} {
		r := &Request{Header: http.Header{}, Body: []byte(body)}
		if root, err := r.Root(); err == nil {
			t.Errorf("%q is read as %s", body, root.JSON())
		}
	}
}

func FuzzPartsOf(f *testing.F) {
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n"))
	f.Add([]byte("--b\nform-data"))
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, ok := PartsOf(body)
		size := 0
		for name, texts := range fields {
			for _, text := range texts {
				size += len(text)
			}
			if ok && name == "" {
				t.Error("a field without a name")
			}
		}
		if size > len(body) {
			t.Errorf("%d bytes of %d", size, len(body))
		}
	})
}
