package preset_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/preset"
)

func compile(t testing.TB, spec string) *preset.Preset {
	t.Helper()
	p, err := preset.Compile("example", decode(t, spec))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func decode(t testing.TB, spec string) preset.Spec {
	t.Helper()
	var s preset.Spec
	dec := json.NewDecoder(strings.NewReader(spec))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	return s
}

func TestCompileNamesTheFieldThatIsWrong(t *testing.T) {
	variant := `{"when":"a"},`
	for field, spec := range map[string]string{
		"recognise":                   `{"recognise":"a="}`,
		"request_id":                  `{"request_id":"{"}`,
		"ignore":                      `{"ignore":["a",""]}`,
		"body":                        `{"body":"a..b"}`,
		"blank":                       `{"blank":"("}`,
		"blank: has":                  `{"blank":"` + strings.Repeat("a", 501) + `"}`,
		"alerts":                      `{"alerts":["a","b["]}`,
		"skip":                        `{"skip":"a>=x"}`,
		"key":                         `{"key":"{a"}`,
		"title":                       `{"title":"{a"}`,
		"description":                 `{"description":"{a"}`,
		"group":                       `{"group":"{a"}`,
		"episode":                     `{"episode":"{a"}`,
		"at":                          `{"at":"{a"}`,
		"started_at":                  `{"started_at":"{a"}`,
		"ended_at":                    `{"ended_at":"{a"}`,
		"zone":                        `{"zone":"Europa/Berlin"}`,
		"zone: is \"Local\"":          `{"zone":"Local"}`,
		"labels.team":                 `{"labels":{"team":"{a"}}`,
		"labels_from":                 `{"labels_from":"a."}`,
		"links[0].text":               `{"links":[{"text":"{","url":"x"}]}`,
		"links[1].url":                `{"links":[{"text":"a","url":"x"},{"text":"a","url":"{"}]}`,
		"status.ignored":              `{"status":{"ignored":"="}}`,
		"status.acknowledged":         `{"status":{"acknowledged":"="}}`,
		"status.resolved":             `{"status":{"resolved":"="}}`,
		"status.firing":               `{"status":{"firing":"="}}`,
		"severity.critical":           `{"severity":{"critical":"="}}`,
		"severity.error":              `{"severity":{"error":"="}}`,
		"severity.warning":            `{"severity":{"warning":"="}}`,
		"severity.info":               `{"severity":{"info":"="}}`,
		"severity.from":               `{"severity":{"from":"{"}}`,
		"severity.default":            `{"severity":{"default":"bad"}}`,
		"extract[0].from":             `{"extract":[{"from":"","match":"(?P<a>b)"}]}`,
		"extract[0].match":            `{"extract":[{"from":"a","match":"(?P<a"}]}`,
		"extract[0].match: has no":    `{"extract":[{"from":"a","match":"(b)"}]}`,
		"extract[0].match: has 501":   `{"extract":[{"from":"a","match":"` + strings.Repeat("a", 501) + `"}]}`,
		"extract: found 11":           `{"extract":[` + strings.Repeat(`{"from":"a","match":"(?P<a>b)"},`, 10) + `{"from":"a","match":"(?P<a>b)"}]}`,
		"change":                      `{"change":{"when":"a"}}`,
		"change.when":                 `{"change":{"when":"=","title":"x"}}`,
		"change.title":                `{"change":{"when":"a","title":"{"}}`,
		"change.id":                   `{"change":{"when":"a","title":"x","id":"{"}}`,
		"change.at":                   `{"change":{"when":"a","title":"x","at":"{"}}`,
		"change.labels.a":             `{"change":{"when":"a","title":"x","labels":{"a":"{"}}}`,
		"change.links[0].url":         `{"change":{"when":"a","title":"x","links":[{"text":"a","url":"{"}]}}`,
		"variants[0].when":            `{"variants":[{"key":"a"}]}`,
		"variants[1].key":             `{"variants":[` + variant + `{"when":"a","key":"{"}]}`,
		"variants[0].status.firing":   `{"variants":[{"when":"a","status":{"firing":"="}}]}`,
		"variants[0].links[0].url":    `{"variants":[{"when":"a","links":[{"text":"a","url":"{"}]}]}`,
		"variants: found 21":          `{"variants":[` + strings.Repeat(variant, 20) + `{"when":"a"}]}`,
		"proof.header":                `{"proof":{"scheme":"secret"}}`,
		"proof.scheme":                `{"proof":{"header":"X","scheme":"md5"}}`,
		"proof.encoding":              `{"proof":{"header":"X","scheme":"hmac-sha1","encoding":"base32"}}`,
		"labels.b":                    `{"labels":{"a":"{","b":"{","c":"{x}"}}`,
		"severity.default: is \"P1\"": `{"severity":{"default":"P1"}}`,
	} {
		_, err := preset.Compile("example", decode(t, spec))
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("%.100s: err %v, want %s in it", spec, err, field)
		}
	}
}

