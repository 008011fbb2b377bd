package detect

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source"
)

func request(media, body string) *source.Request {
	return &source.Request{Header: http.Header{"Content-Type": {media}}, Body: []byte(body), At: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), Other: Decode}
}

// TestUnknownSystemsAreUnderstood: bodies of systems that nobody described.
func TestUnknownSystemsAreUnderstood(t *testing.T) {
	for _, c := range []struct {
		name, media, body string
		sure              Sureness
		want              []string
	}{
		{"flat JSON", "application/json", `{"alert_id":"a-17","alert_name":"Queue is long","state":"triggered","severity":"high","host":"mq-1","timestamp":"2026-03-01T08:59:00Z","url":"https://x.example.com/a-17"}`,
			High, []string{`firing P2 error key:a-17 2026-03-01T08:59:00Z "Queue is long"`}},
		{"its recovery", "application/json", `{"alert_id":"a-17","alert_name":"Queue is long","state":"cleared","severity":"high","host":"mq-1","timestamp":"2026-03-01T09:00:00Z"}`,
			High, []string{`resolved P2 error key:a-17 - "Queue is long"`}},
		{"nested", "application/json", `{"version":2,"incident":{"id":881,"title":"Checkout is slow","status":"open","priority":"P1","created_at":"2026-03-01T08:00:00Z"},"account":{"id":5,"name":"acme"}}`,
			High, []string{`firing P1 critical key:881 2026-03-01T08:00:00Z "Checkout is slow"`}},
		{"a list beside common fields", "application/json", `{"tenant":"t1","severity":"warning","alerts":[{"fingerprint":"f1","summary":"Disk of a","status":"firing"},{"fingerprint":"f2","summary":"Disk of b","status":"resolved"}]}`,
			High, []string{`firing P3 warning key:f1 - "Disk of a"`, `resolved P3 warning key:f2 - "Disk of b"`}},
		{"flag", "application/json", `{"check":"ping db-1","is_ok":false,"message":"no answer from db-1 within 5 s","check_id":"9"}`,
			High, []string{`firing P3 - key:9 - "ping db-1: no answer from db-1 within 5 s"`}},
		{"form", "application/x-www-form-urlencoded", "monitorID=12&monitorName=Shop&alertType=down&alertDateTime=1772352000",
			High, []string{`firing P3 - key:12 2026-03-01T08:00:00Z "Shop"`}},
		{"a normal priority is no end", "application/json", `{"title":"Shop [7] - CRITICAL","text":"Shop is slow","priority":"normal","tags":["env:prod"]}`, Low, []string{`firing P3 - hash1:`}},
		{"a normal severity is one", "application/json", `{"title":"Shop [7]","text":"Shop is slow","severity":"normal"}`, Low, []string{`resolved P3 - hash1:`}},
		{"text", "text/plain", "CRITICAL: disk of db-1 is full (97%)\nsince 08:12", Low, []string{`firing P1 critical hash1:`}},
		{"logfmt", "text/plain", `level=error msg="disk of db-1 is full" host=db-1 alert_id=7 state=firing`, High, []string{`firing P2 error key:7 - "disk of db-1 is full"`}},
		{"XML", "application/xml", `<alert id="77" xmlns="urn:x"><title>Door open</title><state>alarm</state><severity>minor</severity></alert>`,
			High, []string{`firing P3 warning key:77 - "Door open"`}},
		{"lines of JSON", "application/x-ndjson", "{\"alert_id\":1,\"title\":\"one is down\",\"state\":\"open\"}\n{\"alert_id\":2,\"title\":\"two is down\",\"state\":\"closed\"}\n",
			High, []string{`firing P3 - key:1 - "one is down"`, `resolved P3 - key:2 - "two is down"`}},
		{"a document in a string", "application/json", `{"Type":"x","payload":"{\"alarm_name\":\"CPU of web-1\",\"new_state\":\"ALARM\",\"alarm_id\":\"c9\"}"}`,
			High, []string{`firing P3 - key:c9 - "CPU of web-1"`}},
		{"a text as JSON", "application/json", `"CRITICAL: disk of db-1 is full"`, Low, []string{`firing P1 critical hash1:`}},
		{"a document that was encoded twice", "application/json", `"{\"alert_id\":7,\"title\":\"Disk of db-1\",\"state\":\"firing\"}"`, High, []string{`firing P3 - key:7 - "Disk of db-1"`}},
		{"a sentence by a name that tells nothing", "application/json", `{"n":1,"q":{"w":"Disk of db-1 is full"}}`, Low, []string{`firing P3 - hash1:0c90545f78b813bde2f222e5d6281dbd - "Disk of db-1 is full"`}},
		{"nothing to go by", "application/json", `{"foo":{"bar":[1,2]}}`, Low, []string{`firing P3 - hash1:`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(c.media, c.body)
			p := Propose(r)
			parsed, err := p.Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, item := range parsed.Items {
				if item.Alert == nil {
					t.Fatalf("rejected: %s", item.Rejected)
				}
				got = append(got, intaketest.Line(item.Alert))
			}
			if !slices.EqualFunc(got, c.want, strings.HasPrefix) || p.Sure != c.sure {
				t.Errorf("sure %s\n%s\nwant %s\n%s\n%+v", p.Sure, strings.Join(got, "\n"), c.sure, strings.Join(c.want, "\n"), p.Reasons)
			}
		})
	}
}

