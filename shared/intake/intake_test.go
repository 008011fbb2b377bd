package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/integration"
	"tocsin/shared/queue"
	"tocsin/shared/source"
	"tocsin/shared/source/prometheus"
	"tocsin/shared/telemetry"
)

const (
	key    = "tk_EXAMPLEEXAMPLEEXAMPLEEXAM"
	secret = "hush-hush"
	path   = "/in/prometheus/" + key
	good   = `{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"A"},"fingerprint":"f"}]}`
)

// rig is an intake over parts in memory.
type rig struct {
	in      Intake
	found   integration.Found
	findErr error
	sent    []queue.Entry
	told    []Delivery // of requests that were refused
	sendErr error
	objects shelf
	putErr  error
	wrote   bytes.Buffer
}

func (g *rig) Find(_ context.Context, given string) (integration.Found, error) {
	if given != key {
		return integration.Found{}, integration.ErrRefused
	}
	return g.found, g.findErr
}

func (g *rig) Send(_ context.Context, e queue.Entry) error {
	if d, _, err := Decode([]byte(e.Body)); err == nil && d.Refused > 0 {
		g.told = append(g.told, d)
	} else {
		g.sent = append(g.sent, e)
	}
	return g.sendErr
}

func (g *rig) Put(ctx context.Context, name string, body []byte) error {
	return errors.Join(g.putErr, g.objects.Put(ctx, name, body))
}

func newRig() *rig {
	g := &rig{objects: shelf{}}
	g.found.Integration = integration.Integration{ID: "prod", Source: "prometheus", Service: "db", Auth: integration.None}
	now := func() time.Time { return received }
	g.in = Intake{Pick: Only(prometheus.Source), Integrations: g, Queue: g, Objects: g, Now: now, Clock: now,
		Metrics: telemetry.NewMetrics(&g.wrote, func(string) (string, bool) { return "", false })}
	return g
}

// post sends a body to path with the given headers, name and value in turn.
func (g *rig) post(path, body string, headers ...string) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	mux.Handle("POST /in/prometheus/{key}", httpapi.Handler(g.in.Accept))
	log := telemetry.NewLogger(&g.wrote, func(string) (string, bool) { return "", false })
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r = r.WithContext(telemetry.WithRequestID(r.Context(), "req-1"))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	httpapi.Serve(log, g.in.Metrics, httpapi.Limit(MaxBody, httpapi.Problems(mux))).ServeHTTP(w, r)
	return w
}