func TestCheckRefusesWhatIsLikelyToBeMeantOtherwise(t *testing.T) {
	for spec, want := range map[string]string{
		`{"title":"{a}","key":"host"}`:                                        `key: the text "host" is the same for all alerts; a path stands in braces: {host}`,
		`{"title":"{a}","started_at":"time"}`:                                 `started_at: the text "time"`,
		`{"title":"{a}","severity":{"from":"level"}}`:                         `severity.from: the text "level"`,
		`{"title":"{a}","variants":[{"when":"b","status":{"from":"state"}}]}`: `variants[0].status.from: the text "state"`,
		`{"title":"{{a}}"}`:                                                   `title: the text "{{a}}": two braces are one that shows; write {a}`,
		`{"title":"{@host}"}`:                                                 `title: the path "@host": no extract has a group (?P<host>...)`,
		`{"title":"a","ignore":"@host=x"}`:                                    `ignore: the path "@host": no extract`,
		`{"title":"a","alerts":"{list}"}`:                                     `alerts: the path "{list}": a path stands in braces only within a text`,
		`{"title":"a","labels_from":"{list}"}`:                                `labels_from: the path "{list}"`,
		`{"title":"a","severity":{"error":"{s}=bad"}}`:                        `severity.error: the path "{s}"`,
		`{"title":"a","status":{"resolved":"s ~ up"}}`:                        `status.resolved: the path "~": ~ is no sign`,
		`{"title":"a","links":[{"text":"a"}]}`:                                `links[0].url: missing`,
	} {
		if err := preset.Check("example", decode(t, spec)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", spec, err, want)
		}
		if _, err := preset.Compile("example", decode(t, spec)); err != nil {
			t.Errorf("%s: a mapping that is in force does not compile any more: %v", spec, err)
		}
	}
	for _, spec := range []string{
		`{"title":"Door","key":["{id}","door"],"episode":"","group":"doors","labels":{"site":"Berlin"}}`,
		`{"title":"{{{@host}","extract":[{"from":"a","match":"(?P<host>[a-z]+)"}],"identity":["\"a~b\"","c[d=e&f].g"]}`,
	} {
		if err := preset.Check("example", decode(t, spec)); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

func TestCompileAcceptsWhatIsLeftOut(t *testing.T) {
	if _, err := preset.Compile("example", preset.Spec{}); err != nil {
		t.Error(err)
	}
}

func TestListIsOneTextOrMany(t *testing.T) {
	for raw, want := range map[string]string{`"a"`: "a", `["a","b"]`: "a b", `[]`: "", `null`: ""} {
		var l preset.List
		if err := json.Unmarshal([]byte(raw), &l); err != nil || strings.Join(l, " ") != want {
			t.Errorf("%s is %q, %v", raw, l, err)
		}
	}
	for _, raw := range []string{`1`, `{"a":1}`, `[1]`} {
		var l preset.List
		if err := json.Unmarshal([]byte(raw), &l); err == nil {
			t.Errorf("%s is %q, want an error", raw, l)
		}
	}
}

func TestSourceIsWhatTheSpecSays(t *testing.T) {
	s := compile(t, `{"product":"Example","aliases":["ex","old_ex"],"recognise":"a b","media":"text/plain","guide":{"page":"p","setup":["one","two"],"proof":"key","understood":"all","repeats":"no","never_ends":true}}`).Source()
	want := source.Guide{Product: "Example", Page: "p", Setup: []string{"one", "two"}, Proof: "key", Understood: "all", Repeats: "no", NeverEnds: true}
	if s.Name != "example" || strings.Join(s.Aliases, " ") != "ex old_ex" || strings.Join(s.Marks, "") != "a b" || strings.Join(s.Media, " ") != source.FormMedia+" text/plain" {
		t.Errorf("%+v", s)
	}
	if g := s.Guide; g.Product != want.Product || g.Page != want.Page || strings.Join(g.Setup, " ") != "one two" || g.Proof != want.Proof || g.Understood != want.Understood || g.Repeats != want.Repeats || !g.NeverEnds {
		t.Errorf("%+v, want %+v", g, want)
	}
	if s.Verify != nil {
		t.Error("a source without proof verifies")
	}
}

// The signatures are of the body "body" with the secret "s".
func TestProofIsThatOfItsScheme(t *testing.T) {
	for _, c := range []struct{ name, proof, header, value string }{
		{"secret", `{"header":"X","scheme":"secret","prefix":"Bearer "}`, "X", "Bearer s"},
		{"sha256", `{"header":"X","scheme":"hmac-sha256","prefix":"sha256="}`, "X", "sha256=42b8bcd495dedaa647a9447f9bf55ad006326c2ab94ab26360ac9935a4340f95"},
		{"sha1", `{"header":"X","scheme":"hmac-sha1","encoding":"base64"}`, "X", "Kzb4/OX9tRLBppEX6AhYSlEBnQc="},
		{"sha512", `{"header":"X","scheme":"hmac-sha512","encoding":"hex"}`, "X", "2046cd4236afc917573459722ce74f0771b6980cc118a72230ae0833fd60b13ee30ad9f6ac4a78d02755c740253f71667ad41285410fd402bbd56deb74b10d3b"},
		{"jws", `{"header":"X","scheme":"jws"}`, "X", ""},
	} {
		verify := compile(t, `{"proof":`+c.proof+`}`).Source().Verify
		r := &source.Request{Header: http.Header{c.header: {c.value}}, Body: []byte("body")}
		if err := verify(r, []string{"s"}); c.value != "" && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, other := range []*source.Request{
			{Header: http.Header{}, Body: []byte("body")}, {Header: http.Header{c.header: {c.value + "x"}}, Body: []byte("body")},
		} {
			if err := verify(other, []string{"s"}); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s: %v for %v", c.name, err, other.Header)
			}
		}
		if err := verify(r, []string{"t"}); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: another secret: %v", c.name, err)
		}
	}
}

// The example is that of the specification of Standard Webhooks.
func TestProofByStandardWebhooksNamesNoHeader(t *testing.T) {
	verify := compile(t, `{"proof":{"scheme":"standard"}}`).Source().Verify
	r := &source.Request{Header: http.Header{}, Body: []byte(`{"test": 2432232314}`), At: time.Unix(1614265330, 0)}
	r.Header.Set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	r.Header.Set("webhook-timestamp", "1614265330")
	r.Header.Set("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	if err := verify(r, []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}); err != nil {
		t.Error(err)
	}
	if err := verify(r, []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"}); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("another secret: %v", err)
	}
}
