package tests

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/local/inbox"
	"tocsin/shared/event"
	"tocsin/shared/intake"
	"tocsin/shared/integration"
	"tocsin/shared/ledger"
	"tocsin/tests/faults"
	"tocsin/tests/harness"
)

// strained is one stack that is sent what senders, strangers and tired people
// send.
type strained struct {
	*harness.Harness
	proxy   *faults.Proxy
	secrets map[string]string // that no answer and no log may show, by what they are
}

// reply is what was answered.
type reply struct {
	status int
	header http.Header
	text   string
}

// ask sends one request. Headers come in pairs; "" takes one away.
func ask(t *testing.T, method, address string, body io.Reader, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		if req.Header.Del(headers[i]); headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// maxRefusal is how long a refusal is at most, whatever was sent.
const maxRefusal = 4 << 10

// refused fails the test unless r is a problem document with this status that
// says want and shows no secret.
func (s *strained) refused(t *testing.T, r reply, status int, want string) {
	t.Helper()
	if r.status != status || !strings.Contains(r.text, want) {
		t.Errorf("answered %d, want %d with %q\n%.1000s", r.status, status, want, r.text)
	}
	if media := r.header.Get("Content-Type"); media != "application/problem+json" {
		t.Errorf("answered as %s", media)
	}
	if len(r.text) > maxRefusal {
		t.Errorf("answered %d bytes", len(r.text))
	}
	s.discreet(t, r.text)
}

func (s *strained) discreet(t *testing.T, text string) {
	t.Helper()
	for name, secret := range s.secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%s is shown", name)
		}
	}
}

// TestFlowBadInput sends to every door of one stack what cannot be understood,
// what is not allowed and what is absurd. Each is answered clearly; nobody is
// paged for what was refused; an alert that can be understood is never lost;
// and after all of it an alert still pages.
func TestFlowBadInput(t *testing.T) {
	h, p := faulty(t)
	s := &strained{h, p, map[string]string{"the key": path.Base(h.Webhook()), "the token": h.Token()}}
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"deliveries refused", s.deliveriesRefused},
		{"signatures", s.signatures},
		{"alerts taken", s.alertsTaken},
		{"neighbours", s.neighbours},
		{"links", s.links},
		{"operations", s.operations},
		{"configuration files", s.configurationFiles},
	} {
		if !t.Run(part.name, part.run) {
			return
		}
	}
	s.endsWell(t)
}

// hook is a webhook around alerts given as JSON, of a group of its own.
func hook(group string, alerts ...string) string {
	return fmt.Sprintf(`{"version":"4","groupKey":%q,"status":"firing","alerts":[%s]}`, group, strings.Join(alerts, ","))
}