// delivered returns the one delivery that was sent.
func (g *rig) delivered(t *testing.T) Delivery {
	t.Helper()
	if len(g.sent) != 1 {
		t.Fatalf("%d messages, want 1", len(g.sent))
	}
	d, err := Fetch(t.Context(), g.objects, g.sent[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAcceptedRequestIsOneMessage(t *testing.T) {
	g := newRig()
	w := g.post(path, good, "Content-Type", "application/json; charset=utf-8")
	d := g.delivered(t)
	want := fmt.Sprintf(`{"delivery_id":%q,"keys":["fingerprint:f"],"rejected":[]}`, d.ID)
	if w.Code != http.StatusAccepted || w.Body.String() != want {
		t.Errorf("%d %s, want %s", w.Code, w.Body, want)
	}
	if body, err := d.Body(); err != nil || string(body) != good || d.BodyHash != hash(body) {
		t.Errorf("raw body %q, %v", body, err)
	}
	if g.sent[0].Group != "prod" || d.Integration != "prod" || d.Service != "db" || !d.ReceivedAt.Equal(received) || d.Items[0].Alert == nil {
		t.Errorf("delivery %+v", d)
	}
}

func TestSenderGetsTheAnswerThatItWants(t *testing.T) {
	g := newRig()
	g.in.Pick = Only(source.Source{Name: "prometheus", Parse: func(r *source.Request) (source.Parsed, error) {
		parsed, err := prometheus.Parse(r)
		parsed.Answer = map[string]any{"retCode": 0}
		return parsed, err
	}})
	w := g.post(path, good)
	if w.Code != http.StatusOK || w.Body.String() != `{"retCode":0}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	g.delivered(t)
	g.in.Pick = Only(source.Source{Name: "prometheus", Parse: func(r *source.Request) (source.Parsed, error) {
		parsed, err := prometheus.Parse(r)
		parsed.Only200 = true
		return parsed, err
	}})
	if w := g.post(path, good); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"delivery_id"`) {
		t.Errorf("200 alone: %d %s", w.Code, w.Body)
	}
	g.sendErr = errors.New("throttled")
	if w := g.post(path, good); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without a delivery: %d %s", w.Code, w.Body)
	}
}

func TestBadRequestsAreAnsweredClearly(t *testing.T) {
	alerts := func(s string) string { return `{"version":"4","alerts":[` + s + `]}` }
	for _, c := range []struct {
		name, body, media string
		status            int
		want              string
	}{
		{"empty body", "", "application/json", 400, "the body is empty"},
		{"2 MiB", strings.Repeat(" ", 2<<20), "application/json", 413, "larger than 1048576 bytes"},
		{"invalid JSON", `{"alerts":[}`, "application/json", 400, "not valid JSON at byte 12"},
		{"invalid UTF-8 outside of strings", "\xff\xff", "application/json", 400, "not valid JSON at byte 1"},
		{"only a byte order mark", "\xff\xfe", "application/json", 400, "the body is empty"},
		{"NUL", "{\"alerts\":[\x00]}", "application/json", 400, "not valid JSON at byte 12"},
		{"200 levels deep", strings.Repeat("[", 200), "application/json", 400, "deeper than 64 levels"},
		{"form", "a=1", "application/x-www-form-urlencoded", 415, "not application/json"},
		{"form of several parts", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--", "multipart/form-data; boundary=b", 415, "not application/json: found \\\"multipart/form-data\\\""},
		{"XML", "<a/>", "text/xml", 415, "content type is not application/json: found \\\"text/xml\\\""},
		{"a character set that is not read", "\x83\x65", "application/json; charset=Shift_JIS", 415, "character set is \\\"shift_jis\\\", expected UTF-8"},
		{"missing fields", `{}`, "application/json", 422, `"field":"alerts","detail":"missing`},
		{"unknown status", alerts(`{"status":"flapping","labels":{"a":"b"}}`), "application/json", 422, `"field":"alerts[0]","detail":"status: is \"flapping\"`},
		{"all alerts unreadable", alerts(`1,{"status":"firing"}`), "application/json", 422, `"field":"alerts[1]","detail":"labels: missing`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newRig()
			w := g.post(path, c.body, "Content-Type", c.media)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s\nwant %d %s", w.Code, w.Body, c.status, c.want)
			}
			if len(g.sent) > 0 || !strings.Contains(g.wrote.String(), `"outcome":"refused"`) {
				t.Errorf("%d messages; wrote %s", len(g.sent), g.wrote.String())
			}
		})
	}
}

func TestOddRequestsAreAccepted(t *testing.T) {
	for _, c := range []struct{ name, body, media string }{
		{"no content type", good, ""},
		{"another JSON type", good, "application/vnd.example+json"},
		{"JSON as text", good, "text/plain"},
		{"JSON as a form, as curl calls it", "\ufeff " + good, "application/x-www-form-urlencoded"},
		{"JSON as something without a name", good, ";;"},
		{"Latin-1", "{\"alerts\":[{\"status\":\"firing\",\"labels\":{\"a\":\"caf\xe9\"}}]}", "application/json; charset=ISO-8859-1"},
		{"no alerts", `{"version":"4","alerts":[]}`, "application/json"},
		{"title of 1 MB", `{"alerts":[{"status":"firing","labels":{"a":"` + strings.Repeat("x", 1_000_000) + `"}}]}`, "application/json"},
		{"invalid UTF-8 in a title", `{"alerts":[{"status":"firing","labels":{"a":"` + "\xff" + `"}}]}`, "application/json"},
		{"a field twice", `{"alerts":[1],"alerts":[{"status":"firing","status":"firing","labels":{"a":"b"}}]}`, "application/json"},
		{"NUL in a title", `{"alerts":[{"status":"firing","labels":{"a":"b","alertname":"x\u0000y"}}]}`, "application/json"},
		{"half a character", `{"alerts":[{"status":"firing","labels":{"a":"\ud83d"}}]}`, "application/json"},
		{"one neighbour unreadable", `{"alerts":[{"status":"firing","labels":{"a":"b"}},{}]}`, "application/json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newRig()
			var headers []string
			if c.media != "" {
				headers = []string{"Content-Type", c.media}
			}
			if w := g.post(path, c.body, headers...); w.Code != http.StatusAccepted {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			g.delivered(t)
		})
	}
}

