package pagerdutyevents

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/sourcetest"
)

func parse(t *testing.T, path, body string) alert.Alert {
	t.Helper()
	p, err := Parse(&source.Request{Path: path, Body: []byte(body)})
	if err != nil || len(p.Items) != 1 || p.Items[0].Alert == nil {
		t.Fatalf("%+v, %v", p, err)
	}
	return *p.Items[0].Alert
}

func TestAnEventIsReadWhole(t *testing.T) {
	got := parse(t, EventPath, `{"routing_key":"k","event_action":"trigger","dedup_key":"db-1/disk","client":"Monitor","client_url":"https://m.example.com",
		"payload":{"summary":"Disk is full","source":"db-1","severity":"error","timestamp":"2026-03-01T08:55:12.000+0000","component":"postgres","group":"shop","class":"disk",
			"custom_details":{"used":"97 %","free_gb":3.5,"source":"not this","top":["wal"],"log":"a\nb","none":null}},
		"links":[{"href":"https://r.example.com","text":"Runbook"},{"href":"javascript:alert(1)"}],
		"images":[{"src":"https://c.example.com/1.png","alt":"Chart"},{"src":"https://c.example.com/2.png","href":"https://c.example.com/2"}]}`)
	want := alert.Alert{
		Source: Name, DedupKey: "dedup_key:db-1/disk", Status: alert.Firing, Severity: alert.Error, Priority: alert.P2, Title: "Disk is full",
		Description: "used: 97 %\nfree_gb: 3.5\nsource: not this\ntop: [\"wal\"]\nlog: a\nb",
		Labels:      map[string]string{"source": "db-1", "component": "postgres", "group": "shop", "class": "disk", "client": "Monitor", "used": "97 %", "free_gb": "3.5"},
		Links: []alert.Link{
			{Text: "Monitor", URL: "https://m.example.com"}, {Text: "Runbook", URL: "https://r.example.com"},
			{Text: "Chart", URL: "https://c.example.com/1.png"}, {URL: "https://c.example.com/2"},
		},
		StartedAt: time.Date(2026, 3, 1, 8, 55, 12, 0, time.UTC),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v\nwant %+v", got, want)
	}
}

func TestFieldsOfAnEvent(t *testing.T) {
	for _, c := range []struct {
		name, path, body string
		want             string // status, severity, key, title
	}{
		{"without a path", "", `{"event_action":"trigger","payload":{"summary":"x","source":"s","severity":"info"},"dedup_key":"1"}`, "firing info dedup_key:1 x"},
		{"severity that is none of the four", EventPath, `{"event_action":"trigger","payload":{"summary":"x","severity":"page"},"dedup_key":"1"}`, "firing critical dedup_key:1 x"},
		{"unknown severity", EventPath, `{"event_action":"trigger","payload":{"summary":"x","severity":"purple"},"dedup_key":"1"}`, "firing  dedup_key:1 x"},
		{"numbers for texts", EventPath, `{"event_action":"trigger","payload":{"summary":17,"source":4},"dedup_key":5}`, "firing  dedup_key:5 17"},
		{"no payload", EventPath, `{"event_action":"acknowledge","dedup_key":"1","payload":null}`, "acknowledged  dedup_key:1 dedup_key:1"},
		{"resolved with a payload", EventPath, `{"event_action":"resolve","dedup_key":"1","payload":{"summary":"[RESOLVED] x","severity":"error"}}`, "resolved error dedup_key:1 [RESOLVED] x"},
		{"version 1 without a path", "", `{"service_key":"k","event_type":"resolve","incident_key":"1"}`, "resolved  dedup_key:1 dedup_key:1"},
		{"version 1", GenericPath, `{"service_key":"k","event_type":"trigger","description":"x","incident_key":"1","details":"all"}`, "firing  dedup_key:1 x"},
		{"upper case", EventPath, `{"event_action":"Trigger","payload":{"summary":"x"},"dedup_key":"1"}`, "firing  dedup_key:1 x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := parse(t, c.path, c.body)
			if got := strings.Join([]string{string(a.Status), string(a.Severity), a.DedupKey, a.Title}, " "); got != c.want {
				t.Errorf("read %q, want %q", got, c.want)
			}
		})
	}
}

func TestAnActionThatIsNoneAsksForNoKey(t *testing.T) {
	for body, want := range map[string]string{
		`{"payload":{"summary":"x","source":"s","severity":"info"}}`: "event_action: is missing or blank",
		`{"event_action":"close","payload":{"summary":"x"}}`:         `event_action: is "close", expected trigger, acknowledge or resolve`,
		`{"event_type":"merge","description":"x"}`:                   `event_type: is "merge", expected trigger, acknowledge or resolve`,
	} {
		if _, err := Parse(&source.Request{Path: EventPath, Body: []byte(body)}); !fault.Is(err, fault.Invalid) || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "_key") {
			t.Errorf("%s: %v, want only %s", body, err, want)
		}
	}
}