// fires is a critical alert given as JSON, with more fields, which win.
func fires(name, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"status":"firing","labels":{"alertname":%q,"severity":"critical"},"startsAt":"2026-01-01T00:00:00Z","fingerprint":%q%s}`, name, name, more)
}

func nested(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func (s *strained) deliveriesRefused(t *testing.T) {
	good := hook("refused", fires("Refused", ""))
	door := strings.TrimSuffix(s.Webhook(), path.Base(s.Webhook()))
	otherKey := door + integration.NewKey()
	for _, c := range []struct {
		name, body string
		status     int
		want       string
		headers    []string
	}{
		{"empty", "", 400, "the body is empty", nil},
		{"white space", " \r\n\t", 400, "the body is empty", nil},
		{"2 MiB", `{"x":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "larger than 1048576 bytes", nil},
		{"cut short", `{"alerts":[`, 400, "it ends early, at byte", nil},
		{"goes on", good + "!", 400, "not valid JSON at byte", nil},
		{"bytes that are no text", "\xff\xfe\x00", 400, "not valid JSON at byte 1", nil},
		{"NUL bytes", "\x00\x00\x00", 400, "not valid JSON at byte 1", nil},
		{"control characters", "{\"alerts\":[{\"status\":\"fi\x01ring\"}]}", 400, "not valid JSON at byte 25", nil},
		{"200 levels", nested(200), 400, "deeper than 64 levels at byte 64", nil},
		{"200 levels in a field", hook("x", fires("Refused", `"x":`+nested(200))), 400, "deeper than 64 levels", nil},
		{"null", "null", 400, "neither an Alertmanager webhook", nil},
		{"text", `"DiskFull"`, 400, "neither an Alertmanager webhook (an object) nor a list of alerts (an array)", nil},
		{"no alerts", `{}`, 422, `"field":"alerts","detail":"missing; expected an array"`, nil},
		{"alerts of another type", `{"version":"4","alerts":{}}`, 422, `"field":"alerts","detail":"is an object, expected an array"`, nil},
		{"no status", `{"version":"4","alerts":[{"labels":{"a":"b"}}]}`, 422, `"field":"alerts[0]","detail":"status: missing; expected firing or resolved"`, nil},
		{"unknown status", hook("x", `{"status":"on fire","labels":{"a":"b"}}`), 422, `status: is \"on fire\", expected firing or resolved`, nil},
		{"status of 900 KB", hook("x", `{"status":"`+strings.Repeat("x", 900<<10)+`","labels":{"a":"b"}}`), 422, "expected firing or resolved", nil},
		{"no identity", hook("x", `{"status":"firing"}`), 422, "labels: missing; an alert needs labels or a fingerprint", nil},
		{"no alert in it", hook("x", "1", `"x"`, "null", "[]"), 422, `"field":"alerts[3]","detail":"is an array, expected an object"`, nil},
		{"10,001 alerts", "[" + strings.Repeat("{},", 10_000) + "{}]", 400, "10001 alerts, more than 10000; send them in parts", nil},
		{"form", url.Values{"payload": {good}}.Encode(), 415, "not application/json", []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"form of several parts", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--", 415, `found \"multipart/form-data\"`, []string{"Content-Type", "multipart/form-data; boundary=b"}},
		{"plain text", "the disk is full", 415, `not application/json: found \"text/plain\"`, []string{"Content-Type", "text/plain"}},
		{"another character set", "\x83\x65", 415, `the character set is \"shift_jis\", expected UTF-8`, []string{"Content-Type", "application/octet-stream; charset=Shift_JIS"}},
		{"brotli", good, 415, `the content encoding is \"br\", expected gzip, deflate or identity`, []string{"Content-Encoding", "br"}},
		{"gzip that is called JSON, which a gateway takes for a text", packed(t, good), 400, "bytes of the body were lost on the way", []string{"Content-Encoding", "gzip"}},
		{"gzip of 20 MiB", packed(t, strings.Repeat(" ", 20<<20)), 413, "larger than 1048576 bytes", []string{"Content-Encoding", "gzip", "Content-Type", "application/octet-stream"}},
		{"gzip that does not say so", packed(t, good), 400, "not valid JSON at byte 1", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.refused(t, ask(t, "POST", s.Webhook(), strings.NewReader(c.body), c.headers...), c.status, c.want)
		})
	}
	for name, c := range map[string]struct{ address, body string }{
		"wrong key":                 {otherKey, good},
		"wrong key, and no JSON":    {otherKey, "{"},
		"no key at all":             {door + "x", good},
		"key of 4,000 bytes":        {s.Webhook() + strings.Repeat("x", 4000), good},
		"key with a NUL":            {s.Webhook() + "%00", good},
		"wrong key of a Prometheus": {otherKey + "/api/v2/alerts", "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			s.refused(t, ask(t, "POST", c.address, strings.NewReader(c.body)), 401, "unknown integration, or wrong key or signature")
		})
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE"} {
		if r := ask(t, method, s.Webhook(), nil); r.status/100 != 4 {
			t.Errorf("%s answered %d", method, r.status)
		}
	}
	s.Receives()
	if n := s.deliveries(t); n != 0 {
		t.Errorf("%d deliveries are in the ledger", n)
	}
}

// deliveries returns how many that were accepted the ledger lists.
func (s *strained) deliveries(t *testing.T) int {
	t.Helper()
	var list struct{ Items []struct{ Refused int } }
	if status := s.API("GET", "/deliveries?limit=100", nil, &list); status != 200 {
		t.Fatalf("deliveries answered %d", status)
	}
	accepted := 0
	for _, d := range list.Items {
		if d.Refused == 0 {
			accepted++
		}
	}
	return accepted
}

