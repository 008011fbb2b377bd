package intake

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/defaults"
	"tocsin/shared/integration"
	"tocsin/shared/source"
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
	g.in.Pick = Only(source.Source{Name: "prometheus", Parse: prometheus.Parse, Headers: []string{"X-Event", "X-Signature", "Authorization", "X-Api-Key", "X-None"}})
	g.post(path, good, "X-Event", "alert", "X-Signature", "sha256=00", "Authorization", "Bearer x", "X-Api-Key", "k", "X-Other", "o")
	if d := g.delivered(t); len(d.Headers) != 1 || d.Headers["X-Event"] != "alert" {
		t.Errorf("kept %v", d.Headers)
	}
}

// TestManyHeadersThatMightBeThere: what is bounded is what is kept, not what
// the source could read.
func TestManyHeadersThatMightBeThere(t *testing.T) {
	g := newRig()
	var names, sent []string
	for i := range 3 * maxHeaders {
		names = append(names, fmt.Sprintf("X-Event-%02d", i))
	}
	for _, name := range names[maxHeaders:] {
		sent = append(sent, name, "alert")
	}
	g.in.Pick = Only(source.Source{Name: "prometheus", Parse: prometheus.Parse, Headers: names})
	g.post(path, good, sent...)
	if d := g.delivered(t); len(d.Headers) != maxHeaders {
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
