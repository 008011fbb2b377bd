package intake

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/shared/integration"
	"tocsin/shared/source"
	"tocsin/shared/source/redact"
)

func TestRefusedRequestsAreToldToTheOwner(t *testing.T) {
	const odd = `{"version":"4","alerts":[{"status":"odd","labels":{"alertname":"A"},"fingerprint":"f"}]}`
	for _, c := range []struct {
		name    string
		change  func(*rig)
		path    string
		body    string
		headers []string
		status  int
		why     string // "": nothing is told
		kept    string // of the body
	}{
		{"all alerts rejected", nil, path, odd, nil, 422, "refused with 422: none of the alerts can be understood: alerts[0]: status", odd},
		{"broken body", nil, path, `{bad`, nil, 400, "refused with 400: the body is not valid JSON at byte 2", `{bad`},
		{"redacted", withoutPIN, path, `{"alerts":[{"status":"odd","pin":"4711"}],"version":"4"}`, nil, 422, "refused with 422", `"pin":"[redacted]"`},
		{"not packed as it says", nil, path, `{"pin":"4711"}`, []string{"Content-Encoding", "gzip"}, 400, "refused with 400: the body is not whole, or not gzip", `"pin":"4711"`},
		{"not packed, redacted", withoutPIN, path, `{"pin":"4711"}`, []string{"Content-Encoding", "gzip"}, 400, "refused with 400: the body is not whole, or not gzip", ""},
		{"half a form, redacted", withoutPIN, path, "--x\r\npin=4711\r\n\r\n", []string{"Content-Type", "multipart/form-data; boundary=x"}, 400, "refused with 400: the body is no whole multipart form", ""},
		{"another media type", nil, path, `<a/>`, []string{"Content-Type", "application/xml"}, 415, "refused with 415: the content type is not application/json", ""},
		{"no secret", bearer, path, good, nil, 401, "refused with 401: the key is right, but the header Authorization is missing, with auth bearer", ""},
		{"wrong secret", bearer, path, good, []string{"Authorization", "Bearer guess"}, 401, "refused with 401: the key is right, but the secret or signature is not, with auth bearer", ""},
		{"address of another source", func(g *rig) { g.in.Pick = Only(source.Source{Name: "grafana"}) }, path, good, nil, 401, "but it came to the address of another source than prometheus", ""},
		{"over the limit", func(g *rig) { g.found.Limit = 1; g.post(path, good); g.sent = nil }, path, good, nil, 503, "at most 1 requests a minute", ""},
		{"paused", func(g *rig) { g.found.Paused = true }, path, good, nil, 403, "", ""},
		{"unknown key", bearer, path + "X", good, nil, 401, "", ""},
		{"read again", func(g *rig) { g.found.Again = &integration.Again{Delivery: "d-1"} }, path, odd, nil, 422, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newRig()
			if c.change != nil {
				c.change(g)
			}
			w := g.post(c.path, c.body, c.headers...)
			if w.Code != c.status || len(g.sent) != 0 || (len(g.told) == 1) != (c.why != "") {
				t.Fatalf("answered %d %s, sent %d, told %+v", w.Code, w.Body, len(g.sent), g.told)
			}
			if c.status == http.StatusUnauthorized && (strings.Contains(w.Body.String(), "prod") || !strings.Contains(w.Body.String(), "unknown integration, or wrong key or signature")) {
				t.Errorf("the answer tells %s", w.Body)
			}
			if c.why == "" {
				return
			}
			if !strings.Contains(g.wrote.String(), `"integration":"prod"`) {
				t.Errorf("the log line names no integration: %s", g.wrote.String())
			}
			if strings.Contains(g.wrote.String(), "4711") {
				t.Errorf("the log line tells %s", g.wrote.String())
			}
			d := g.told[0]
			body, err := d.Body()
			if err != nil || c.kept == "" && len(body) > 0 || !strings.Contains(string(body), c.kept) {
				t.Errorf("kept the body %s, %v; want %q", body, err, c.kept)
			}
			if d.Refused != 1 || d.Integration != "prod" || len(d.Items) != 1 || !strings.Contains(d.Items[0].Rejected, c.why) {
				t.Errorf("told %+v, want %q", d, c.why)
			}
		})
	}
}

func withoutPIN(g *rig) { g.found.Redact, _ = redact.Compile([]string{"pin"}, nil) }

func bearer(g *rig) { g.found.Auth, g.found.Secrets = integration.Bearer, []string{secret} }

func TestRefusedRequestsAreToldOnceAMinute(t *testing.T) {
	g := newRig()
	bearer(g)
	now := received
	g.in.Now = func() time.Time { return now }
	for range 40 {
		g.post(path, good)
		now = now.Add(4 * time.Second)
	}
	var counts []int
	for _, d := range g.told {
		counts = append(counts, d.Refused)
	}
	if len(counts) != 3 || counts[0] != 1 || counts[1] != 15 || counts[2] != 15 {
		t.Errorf("told of %v", counts)
	}
}
