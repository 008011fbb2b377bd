package change_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/change"
)

func TestClean(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	got := change.Clean(change.Change{Source: "s", Title: "a\nb", At: at})
	if got.Title != "a b" || got.ID == "" || got.Labels == nil || got.Links == nil {
		t.Errorf("%+v", got)
	}
	if again := change.Clean(change.Change{Source: "s", Title: "a\nb", At: at}); again.ID != got.ID {
		t.Errorf("%s, then %s", got.ID, again.ID)
	}
	if other := change.Clean(change.Change{Source: "s", Title: "a\nb", At: at.Add(time.Second)}); other.ID == got.ID {
		t.Errorf("two have the id %s", got.ID)
	}
	long := change.Clean(change.Change{ID: "7", Source: "s", Title: strings.Repeat("x", 2*alert.MaxTitle), Labels: map[string]string{"l": strings.Repeat("y", 2*alert.MaxLabelValue)}})
	if long.ID != "7" || len(long.Title) > alert.MaxTitle || len(long.Labels["l"]) > alert.MaxLabelValue {
		t.Errorf("%d and %d bytes", len(long.Title), len(long.Labels["l"]))
	}
	if untitled := change.Clean(change.Change{ID: "7", Source: "s", Title: " \x00"}); untitled.Title != "7" {
		t.Errorf("%+v", untitled)
	}
	loud := change.Clean(change.Change{ID: strings.Repeat("i", 4096), Title: "t", Service: " shop\n" + strings.Repeat("s", 500), Links: []alert.Link{
		{Text: "Run", URL: "https://ci.example.com/1"}, {Text: "bad", URL: "javascript:alert(1)"}, {Text: "none", URL: "/relative"}, {Text: "file", URL: "file:///etc/passwd"},
	}})
	if len(loud.ID) > 256 || len(loud.Service) > 200 || !strings.HasPrefix(loud.Service, "shop s") {
		t.Errorf("id %d bytes, service %q", len(loud.ID), loud.Service)
	}
	if len(loud.Links) != 1 || loud.Links[0].URL != "https://ci.example.com/1" {
		t.Errorf("links %v", loud.Links)
	}
}

// TestSettle: the sender's clock is believed for a day, and moved onto ours.
func TestSettle(t *testing.T) {
	received := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	ours := received.Add(3 * time.Hour) // the clock of deadlines may be ahead
	for name, c := range map[string]struct{ at, want time.Time }{
		"absent":               {time.Time{}, ours},
		"12 minutes ago":       {received.Add(-12 * time.Minute), ours.Add(-12 * time.Minute)},
		"a day ago":            {received.Add(-24 * time.Hour), ours.Add(-24 * time.Hour)},
		"before that":          {received.Add(-25 * time.Hour), ours},
		"in the future":        {received.Add(time.Minute), ours},
		"in a zone of its own": {received.Add(-time.Minute).In(time.FixedZone("", 8*3600)), ours.Add(-time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (change.Change{At: c.at}).Settle(received, ours).At; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