// signatures tries integrations whose senders must prove who they are. All
// refusals are alike.
func (s *strained) signatures(t *testing.T) {
	body := hook("signed", fires("Signed", ""))
	bearer, basic, signed := s.integrate(t, "bearer"), s.integrate(t, "basic"), s.integrate(t, "hmac-sha256")
	stamp := func(ago time.Duration) string { return strconv.FormatInt(time.Now().Add(-ago).Unix(), 10) }
	sign := func(secret, at, text string) []string {
		return []string{integration.SignatureHeader, integration.Sign(secret, at, []byte(text)), integration.TimestampHeader, at}
	}
	basicly := func(plain string) []string {
		return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(plain))}
	}
	now, old, ahead := stamp(0), stamp(10*time.Minute), stamp(-10*time.Minute)
	deliveries := map[string]bool{}
	flipped := sign(signed.Secret, now, body)
	last := len(flipped[1]) - 1
	flipped[1] = flipped[1][:last] + string("10"[min(1, int(flipped[1][last]-'0'))])
	for _, c := range []struct {
		name    string
		to      connection
		body    string
		headers []string
		ok      bool
	}{
		{"no bearer", bearer, body, nil, false},
		{"wrong bearer", bearer, body, []string{"Authorization", "Bearer " + basic.Secret}, false},
		{"no bearer, and no JSON", bearer, "{", nil, false},
		{"bearer", bearer, body, []string{"Authorization", "Bearer " + bearer.Secret}, true},
		{"no basic", basic, body, nil, false},
		{"wrong basic", basic, body, basicly("tocsin:wrong"), false},
		{"basic", basic, body, basicly(basic.Secret), true},
		{"no signature", signed, body, nil, false},
		{"signed by another", signed, body, sign(bearer.Secret, now, body), false},
		{"another body was signed", signed, body + " ", sign(signed.Secret, now, body), false},
		{"one digit is wrong", signed, body, flipped, false},
		{"too old", signed, body, sign(signed.Secret, old, body), false},
		{"too far ahead", signed, body, sign(signed.Secret, ahead, body), false},
		{"time is no number", signed, body, sign(signed.Secret, "today", body), false},
		{"signed", signed, body, sign(signed.Secret, now, body), true},
		{"replayed", signed, body, sign(signed.Secret, now, body), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ask(t, "POST", s.Addresses.Front+c.to.path(t), strings.NewReader(c.body), c.headers...)
			if c.ok && r.status == http.StatusAccepted {
				if id := r.header.Get(intake.DeliveryHeader); deliveries[id] != (c.name == "replayed") {
					t.Errorf("delivery %q is one of those before: %t", id, deliveries[id])
				} else {
					deliveries[id] = true
				}
				return
			}
			s.refused(t, r, 401, "unknown integration, or wrong key or signature")
			if c.ok {
				t.Error("refused")
			}
		})
	}
	s.Receives("alice", "alice", "alice") // one for each integration, none for the replay
}

// connection is an integration as it was shown once.
type connection struct{ URL, Key, Secret string }

