package preset_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/detect"
)

func post(media, body string) *source.Request {
	return &source.Request{Header: http.Header{"Content-Type": {media}}, Query: url.Values{"team": {"db"}}, Body: []byte(body), At: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
}

// said writes what became of a body: alerts with all that is in them, changes
// and notes.
func said(parsed source.Parsed) string {
	var out []string
	for _, item := range parsed.Items {
		if item.Alert == nil {
			out = append(out, "rejected: "+item.Rejected)
			continue
		}
		a := item.Alert
		line := fmt.Sprintf("%s %s %s %q", a.Status, a.Severity, a.DedupKey, a.Title)
		for _, part := range []struct{ name, text string }{{"description", a.Description}, {"group", a.Group}, {"episode", a.Episode}, {"start", instant(a.StartedAt)}, {"end", instant(a.EndedAt)}} {
			if part.text != "" {
				line += fmt.Sprintf(" %s=%q", part.name, part.text)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
			line += fmt.Sprintf(" %s:%s", name, a.Labels[name])
		}
		for _, l := range a.Links {
			line += fmt.Sprintf(" [%s](%s)", l.Text, l.URL)
		}
		out = append(out, line)
	}
	for _, c := range parsed.Changes {
		out = append(out, fmt.Sprintf("change %s %q %s %v %v", c.ID, c.Title, instant(c.At), c.Labels, c.Links))
	}
	for _, n := range parsed.Notes {
		out = append(out, "note: "+n)
	}
	if parsed.NeverEnds {
		out = append(out, "never ends")
	}
	return strings.Join(out, "\n")
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func TestReading(t *testing.T) {
	const key = `"key":"{id}","title":"{name}"`
	for _, c := range []struct{ name, spec, body, want string }{
		{"key and title", `{` + key + `}`, `{"id":7,"name":"Disk"}`, `firing  key:7 "Disk"`},
		{"first key that is whole", `{"key":["{a}/{b}","{b}"],"title":"{name}"}`, `{"b":"x","name":"Disk"}`, `firing  key:x "Disk"`},
		{"no key", `{` + key + `}`, `{"name":"Disk"}`, `firing  ` + alert.HashKey(map[string]string{"title": "disk"}) + ` "Disk"`},
		{"no title", `{` + key + `}`, `{"id":7}`, "firing  key:7 \"key:7\"\nnote: 1 of 1 alerts have no title: nothing stands at {name}; the key stands for it"},
		{"neither", `{` + key + `}`, `{"x":1}`, `rejected: neither key nor title: nothing stands at {id}, {name}`},
		{"first title", `{"key":"{id}","title":["{name}","Check {id}"]}`, `{"id":7,"name":" "}`, `firing  key:7 "Check 7"`},
		{"description of lines", `{` + key + `,"description":["Value {v}","Limit {max}","{note}"]}`, `{"id":7,"name":"a","v":9.50,"note":"n"}`, `firing  key:7 "a" description="Value 9.50\nn"`},
		{"group and episode", `{` + key + `,"group":"{g}","episode":"{e}"}`, `{"id":7,"name":"a","g":"web","e":3}`, `firing  key:7 "a" group="web" episode="3"`},
		{"start names the episode", `{` + key + `,"started_at":"{t}"}`, `{"id":7,"name":"a","t":1772352309}`, `firing  key:7 "a" episode="2026-03-01T08:05:09Z" start="2026-03-01T08:05:09Z"`},
		{"no name of the episode", `{` + key + `,"started_at":"{t}","episode":""}`, `{"id":7,"name":"a","t":1772352309}`, `firing  key:7 "a" start="2026-03-01T08:05:09Z"`},
		{"time of the request does not", `{` + key + `,"at":"{t}"}`, `{"id":7,"name":"a","t":1772352309}`, `firing  key:7 "a" start="2026-03-01T08:05:09Z"`},
		{"time of a recovery", `{` + key + `,"at":"{t}","status":{"resolved":"ok"}}`, `{"id":7,"name":"a","t":1772352309,"ok":true}`, `resolved  key:7 "a" end="2026-03-01T08:05:09Z"`},
		{"end before time", `{` + key + `,"at":"{t}","ended_at":"{e}","status":{"resolved":"ok"}}`, `{"id":7,"name":"a","t":1772352309,"e":1772352300,"ok":true}`, `resolved  key:7 "a" end="2026-03-01T08:05:00Z"`},
		{"no end of a firing", `{` + key + `,"ended_at":"{e}"}`, `{"id":7,"name":"a","e":1772352300}`, `firing  key:7 "a"`},
		{"offset", `{` + key + `,"zone":"+08:00","at":"{t}"}`, `{"id":7,"name":"a","t":"2026-03-01 16:05:09"}`, `firing  key:7 "a" start="2026-03-01T08:05:09Z"`},
		{"zone", `{` + key + `,"zone":"Europe/Berlin","at":"{t}"}`, `{"id":7,"name":"a","t":"2026-07-01 10:05:09"}`, `firing  key:7 "a" start="2026-07-01T08:05:09Z"`},
		{"bad time", `{` + key + `,"at":"{t}"}`, `{"id":7,"name":"a","t":"soon"}`, `firing  key:7 "a"`},
		{"labels", `{` + key + `,"labels":{"host":"{h}","none":"{n}","team":"{query:team}"}}`, `{"id":7,"name":"a","h":"web-1"}`, `firing  key:7 "a" host:web-1 team:db`},
		{"labels of an object", `{` + key + `,"labels_from":"tags"}`, `{"id":7,"name":"a","tags":{"x":1,"y":"b","z":[1],"n":null,"":"e"}}`, `firing  key:7 "a" x:1 y:b`},
		{"labels of pairs", `{` + key + `,"labels_from":"tags"}`, `{"id":7,"name":"a","tags":[{"name":"x","value":1},{"key":"y","value":"b"},{"label":"z","value":"c"},{"title":"t","value":"f"},{"value":"d"},{"name":"e"}]}`, `firing  key:7 "a" t:f x:1 y:b z:c`},
		{"labels of texts", `{` + key + `,"labels_from":"tags"}`, `{"id":7,"name":"a","tags":["x:1","y = b","flag",7]}`, `firing  key:7 "a" flag:true x:1 y:b`},
		{"own label wins", `{` + key + `,"labels_from":["p","q"],"labels":{"x":"{own}"}}`, `{"id":7,"name":"a","p":{"x":1,"y":1},"q":{"y":2},"own":"o"}`, `firing  key:7 "a" x:o y:2`},
		{"labels left out", `{` + key + `,"labels_from":".","labels_omit":["_*","ID","#"]}`, `{"id":"7","name":"a","_x":"1","n":5,"b":true}`, `firing  key:7 "a" name:a`},
		{"key of labels", `{"key":"{labels:}","title":"{name}","labels_from":"tags"}`, `{"name":"a","tags":{"y":"b","x":"a"}}`, `firing  key:"x"="a","y"="b" "a" x:a y:b`},
		{"links", `{` + key + `,"links":[{"text":"Page {id}","url":"{u}"},{"text":"None","url":"{v}"},{"text":"Bad","url":"javascript:{id}"}]}`, `{"id":7,"name":"a","u":"https://example.com/7"}`, `firing  key:7 "a" [Page 7](https://example.com/7)`},
		{"blank", `{` + key + `,"blank":"N/A|\\$[A-Z]+","labels":{"a":"{a}","b":"{b}"},"labels_from":"tags"}`, `{"id":"7","name":"x","a":"N/A","b":"$5","tags":{"t":"$HOST","u":"N/A."}}`, `firing  key:7 "x" b:$5 u:N/A.`},
		{"envelope", `{"body":"payload|json",` + key + `}`, `{"payload":"{\"id\":7,\"name\":\"a\"}"}`, `firing  key:7 "a"`},
		{"no envelope", `{"body":"payload|json",` + key + `}`, `{"id":7,"name":"a"}`, `firing  key:7 "a"`},
		{"extract", `{"extract":[{"from":"text","match":"on (?P<host>\\S+)(?: in (?P<site>\\S+))?"}],"key":"{@host}","title":"{text}","labels":{"site":"{@site}"}}`, `{"text":"Down on web-1 now"}`, `firing  key:web-1 "Down on web-1 now"`},
		{"ignored request", `{"ignore":["!x","ping"],` + key + `}`, `{"id":7,"x":1,"ping":true}`, `note: the request holds no alert`},
		{"change", `{"change":{"when":"deploy","title":["{none}","Deploy {deploy}"],"id":"{deploy}","at":"{t}","labels":{"env":"{env}","none":"{n}"},"links":[{"text":"Page","url":"{u}"}]},` + key + `}`,
			`{"deploy":3,"t":"2026-03-01T08:00:00Z","env":"prod","u":"https://example.com"}`, `change 3 "Deploy 3" 2026-03-01T08:00:00Z map[env:prod] [{Page https://example.com}]`},
		{"change without a title", `{"change":{"when":"deploy","title":"{none}"}}`, `{"deploy":3}`, `change ` + alert.HashKey(map[string]string{"source": "example", "service": "", "title": "example change", "at": ""}) + ` "example change"  map[] []`},
	} {
		t.Run(c.name, func(t *testing.T) {
			parsed, err := compile(t, c.spec).Parse(post("application/json", c.body))
			if got := said(parsed); err != nil || got != c.want {
				t.Errorf("%v\n%s\nwant\n%s", err, got, c.want)
			}
		})
	}
}

func TestNeverEnds(t *testing.T) {
	p := compile(t, `{"recognise":"id","alerts":"[*]","key":"{id}","title":"{id}","variants":[{"when":"drift","never_ends":true}]}`)
	for body, want := range map[string]bool{
		`[{"id":"1","drift":true}]`:            true,
		`[{"id":"1","drift":true},{"id":"2"}]`: false,
		`[{"id":"1"}]`:                         false,
		`[]`:                                   false,
	} {
		parsed, err := p.Parse(&source.Request{Body: []byte(body)})
		if err != nil || parsed.NeverEnds != want {
			t.Errorf("%s: %v, %v", body, parsed.NeverEnds, err)
		}
	}
}

func TestStatusAndSeverityAreAskedInOrder(t *testing.T) {
	const spec = `{"key":"{id}","title":"{id}","status":{"ignored":"s=test|x","acknowledged":["s=ack","s=both"],"resolved":["s=ok","s=both"],"firing":"s=bad"},
		"severity":{"critical":"n>=9","error":["n>=7","n=seven"],"warning":"n>=4","info":"n>=1","from":["{w}","{v}"],"default":"warning"}}`
	for body, want := range map[string]string{
		`{"id":1,"s":"bad","n":9}`:                        `firing critical key:1 "1"`,
		`{"id":1,"s":"BAD","n":7.5}`:                      `firing error key:1 "1"`,
		`{"id":1,"s":"bad","n":"seven"}`:                  `firing error key:1 "1"`,
		`{"id":1,"s":"bad","n":"4"}`:                      `firing warning key:1 "1"`,
		`{"id":1,"s":"bad","n":1}`:                        `firing info key:1 "1"`,
		`{"id":1,"s":"bad","n":0,"w":"fatal"}`:            `firing critical key:1 "1"`,
		`{"id":1,"s":"bad","w":"purple","v":"P4"}`:        `firing info key:1 "1"`,
		`{"id":1,"s":"bad"}`:                              `firing warning key:1 "1"`,
		`{"id":1,"s":"both"}`:                             `acknowledged warning key:1 "1"`,
		`{"id":1,"s":"ok"}`:                               `resolved warning key:1 "1"`,
		`{"id":1,"s":"test"}`:                             `note: the request holds no alert`,
		`{"id":1,"s":"odd"}`:                              `rejected: status: s is "odd"; expected what is ignored, acknowledged or resolved, or s=bad`,
		`{"id":1}`:                                        `rejected: status: s is ""; expected what is ignored, acknowledged or resolved, or s=bad`,
		`{"id":{"a":1},"s":["bad"],"n":[9],"w":{"x":[]}}`: `rejected: status: s is "[\"bad\"]"; expected what is ignored, acknowledged or resolved, or s=bad`,
	} {
		parsed, err := compile(t, spec).Parse(post("application/json", body))
		if got := said(parsed); err != nil || got != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", body, err, got, want)
		}
	}
}

func TestAlertsOfAList(t *testing.T) {
	const spec = `{"alerts":["alerts[*]","more.*"],"skip":"test","key":"{$.site}/{id}","title":"{name} of {$.site}","status":{"resolved":"ok"},"labels":{"site":"{$.site}","event":"{header:X-Event}"}}`
	for body, want := range map[string]string{
		`{"site":"s","alerts":[{"id":1,"name":"a"},{"id":2,"name":"b","ok":true},{"id":3,"name":"c","test":1}]}`: "firing  key:s/1 \"a of s\" event:push site:s\nresolved  key:s/2 \"b of s\" event:push site:s",
		`{"site":"s","alerts":[{"x":1},7]}`:                  "rejected: neither key nor title: nothing stands at {$.site}/{id}, {name} of {$.site}\nrejected: neither key nor title: nothing stands at {$.site}/{id}, {name} of {$.site}",
		`{"site":"s","more":{"x":{"id":4,"name":"d"}}}`:      `firing  key:s/4 "d of s" event:push site:s`,
		`{"site":"s","alerts":[{"id":3,"test":1}],"more":0}`: `note: the request holds no alert`,
		`{"site":"s","alerts":[]}`:                           `note: no alert was found where this source has them`,
		`{"site":"s"}`:                                       `note: no alert was found where this source has them`,
	} {
		r := post("application/json", body)
		r.Header.Set("X-Event", "push")
		parsed, err := compile(t, spec).Parse(r)
		if got := said(parsed); err != nil || got != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", body, err, got, want)
		}
	}
	if _, err := compile(t, spec).Parse(post("application/json", `{"alerts":[`+strings.Repeat("0,", source.MaxItems)+`0]}`)); !fault.Is(err, fault.Invalid) {
		t.Errorf("too many alerts: %v", err)
	}
}

func TestTheFirstVariantThatHoldsAddsToTheReading(t *testing.T) {
	p := compile(t, `{"key":"{id}","title":"common","group":"g","labels":{"a":"1","b":"1"},"links":[{"text":"x","url":"https://example.com/common"}],"severity":{"default":"info"},"status":{"resolved":"ok"},
		"variants":[
			{"when":["v=1","v=one"],"title":"first","labels":{"b":"2","c":"2"},"links":[{"text":"y","url":"https://example.com/first"}]},
			{"when":"v","title":"second","severity":{"default":"error"},"status":{"firing":"v=2"},"alerts":"list[*]"},
			{"when":"v=1","title":"never"}]}`)
	for body, want := range map[string]string{
		`{"id":7}`:                            `firing info key:7 "common" group="g" a:1 b:1 [x](https://example.com/common)`,
		`{"id":7,"v":1}`:                      `firing info key:7 "first" group="g" a:1 b:2 c:2 [y](https://example.com/first)`,
		`{"id":7,"v":"ONE","ok":1}`:           `resolved info key:7 "first" group="g" a:1 b:2 c:2 [y](https://example.com/first)`,
		`{"v":2,"list":[{"id":8,"v":2}]}`:     `firing error key:8 "second" group="g" a:1 b:1 [x](https://example.com/common)`,
		`{"v":2,"list":[{"id":8,"ok":true}]}`: `rejected: status: v is ""; expected what is ignored, acknowledged or resolved, or v=2`,
	} {
		parsed, err := p.Parse(post("application/json", body))
		if got := said(parsed); err != nil || got != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", body, err, got, want)
		}
	}
}

