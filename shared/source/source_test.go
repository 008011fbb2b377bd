package source

import (
	"encoding/json"
	"strings"
	"testing"

	"tocsin/shared/alert"
)

func TestCheckDepth(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct {
		name, body string
		ok         bool
	}{
		{"flat", `{"a":1}`, true},
		{"as deep as allowed", nested(MaxDepth), true},
		{"one deeper", nested(MaxDepth + 1), false},
		{"200 levels", strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200), false},
		{"brackets in strings", `"` + strings.Repeat("[", 200) + `"`, true},
		{"escaped quote in string", `"\"` + strings.Repeat("[", 200) + `"`, true},
		{"neighbours", strings.Repeat("[],", 200), true},
		{"ends in an escape", `"\`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := CheckDepth([]byte(c.body)); (err == nil) != c.ok {
				t.Errorf("err %v, want ok %v", err, c.ok)
			}
		})
	}
}

func TestAppendLinkTakesOnlyAbsoluteWebAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"https://example.com/x": true, "HTTP://example.com": true, "": false, "/graph": false, "javascript:alert(1)": false,
		"http: //127.0.0.1:9090": false, "https:///x": false, "ftp://example.com": false, "http://exa mple": false, "http://a/\n": false,
	} {
		if got := len(AppendLink([]alert.Link{}, "x", address)) == 1; got != want {
			t.Errorf("%q taken: %v, want %v", address, got, want)
		}
	}
}

func TestJSONErrorSaysWhere(t *testing.T) {
	var v struct{ A struct{ B string } }
	for body, want := range map[string]string{
		`{"A":}`:         "not valid JSON at byte 6",
		`{"A":{"B":[]}}`: "A.B: is a JSON array, expected a string",
		`{`:              "not valid JSON at byte 1",
	} {
		if got := JSONError(json.Unmarshal([]byte(body), &v)).Error(); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestJSONErrorOfADecoderSaysThatTheBodyEnds(t *testing.T) {
	var v any
	err := JSONError(json.NewDecoder(strings.NewReader(`{"a":`)).Decode(&v))
	if !strings.Contains(err.Error(), "it ends early") {
		t.Errorf("err %v", err)
	}
}