func (c connection) path(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

func (s *strained) integrate(t *testing.T, auth string) connection {
	t.Helper()
	var c connection
	if status := s.API("POST", "/integrations", map[string]any{"id": auth, "name": auth, "source": "prometheus", "auth": auth}, &c); status != 201 {
		t.Fatalf("creating an integration answered %d", status)
	}
	s.secrets["the key of "+auth], s.secrets["the secret of "+auth] = c.Key, c.Secret
	return c
}

// alertsTaken sends alerts that are odd and can be understood: each pages.
func (s *strained) alertsTaken(t *testing.T) {
	many := map[string]string{"alertname": "ManyLabels", "severity": "critical"}
	for i := range 20_000 {
		many[fmt.Sprint("l", i)] = "v"
	}
	labels, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 900<<10)
	named := func(name, more string) string {
		return fmt.Sprintf(`{"alertname":%q,"severity":"critical",%s}`, name, more)
	}
	cases := []struct {
		name, body string
		want       string // in the subject
		headers    []string
	}{
		{"invalid UTF-8", hook("utf8", fires("Utf8", `"annotations":{"summary":"caf`+"\xe9"+` down"}`)), "caf\ufffd down", nil},
		{"control characters and a line break", hook("control", fires("Control", `"annotations":{"summary":"a\u0000b\u001b\r\nBcc: eve@example.com\u202e"}`)), "a b Bcc: eve@example.com", nil},
		{"title of 1 MB", hook("title", fires("Title", `"annotations":{"summary":"`+strings.Repeat("T", 1_000_000)+`"}`)), strings.Repeat("T", 100), nil},
		{"label of 900 KB", hook("label", fires("LongLabel", `"labels":`+named("LongLabel", `"l":"`+big+`"`))), "LongLabel", nil},
		{"name of a label of 900 KB", hook("name", fires("LongName", `"labels":`+named("LongName", `"`+big+`":"l"`))), "LongName", nil},
		{"20,000 labels", hook("many", fires("ManyLabels", `"labels":`+string(labels))), "ManyLabels", nil},
		{"fingerprint of 900 KB", hook("fingerprint", fires("LongPrint", `"fingerprint":"`+big+`"`)), "LongPrint", nil},
		{"group of 900 KB", hook(big, fires("LongGroup", "")), "LongGroup", nil},
		{"fields that stand twice", hook("twice", fires("Twice", `"status":"firing"`)), "Twice", nil},
		{"labels that are no texts", hook("types", fires("Types", `"labels":`+named("Types", `"code":500,"ok":true,"none":null,"more":{"a":[1]}`))), "Types", nil},
		{"annotations that are a text", hook("annotations", fires("Annotations", `"annotations":"it burns"`)), "Annotations", nil},
		{"fields that nobody knows", hook("unknown", fires("Unknown", `"x":`+nested(50))), "Unknown", nil},
		{"year 0", hook("year-0", fires("Year0", `"startsAt":"0000-00-00T00:00:00Z","endsAt":"0000-00-00T00:00:00Z"`)), "Year0", nil},
		{"year 9999", hook("year-9999", fires("Year9999", `"startsAt":"9999-12-31T23:59:59Z","endsAt":"9999-12-31T23:59:59Z"`)), "Year9999", nil},
		{"a century ahead", hook("ahead", fires("Ahead", `"startsAt":"2126-01-01T00:00:00Z"`)), "Ahead", nil},
		{"before the year 1", hook("before", fires("Before", `"startsAt":"-0001-01-01T00:00:00Z"`)), "Before", nil},
		{"time that is a number", hook("number", fires("Number", `"startsAt":-1`)), "Number", nil},
		{"markup and addresses that run", hook("markup", fires("Markup", `"annotations":{"summary":"<script>alert(1)</script>","runbook_url":"javascript:alert(2)"},"generatorURL":"data:text/html,x"`)), "<script>alert(1)</script>", nil},
		{"nothing to read", hook("blank", `{"status":"firing","labels":{"severity":"critical","x":"\u200b"},"fingerprint":"blank"}`), "fingerprint:blank", nil},
		{"half of a character", hook("half", fires("Half", `"annotations":{"summary":"half \ud83d"}`)), "half \ufffd", nil},
		{"byte order mark", "\ufeff" + hook("mark", fires("Mark", "")), "Mark", nil},
		{"no media type", hook("media", fires("Media", "")), "Media", []string{"Content-Type", ""}},
		{"header of 8 KB", hook("header", fires("Header", "")), "Header", []string{"X-Large", strings.Repeat("x", 8000)}},
	}
	opened := map[string]string{} // name of the case, by event
	for _, c := range cases {
		opened[s.taken(t, c.name, ask(t, "POST", s.Webhook(), strings.NewReader(c.body), c.headers...))] = c.name
	}
	chunked := io.MultiReader(strings.NewReader(hook("chunked", fires("Chunked", "")))) // of unknown length
	opened[s.taken(t, "in chunks", ask(t, "POST", s.Webhook(), chunked))] = "in chunks"
	array := `[{"labels":{"alertname":"Array","severity":"critical"},"endsAt":"2126-01-01T00:00:00Z"}]`
	opened[s.taken(t, "from Prometheus itself", ask(t, "POST", s.Webhook()+"/api/v2/alerts", strings.NewReader(array)))] = "from Prometheus itself"

	pages := map[string]inbox.Message{}
	for _, m := range s.New() {
		pages[opened[harness.EventOf(m)]] = m
	}
	if len(pages) != len(cases)+2 {
		t.Errorf("%d of %d alerts paged: %q", len(pages), len(cases)+2, slices.Sorted(maps.Keys(pages)))
	}
	for _, c := range cases {
		m := pages[c.name]
		if !strings.HasPrefix(m.Subject, "[P1] ") || !strings.Contains(m.Subject, c.want) || harness.Reader(m) != "alice" {
			t.Errorf("%s: paged with %.200q, want %q", c.name, m.Subject, c.want)
		}
		s.harmless(t, c.name, m)
	}
	if status := s.API("GET", "/events?limit=100", nil, nil); status != 200 {
		t.Errorf("the list of events answered %d", status)
	}
}

// taken returns the event that an accepted alert opened.
func (s *strained) taken(t *testing.T, name string, r reply) string {
	t.Helper()
	var receipt harness.Receipt
	if err := json.Unmarshal([]byte(r.text), &receipt); r.status != http.StatusAccepted && r.status != http.StatusOK || err != nil {
		t.Fatalf("%s: answered %d %.500s", name, r.status, r.text)
	}
	all := s.Dispositions(receipt)
	if len(all) != 1 || all[0].Kind != ledger.Opened {
		t.Fatalf("%s: disposed as %+v", name, all)
	}
	return all[0].Event
}

// harmless fails the test when a message is too long for its reader, has a
// header that a sender wrote, or runs something.
func (s *strained) harmless(t *testing.T, name string, m inbox.Message) {
	t.Helper()
	if len(m.Subject) > 600 || len(m.Text) > 16<<10 || strings.ContainsAny(m.Subject, "\r\n") || m.Headers["Bcc"] != "" || len(m.To) != 1 {
		t.Errorf("%s: subject of %d bytes %.80q, text of %d bytes, to %v", name, len(m.Subject), m.Subject, len(m.Text), m.To)
	}
	for _, runs := range []string{"<script", "javascript:", "data:text"} {
		if strings.Contains(m.HTML, runs) {
			t.Errorf("%s: the mail holds %s", name, runs)
		}
	}
}