// TestNoEnd: what only looks like an end ends nothing.
func TestNoEnd(t *testing.T) {
	for _, body := range []string{
		`{"title":"Disk is full","priority":"normal"}`, `{"title":"Disk is full","urgency":"Normal","event":"alert"}`, `{"title":"Disk is full","event":"alarm","severity":"normal"}`,
		`{"title":"Link ge-0/0/1","adminStatus":"up","operStatus":"down"}`, `{"title":"Disk is full","expected_state":"healthy","actual_state":"failed"}`, `{"title":"Fan","alarm":0,"severity":"high"}`,
		`{"title":"Disk is full","closed_at":"N/A"}`, `{"title":"Disk is full","resolved_at":"0000-00-00 00:00:00"}`, `{"title":"Disk is full","cleared_at":"-"}`, `{"title":"Disk is full","closed_at":"none"}`, `{"title":"Disk is full","closed":0}`,
		`{"alert":"Web is up to its limit","level":"warning"}`, `{"title":"Disk is full","resolved":"no"}`, `{"title":"Disk is full","state":"unresolved"}`,
	} {
		r := request("application/json", body)
		parsed, err := Propose(r).Parse(r)
		if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil || parsed.Items[0].Alert.Status != "firing" {
			t.Errorf("%s: %+v, %v", body, parsed.Items, err)
		}
	}
}

// TestListsOfSeveralForms: what one alert of a list lacks stands in another,
// and an end that is none ends nothing.
func TestListsOfSeveralForms(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"the first lacks severity and id", `{"alerts":[{"title":"Kiln is hot","status":"open","host":"kiln-1"},{"title":"Belt stopped","status":"closed","host":"belt-1","severity":"critical","alert_id":"b-7"}]}`,
			[]string{`firing P3 - hash1:`, `resolved P1 critical key:b-7 - "Belt stopped"`}},
		{"other names", `[{"id":"1","subject":"Kiln is hot","state":"firing"},{"alarm_id":"2","message":"Belt stopped","alarm_status":"cleared"}]`,
			[]string{`firing P3 - key:1 - "Kiln is hot"`, `resolved P3 - key:2 - "Belt stopped"`}},
		{"ends that are none", `[{"name":"Kiln is hot","closed_at":"2026-03-01T08:30:00Z"},{"name":"Belt stopped","closed_at":"N/A"},{"name":"Door open","closed_at":"-"},{"name":"Pump hot","closed_at":"none"},{"name":"Fan off","closed_at":"0001-01-01T00:00:00Z"},{"name":"Lamp off","closed_at":null},{"name":"Gate open","closed_at":0}]`,
			[]string{`resolved P3 - hash1:`, `firing`, `firing`, `firing`, `firing`, `firing`, `firing`}},
		{"the first has not ended", `[{"name":"Belt stopped","closed_at":"N/A"},{"name":"Kiln is hot","closed_at":"2026-03-01T08:30:00Z"}]`,
			[]string{`firing P3 - hash1:`, `resolved P3 - hash1:`}},
		{"ids that are none", `[{"incident_id":"N/A","title":"Belt stopped","status":"open"},{"incident_id":"N/A","title":"Kiln is hot","status":"open"}]`,
			[]string{`firing P3 - hash1:`, `firing P3 - hash1:`}},
		{"a status of which only one is early", `[{"id":"1","title":"Kiln is hot","status":"investigating"},{"id":"2","title":"Belt stopped","status":"odd"},{"id":"3","title":"Door open","status":"resolved"}]`,
			[]string{`firing P3 - key:1`, `firing P3 - key:2`, `resolved P3 - key:3`}},
		{"nothing in common", `{"alerts":[{"title":"Kiln is hot","status":"open"},{"x":1},"text",null]}`,
			[]string{`firing P3 - hash1:`, `firing P3 - hash1:`, `firing P3 - hash1:`, `firing P3 - hash1:`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request("application/json", c.body)
			parsed, err := Propose(r).Parse(r)
			if err != nil || len(parsed.Items) != len(c.want) {
				t.Fatalf("%+v, %v", parsed, err)
			}
			keys := map[string]bool{}
			for i, item := range parsed.Items {
				if item.Alert == nil || !strings.HasPrefix(intaketest.Line(item.Alert), c.want[i]) {
					t.Errorf("%d: %+v, want %s", i, item, c.want[i])
					continue
				}
				keys[item.Alert.DedupKey] = true
			}
			if c.name != "nothing in common" && len(keys) != len(c.want) {
				t.Errorf("%d alerts have %d keys", len(c.want), len(keys))
			}
		})
	}
}