func TestBodies(t *testing.T) {
	const common = `"key":"{id}","title":"{text:}"`
	for _, c := range []struct{ name, spec, media, body, want string }{
		{"form", `{"key":"{id}","title":"{name}"}`, "application/x-www-form-urlencoded", "id=7&name=a+b", `firing  key:7 "a b"`},
		{"form with JSON", `{"body":"payload|json","key":"{id}","title":"{name}"}`, "application/x-www-form-urlencoded", "payload=" + url.QueryEscape(`{"id":7,"name":"a"}`), `firing  key:7 "a"`},
		{"text", `{"media":"*","extract":[{"from":"text:","match":"id (?P<id>\\d+)"}],"key":"{@id}","title":"{text:}"}`, "text/plain", "Disk id 7", `firing  key:7 "Disk id 7"`},
		{"text by its media type", `{"media":"text/plain",` + common + `}`, "text/plain", "Disk", `firing  ` + alert.HashKey(map[string]string{"title": "disk"}) + ` "Disk"`},
		{"text that is a number", `{"media":"*",` + common + `}`, "text/plain", "7", `firing  ` + alert.HashKey(map[string]string{"title": "7"}) + ` "7"`},
		{"text for none of it", `{` + common + `}`, "text/plain", "Disk", "error"},
		{"number", `{` + common + `}`, "application/json", "7", "error"},
		{"empty", `{"media":"*",` + common + `}`, "text/plain", " \n", "error"},
		{"not UTF-8", `{"media":"*",` + common + `}`, "text/plain", "\xff\xfe", "error"},
		{"broken", `{` + common + `}`, "application/json", `{"id":`, "error"},
		{"nearly JSON", `{"key":"{id}","title":"{name}"}`, "application/json", `{"id":7,"name":"disk "C"",}`, `firing  key:7 "disk \"C\""`},
	} {
		t.Run(c.name, func(t *testing.T) {
			parsed, err := compile(t, c.spec).Parse(post(c.media, c.body))
			got := said(parsed)
			if err != nil {
				got = "error"
			}
			if got != c.want || err != nil && !fault.Is(err, fault.Invalid) {
				t.Errorf("%v\n%s\nwant\n%s", err, got, c.want)
			}
		})
	}
}