// neighbours sends good alerts among bad ones: the good ones are kept, and the
// bad ones are named to the sender and in the ledger.
func (s *strained) neighbours(t *testing.T) {
	body := hook("neighbours", fires("Good1", ""), `{"status":"on fire","labels":{"a":"b"}}`, "5", fires("Good2", ""),
		fires("Listed", `"labels":["a"]`), `{}`, "null", fires("Good3", `"annotations":7`))
	r := ask(t, "POST", s.Webhook(), strings.NewReader(body))
	var receipt struct {
		harness.Receipt
		Rejected []struct {
			Position int
			Reason   string
		}
	}
	if err := json.Unmarshal([]byte(r.text), &receipt); err != nil || r.status != http.StatusAccepted {
		t.Fatalf("answered %d %s", r.status, r.text)
	}
	want := []ledger.Kind{ledger.Opened, ledger.Rejected, ledger.Rejected, ledger.Joined, ledger.Rejected, ledger.Rejected, ledger.Rejected, ledger.Joined}
	var got []ledger.Kind
	reasons := map[int]string{}
	for _, d := range s.Dispositions(receipt.Receipt) {
		got = append(got, d.Kind)
		reasons[d.Position] = strings.Join(d.Why, " ")
	}
	if !slices.Equal(got, want) {
		t.Errorf("disposed as %v, want %v", got, want)
	}
	if len(receipt.Keys) != 3 || len(receipt.Rejected) != 5 {
		t.Errorf("answered %s", r.text)
	}
	for _, x := range receipt.Rejected {
		if !strings.Contains(x.Reason, "expected") && !strings.Contains(x.Reason, "needs") || reasons[x.Position] != x.Reason {
			t.Errorf("position %d: rejected because %q, in the ledger %q", x.Position, x.Reason, reasons[x.Position])
		}
	}
	s.Receives("alice")
}

var requestID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// links tries what a stranger, a scanner or a broken mail program makes of a
// link. What was not signed is answered alike, before anything is read.
func (s *strained) links(t *testing.T) {
	id := s.Disposed(s.Send(harness.Alert{Name: "Linked", Instance: "db-1"}), ledger.Opened)
	page := s.Receives("alice")[0]
	link := harness.Link(t, page)
	before := link[:len(link)-len(path.Base(link))]
	s.secrets["the link"] = path.Base(link)
	s.tampered(t, before, path.Base(link))

	view := page.Links[slices.IndexFunc(page.Links, func(l string) bool { return l != link && strings.Contains(l, "/a/") })]
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	elsewhere := func(site string) []string { return append([]string{"Sec-Fetch-Site", site}, form...) }
	for _, c := range []struct {
		name, method, link, body string
		status                   int
		want                     string
		headers                  []string
	}{
		{"no form", "POST", link, "", 400, "That was not understood", form},
		{"no action", "POST", link, "for=1h", 400, "That was not understood", form},
		{"unknown action", "POST", link, "action=launch", 400, "That was not understood", form},
		{"action in the query", "POST", link + "?action=resolve", "", 400, "That was not understood", form},
		{"JSON", "POST", link, `{"action":"resolve"}`, 400, "That was not understood", nil},
		{"form that is none", "POST", link, "action=%zz", 400, "That was not understood", form},
		{"parts without an end", "POST", link, "--x", 400, "That was not understood", []string{"Content-Type", "multipart/form-data; boundary=y"}},
		{"snooze until never", "POST", link, "action=snooze&for=99y", 400, "That was not understood", form},
		{"form of 1 MB", "POST", link, "action=note&note=" + strings.Repeat("x", 1<<20), 413, "That is too much text", form},
		{"note that is too long", "POST", link, "action=note&note=" + strings.Repeat("x", 5000), 422, "2500", form},
		{"note with a NUL", "POST", link, "action=note&note=a%00b", 422, "name=\"note\"", form},
		{"from another site", "POST", link, "action=resolve", 403, "That came from another site", elsewhere("cross-site")},
		{"from a neighbour's site", "POST", link, "action=resolve", 403, "That came from another site", elsewhere("same-site")},
		{"link that only shows", "POST", view, "action=resolve", 403, "This link does not allow that", form},
		{"answer made up", "GET", link + "?did=%3Cscript%3E&refused=1&holder=%3Cscript%3E", "", 200, "Linked on db-1", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ask(t, c.method, c.link, strings.NewReader(c.body), c.headers...)
			if r.status != c.status || !strings.Contains(r.text, c.want) || strings.Contains(r.text, "<script") {
				t.Errorf("answered %d, want %d with %q\n%s", r.status, c.status, c.want, r.text)
			}
			guardedPage(t, r)
		})
	}
	s.Settled().In(id, event.Triggered)
	s.onOtherHost(t, link)
	s.expired(t, link, id)
}

