package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/redact"
	"tocsin/shared/source/sourcetest"
)

func request(body, media string) *source.Request {
	return &source.Request{Header: http.Header{"Content-Type": {media}}, Query: url.Values{}, Body: []byte(body)}
}

func TestWhatIsTakenOut(t *testing.T) {
	fields := []string{"password", "$.user.email", "items[*].token", "$.pin", `fields[key=card].number`, "密码", "Card holder"}
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
		{"two byte order marks", "", "\ufeff\ufeff" + `{"password":"x"}`, `{"password":"[redacted]"}`, 1},
		{"JSON in a text with a byte order mark", "", `{"a":"\ufeff[{\"name\":\"password\",\"value\":\"x\"}]"}`, `{"a":"[{\"name\":\"password\",\"value\":\"[redacted]\"}]"}`, 1},
		{"lines of JSON", "", `{"password":{"a":1}}` + "\n" + `{"b":"sk_live"}`, `{"password":"[redacted]"}` + "\n" + `{"b":"[redacted]"}` + "\n", 2},
		{"what is nearly JSON", "", "{\"m\":\"a \"b\"\nc\",\"password\":\"x\",}", `{"m":"a \"b\"\nc","password":"[redacted]"}`, 1},
		{"a form", source.FormMedia, `a=1&password=x&payload=%7B%22password%22%3A%22y%22%7D`, `a=1&password=%5Bredacted%5D&payload=%7B%22password%22%3A%22%5Bredacted%5D%22%7D`, 2},
		{"a form with nothing in it", source.FormMedia, `b=1&a=2`, `b=1&a=2`, 0},
		{"XML", "text/xml", `<a password="x"><password>y</password><n>sk_live</n></a>`, `<a password="[redacted]"><password>[redacted]</password><n>[redacted]</n></a>`, 3},
		{"XML that names its values", "text/xml", `<a><f name="password">x</f><f name="Password" value="y"/><e><key>password</key><value>z</value></e><f name="n">1</f></a>`,
			`<a><f name="password">[redacted]</f><f name="Password" value="[redacted]"/><e><key>password</key><value>[redacted]</value></e><f name="n">1</f></a>`, 3},
		{"a name of several parts", "", `{"db.password":"x","a":"map[password]=y","password.n":1}`, `{"db.password":"[redacted]","a":"map[password]=[redacted]","password.n":1}`, 2},
		{"a field of a form in brackets", source.FormMedia, `user[password]=x&password[]=y&n=1`, `n=1&password%5B%5D=%5Bredacted%5D&user%5Bpassword%5D=%5Bredacted%5D`, 2},
		{"logfmt", "text/plain", `level=error password="x \" y" user=ann`, `level=error password="[redacted]" user=ann`, 1},
		{"a name that stands twice", "", `{"user":{"email":"a"},"pin":"1","pin":2,"user":{"email":"b","email":"c"}}`, `{"user":{"email":"[redacted]"},"pin":"[redacted]","pin":"[redacted]","user":{"email":"[redacted]","email":"[redacted]"}}`, 5},
		{"all that a value may choose", "", `{"fields":[{"key":"card","number":1},{"key":"CARD","number":2},{"key":"x","number":3}]}`, `{"fields":[{"key":"card","number":"[redacted]"},{"key":"CARD","number":"[redacted]"},{"key":"x","number":3}]}`, 2},
		{"a path into a form", source.FormMedia, `a=1&pin=4711&pin=4712`, `a=1&pin=%5Bredacted%5D`, 1},
		{"a form of a tree", source.FormMedia, `user[email]=a&user.email=b&db[password]=c&user[name]=d&email=e`, `db%5Bpassword%5D=%5Bredacted%5D&email=e&user.email=%5Bredacted%5D&user%5Bemail%5D=%5Bredacted%5D&user%5Bname%5D=d`, 3},
		{"a tree that was made flat", "", `{"db.password":"x","password.age":3}`, `{"db.password":"[redacted]","password.age":3}`, 1},
		{"a form that does not say so", "text/plain", `pin=4711&payload=%7B%22password%22%3A%22y%22%7D`, `payload=%7B%22password%22%3A%22%5Bredacted%5D%22%7D&pin=%5Bredacted%5D`, 2},
		{"a path into lines of JSON", "", `{"pin":1}` + "\n" + `{"pin":2}`, `{"pin":"[redacted]"}` + "\n" + `{"pin":"[redacted]"}` + "\n", 2},
		{"a path into what is no tree", "", `<a><pin>1</pin><b pin="2"/></a>`, `<a><pin>[redacted]</pin><b pin="[redacted]"/></a>`, 2},
		{"a path means no text of a tree", "", `{"text":"pin: 1"}`, `{"text":"pin: 1"}`, 0},
		{"a line of a text", "", `{"text":"Host: db\npassword: hunter2 and more\nport: 1"}`, `{"text":"Host: db\npassword: [redacted]\nport: 1"}`, 1},
		{"a line in Slack's markup", "", `{"text":":lock: *Password:* hunter2 more\n- _password_ : x y\n<b>Password</b>: z z"}`, `{"text":":lock: *Password:* [redacted]\n- _password_ : [redacted]\n\u003cb\u003ePassword\u003c/b\u003e: [redacted]"}`, 1},
		{"the line below", "", `{"text":"*Password:*\nhunter2 more\n*Password:*\nHost: db"}`, `{"text":"*Password:*\n[redacted]\n*Password:*\nHost: db"}`, 1},
		{"a name in Chinese", "", `{"text":"主机：db\n密码：hunter2 more"}`, `{"text":"主机：db\n密码：[redacted]"}`, 1},
		{"a name of two words", "", `{"text":"Card holder: Ann Ash","b":"x card holder=Ann"}`, `{"text":"Card holder: [redacted]","b":"x card holder=[redacted]"}`, 2},
		{"JSON among words", "", `{"text":"got {\"password\" : [\"a\",\"b\"], \"n\":1}"}`, `{"text":"got {\"password\" : [redacted], \"n\":1}"}`, 1},
		{"a field that names its value", "", `{"fields":[{"title":"Password","value":"x"},{"name":"*password:*","value":["y"]},{"title":"n","value":"z"}]}`, `{"fields":[{"title":"Password","value":"[redacted]"},{"name":"*password:*","value":"[redacted]"},{"title":"n","value":"z"}]}`, 2},
		{"Base64", "", `{"data":"` + encode(`{"password":"x","n":1}`) + `"}`, `{"data":"` + encode(`{"password":"[redacted]","n":1}`) + `"}`, 1},
		{"Base64 without padding, for addresses, in lines", "", `{"data":"` + base64.RawURLEncoding.EncodeToString([]byte("sk_live???>>>~~")) + `","b":"c2tfbGl2\r\nZQ=="}`, `{"data":"` + base64.URLEncoding.EncodeToString([]byte("[redacted]???>>>~~")) + `","b":"` + encode("[redacted]") + `"}`, 2},
		{"Base64 in Base64 among words", "text/plain", "Basic " + encode("see "+encode("it is sk_live now")) + ", ok", "Basic " + encode("see "+encode("it is [redacted] now")) + ", ok", 1},
		{"what only looks like Base64", "", `{"a":"password","b":"d41d8cd98f00b204e9800998ecf8427e","c":"var/log/containers/app"}`, `{"a":"password","b":"d41d8cd98f00b204e9800998ecf8427e","c":"var/log/containers/app"}`, 0},
		{"entities", "text/xml", `<n>sk&#95;live &amp; &#x73;k_live</n>`, `<n>[redacted] &amp; [redacted]</n>`, 2},
		{"escapes in an address", "", `{"u":"https://a.example.com/?q=sk%5Flive&b=1%2"}`, `{"u":"https://a.example.com/?q=[redacted]\u0026b=1%2"}`, 1},
		{"an element in one of its name, and one that does not end", "text/xml", `<a><password>x<Password>y</password>z</password><password/><password>u<password>v</password>w</a>`,
			`<a><password>[redacted]</password><password/><password>[redacted]</password>w</a>`, 2},
		{"as Ruby and tables write it", "", `{"a":"{\"password\"=>\"x y\"}","b":"| n | Password | x y |","c":"<td>password</td> <td class='v'>x</td>"}`,
			`{"a":"{\"password\"=\u003e\"[redacted]\"}","b":"| n | Password | [redacted] |","c":"\u003ctd\u003epassword\u003c/td\u003e \u003ctd class='v'\u003e[redacted]\u003c/td\u003e"}`, 3},
		{"in quotes at the beginning of a line", "", `{"a":"\"password\": 1, \"b\": 2"}`, `{"a":"\"password\": [redacted], \"b\": 2"}`, 1},
		{"CEF", "text/plain", "CEF:0|v|p|1|2|name|4|password=x y cs1=z", "CEF:0|v|p|1|2|name|4|password=[redacted] cs1=z", 1},
		{"white space around a name", "", `{" password ":"x"}`, `{" password ":"[redacted]"}`, 1},
		{"brackets that never close", "text/plain", `password=[a password=[b`, `password=[redacted]`, 1},
		{"a tag within a tag", "text/xml", `<a:password k="v">x<b/></a:password>`, `<a:password k="v">[redacted]</a:password>`, 1},
		{"text", "text/plain", `the password: hush, key sk_live`, `the password: [redacted], key [redacted]`, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules, err := redact.Compile(fields, patterns)
			if err != nil {
				t.Fatal(err)
			}
			got, taken, _ := rules.Request(request(c.body, c.media), nil)
			if string(got.Body) != c.want || taken != c.taken {
				t.Errorf("%d taken, want %d\n%s\nwant\n%s", taken, c.taken, got.Body, c.want)
			}
		})
	}
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// TestPathsHaveNoBound: every value that a path means is taken, however many
// there are.
func TestPathsHaveNoBound(t *testing.T) {
	const n = 12_000
	rules, err := redact.Compile([]string{"items[*].token"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"items":[` + strings.Repeat(`{"token":"hush"},`, n-1) + `{"token":"hush"}]}`
	got, taken, _ := rules.Request(request(body, ""), nil)
	if taken != n || strings.Contains(string(got.Body), "hush") {
		t.Errorf("%d taken of %d", taken, n)
	}
}

// TestWhatWasUnderstoodIsCleanedToo: whatever a source decodes, the alert does
// not show it.
func TestWhatWasUnderstoodIsCleanedToo(t *testing.T) {
	rules, err := redact.Compile([]string{"ssn", "key"}, []string{`hush\w*`})
	if err != nil {
		t.Fatal(err)
	}
	parsed := source.One(alert.Alert{
		Title: "of hush1", Description: "Host: db\nssn: 123 45\nhush2", Group: "hush3", DedupKey: "key:gate-hush4", Episode: "hush5",
		Labels: map[string]string{"ssn": "1", "user.SSN": "2", "b": "hush6", "hush7": "c", "d": "kept"},
		Links:  source.Links("at hush8", "https://a.example.com/hush9"),
	})
	parsed.Items = append(parsed.Items, source.Item{Rejected: "is hush"})
	parsed.Notes, parsed.SenderID = []string{"said hush"}, "hush-1"
	parsed.Changes = []source.Change{{ID: "hush", Title: "hush", Service: "hush", Labels: map[string]string{"ssn": "1"}, Links: source.Links("hush", "https://hush.example.com")}}
	got, taken := rules.Parsed(parsed)
	text, err := json.Marshal(got)
	if err != nil || strings.Contains(string(text), "hush") || strings.Contains(string(text), "123") || taken != 21 {
		t.Errorf("%d taken: %s, %v", taken, text, err)
	}
	if got.SenderID != "" {
		t.Errorf("sender's id %q: another request would have the same", got.SenderID)
	}
	a := got.Items[0].Alert
	if a.DedupKey != "key:gate-[redacted]" || a.Labels["ssn"] != redact.Mark || a.Labels["user.SSN"] != redact.Mark || a.Labels["d"] != "kept" || a.Links[0].URL != "https://a.example.com/[redacted]" {
		t.Errorf("%+v", a)
	}
	if again, n := rules.Parsed(got); n != 0 {
		t.Errorf("a second time takes %d of %+v", n, again)
	}
}

// TestCostGrowsWithTheBody: not with its square, which would take minutes.
func TestCostGrowsWithTheBody(t *testing.T) {
	rules, err := redact.Compile([]string{"name", "$.path"}, []string{`hush\w*`})
	if err != nil {
		t.Fatal(err)
	}
	const size = 512 << 10
	for _, part := range []string{"name=[", `name="`, `<a name="name">`, `<key>name</key><value>`, `<a name="name" value=`, "<name>", "name|", "<td>name</td>", "name: ", "CEF:name=", "name:\n", "&amp;", "%41", "name ", "[redacted]", `{"name":`, "aaaa"} {
		body := strings.Repeat(part, size/len(part))
		began := sourcetest.CPU()
		rules.Request(request(body, "text/plain"), nil)
		rules.Request(request(doc.Of([]string{body}).JSON(), ""), nil)
		if took := sourcetest.CPU() - began; took > 20*time.Second {
			t.Errorf("%q took %s", part, took)
		}
	}
}

