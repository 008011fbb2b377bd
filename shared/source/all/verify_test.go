package all

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/preset"
	"tocsin/shared/source/sourcetest"
)

// provers are the sources whose requests prove themselves by a secret.
func provers(t testing.TB) []source.Source {
	t.Helper()
	var all []source.Source
	for _, s := range Sources() {
		if s.Verify != nil && !s.Signed {
			all = append(all, s)
		}
	}
	for _, k := range preset.Shipped() {
		if s := k.Open().Source(); s.Verify != nil {
			all = append(all, s)
		}
	}
	if len(all) < 10 {
		t.Fatalf("%d sources verify", len(all))
	}
	return all
}

// proofHeaders are where senders put what proves, and the times that they sign.
var proofHeaders = []string{
	"Authorization", "X-Hub-Signature", "X-Hub-Signature-256", "X-PagerDuty-Signature", "Sentry-Hook-Signature", "X-Gitlab-Token", "X-Gitlab-Signature",
	"webhook-id", "webhook-signature", "X-Grafana-Alerting-Signature", "X-Signature", "X-Webhook-Signature", "Honeybadger-Token", "X-SFX-Signature", "X-Honeycomb-Webhook-Token", "cf-webhook-auth",
	"X-Sonar-Webhook-HMAC-SHA256", "X-MMS-Signature", "X-Buildkite-Signature", "X-Buildkite-Token", "Signature", "Digest", "svix-id", "svix-signature",
	"Tailscale-Webhook-Signature", "X-Rootly-Signature", "x-checkly-signature", "X-Instatus-Webhook-Signature",
}

var proofTimes = []string{"webhook-timestamp", "svix-timestamp", "Date", "X-Grafana-Alerting-Signature-Timestamp"}

// FuzzVerify: without the secret nothing passes, whatever stands in whichever
// header, parameter or field; and an error says neither secret nor why.
func FuzzVerify(f *testing.F) {
	for _, s := range samples(f) {
		for _, name := range proofHeaders {
			if value := s.header.Get(name); value != "" {
				f.Add(s.body, value, "1772355312", "auth_token="+url.QueryEscape(value))
			}
		}
	}
	f.Add([]byte(`Token=d41d8cd98f00b204e9800998ecf8427e&Status=Down&TestID=1`), "sha256=", "0", "token=")
	f.Add([]byte(`{}`), "Basic Og==", "-9223372036854775808", "auth_token=")
	f.Add([]byte(``), "Bearer ", "9223372036854775807", "")
	f.Add([]byte(`{"Token":null}`), "v1,", "", "")
	f.Add([]byte(`{"sharedSecret":""}`), "t=1772355312,v1=", "Sun, 01 Mar 2026 08:55:12 GMT", "")
	f.Add([]byte(`payload=%7B%7D`), `keyId="",signature="",headers="date digest"`, "", "")
	f.Add([]byte(`{}`), "eyJhbGciOiJIUzI1NiJ9.eyJzaGEyNTYiOiIifQ.", "", "")
	const secret, before = "5d8b1c7f0a3e49d29c64", "user:7e0c2f51b6aa48d3"
	all := provers(f)
	f.Fuzz(func(t *testing.T, body []byte, value, stamp, query string) {
		if strings.Contains(value+query+string(body), secret[:8]) || strings.Contains(value+query+string(body), before[5:12]) {
			return
		}
		params, _ := url.ParseQuery(query)
		r := source.Request{Header: http.Header{}, Query: params, Body: body, At: time.Unix(1772355312, 0)}
		for _, name := range proofHeaders {
			r.Header.Set(name, value)
			r.Header.Add(name, stamp)
		}
		for _, name := range proofTimes {
			r.Header.Set(name, stamp)
		}
		for _, s := range all {
			for _, secrets := range [][]string{nil, {""}, {"", secret}, {secret, before}} {
				one := r
				err := s.Verify(&one, secrets)
				if !fault.Is(err, fault.Unauthenticated) {
					t.Fatalf("%s with %q: %v", s.Name, secrets, err)
				}
				if text := err.Error(); strings.Contains(text, secret) || strings.Contains(text, before) {
					t.Fatalf("%s: %v names a secret", s.Name, err)
				}
			}
		}
	})
}

// FuzzRecognise: whatever a body looks like, the same source is found again,
// and what it makes of it can be kept.
func FuzzRecognise(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.header.Get("Content-Type"), s.header.Get("User-Agent"), s.body)
	}
	if dir, ok := payloads(); ok {
		for _, e := range manifest(f, dir) {
			r := e.request(f, dir)
			f.Add(r.Header.Get("Content-Type"), r.Header.Get("User-Agent"), r.Body)
		}
	}
	f.Fuzz(func(t *testing.T, media, agent string, body []byte) {
		one := sample{header: http.Header{"Content-Type": {media}, "User-Agent": {agent}}, query: url.Values{}}
		first, again := Recognise(one.request(body)), Recognise(one.request(body))
		if first.Source.Name != again.Source.Name {
			t.Fatalf("%s, then %s", first.Source.Name, again.Source.Name)
		}
		parsed, err := first.Source.Parse(one.request(body))
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		for _, item := range parsed.Items {
			sourcetest.Check(t, item)
		}
	})
}
