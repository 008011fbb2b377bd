package intake

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/defaults"
	"tocsin/shared/fault"
	"tocsin/shared/integration"
	"tocsin/shared/source"
	"tocsin/shared/source/email"
	"tocsin/shared/source/gcp"
	"tocsin/shared/source/prometheus"
	"tocsin/shared/source/redact"
)

func TestLimitRefusesWithTheStatusOnWhichTheSenderRepeats(t *testing.T) {
	for _, c := range []struct {
		source source.Source
		status int
	}{
		{prometheus.Source, 503},
		{source.Source{Name: "other", Parse: prometheus.Parse}, 429},
		{source.Source{Name: "other", Parse: prometheus.Parse, RetryStatus: 500}, 500},
	} {
		g := newRig()
		now := received
		g.in.Now = func() time.Time { return now }
		g.found.Limit = 3
		g.in.Pick = func(context.Context, integration.Integration) (source.Source, bool) { return c.source, true }
		var codes []int
		for _, pause := range []time.Duration{0, 0, 0, 0, 19 * time.Second, time.Second, 0} {
			now = now.Add(pause)
			w := g.post(path, good)
			if codes = append(codes, w.Code); w.Code != 202 && w.Header().Get("Retry-After") == "" {
				t.Errorf("%d without Retry-After", w.Code)
			}
		}
		for i, want := range []int{202, 202, 202, c.status, c.status, 202, c.status} {
			if codes[i] != want {
				t.Errorf("%s: answered %v; at %d want %d", c.source.Name, codes, i, want)
			}
		}
		if !strings.Contains(g.wrote.String(), `"outcome":"limited"`) || len(g.sent) != 4 {
			t.Errorf("%d sent; wrote %s", len(g.sent), g.wrote.String())
		}
	}
}

func TestLimitIsCountedForEachIntegrationAfterItsProof(t *testing.T) {
	g := newRig()
	g.found.Limit, g.found.Auth, g.found.Secrets = 1, integration.Bearer, []string{secret}
	for range 3 {
		if w := g.post(path, good, "Authorization", "Bearer wrong"); w.Code != 401 {
			t.Fatalf("answered %d", w.Code)
		}
	}
	if w := g.post(path, good, "Authorization", "Bearer "+secret); w.Code != 202 {
		t.Errorf("answered %d: strangers used up the limit", w.Code)
	}
	g.found.ID = "another"
	if w := g.post(path, good, "Authorization", "Bearer "+secret); w.Code != 202 {
		t.Errorf("answered %d: another integration used up the limit", w.Code)
	}
}

