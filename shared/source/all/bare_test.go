package all

import (
	"testing"

	"tocsin/shared/source/sourcetest"
)

// TestBodiesAreRecognisedWithoutTheirHeaders: a proxy, or who tries a payload
// from a file, leaves the headers out that would tell the sender.
func TestBodiesAreRecognisedWithoutTheirHeaders(t *testing.T) {
	for _, c := range []struct{ want, body string }{
		{"github", `{"action":"opened","issue":{"number":1,"title":"Broken"},"repository":{"full_name":"o/r"},"sender":{"login":"ann","received_events_url":"https://api.github.com/users/ann/received_events"}}`},
		{"github", `{"action":"created","installation":{"id":1},"sender":{"login":"ann","received_events_url":"https://api.github.com/users/ann/received_events"}}`},
		{"github", `{"action":"create","alert":{"id":7,"affected_package_name":"rack","external_identifier":"CVE-2018-16470"}}`},
		{"github", `{"id":1,"sha":"9049","name":"o/r","context":"ci","state":"failure","branches":[{"name":"main"}],"repository":{"full_name":"o/r"}}`},
		{"gitlab", `{"event_name":"project_create","created_at":"2026-03-01T08:00:00Z","updated_at":"2026-03-01T08:00:00Z","name":"shop","path_with_namespace":"ann/shop","project_id":7}`},
		{"gitlab", `{"event_name":"push","before":"95","after":"da","ref":"refs/heads/main","user_name":"Ann","project_id":7,"project":{"name":"shop","web_url":"https://gitlab.example.com/ann/shop"},"commits":[]}`},
	} {
		found, sure := Detect(sourcetest.Request(c.body, "Content-Type", "application/json"))
		if !sure || found.Source.Name != c.want {
			t.Errorf("%.80s: %s (sure: %t) by %s, want %s", c.body, found.Source.Name, sure, found.By, c.want)
		}
	}
}