// guardedPage fails the test unless a page may neither be kept nor framed.
func guardedPage(t *testing.T, r reply) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex, nofollow",
	} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if !strings.HasPrefix(r.header.Get("Content-Security-Policy"), "default-src 'none';") {
		t.Error("the page has no policy")
	}
}

// tampered flips each byte of a token, and sends what is no token: all see the
// same page, and no table is read.
func (s *strained) tampered(t *testing.T, before, token string) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	forged := []string{"x", token[:len(token)-1], token + "A", token + "%0A", token + "==", strings.Repeat("A", 64), strings.Repeat("x", 5000), "%00%ff", "%22%3E%3Cimg%3E"}
	for i := range raw {
		changed := slices.Clone(raw)
		changed[i] ^= 1 << (i % 8)
		forged = append(forged, base64.RawURLEncoding.EncodeToString(changed))
	}
	pages := map[string]string{}
	see := func(method, token string) {
		r := ask(t, method, before+token, strings.NewReader("action=resolve"), "Content-Type", "application/x-www-form-urlencoded")
		if r.status != http.StatusNotFound || !strings.Contains(r.text, "This link is not valid") {
			t.Errorf("%s of %.80s answered %d", method, token, r.status)
		}
		guardedPage(t, r)
		page := requestID.ReplaceAllString(r.text, "")
		if plain, err := url.PathUnescape(token); err == nil && len(token) > 20 {
			page = strings.ReplaceAll(strings.ReplaceAll(page, token, ""), plain, "")
		}
		pages[page] = method + " of " + token
	}
	calls := s.proxy.Record(func() {
		for _, token := range forged {
			see("GET", token)
			see("POST", token)
		}
	})
	if len(pages) != 1 {
		t.Errorf("%d different pages: %.100q", len(pages), slices.Collect(maps.Values(pages)))
	}
	for _, c := range calls {
		if c.Changes() || slices.Contains([]string{"GetItem", "BatchGetItem", "Query", "Scan"}, c.Operation) {
			t.Errorf("a forged link led to %s %.200s", c.Operation, c.Body)
		}
	}
}

// onOtherHost follows a link under another name of the host: it works, and the
// page holds nothing of that name.
func (s *strained) onOtherHost(t *testing.T, link string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "elsewhere.example"
	req.Header.Set("X-Forwarded-Host", "elsewhere.example")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || strings.Contains(string(text), "elsewhere") {
		t.Errorf("under another host: answered %d, %v\n%s", resp.StatusCode, err, text)
	}
}

// expired ends everything that is open and lets the link grow old: first it
// does not act any more, then it does not show.
func (s *strained) expired(t *testing.T, link, id string) {
	t.Helper()
	s.endAll(t)
	s.New()
	for _, c := range []struct {
		after  time.Duration
		status int
		want   string
	}{
		{2 * 24 * time.Hour, http.StatusOK, "too old to act"},
		{7 * 24 * time.Hour, http.StatusGone, "This link has expired"},
	} {
		s.Pass(c.after)
		r := ask(t, "GET", link, nil)
		if r.status != c.status || !strings.Contains(r.text, c.want) {
			t.Errorf("after %s: answered %d\n%s", c.after, r.status, r.text)
		}
		s.Act(link, "reopen")
	}
	s.In(id, event.Closed)
}

// endAll resolves and closes every event that is open.
func (s *strained) endAll(t *testing.T) {
	t.Helper()
	var list struct{ Items []struct{ ID string } }
	if status := s.API("GET", "/events?limit=100", nil, &list); status != 200 || len(list.Items) == 0 {
		t.Fatalf("events answered %d", status)
	}
	for _, e := range list.Items {
		resolved := s.API("POST", "/events/"+e.ID+"/resolve", nil, nil)
		closed := s.API("POST", "/events/"+e.ID+"/close", map[string]string{"cause_class": "unknown", "cause": "a test", "solution": "none"}, nil)
		if resolved != 200 || closed != 200 {
			t.Fatalf("ending %s answered %d and %d", e.ID, resolved, closed)
		}
	}
	s.Settled()
}