func TestUnknownAndWronglySignedRequestsAreAnsweredAlike(t *testing.T) {
	signed := func(at time.Duration, with string) []string {
		stamp := fmt.Sprint(received.Add(at).Unix())
		return []string{integration.SignatureHeader, integration.Sign(with, stamp, []byte(good)), integration.TimestampHeader, stamp}
	}
	ask := func(path, body string, headers []string, change func(*rig)) *httptest.ResponseRecorder {
		g := newRig()
		g.found.Auth, g.found.Secrets = integration.HMAC, []string{secret, "older"}
		if change != nil {
			change(g)
		}
		w := g.post(path, body, append(headers, "Content-Type", "application/json")...)
		if all := w.Body.String() + g.wrote.String(); strings.Contains(all, secret) || strings.Contains(all, key) {
			t.Errorf("a secret shows: %s", all)
		}
		return w
	}
	for name, headers := range map[string][]string{"current": signed(0, secret), "previous": signed(-time.Minute, "older")} {
		if w := ask(path, good, headers, nil); w.Code != http.StatusAccepted {
			t.Errorf("%s secret: %d %s", name, w.Code, w.Body)
		}
	}
	want := ask("/in/prometheus/tk_UNKNOWNUNKNOWNUNKNOWNUNKN", good, signed(0, secret), nil)
	if want.Code != http.StatusUnauthorized {
		t.Fatalf("unknown integration: %d %s", want.Code, want.Body)
	}
	for name, got := range map[string]*httptest.ResponseRecorder{
		"wrong signature":   ask(path, good, signed(0, "guess"), nil),
		"no signature":      ask(path, good, nil, nil),
		"old time":          ask(path, good, signed(-6*time.Minute, secret), nil),
		"another body":      ask(path, good+" ", signed(0, secret), nil),
		"not even JSON":     ask(path, "x", signed(0, secret), nil),
		"another source":    ask(path, good, signed(0, secret), func(g *rig) { g.found.Source = "grafana" }),
		"paused, not shown": ask(path, good, nil, func(g *rig) { g.found.Paused = true }),
		"vendor's own scheme": ask(path, good, signed(0, secret), func(g *rig) {
			g.in.Pick = Only(source.Source{Name: "prometheus", Signed: true, Parse: prometheus.Parse,
				Verify: func(*source.Request, []string) error { return errors.New("no") }})
		}),
	} {
		if got.Code != want.Code || got.Body.String() != want.Body.String() || !reflect.DeepEqual(got.Header(), want.Header()) {
			t.Errorf("%s: %d %v %s\nwant %d %v %s", name, got.Code, got.Header(), got.Body, want.Code, want.Header(), want.Body)
		}
	}
}

// TestReplayIsTheSameDelivery: the same signed time and body are the same
// request; signed anew, the same body is another.
func TestReplayIsTheSameDelivery(t *testing.T) {
	g := newRig()
	g.found.Auth, g.found.Secrets = integration.HMAC, []string{secret}
	deliver := func(at time.Time) string {
		stamp := strconv.FormatInt(at.Unix(), 10)
		w := g.post(path, good, integration.SignatureHeader, integration.Sign(secret, stamp, []byte(good)), integration.TimestampHeader, stamp)
		if w.Code != 202 {
			t.Fatalf("answered %d", w.Code)
		}
		return w.Header().Get(DeliveryHeader)
	}
	first, replay, anew := deliver(received), deliver(received), deliver(received.Add(time.Second))
	if first != replay || first == anew {
		t.Errorf("deliveries %s, replayed %s, signed anew %s", first, replay, anew)
	}
}

