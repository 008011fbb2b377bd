package doc

import (
	"strings"
	"testing"
)

func TestMend(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"line breaks", "{\"a\":\"one\ntwo\tthree\r\n\"}", `{"a":"one\ntwo\tthree\r\n"}`},
		{"quotes", `{"a":"Disk "C" is full","b":"x"}`, `{"a":"Disk \"C\" is full","b":"x"}`},
		{"quote at the end", `{"a":"is "full"","b":["the "x" of"]}`, `{"a":"is \"full\"","b":["the \"x\" of"]}`},
		{"quote before a comma", `{"a":"the "C", which is full","b":1}`, `{"a":"the \"C\", which is full","b":1}`},
		{"backslash", `{"a":"C:\data","b":"D:\\x"}`, `{"a":"C:\\data","b":"D:\\x"}`},
		{"comma at the end", `{"a":[1,2,],"b":1,}`, `{"a":[1,2],"b":1}`},
		{"nothing for a value", `{"a":,"b": }`, `{"a":null,"b": null}`},
		{"JSON between quotes", `{"a":"{"x":"y","z":[1]}","b":"[{"n":1}]"}`, `{"a":{"x":"y","z":[1]},"b":[{"n":1}]}`},
		{"byte order mark", "\ufeff{\"a\":1,}", `{"a":1}`},
		{"is JSON", `{"a":"{}"}`, ""},
		{"ends early", `{"a":"b`, ""},
		{"a text", `a "b"`, ""},
		{"a string", "\"a\nb\"", ""},
		{"no quotes", `{a:1}`, ""},
		{"brackets do not meet", `{"a":[1}`, ""},
	} {
		got, ok := Mend([]byte(c.body))
		if ok != (c.want != "") || ok && string(got) != c.want {
			t.Errorf("%s: %s, %t; want %s", c.name, got, ok, c.want)
		}
	}
}

// TestMendingIsBounded: a body that seems to hold JSON between quotes again and
// again is read a few times only.
func TestMendingIsBounded(t *testing.T) {
	body := []byte("{" + strings.Repeat(`"a":"[1,1,1,1,1,1,1,1",`, 50_000) + "}")
	if got, ok := Mend(body); !ok || len(got) != len(body)-1 {
		t.Errorf("%d bytes of %d, %t", len(got), len(body), ok)
	}
}

func FuzzMend(f *testing.F) {
	for _, body := range []string{`{"a":"b "c" d",}`, "{\"a\":\"\n\"}", `{"a":"{"b":1}"}`, `{"a":"\x"}`, `[,]`, `{"a":"`, `{"a":}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		mended, ok := Mend(body)
		_, err := JSON(body)
		_, after := JSON(mended)
		if ok && (err == nil || after != nil) {
			t.Errorf("%q became %q: before %v, after %v", body, mended, err, after)
		}
	})
}