func TestRequestID(t *testing.T) {
	r := post("application/json", `{"id":7}`)
	r.Header.Set("X-Delivery", "d-1")
	parsed, err := compile(t, `{"key":"{id}","request_id":"{header:X-Delivery}"}`).Parse(r)
	if err != nil || parsed.SenderID != "d-1" {
		t.Errorf("%q, %v", parsed.SenderID, err)
	}
}

func TestEachAlertHasItsVariant(t *testing.T) {
	p := compile(t, `{"alerts":"[*]","key":"{id}","title":"common","variants":[{"when":"kind=cert","key":"{id}/cert","title":"cert"},{"when":"kind=test","skip":"id"}]}`)
	parsed, err := p.Parse(post("application/json", `[{"id":1},{"id":1,"kind":"cert"},{"id":1,"kind":"test"},{"id":2}]`))
	want := "firing  key:1 \"common\"\nfiring  key:1/cert \"cert\"\nfiring  key:2 \"common\""
	if got := said(parsed); err != nil || got != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

// TestOneElementOfXMLIsAListOfOne: nothing but a second one would tell. In
// JSON a list is written as one.
func TestOneElementOfXMLIsAListOfOne(t *testing.T) {
	const spec = `{"alerts":"$.r.ev[*]","key":"{id}","title":"{tag[*]}","skip":"!tag[*]"}`
	const none = "note: no alert was found where this source has them"
	for body, want := range map[string]string{
		`<r><ev><id>1</id><tag>a</tag></ev></r>`:                                     `firing  key:1 "a"`,
		`<r><ev><id>1</id><tag>a</tag></ev><ev id="2" tag="b"><tag>c</tag></ev></r>`: "firing  key:1 \"a\"\nfiring  key:2 \"b, c\"",
		`<r><ev/></r>`:                        none,
		`<r><other>1</other></r>`:             none,
		`{"r":{"ev":{"id":1,"tag":["a"]}}}`:   none,
		`{"r":{"ev":[{"id":1,"tag":["a"]}]}}`: `firing  key:1 "a"`,
		`{"r":{"ev":[{"id":1,"tag":"a"}]}}`:   "note: the request holds no alert",
		`<r><ev>{"id":1,"tag":"a"}</ev></r>`:  "note: the request holds no alert",
	} {
		r := post("", body)
		r.Other = detect.Decode
		parsed, err := compile(t, spec).Parse(r)
		if got := said(parsed); err != nil || got != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", body, err, got, want)
		}
	}
}