func TestProofThatCannotBeCheckedNowAsksForARepeat(t *testing.T) {
	g := newRig()
	g.in.Pick = Only(source.Source{Name: "prometheus", Signed: true, Parse: prometheus.Parse,
		Verify: func(*source.Request, []string) error {
			return fault.Wrap(fault.Unavailable, errors.New("no route to host"), "the certificate cannot be fetched")
		}})
	w := g.post(path, good)
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "route") || len(g.sent) > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestPausedIntegrationRefuses(t *testing.T) {
	g := newRig()
	g.found.Paused = true
	if w := g.post(path, good); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "paused") || len(g.sent) > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func manyAlerts(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,{"status":"firing","labels":{"alertname":"HighLatency","instance":"web-%d"},"annotations":{"summary":"%s"},"fingerprint":"%016x"}`,
			i, strings.Repeat("s", 300), i)
	}
	return `{"version":"4","alerts":[` + b.String()[1:] + `]}`
}

func TestLargeDeliveryIsAnObjectAndAMessage(t *testing.T) {
	g := newRig()
	w := g.post(path, manyAlerts(1000), "Content-Type", "application/json")
	d := g.delivered(t)
	if w.Code != http.StatusAccepted || len(d.Items) != 1000 || len(g.objects) != 1 || len(g.sent[0].Body) > 500 {
		t.Fatalf("%d, %d items, %d objects, message %s", w.Code, len(d.Items), len(g.objects), g.sent[0].Body)
	}
	var r Receipt
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || len(r.Keys) != 1000 || r.DeliveryID != d.ID {
		t.Errorf("receipt of %d keys, %v", len(r.Keys), err)
	}
	if want := "deliveries/2026/03/01/" + d.ID + ".json.gz"; d.RawObject != want {
		t.Errorf("object %s, want %s", d.RawObject, want)
	}
	if !strings.Contains(g.wrote.String(), `"Accepted":1000`) {
		t.Errorf("metrics %s", g.wrote.String())
	}
}

func TestOnlyWhatExceedsAMessageIsAnObject(t *testing.T) {
	g := newRig()
	g.post(path, manyAlerts(300), "Content-Type", "application/json")
	if n := len(g.sent[0].Body); len(g.objects) != 0 || n > queue.MaxBody || n < queue.MaxBody/2 {
		t.Errorf("%d objects, message of %d bytes", len(g.objects), n)
	}
}

func TestFailuresOfOursAskForARepeat(t *testing.T) {
	throttled := fault.New(fault.Unavailable, "internal words: throttled")
	for _, c := range []struct {
		name, body string
		change     func(*rig)
	}{
		{"queue", good, func(g *rig) { g.sendErr = throttled }},
		{"bucket", manyAlerts(1000), func(g *rig) { g.putErr = throttled }},
		{"directory", good, func(g *rig) {
			g.findErr = fault.Wrap(fault.Unavailable, throttled, "the integration cannot be read")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newRig()
			c.change(g)
			w := g.post(path, c.body, "Content-Type", "application/json")
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "internal words") {
				t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
			}
		})
	}
}

func TestRepeatUnderTheSendersIDIsTheSameDelivery(t *testing.T) {
	g := newRig()
	ids := map[string]string{}
	for _, c := range []struct{ name, integration, body string }{
		{"first", "prod", "a"}, {"repeat", "prod", "a"}, {"other body", "prod", "b"}, {"other integration", "test", "a"},
	} {
		g.found.ID = c.integration
		d, err := g.in.deliver(g.found, source.Source{}, &source.Request{Body: []byte(c.body), At: received}, source.Parsed{SenderID: "s-1"})
		if err != nil {
			t.Fatal(err)
		}
		ids[c.name] = d.ID
	}
	if ids["first"] != ids["repeat"] || ids["first"] == ids["other body"] || ids["first"] == ids["other integration"] {
		t.Errorf("ids %v", ids)
	}
}

func TestExpiryFollowsTheClockOfDeadlines(t *testing.T) {
	g := newRig()
	g.in.Clock = func() time.Time { return received.Add(36 * time.Hour) }
	g.post(path, `[{"labels":{"a":"b"},"endsAt":"2026-03-01T09:04:00Z"}]`)
	d := g.delivered(t)
	if a := d.Items[0].Alert; a.Status != "firing" || !a.ExpiresAt.Equal(d.ReceivedAt.Add(4*time.Minute)) || !d.ReceivedAt.Equal(received.Add(36*time.Hour)) {
		t.Errorf("received %s, alert %+v", d.ReceivedAt, a)
	}
}

func TestAPushedAlertWithoutAnEndExpiresAsWithAlertmanager(t *testing.T) {
	for setting, want := range map[time.Duration]time.Duration{0: 5 * time.Minute, time.Hour: time.Hour} {
		g := newRig()
		g.found.ExpiresAfter = setting
		g.post(path, `[{"labels":{"a":"b"}}]`)
		if d := g.delivered(t); !d.Items[0].Alert.ExpiresAt.Equal(received.Add(want)) {
			t.Errorf("with %s it expires at %s", setting, d.Items[0].Alert.ExpiresAt)
		}
	}
}

func TestWhatASenderWritesBesideItsAlertsIsBounded(t *testing.T) {
	g := newRig()
	notes := make([]string, 60)
	notes[0] = strings.Repeat("é", 900)
	d, err := g.in.deliver(g.found, source.Source{}, &source.Request{At: received}, source.Parsed{SenderID: strings.Repeat("x", 900), Notes: notes})
	if err != nil || len(d.Notes) != maxNotes+1 || len(d.Notes[0]) > maxNote+len("…") || !utf8.ValidString(d.Notes[0]) || d.Notes[maxNotes] != "10 more notes were left out" || len(d.SenderID) > maxSenderID {
		t.Errorf("%d notes, the first of %d bytes, id of %d, %v", len(d.Notes), len(d.Notes[0]), len(d.SenderID), err)
	}
}

func BenchmarkTake(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g, body, at := newRig(), []byte(manyAlerts(n)), received
			g.in.Now = func() time.Time { at = at.Add(time.Second); return at } // slowly, or the limit refuses them
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := g.in.Take(b.Context(), key, &source.Request{Body: body, At: received}); err != nil {
					b.Fatal(err)
				}
				g.sent = g.sent[:0]
			}
		})
	}
}