// TestCostGrowsWithTheDepth: what is encoded many times over is read once at
// each level.
func TestCostGrowsWithTheDepth(t *testing.T) {
	rules, err := redact.Compile([]string{"name"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, width := range []int{1 << 20, 76} {
		text := "of no weight, and name=hush"
		for range 25 {
			text = inLines(base64.StdEncoding.EncodeToString([]byte(text)), width)
		}
		began := sourcetest.CPU()
		got := rules.Text(text)
		if took := sourcetest.CPU() - began; took > 20*time.Second || got == text {
			t.Errorf("lines of %d: took %s, changed %v", width, took, got != text)
		}
	}
}

func inLines(s string, width int) string {
	var b strings.Builder
	for ; len(s) > width; s = s[width:] {
		b.WriteString(s[:width] + "\n")
	}
	return b.String() + s
}

func TestErrorsAreCleanedToo(t *testing.T) {
	rules, err := redact.Compile(nil, []string{`hush\w*`})
	if err != nil {
		t.Fatal(err)
	}
	given := &fault.Error{Kind: fault.Invalid, Text: "is hush1", Fields: []fault.Field{{Path: "hush2", Problem: "hush3"}}, Cause: errors.New("hush4")}
	if got := rules.Err(given); strings.Contains(got.Error(), "hush") || !fault.Is(got, fault.Invalid) {
		t.Error(got)
	}
	if rules.Err(nil) != nil {
		t.Error("nothing became an error")
	}
}

func TestDigestsStayWhole(t *testing.T) {
	rules, err := redact.Compile(nil, []string{"[0-9a-f]{32}", `\d{16}`})
	if err != nil {
		t.Fatal(err)
	}
	long := alert.SenderKey("host", strings.Repeat("h", 300))
	for key, want := range map[string]string{
		alert.HashKey(map[string]string{"host": "db-1"}): alert.HashKey(map[string]string{"host": "db-1"}),
		long: long, "tiny_id:1145178373710835200": "tiny_id:1145178373710835200",
		"card:4111111111111111": "card:[redacted]",
	} {
		parsed, _ := rules.Parsed(source.Parsed{Items: []source.Item{{Alert: &alert.Alert{DedupKey: key, Episode: key}}}})
		if a := parsed.Items[0].Alert; a.DedupKey != want || a.Episode != want {
			t.Errorf("%s became %s, %s", key, a.DedupKey, a.Episode)
		}
	}
}

func TestQueryHeadersAndPathAreCleanedToo(t *testing.T) {
	rules, err := redact.Compile([]string{"X-Token", "token"}, []string{"sk_[a-z]+"})
	if err != nil {
		t.Fatal(err)
	}
	r := request(`{}`, "application/json")
	r.Path, r.Query = "at/sk_path", url.Values{"token": {"hush"}, "q": {"sk_query"}, "auth[token]": {"hush"}}
	r.Header.Set("X-Token", "hush")
	got, taken, _ := rules.Request(r, nil)
	if got.Path != "at/[redacted]" || got.Query.Encode() != "auth%5Btoken%5D=%5Bredacted%5D&q=%5Bredacted%5D&token=%5Bredacted%5D" || got.Header.Get("X-Token") != redact.Mark || taken != 5 {
		t.Errorf("%d: %q %v %v", taken, got.Path, got.Query, got.Header)
	}
	if r.Query.Get("token") != "hush" || r.Header.Get("X-Token") != "hush" {
		t.Error("the request itself was changed, whose proof is checked")
	}
}

func TestCompileNamesEveryProblem(t *testing.T) {
	_, err := redact.Compile([]string{"a..b", "m|json.x", "header:X", "m|pairs.x", "m|line", "fine"}, []string{"(", "", strings.Repeat("x", redact.MaxPattern+1), "fine"})
	if !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	for _, want := range []string{"redact_fields[0]", "redact_fields[1]", "redact_fields[2]", "redact_fields[3]", "redact_fields[4]", "redact_patterns[0]", "redact_patterns[1]", "redact_patterns[2]"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "[5]") || strings.Contains(err.Error(), "patterns[3]") {
		t.Error(err)
	}
}

// FuzzRequest: no secret stays in JSON, JSON stays JSON, and a second time
// takes out nothing more.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{`{"password":"x","m":"sk_live"}`, `[{"a":"{\"password\":[1]}"}]`, `{"sk_a":1}`, `<password>x</password>`, `password=x`, `{"a":1}{"password":2}`,
		`{"pin":1,"pin":[2],"list":[{"token":3},{"token":4,"token":5}],"list":[{"token":6}]}`, `{"a":"c2tfbGl2ZQ==","b":"x\npassword: y z"}`, `[{"name":"password","value":1}]`,
		`{"a":"&#115;k_a password=[x"}`, `{"password: x":"password\n:\ny","b":"<password>[redacted]z</password>"}`,
		`{"a":"<f name=\"password\">x</f><key>password</key><value>y","user[password]":1,"b":"a.password[]=z"}`} {
		f.Add(seed)
	}
	rules, err := redact.Compile([]string{"password", "$.pin", "list[*].token"}, []string{`sk_[a-z]+`})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, taken, _ := rules.Request(request(body, ""), nil)
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
		for name, v := range clean.Fields() {
			if name == "pin" {
				checkTaken(t, v)
			}
			for item := range v.Items() {
				for inner, v := range item.Fields() {
					if name == "list" && inner == "token" {
						checkTaken(t, v)
					}
				}
			}
		}
		if again, n, _ := rules.Request(request(string(got.Body), ""), nil); n != 0 || string(again.Body) != string(got.Body) {
			t.Fatalf("a second time makes %q of %q", again.Body, got.Body)
		}
	})
}

func checkTaken(t *testing.T, v doc.Value) {
	if v.Present() && v.Text() != redact.Mark {
		t.Errorf("left over: %s", v.JSON())
	}
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
			if strings.EqualFold(name, "password") {
				checkTaken(t, field)
			}
			check(t, field)
		}
	}
}
