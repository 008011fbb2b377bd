package opsgenieapi

import (
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/sourcetest"
)

func parse(t *testing.T, path, query, body string) []alert.Alert {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(&source.Request{Path: path, Query: values, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	var all []alert.Alert
	for _, item := range p.Items {
		all = append(all, *item.Alert)
	}
	return all
}

func TestANewAlertIsReadWhole(t *testing.T) {
	got := parse(t, AlertsPath, "", `{"message":"Disk is full","alias":"db-1/disk","description":"3 GB left","responders":[{"name":"databases","type":"team"},{"username":"ann@example.com","type":"user"}],
		"tags":["shop","disk"],"details":{"host":"db-1","runbook":"https://r.example.com","free":3},"entity":"db-1","source":"monitor","priority":"P1","note":"Seen twice.","user":"bot"}`)
	want := []alert.Alert{{
		Source: Name, DedupKey: ByAlias("db-1/disk").Key(), Status: alert.Firing, Severity: alert.Critical, Priority: alert.P1, Title: "Disk is full", Description: "3 GB left\nSeen twice.",
		Labels: map[string]string{
			"alias": "db-1/disk", "host": "db-1", "runbook": "https://r.example.com", "free": "3", "entity": "db-1", "source": "monitor", "user": "bot",
			"tags": "shop, disk", "responders": "databases, ann@example.com",
		},
		Links: []alert.Link{{Text: "runbook", URL: "https://r.example.com"}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v\nwant %+v", got, want)
	}
}

func TestTeamsOfTheFirstVersionAreTexts(t *testing.T) {
	if got := parse(t, "", "", `{"message":"x","teams":["databases",{"name":"web"}]}`)[0].Labels["responders"]; got != "databases, web" {
		t.Errorf("responders %q", got)
	}
}

func TestPriorities(t *testing.T) {
	for said, want := range map[string]alert.Priority{
		`"P1"`: alert.P1, `"P2"`: alert.P2, `"p3"`: alert.P3, `"P4"`: alert.P4, `"P5"`: alert.P4, `"P9"`: alert.P3, `null`: alert.P3, `{}`: alert.P3,
	} {
		if got := parse(t, "", "", `{"message":"x","priority":`+said+`}`); got[0].Priority != want {
			t.Errorf("%s is %s, want %s", said, got[0].Priority, want)
		}
	}
}

func TestWhatIsDoneWithAnAlert(t *testing.T) {
	const alias = "identifierType=alias"
	key := ByAlias("db/1").Key()
	for _, c := range []struct {
		name, path, query, body string
		want                    []string // status and description
	}{
		{"closed", "v2/alerts/db/1/close", alias, `{}`, []string{"resolved "}},
		{"closed without a body", "v2/alerts/db/1/close", alias, ``, []string{"resolved "}},
		{"closed with a note", "v2/alerts/db/1/close", alias, `{"note":"done","user":"ann"}`, []string{"noted done (ann)", "resolved "}},
		{"deleted", "v2/alerts/db/1/delete", alias, ``, []string{"resolved "}},
		{"acknowledged", "v2/alerts/db/1/acknowledge", alias, `{"source":"bot"}`, []string{"acknowledged "}},
		{"unacknowledged", "v2/alerts/db/1/unacknowledge", alias, `{}`, []string{"unacknowledged "}},
		{"noted", "v2/alerts/db/1/notes", alias, `{"note":" looked at ","user":"ann"}`, []string{"noted looked at (ann)"}},
		{"snoozed", "v2/alerts/db/1/snooze", alias, `{"endTime":"2026-03-01T10:00:00Z","note":"later","user":"ann","IdentifierType":2}`,
			[]string{"noted Asked for through Opsgenie's API: snooze\nendTime: 2026-03-01T10:00:00Z\nlater (ann)"}},
		{"a custom action", "v2/alerts/db/1/actions/restart", alias, `{}`, []string{"noted Asked for through Opsgenie's API: restart"}},
		{"tags taken away", PathOf("DELETE", "/v2/alerts/db/1/tags"), alias + "&tags=a,b", ``, []string{"noted Asked for through Opsgenie's API: remove-tags\ntags: a,b"}},
		{"below another path", "jsm/ops/integration/v2/alerts/db/1/close", alias, ``, []string{"resolved "}},
		{"by id", "v2/alerts/" + ByAlias("db/1").ID() + "/close", "", ``, []string{"resolved "}},
		{"by id in capitals", "v2/alerts/" + strings.ToUpper(ByAlias("db/1").ID()) + "/close", "identifierType=id", ``, []string{"resolved "}},
		{"by id as alias", "v2/alerts/" + ByAlias("db/1").ID() + "/close", alias, ``, []string{"resolved "}},
		{"by tiny id", "v2/alerts/" + ByAlias("db/1").TinyID() + "/close", "identifierType=tiny", ``, []string{"resolved "}},
		{"by alias without its type", "v2/alerts/db/1/close", "", ``, []string{"resolved "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, a := range parse(t, c.path, c.query, c.body) {
				got = append(got, string(a.Status)+" "+a.Description)
				if a.DedupKey != key {
					t.Errorf("of alert %q, want %q", a.DedupKey, key)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("read %q, want %q", got, c.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, path, body, want string }{
		{"no message", "", `{"alias":"x"}`, "message"},
		{"blank message", "", `{"message":" "}`, "message"},
		{"no object", "", `[]`, "an array"},
		{"no body", "", ``, "empty"},
		{"a note without a text", "v2/alerts/x/notes", `{}`, "note"},
		{"an unknown operation", "v2/alerts/x/explode", `{}`, "no operation"},
		{"no alert", "v2/alerts/close", `{}`, "no operation"},
		{"another path", "v2/users", `{}`, "no operation"},
	} {
		if p, err := Parse(&source.Request{Path: c.path, Body: []byte(c.body)}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v", c.name, p, err)
		}
	}
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestNamesOfAnAlert(t *testing.T) {
	seen := map[Number]string{}
	for _, alias := range []string{"", "a", "A", "a ", "Life is too short for no alias", strings.Repeat("x", 600), "1", "4513b7ea-3b91-438f-b7e4-e3e54af9147c"} {
		n := ByAlias(alias)
		if other, taken := seen[n]; taken {
			t.Errorf("%q and %q are one alert", alias, other)
		}
		seen[n] = alias
		if n>>numberBits != 0 || !uuid.MatchString(n.ID()) || ByIdentifier(n.ID(), "") != n || ByIdentifier(n.TinyID(), "tiny") != n || ByIdentifier(alias, "alias") != n {
			t.Errorf("%q is %d, id %s, tiny id %s", alias, n, n.ID(), n.TinyID())
		}
		changed := []byte(n.ID())
		changed[35] = "0123456789abcdef"[(strings.IndexByte("0123456789abcdef", changed[35])+1)%16]
		if ByIdentifier(string(changed), "id") == n {
			t.Errorf("%s with another digit is the same alert", n.ID())
		}
	}
	// Stored with alerts: other values would part open alerts from their recoveries.
	if n := ByAlias("db-1/disk"); n.TinyID() != "699540859658843694" || n.ID() != "9b544b49-dd63-862e-9d6c-4fffddf9f715" {
		t.Errorf("the names of db-1/disk are %s and %s", n.TinyID(), n.ID())
	}
}

func TestRequestIDsHoldWhatWasAsked(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for _, action := range Actions {
		p := Processed{Alert: ByAlias("x"), Action: action, At: at}
		id := p.RequestID()
		if got, ok := ReadRequestID(strings.ToUpper(id)); !ok || got != p || !uuid.MatchString(id) {
			t.Errorf("%s says %+v, %v; want %+v", id, got, ok, p)
		}
		if ByIdentifier(id, "") == p.Alert {
			t.Errorf("%s is taken for the alert's id", id)
		}
		for i := range id {
			if id[i] == '-' {
				continue
			}
			other := id[:i] + string("0123456789abcdef"[(strings.IndexByte("0123456789abcdef", id[i])+1)%16]) + id[i+1:]
			if got, ok := ReadRequestID(other); ok {
				t.Errorf("%s with another digit says %+v", id, got)
			}
		}
	}
	for _, other := range []string{"", "x", ByAlias("x").ID(), "43a29c5c-3dbf-4fa4-9c26-f4f71023e120", strings.Repeat("-", 36)} {
		if p, ok := ReadRequestID(other); ok {
			t.Errorf("%q says %+v", other, p)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range sourcetest.Seeds(f, Source) {
		f.Add("", "", seed.Body)
	}
	for _, action := range Actions {
		f.Add(AlertsPath+"/x/"+action, "alias", []byte(`{"note":"x","tags":["a"],"message":"m"}`))
	}
	f.Fuzz(func(t *testing.T, path, identifierType string, body []byte) {
		r := &source.Request{Path: path, Query: url.Values{"identifierType": {identifierType}}, Body: body}
		p, err := Parse(r)
		if (err == nil) != (len(p.Items) > 0) {
			t.Errorf("result and error: %+v, %v", p, err)
		}
		for _, item := range p.Items {
			a := item.Alert
			if a == nil || a.Title == "" || a.DedupKey == "" || a.Status != alert.Firing && a.Status != alert.Resolved && !a.Status.Request() {
				t.Errorf("read %+v", item)
			}
			if a != nil && a.Status == alert.Firing && (a.DedupKey != Created([]string{a.DedupKey}).Key() || a.DedupKey != ByAlias(a.Labels["alias"]).Key() && !a.Truncated && len(aliasOf(r.Scope().Root)) == len(a.Labels["alias"])) {
				t.Errorf("created as %s, known as %s, alias %q", Created([]string{a.DedupKey}).Key(), a.DedupKey, a.Labels["alias"])
			}
		}
	})
}