// operations calls the API as programs in development do.
func (s *strained) operations(t *testing.T) {
	token := "Bearer " + s.Token()
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		want                     string
		headers                  []string
	}{
		{"no token", "GET", "/events", "", 401, "send a token: Authorization: Bearer tt_...", []string{"Authorization", ""}},
		{"wrong token", "GET", "/events", "", 401, "the token is unknown, revoked or expired", []string{"Authorization", token[:len(token)-1]}},
		{"token of 9,000 bytes", "GET", "/events", "", 401, "the token is unknown, revoked or expired", []string{"Authorization", "Bearer " + strings.Repeat("x", 9000)}},
		{"token in the address", "GET", "/events?token=" + s.Token(), "", 401, "send a token", []string{"Authorization", ""}},
		{"unknown path", "GET", "/alarms", "", 404, "there is nothing at this path", nil},
		{"wrong method", "DELETE", "/events", "", 405, "the method is not one of GET, HEAD, POST", nil},
		{"unknown event", "GET", "/events/E-999999", "", 404, "event E-999999 does not exist", nil},
		{"no event's id", "GET", "/events/xyz", "", 422, `event id \"xyz\" is not of the form E-4821`, nil},
		{"id of 5,000 digits", "GET", "/events/E-" + strings.Repeat("9", 5000), "", 422, "expected at most 24", nil},
		{"bad cursor", "GET", "/events?cursor=zzz", "", 422, `"field":"cursor","detail":"expected the next_cursor of a page of the same list"`, nil},
		{"negative limit", "GET", "/events?limit=-1", "", 422, "is -1, expected at least 1", nil},
		{"unknown parameter", "GET", "/events?openn=true", "", 422, `"field":"openn","detail":"unknown parameter; expected one of`, nil},
		{"parameter given twice", "GET", "/events?limit=1&limit=2", "", 422, "given 2 times, expected once", nil},
		{"unknown field", "POST", "/events", `{"title":"x","servce":"shop"}`, 422, `"field":"servce","detail":"unknown field; expected one of`, nil},
		{"wrong types, all of them", "POST", "/events", `{"title":5,"service":["shop"],"priority":"P9"}`, 422, `"field":"title","detail":"is a number, expected a string"`, nil},
		{"field that stands twice", "POST", "/events", `{"title":"x","priority":"P1","priority":"P4"}`, 422, `"field":"priority","detail":"stands there twice"`, nil},
		{"missing field", "POST", "/events", `{}`, 422, `"field":"title","detail":"missing"`, nil},
		{"a list", "POST", "/events", `[]`, 400, "the body is a list, expected a JSON object", nil},
		{"cut short", "POST", "/events", `{"title":`, 400, "it ends early", nil},
		{"200 levels", "POST", "/events", `{"title":` + nested(200) + `}`, 400, "deeper than 64 levels", nil},
		{"300 KB", "POST", "/events", `{"title":"` + strings.Repeat("x", 300<<10) + `"}`, 413, "larger than 262144 bytes", nil},
		{"form", "POST", "/events", "title=x", 415, "Content-Type: application/json", []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"gzip", "POST", "/events", packed(t, `{"title":"x"}`), 415, "without Content-Encoding", []string{"Content-Encoding", "gzip"}},
		{"service of nobody", "POST", "/events", `{"title":"x","service":"nobody"}`, 422, `there is no service \"nobody\"`, nil},
		{"no configuration at all", "PUT", "/config", `{"documents":[],"expected_version":1}`, 422, `"field":"documents","detail":"is 0 items, expected at least 1"`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			headers := append([]string{"Authorization", token}, c.headers...)
			s.refused(t, ask(t, c.method, s.Addresses.Front+"/v1"+c.path, strings.NewReader(c.body), headers...), c.status, c.want)
		})
	}
	s.Receives()
	s.onceOnly(t, token)
}

// onceOnly uses an idempotency key again: the same request has the same
// answer, another one is refused.
func (s *strained) onceOnly(t *testing.T, token string) {
	t.Helper()
	send := func(title string) reply {
		return ask(t, "POST", s.Addresses.Front+"/v1/events", strings.NewReader(`{"title":"`+title+`"}`), "Authorization", token, "Idempotency-Key", "k-1")
	}
	first, again := send("Once"), send("Once")
	if first.status != 201 || again.status != 201 || first.text != again.text {
		t.Errorf("answered %d %s, then %d %s", first.status, first.text, again.status, again.text)
	}
	s.refused(t, send("Twice"), 422, `"field":"Idempotency-Key","detail":"was used within 24 hours for a request that differs from this one"`)
	s.Receives("alice")
}

