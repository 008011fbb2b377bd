package all_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/all"
)

// TestPresetReadsBodiesOfNoForm: what a user wrote for a system is in none of
// its forms, and yet no alert is lost; what the preset leaves out stays out.
func TestPresetReadsBodiesOfNoForm(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       alert.Status // "": no alert
		by         string       // in a note
	}{
		{"uptime-kuma", `{"fire_in":0,"title":"shop is down"}`, alert.Firing, "custom"},
		{"uptime-kuma", `{"fire_in":0,"title":"shop is up"}`, alert.Resolved, "custom"},
		{"uptime-kuma", `{"topic":"ops","title":"shop Up [Uptime-Kuma]","message":"200","tags":["green_circle"],"priority":4}`, alert.Resolved, "ntfy"},
		{"uptime_kuma", `{"title":"shop is down"}`, alert.Firing, "custom"},
		{"uptimerobot", `{"text":"shop is Down"}`, alert.Firing, "custom"},
		{"netdata", `{"text":"web-1 recovered: ram","host":"web-1","alarm":"ram","status":"CLEAR"}`, alert.Resolved, "custom"},
		{"jenkins", `{"job":"api","status":"FAILURE","message":"api failed"}`, alert.Firing, "custom"},
		{"graylog", `{"subject":"Failed logins","severity":"high"}`, alert.Firing, "custom"},
		{"uptimerobot", `{"monitorID":"7","alertType":"maybe","monitorURL":"https://shop.example.com"}`, "", ""},
		{"uptime-kuma", `{"heartbeat":null,"monitor":null,"msg":"Ops Testing"}`, "", ""},
		{"bitbucket", `{"test":true}`, "", ""},
	} {
		t.Run(c.name+" "+c.body, func(t *testing.T) {
			s, ok := all.Named(c.name)
			if !ok {
				t.Fatal("no such source")
			}
			parsed, err := s.Parse(&source.Request{Header: http.Header{"Content-Type": {"application/json"}}, Query: url.Values{}, Body: []byte(c.body)})
			if err != nil {
				t.Fatal(err)
			}
			var got *alert.Alert
			if len(parsed.Items) == 1 {
				got = parsed.Items[0].Alert
			}
			switch {
			case c.want == "" && got != nil:
				t.Errorf("an alert %q, expected none", got.Title)
			case c.want != "" && (got == nil || got.Status != c.want || got.Source != s.Name):
				t.Errorf("%+v %q, expected one of %s that is %s", got, parsed.Notes, s.Name, c.want)
			case c.want != "" && !slices.ContainsFunc(parsed.Notes, func(n string) bool { return strings.Contains(n, "read as "+c.by) }):
				t.Errorf("notes %q, expected that it was read as %s", parsed.Notes, c.by)
			}
		})
	}
}