func TestBodiesThatMeanToBeJSON(t *testing.T) {
	const spec = `{"alerts":"alerts[*]","key":"{id}","title":"{name}"}`
	const none = "note: no alert was found where this source has them"
	for _, c := range []struct{ name, spec, media, body, want string }{
		{"by its media type", spec, "application/json", `bad`, "not valid JSON at byte 1"},
		{"by its media type with a suffix", spec, "application/cloudevents+json", `"bad`, "ends early, at byte 4"},
		{"by its beginning", spec, "text/plain", ` {bad`, "not valid JSON at byte 3"},
		{"by its beginning, as a form", spec, source.FormMedia, `{"alerts":[{"id":1}`, "ends early, at byte 19"},
		{"a list by its beginning", spec, "", `[ {"id":1},`, "ends early"},
		{"with more behind it", spec, "application/json", `{"alerts":[]} {`, "not valid JSON at byte 15"},
		{"lines of JSON", `{"alerts":"$[*]","key":"{id}","title":"{name}"}`, "application/json", "{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"b\"}", "firing  key:1 \"a\"\nfiring  key:2 \"b\""},
		{"XML, though it says JSON", `{"alerts":"r.alerts","key":"{id}","title":"{name}"}`, "application/json", `<r><alerts><id>1</id><name>a</name></alerts></r>`, `firing  key:1 "a"`},
		{"a form, though it says JSON", spec, "application/json", `id=1`, none},
		{"a text", spec, "text/plain", `[WARN] bad`, none},
		{"a mapping of texts", `{"media":"text/plain","key":"1","title":"{text:}"}`, "text/plain", `{bad`, `firing  key:1 "{bad"`},
		{"a mapping of the whole body", `{"key":"1","title":"{text:}"}`, "application/json", `{bad`, `firing  key:1 "{bad"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := post(c.media, c.body)
			r.Other = detect.Decode
			parsed, err := compile(t, c.spec).Parse(r)
			got := said(parsed)
			if err != nil {
				got = err.Error()
			}
			if got != c.want && !(fault.Is(err, fault.Invalid) && strings.Contains(got, c.want)) {
				t.Errorf("%s\nwant\n%s", got, c.want)
			}
		})
	}
}