// configurationFiles gives the command line files that it must not publish.
func (s *strained) configurationFiles(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "tocsin")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/tocsin")
	if build.Dir = harness.Root(t); build.Run() != nil {
		t.Fatal("tocsin does not build")
	}
	const member = "kind: member\nname: ann\n"
	for _, c := range []struct {
		name, text string
		want       []string // "2: ..." begins after the file's name
	}{
		{"unknown field", member + "spec:\n  langauge: en\n", []string{"4: spec.langauge: unknown field; known are display_name, language, time_zone"}},
		{"unknown field beside the spec", member + "sepc: {}\n", []string{"3: sepc: unknown field; known are kind, name, spec"}},
		{"alias", member + "spec: &a {language: en}\n---\nkind: member\nname: bob\nspec: *a\n", []string{"3: spec: found an anchor", "7: spec: found an alias"}},
		{"key that stands twice", member + "spec:\n  language: en\n  language: zh\n", []string{"5: spec.language: stands there twice"}},
		{"document that stands twice", member + "---\n" + member, []string{"5: name: member ann stands there twice"}},
		{"reference to nobody", "kind: team\nname: ops\nspec:\n  members: [ghost]\n", []string{`4: spec.members[0]: there is no member "ghost"`}},
		{"plan that reaches nobody", "kind: plan\nname: p\nspec:\n  steps:\n    - targets: [{team: nowhere}]\n  last_resort: [{member: ghost}]\n", []string{
			"4: spec.steps: no step reaches anybody", `5: spec.steps[0].targets[0].team: there is no team "nowhere"`, "6: spec.last_resort: the last resort reaches nobody"}},
		{"plan without steps", "kind: plan\nname: p\n", []string{"1: spec.steps: found 0 steps, expected 1 to 50", "1: spec.last_resort: found 0 targets"}},
		{"tab", member + "spec:\n\tlanguage: en\n", []string{"4: no valid YAML: the line is indented by a tab, expected spaces"}},
		{"bytes that are no text", member + "spec: {display_name: \"caf\xe9\"}\n", []string{"3: the text is not UTF-8"}},
		{"tag", member + "spec: !!binary x\n", []string{"3: spec: found a tag"}},
		{"200 levels", member + "spec: " + nested(200) + "\n", []string{"3: nested deeper than 64"}},
		{"no document", "[1, 2]\n", []string{"1: found sequence, expected a map with kind, name and spec"}},
		{"10 MB", strings.Repeat("#", 10_000_000), []string{"1: the file has 10000000 bytes, expected at most 8388608"}},
		{"empty", "", []string{"; as the whole configuration that would remove everything"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "c.yaml")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			code, printed := s.tocsin(t, program, "apply", file)
			if code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			for _, want := range c.want {
				if !strings.Contains(printed, file+":"+want) && !strings.Contains(printed, file+want) {
					t.Errorf("printed\n%s\nwant %s", printed, want)
				}
			}
			s.discreet(t, printed)
		})
	}
	for _, c := range []struct {
		code int
		args []string
	}{
		{1, []string{"events", "get", "xyz"}},
		{2, []string{"events", "report"}},
		{2, []string{"frobnicate"}},
		{2, []string{"apply", filepath.Join(dir, "absent.yaml")}},
		{3, []string{"events", "get", "E-999999"}},
		{4, []string{"rollback", "1"}},
	} {
		if code, printed := s.tocsin(t, program, c.args...); code != c.code {
			t.Errorf("tocsin %v: exit code %d, want %d\n%s", c.args, code, c.code, printed)
		}
	}
	var now struct{ Version int }
	if s.API("GET", "/config", nil, &now); now.Version != 1 {
		t.Errorf("version %d is in force", now.Version)
	}
}

// tocsin runs the command line against the stack.
func (s *strained) tocsin(t *testing.T, program string, args ...string) (code int, printed string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, args...)
	c.Env = append(os.Environ(), "TOCSIN_URL="+s.Addresses.Front, "TOCSIN_TOKEN="+s.Token(), "XDG_CONFIG_HOME="+t.TempDir())
	text, err := c.CombinedOutput()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(text)
}

// endsWell looks that nothing was harmed: no message lies dead, no function
// failed, no secret is in a log, and an alert still pages.
func (s *strained) endsWell(t *testing.T) {
	t.Helper()
	id := s.Disposed(s.Send(harness.Alert{Name: "AfterAll", Instance: "db-1"}), ledger.Opened)
	if page := s.Receives("alice")[0]; harness.EventOf(page) != id {
		t.Errorf("paged with %q, want %s", page.Subject, id)
	}
	for _, queue := range []string{"AlertsDeadLetterQueue", "MessagesDeadLetterQueue", "SweepsDeadLetterQueue"} {
		if n := s.Waiting(queue); n != 0 {
			t.Errorf("%d messages in %s", n, queue)
		}
	}
	log := s.FunctionLog()
	for line := range strings.Lines(log) {
		if strings.Contains(line, `"level":"ERROR"`) {
			t.Errorf("a function failed: %.1000s", line)
		}
	}
	s.discreet(t, log)
}