func TestAnEventWithoutAKeyIsKnownByWhatItSays(t *testing.T) {
	key := func(body string) string {
		r := &source.Request{Path: EventPath, Body: []byte(body)}
		parsed, err := Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		return DedupKey(r, []string{parsed.Items[0].Alert.DedupKey})
	}
	const payload = `"event_action":"trigger","payload":{"summary":"x","timestamp":"2026-03-01T08:55:12Z"}}`
	first := key(`{"routing_key":"a",` + payload)
	if again := key(`{"routing_key":"b",` + payload); again != first || len(first) != 32 {
		t.Errorf("keys %q and %q, want the same of 32 characters", first, again)
	}
	if later := key(strings.Replace(`{"routing_key":"a",`+payload, "08:55", "08:56", 1)); later == first {
		t.Errorf("another time has the same key %q", later)
	}
	told := parse(t, EventPath, `{"routing_key":"a",`+payload)
	ended := parse(t, EventPath, `{"event_action":"resolve","dedup_key":"`+first+`"}`)
	if told.DedupKey != ended.DedupKey {
		t.Errorf("resolved %q, triggered %q", ended.DedupKey, told.DedupKey)
	}
}

func TestChanges(t *testing.T) {
	p, err := Parse(&source.Request{Path: ChangePath, Body: []byte(`{"routing_key":"k","payload":{"summary":"Release 1","source":"ci","timestamp":"2026-03-01T08:50:00Z","custom_details":{"build":"1"}},
		"links":[{"href":"https://ci.example.com/1","text":"Build"}]}`)})
	if err != nil || len(p.Items) != 0 || len(p.Changes) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	want := source.Change{
		ID: p.Changes[0].ID, Title: "Release 1", Source: Name, At: time.Date(2026, 3, 1, 8, 50, 0, 0, time.UTC),
		Labels: map[string]string{"source": "ci", "build": "1"}, Links: []alert.Link{{Text: "Build", URL: "https://ci.example.com/1"}},
	}
	if !reflect.DeepEqual(p.Changes[0], want) || len(want.ID) != 32 {
		t.Errorf("read %+v, want %+v", p.Changes[0], want)
	}
	if p, err := Parse(&source.Request{Body: []byte(`{"routing_key":"k","payload":{"summary":"Release 1"}}`)}); err != nil || len(p.Changes) != 1 {
		t.Errorf("without a path %+v, %v", p, err)
	}
	if _, err := Parse(&source.Request{Path: ChangePath, Body: []byte(`{"payload":{}}`)}); err == nil {
		t.Error("a change without a summary was read")
	}
}

func TestTheKeyIsCutOut(t *testing.T) {
	for body, want := range map[string]struct{ key, left string }{
		`{"routing_key":"abc","a":1}`:                           {"abc", `{"routing_key":"","a":1}`},
		`{"a":"abc", "service_key" : "abc"}`:                    {"abc", `{"a":"abc", "service_key" : ""}`},
		"\ufeff" + `{"routing_key":"abc"}`:                      {"abc", `{"routing_key":""}`},
		`{"routing_key":"abc","routing_key":"de\u0066","b":[]}`: {"def", `{"routing_key":"","routing_key":"","b":[]}`},
		`{"routing_key":17}`:                                    {"17", `{"routing_key":""}`},
		`{"a":{"routing_key":"abc"}}`:                           {"head", `{"a":{"routing_key":"abc"}}`},
		`[]`:                                                    {"head", `[]`},
	} {
		r := &source.Request{Header: http.Header{"X-Routing-Key": {"head"}}, Body: []byte(body)}
		key, left, err := TakeKey(r)
		if err != nil || key != want.key || string(left.Body) != want.left || string(left.Sent()) != body {
			t.Errorf("of %s: key %q, left %s, sent %s, %v; want %q, %s", body, key, left.Body, left.Sent(), err, want.key, want.left)
		}
	}
	for _, body := range []string{"", "no JSON", "routing_key=tk_1&event_action=trigger", `{"routing_key":"tk_1"`} {
		if key, _, err := TakeKey(&source.Request{Header: http.Header{"Content-Type": {source.FormMedia}}, Body: []byte(body)}); key != "" || !fault.Is(err, fault.Invalid) {
			t.Errorf("of %q: key %q, %v", body, key, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range sourcetest.Seeds(f, Source) {
		f.Add("", seed.Body)
		f.Add(EventPath, seed.Body)
	}
	f.Add(ChangePath, []byte(`{"payload":{"summary":"x","custom_details":[1]}}`))
	f.Add(GenericPath, []byte(`{"event_type":"trigger","description":"x","contexts":{}}`))
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		r := &source.Request{Path: path, Body: body}
		_, r, _ = TakeKey(r)
		p, err := Parse(r)
		if err != nil && (len(p.Items) > 0 || len(p.Changes) > 0) {
			t.Errorf("result and error: %+v, %v", p, err)
		}
		for _, item := range p.Items {
			if a := item.Alert; a == nil || a.Title == "" || a.DedupKey == "" || a.DedupKey != alert.SenderKey("dedup_key", DedupKey(r, []string{a.DedupKey})) ||
				a.Status != alert.Firing && a.Status != alert.Resolved && a.Status != alert.Acknowledged {
				t.Errorf("read %+v", item)
			}
		}
	})
}
