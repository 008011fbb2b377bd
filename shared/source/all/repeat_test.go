package all

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// everySample is that of the fixtures, and of the collection where there is one.
func everySample(t testing.TB) []sample {
	t.Helper()
	all := samples(t)
	dir, ok := payloads()
	if !ok {
		if os.Getenv("CI") == "true" {
			t.Fatal("the collection of payloads is missing")
		}
		return all
	}
	for _, e := range manifest(t, dir) {
		if s, ok := Named(e.Source); ok {
			r := e.request(t, dir)
			all = append(all, sample{source: s, file: e.File, header: r.Header, query: r.Query, body: r.Body})
		}
	}
	return all
}

// TestRepeatsAreNoNews: what a sender sends again, for want of an answer or
// because it still holds, is the same alert in the same firing period, whenever
// it is received.
func TestRepeatsAreNoNews(t *testing.T) {
	for _, s := range everySample(t) {
		first := s.request(s.body)
		again := s.request(s.body)
		again.At = first.At.Add(time.Hour)
		a, errA := s.source.Parse(first)
		b, errB := s.source.Parse(again)
		if (errA == nil) != (errB == nil) || len(a.Items) != len(b.Items) || a.SenderID != b.SenderID || len(a.Changes) != len(b.Changes) {
			t.Errorf("%s: %d alerts of %q, %v; then %d of %q, %v", s.file, len(a.Items), a.SenderID, errA, len(b.Items), b.SenderID, errB)
			continue
		}
		for i := range a.Items {
			x, y := a.Items[i].Alert, b.Items[i].Alert
			if x == nil || y == nil {
				continue
			}
			if x.DedupKey != y.DedupKey || x.Episode != y.Episode || !x.StartedAt.Equal(y.StartedAt) {
				t.Errorf("%s: %s in %q since %s, then %s in %q since %s", s.file, x.DedupKey, x.Episode, x.StartedAt, y.DedupKey, y.Episode, y.StartedAt)
			}
			// What ends at a time that the sender tells is over for who reads it later.
			if x.Status != y.Status && x.ExpiresAt.IsZero() {
				t.Errorf("%s: %s, then %s", s.file, x.Status, y.Status)
			}
		}
		for i := range a.Changes {
			if a.Changes[i].ID != b.Changes[i].ID {
				t.Errorf("%s: change %s, then %s", s.file, a.Changes[i].ID, b.Changes[i].ID)
			}
		}
	}
}

// TestOnlyLinksOfTheWebAreKept, and no text without bounds.
func TestOnlyLinksOfTheWebAreKept(t *testing.T) {
	for _, s := range everySample(t) {
		hostile := strings.NewReplacer(`"https://`, `"javascript://`, `"http://`, `"file://`).Replace(string(s.body))
		for _, body := range []string{string(s.body), hostile} {
			parsed, err := s.source.Parse(s.request([]byte(body)))
			if err != nil {
				continue
			}
			for _, item := range parsed.Items {
				if item.Alert == nil {
					continue
				}
				for _, l := range item.Alert.Links {
					if !strings.HasPrefix(l.URL, "https://") && !strings.HasPrefix(l.URL, "http://") {
						t.Errorf("%s: link %q", s.file, l.URL)
					}
				}
			}
		}
	}
}

// secretNames are fields that hold secrets in some sender's payload or other.
var secretNames = []string{"secret", "token", "Token", "password", "Authorization", "api_key", "apiKey", "access_token", "client_secret", "webhook_token", "private-key", "x.auth_token"}

const secretValue = "hunter2-5d8b1c7f"

// TestSecretsAreNotKept: an alert is shown, mailed and kept for long; a secret
// that stands in any object of a payload stays out of it.
func TestSecretsAreNotKept(t *testing.T) {
	var fields strings.Builder
	for _, name := range secretNames {
		fields.WriteString(`"` + name + `":"` + secretValue + `",`)
	}
	told := map[string]bool{}
	for _, s := range everySample(t) {
		root, err := doc.JSON(s.body)
		if err != nil {
			continue
		}
		for _, p := range places(root, "", 0) {
			if is := strings.TrimSpace(string(s.body[p.from:p.to])); p.kind != doc.Object || len(is) <= len("{}") {
				continue
			}
			body := slices.Concat(s.body[:p.from+1], []byte(fields.String()), s.body[p.from+1:])
			parsed, err := s.source.Parse(s.request(body))
			if err != nil {
				continue
			}
			for _, part := range secretParts(t, parsed) {
				if s.source.Name == "honeycomb" && strings.HasSuffix(p.path, ".Group") {
					continue // the columns that a user chose to tell groups apart
				}
				if at := s.source.Name + " " + p.path + " in " + part; !told[at] {
					told[at] = true
					t.Errorf("%s (%s)", at, s.file)
				}
			}
		}
	}
}

// secretParts are the parts of a request as it was understood in which the secret stands.
func secretParts(t *testing.T, parsed source.Parsed) (parts []string) {
	t.Helper()
	look := func(name string, value any) {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), secretValue) {
			parts = append(parts, name)
		}
	}
	for _, item := range parsed.Items {
		look("rejected", item.Rejected)
		if a := item.Alert; a != nil {
			look("title", a.Title)
			look("description", a.Description)
			look("key", a.DedupKey+a.Episode+a.Group)
			look("links", a.Links)
			for name, value := range a.Labels {
				look("label "+name, value)
			}
		}
	}
	look("changes", parsed.Changes)
	look("notes", parsed.Notes)
	return parts
}
