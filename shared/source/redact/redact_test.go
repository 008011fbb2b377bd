package redact_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/redact"
)

func request(body, media string) *source.Request {
	return &source.Request{Header: http.Header{"Content-Type": {media}}, Query: url.Values{}, Body: []byte(body)}
}

func TestWhatIsTakenOut(t *testing.T) {
	fields := []string{"password", "$.user.email", "items[*].token"}
	patterns := []string{`\b4\d{15}\b`, `sk_[a-z]+`}
	for _, c := range []struct {
		name, media, body, want string
		taken                   int
	}{
		{"nothing", "application/json", `{ "a" : 1.0 }`, `{ "a" : 1.0 }`, 0},
		{"a name at any depth", "application/json", `{"a":[{"Password": "x"}], "password":{"deep":["y"]}}`, `{"a":[{"Password": "[redacted]"}], "password":"[redacted]"}`, 2},
		{"a path", "application/json", `{"user":{"email":"a@b.example","name":"Ann"},"email":"kept"}`, `{"user":{"email":"[redacted]","name":"Ann"},"email":"kept"}`, 1},
		{"a path through a list", "", `{"items":[{"token":1},{"token":null},{"token":true}]}`, `{"items":[{"token":"[redacted]"},{"token":null},{"token":"[redacted]"}]}`, 2},
		{"a pattern in a text", "", `{"m":"card 4111111111111111 of sk_live"}`, `{"m":"card [redacted] of [redacted]"}`, 1},
		{"a pattern behind escapes", "", `{"m":"sk\u005flive"}`, `{"m":"[redacted]"}`, 1},
		{"a number", "", `{"n":4111111111111111}`, `{"n":"[redacted]"}`, 1},
		{"a name that a pattern matches", "", `{"sk_live":{"n":1}}`, `{"[redacted]":{"n":1}}`, 1},
		{"JSON in a text", "", `{"Message":"{\"password\":\"x\",\"n\":1}"}`, `{"Message":"{\"password\":\"[redacted]\",\"n\":1}"}`, 1},
		{"what was taken out before", "", `{"password":"[redacted]"}`, `{"password":"[redacted]"}`, 0},
		{"a byte order mark", "", "\ufeff" + `{"password":"x"}`, `{"password":"[redacted]"}`, 1},
		{"lines of JSON", "", `{"password":{"a":1}}` + "\n" + `{"b":"sk_live"}`, `{"password":"[redacted]"}` + "\n" + `{"b":"[redacted]"}` + "\n", 2},
		{"a form", source.FormMedia, `a=1&password=x&payload=%7B%22password%22%3A%22y%22%7D`, `a=1&password=%5Bredacted%5D&payload=%7B%22password%22%3A%22%5Bredacted%5D%22%7D`, 2},
		{"a form in parts", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n", `a=1&password=%5Bredacted%5D`, 1},
		{"a form with nothing in it", source.FormMedia, `b=1&a=2`, `b=1&a=2`, 0},
		{"XML", "text/xml", `<a password="x"><password>y</password><n>sk_live</n></a>`, `<a password="[redacted]"><password>[redacted]</password><n>[redacted]</n></a>`, 3},
		{"logfmt", "text/plain", `level=error password="x \" y" user=ann`, `level=error password="[redacted]" user=ann`, 1},
		{"text", "text/plain", `the password: hush, key sk_live`, `the password: [redacted], key [redacted]`, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules, err := redact.Compile(fields, patterns)
			if err != nil {
				t.Fatal(err)
			}
			got, taken := rules.Request(request(c.body, c.media))
			if string(got.Body) != c.want || taken != c.taken {
				t.Errorf("%d taken, want %d\n%s\nwant\n%s", taken, c.taken, got.Body, c.want)
			}
		})
	}
}

func TestQueryHeadersAndPathAreCleanedToo(t *testing.T) {
	rules, err := redact.Compile([]string{"X-Token", "token"}, []string{"sk_[a-z]+"})
	if err != nil {
		t.Fatal(err)
	}
	r := request(`{}`, "application/json")
	r.Path, r.Query = "at/sk_path", url.Values{"token": {"hush"}, "q": {"sk_query"}}
	r.Header.Set("X-Token", "hush")
	got, taken := rules.Request(r)
	if got.Path != "at/[redacted]" || got.Query.Encode() != "q=%5Bredacted%5D&token=%5Bredacted%5D" || got.Header.Get("X-Token") != redact.Mark || taken != 4 {
		t.Errorf("%d: %q %v %v", taken, got.Path, got.Query, got.Header)
	}
	if r.Query.Get("token") != "hush" || r.Header.Get("X-Token") != "hush" {
		t.Error("the request itself was changed, whose proof is checked")
	}
}

func TestCompileNamesEveryProblem(t *testing.T) {
	_, err := redact.Compile([]string{"a..b", "m|json.x", "header:X", "fine"}, []string{"(", "", strings.Repeat("x", redact.MaxPattern+1), "fine"})
	if !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	for _, want := range []string{"redact_fields[0]", "redact_fields[1]", "redact_fields[2]", "redact_patterns[0]", "redact_patterns[1]", "redact_patterns[2]"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "[3]") {
		t.Error(err)
	}
}

// FuzzRequest: no secret stays in JSON, JSON stays JSON, and a second time
// takes out nothing more.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{`{"password":"x","m":"sk_live"}`, `[{"a":"{\"password\":[1]}"}]`, `{"sk_a":1}`, `<password>x</password>`, `password=x`, `{"a":1}{"password":2}`} {
		f.Add(seed)
	}
	rules, err := redact.Compile([]string{"password"}, []string{`sk_[a-z]+`})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, taken := rules.Request(request(body, ""))
		root, err := doc.JSON([]byte(body))
		if err != nil {
			return
		}
		if taken == 0 && strings.TrimPrefix(body, "\ufeff") != string(got.Body) {
			t.Fatalf("nothing was taken, but %q became %q", body, got.Body)
		}
		clean, err := doc.JSON(got.Body)
		if err != nil {
			t.Fatalf("%q became %q: %v", body, got.Body, err)
		}
		if clean.Len() != root.Len() {
			t.Fatalf("%q became %q", body, got.Body)
		}
		check(t, clean)
		if again, n := rules.Request(request(string(got.Body), "")); n != 0 || string(again.Body) != string(got.Body) {
			t.Fatalf("a second time makes %q of %q", again.Body, got.Body)
		}
	})
}

func check(t *testing.T, v doc.Value) {
	switch v.Kind() {
	case doc.String:
		if strings.Contains(v.Text(), "sk_a") {
			t.Errorf("left over: %q", v.Text())
		}
	case doc.Array:
		for item := range v.Items() {
			check(t, item)
		}
	case doc.Object:
		for name, field := range v.Fields() {
			if strings.EqualFold(name, "password") && field.Present() && field.Text() != redact.Mark {
				t.Errorf("left over: %s", field.JSON())
			}
			check(t, field)
		}
	}
}