// TestRecoveryFindsItsAlert also where no field names an identity.
func TestRecoveryFindsItsAlert(t *testing.T) {
	for _, c := range [][3]string{
		{"text/plain", "[FIRING] CPU of web-1 is 97 %", "[RESOLVED] CPU of web-1 is 12 %"},
		{"application/json", `{"event_id":"1","subject":"web-1 is DOWN","host":"web-1"}`, `{"event_id":"2","subject":"web-1 is UP","host":"web-1"}`},
		{"application/json", `{"text":"Payment latency is high: 2300 ms","service":"pay"}`, `{"text":"Recovered: Payment latency is high: 120 ms","service":"pay"}`},
	} {
		var keys, statuses []string
		for _, body := range c[1:] {
			r := request(c[0], body)
			parsed, err := Propose(r).Parse(r)
			if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
				t.Fatalf("%s: %+v, %v", body, parsed, err)
			}
			keys, statuses = append(keys, parsed.Items[0].Alert.DedupKey), append(statuses, string(parsed.Items[0].Alert.Status))
		}
		if keys[0] != keys[1] || statuses[0] != "firing" || statuses[1] != "resolved" {
			t.Errorf("%s: keys %v, statuses %v", c[1], keys, statuses)
		}
	}
}

func FuzzPropose(f *testing.F) {
	for _, body := range []string{`{"title":"x","status":"open"}`, "a=1&b=2", "<a><b c='d'/></a>", `a=b c="d e"`, "text", `[{"a":{"b":"{\"c\":1}"}}]`, "{}\n{}", "<34>1 2026-03-01T08:00:00Z h a - - [x y=\"z]\"] m", "CEF:0|a|b|c|d|e\\|f|9|k=v w", "LEEF:2.0|a|b|c|d|^|k=v^l=w", "A: b\nC:\nd", `{"attachments":[{"title":"x","fields":[{"title":"Host","value":"y"}]}]}`} {
		f.Add("application/json", []byte(body))
	}
	f.Fuzz(func(t *testing.T, media string, body []byte) {
		r := request(media, string(body))
		parsed, err := Source.Parse(r)
		if err != nil {
			return
		}
		for _, item := range parsed.Items {
			if item.Alert != nil && (item.Alert.DedupKey == "" || item.Alert.Title == "" || !item.Alert.Severity.Valid()) {
				t.Fatalf("%+v", item.Alert)
			}
		}
	})
}

func TestABodyThatSaysNothingHoldsNoAlert(t *testing.T) {
	for body, want := range map[string]int{
		`[]`: 0, `{}`: 0, `[{}]`: 0, `{"alerts":[]}`: 0, `{"version":"2","alerts":[],"total":0}`: 0, `{"a":{"b":[null," "]}}`: 0,
		`{"a":0}`: 1, `{"title":"Heat is high","alerts":[]}`: 1, `{"alerts":[{"title":"Heat is high"}]}`: 1, `{"tags":[],"host":"kiln-1"}`: 1,
	} {
		parsed, err := Source.Parse(&source.Request{Body: []byte(body), At: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)})
		if err != nil || len(parsed.Items) != want || len(parsed.Notes) == 0 {
			t.Errorf("%s: %d alerts, notes %q, %v; want %d", body, len(parsed.Items), parsed.Notes, err, want)
		}
	}
}

// TestBrokenJSONIsRefused, also where a sender calls it a form: as one it says
// nothing, and an alert would be lost without a word.
func TestBrokenJSONIsRefused(t *testing.T) {
	for _, media := range []string{"application/json", source.FormMedia} {
		if parsed, err := Source.Parse(request(media, `{"monitor":"press-1","state":"dow`)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "ends early, at byte 33") {
			t.Errorf("%s: %+v, %v", media, parsed, err)
		}
	}
	if parsed, err := Source.Parse(request(source.FormMedia, "a=&b=")); err != nil || len(parsed.Items) != 0 {
		t.Errorf("an empty form: %+v, %v", parsed, err)
	}
}
