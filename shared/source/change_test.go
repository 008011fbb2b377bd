package source

import (
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
)

func TestChanged(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	got := Changed(Change{Source: "s", Title: "a\nb", At: at})
	if got.Title != "a b" || got.ID == "" || got.Labels == nil || got.Links == nil {
		t.Errorf("%+v", got)
	}
	if again := Changed(Change{Source: "s", Title: "a\nb", At: at}); again.ID != got.ID {
		t.Errorf("%s, then %s", got.ID, again.ID)
	}
	if other := Changed(Change{Source: "s", Title: "a\nb", At: at.Add(time.Second)}); other.ID == got.ID {
		t.Errorf("two have the id %s", got.ID)
	}
	long := Changed(Change{ID: "7", Source: "s", Title: strings.Repeat("x", 2*alert.MaxTitle), Labels: map[string]string{"l": strings.Repeat("y", 2*alert.MaxLabelValue)}})
	if long.ID != "7" || len(long.Title) > alert.MaxTitle || len(long.Labels["l"]) > alert.MaxLabelValue {
		t.Errorf("%d and %d bytes", len(long.Title), len(long.Labels["l"]))
	}
	if untitled := Changed(Change{ID: "7", Source: "s", Title: " \x00"}); untitled.Title != "7" {
		t.Errorf("%+v", untitled)
	}
}