func TestWhatIsRedactedIsNowhere(t *testing.T) {
	const hush = "hunter2-hunter2"
	g := newRig()
	var err error
	if g.found.Redact, err = redact.Compile([]string{"password"}, []string{`hunter2-\w+`}); err != nil {
		t.Fatal(err)
	}
	g.in.Pick = Only(source.Source{Name: "prometheus", Parse: prometheus.Parse, Headers: []string{"X-Context"}})
	body := `{"version":"4","alerts":[{"status":"` + hush + `"},{"status":"firing","labels":{"alertname":"A ` + hush + `","password":"` + hush + `"},"fingerprint":"` + hush + `"}]}`
	w := g.post(path+"?q="+hush, body, "X-Context", "of "+hush)
	if w.Code != 202 {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	d := g.delivered(t)
	raw, err := d.Body()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(d.Items)
	if err != nil {
		t.Fatal(err)
	}
	if all := w.Body.String() + g.wrote.String() + g.sent[0].Body + string(raw) + string(text); strings.Contains(all, hush) {
		t.Errorf("it shows in %s", all)
	}
	if a := d.Items[1].Alert; a.Title != "A [redacted]" || a.Labels["password"] != redact.Mark || d.Headers["X-Context"] != "of [redacted]" {
		t.Errorf("%+v, headers %v", a, d.Headers)
	}
	if d.BodyHash != hash(raw) || !strings.Contains(strings.Join(d.Notes, " "), "redacted in") {
		t.Errorf("hash %s, notes %q", d.BodyHash, d.Notes)
	}
}

// TestWhatIsRedactedIsNowhereHoweverItWasEncoded: neither in what is kept nor
// in what was understood, nor in their decoded forms.
func TestWhatIsRedactedIsNowhereHoweverItWasEncoded(t *testing.T) {
	const card = "4111111111111111"
	code := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	mail := "From: a@m.example.com\r\nMessage-ID: <1@m.example.com>\r\nSubject: disk =?utf-8?b?" + code(card) + "?=\r\nContent-Transfer-Encoding: base64\r\n\r\n" + code("card "+card+"\nssn: 123-45-6789")
	incident := `{"version":"1.2","incident":{"incident_id":"i","state":"open","policy_name":"P ` + card + `","resource":{"labels":{"ssn":"123-45-6789"}}}}`
	pushed := `{"message":{"data":"` + code(incident) + `","messageId":"7"},"subscription":"projects/p/subscriptions/s"}`
	for name, c := range map[string]struct {
		source      source.Source
		media, body string
	}{
		"mail":            {email.Source, email.Media, mail},
		"Pub/Sub":         {gcp.Source, "application/json", pushed},
		"a broken push":   {gcp.Source, "application/json", strings.Replace(pushed, code(incident), code("see "+card+" ssn=123-45-6789"), 1)},
		"lines of a text": {gcp.Source, "application/json", `{"incident":{"incident_id":"i","state":"open","summary":"Host: db\nssn: 123-45-6789\n` + card + `"}}`},
		"a bad state":     {gcp.Source, "application/json", `{"message":{"data":"` + code(`{"incident":{"incident_id":"i","state":"`+card+`"}}`) + `","messageId":"7"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig()
			var err error
			if g.found.Redact, err = redact.Compile([]string{"ssn"}, []string{`\b4\d{15}\b`}); err != nil {
				t.Fatal(err)
			}
			g.found.Source = c.source.Name
			g.in.Pick = Only(c.source)
			req := &source.Request{Header: http.Header{"Content-Type": {c.media}}, Body: []byte(c.body), At: received}
			if _, _, err = g.in.TakeFrom(t.Context(), g.found, req); err != nil {
				t.Fatal(err)
			}
			d := g.delivered(t)
			raw, err := d.Body()
			if err != nil {
				t.Fatal(err)
			}
			all := g.sent[0].Body + string(raw) + g.wrote.String()
			for _, word := range regexp.MustCompile(`[A-Za-z0-9+/]{8,}=*`).FindAllString(all, -1) {
				if decoded, err := base64.StdEncoding.DecodeString(word); err == nil {
					all += string(decoded)
				}
			}
			if strings.Contains(all, card) || strings.Contains(all, "123-45") || !strings.Contains(all, "redacted in ") {
				t.Errorf("it shows in %s", all)
			}
		})
	}
}

// TestWhatOnlyTheSourceCanDecodeIsRedacted: of a source that reads bodies
// backwards, the alert shows nothing either.
func TestWhatOnlyTheSourceCanDecodeIsRedacted(t *testing.T) {
	g := newRig()
	var err error
	if g.found.Redact, err = redact.Compile([]string{"ssn"}, []string{"hush"}); err != nil {
		t.Fatal(err)
	}
	g.in.Pick = Only(source.Source{Name: "prometheus", Media: []string{"*"}, Parse: func(r *source.Request) (source.Parsed, error) {
		text := slices.Clone(r.Body)
		slices.Reverse(text)
		parsed := source.One(alert.Alert{Source: "x", DedupKey: "k", Title: string(text), Labels: map[string]string{"ssn": "1"}})
		parsed.Items = append(parsed.Items, source.Item{Rejected: string(text)})
		return parsed, nil
	}})
	w := g.post(path, "hsuh ti si")
	d := g.delivered(t)
	if a := d.Items[0].Alert; a.Title != "is it [redacted]" || a.Labels["ssn"] != redact.Mark || strings.Contains(w.Body.String(), "hush") {
		t.Errorf("%+v, answered %s", a, w.Body)
	}
}

func TestSecretsThatAReasonQuotesAreHidden(t *testing.T) {
	g := newRig()
	g.in.Pick = Only(source.Source{Name: "prometheus", Parse: func(*source.Request) (source.Parsed, error) {
		return source.Parsed{Items: []source.Item{{Rejected: `is {"password":"hunter2"}`}}, Notes: []string{"token=hunter2"}}, nil
	}})
	if w := g.post(path, good); strings.Contains(w.Body.String()+g.wrote.String(), "hunter2") {
		t.Errorf("%s, wrote %s", w.Body, g.wrote.String())
	}
	g.in.Pick = Only(source.Source{Name: "prometheus", Parse: func(*source.Request) (source.Parsed, error) {
		return source.Parsed{}, fault.Wrap(fault.Invalid, errors.New(`at "token":"hunter2"`), "is secret=hunter2")
	}})
	if w := g.post(path, good); w.Code != 400 || strings.Contains(w.Body.String()+g.wrote.String(), "hunter2") {
		t.Errorf("%d %s, wrote %s", w.Code, w.Body, g.wrote.String())
	}
}

// refusing visits nothing.
type refusing struct{ err error }

func (r refusing) Do(q *http.Request) (*http.Response, error) {
	return nil, &url.Error{Op: "Get", URL: q.URL.String(), Err: r.err}
}

func TestTokenOfAConfirmationIsNotLogged(t *testing.T) {
	for _, address := range []string{"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=hunter2", "https://sns.eu-west-1.amazonaws.com:hunter2/%zz?Token=hunter2\x00"} {
		g := newRig()
		g.in.Confirm = refusing{errors.New("no route to host")}
		g.in.Pick = Only(source.Source{Name: "prometheus", Parse: func(*source.Request) (source.Parsed, error) {
			return source.Parsed{Confirm: &source.Confirmation{URL: address}}, nil
		}})
		w := g.post(path, good)
		if w.Code < 400 || strings.Contains(w.Body.String()+g.wrote.String(), "Token=") {
			t.Errorf("%d %s, wrote %s", w.Code, w.Body, g.wrote.String())
		}
		if w.Code == 503 && !strings.Contains(g.wrote.String(), "no route to host") {
			t.Errorf("the log does not say why: %s", g.wrote.String())
		}
	}
}

func TestExpiry(t *testing.T) {
	ahead := received.Add(time.Hour)
	for _, c := range []struct {
		name       string
		set        time.Duration
		neverEnds  bool
		status     alert.Status
		told, want time.Time
	}{
		{"a source that tells of ends", 0, false, alert.Firing, time.Time{}, time.Time{}},
		{"one that does not", 0, true, alert.Firing, time.Time{}, received.Add(defaults.ExpiresAfter)},
		{"the integration's", 10 * time.Minute, true, alert.Firing, time.Time{}, received.Add(10 * time.Minute)},
		{"the sender's", 10 * time.Minute, true, alert.Firing, ahead, ahead},
		{"a recovery", 10 * time.Minute, true, alert.Resolved, time.Time{}, time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newRig()
			g.found.ExpiresAfter = c.set
			g.in.Pick = Only(source.Source{Name: "prometheus", Guide: source.Guide{NeverEnds: c.neverEnds}, Parse: func(*source.Request) (source.Parsed, error) {
				return source.One(alert.Alert{Source: "x", DedupKey: "k", Title: "t", Status: c.status, ExpiresAt: c.told}), nil
			}})
			g.post(path, good)
			if got := g.delivered(t).Items[0].Alert.ExpiresAt; !got.Equal(c.want) {
				t.Errorf("expires %s, want %s", got, c.want)
			}
		})
	}
}

func TestHeadersThatTheSourceReadsAreKeptButNoProof(t *testing.T) {
	g := newRig()
	g.in.Pick = Only(source.Source{Name: "prometheus", Parse: prometheus.Parse, Headers: strings.Fields(`X-Event X-Event-Key Idempotency-Key X-None X-Signature Authorization X-Api-Key X-Routing-Key Cookie
		X-Hub-Signature-256 X-Gitlab-Token X-Amz-Security-Token Heroku-Webhook-Hmac-SHA256 Cf-Webhook-Auth`)})
	g.post(path, good, "X-Event", "alert", "X-Event-Key", "repo:push", "Idempotency-Key", "7", "X-Signature", "sha256=00", "Authorization", "Bearer x", "X-Api-Key", "k", "X-Routing-Key", "k", "Cookie", "a=b",
		"X-Hub-Signature-256", "sha256=00", "X-Gitlab-Token", "t", "X-Amz-Security-Token", "t", "Heroku-Webhook-Hmac-SHA256", "00", "Cf-Webhook-Auth", "s", "X-Other", "o")
	if d := g.delivered(t); len(d.Headers) != 3 || d.Headers["X-Event"] != "alert" || d.Headers["X-Event-Key"] != "repo:push" || d.Headers["Idempotency-Key"] != "7" {
		t.Errorf("kept %v", d.Headers)
	}
}

func TestQueryThatTheSourceReadsIsKeptButNoProof(t *testing.T) {
	g := newRig()
	g.in.Pick = Only(source.Source{Name: "prometheus", Parse: prometheus.Parse, Queries: []string{"plant", "none", "token"}})
	g.post(path+"?plant=Essen&plant=Ulm&token=t&other=o", good)
	if d := g.delivered(t); len(d.Query) != 1 || d.Query["plant"] != "Essen" {
		t.Errorf("kept %v", d.Query)
	}
}

// TestManyHeadersThatMightBeThere: what is bounded is what is kept, not what
// the source could read.
func TestManyHeadersThatMightBeThere(t *testing.T) {
	g := newRig()
	var names, sent []string
	for i := range 3 * maxKept {
		names = append(names, fmt.Sprintf("X-Event-%02d", i))
	}
	for _, name := range names[maxKept:] {
		sent = append(sent, name, "alert")
	}
	g.in.Pick = Only(source.Source{Name: "prometheus", Parse: prometheus.Parse, Headers: names})
	g.post(path, good, sent...)
	if d := g.delivered(t); len(d.Headers) != maxKept {
		t.Errorf("kept %v", d.Headers)
	}
}

func TestDeliveryThatComesAgain(t *testing.T) {
	sender := source.Source{Name: "prometheus", Parse: func(r *source.Request) (source.Parsed, error) {
		parsed, err := prometheus.Parse(r)
		parsed.SenderID = "same"
		return parsed, err
	}}
	g := newRig()
	g.found.Limit = 1
	g.in.Pick = Only(sender)
	g.post(path, good)
	first := g.delivered(t)
	g.sent, g.found.Again = nil, &integration.Again{Delivery: first.ID, By: "member:ann"}
	if w := g.post(path, good); w.Code != 202 {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	if d := g.delivered(t); d.ID == first.ID || len(d.Notes) == 0 || d.Notes[len(d.Notes)-1] != "sent again by member:ann from delivery "+first.ID {
		t.Errorf("delivery %s with %q", d.ID, d.Notes)
	}
	sender.Signed, sender.Verify = true, func(*source.Request, []string) error { return integration.ErrRefused } // a signature that is too old
	g.sent, g.in.Pick = nil, Only(sender)
	if w := g.post(path, good); w.Code != 202 || len(g.sent) != 1 {
		t.Errorf("of a source that signs: %d %s", w.Code, w.Body)
	}
	g.sent, g.found.Again.OnlyRead = nil, true
	g.wrote.Reset()
	w := g.post(path, strings.Replace(good, "firing", "odd", 1))
	var read Reading
	if err := json.Unmarshal(w.Body.Bytes(), &read); err != nil || w.Code != http.StatusOK || len(read.Items) != 1 || read.Items[0].Rejected == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(g.sent) != 0 || strings.Contains(g.wrote.String(), "Accepted") {
		t.Errorf("%d messages; wrote %s", len(g.sent), g.wrote.String())
	}
}
