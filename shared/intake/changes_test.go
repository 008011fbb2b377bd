package intake

import (
	"fmt"
	"testing"
	"time"

	"tocsin/shared/source"
)

// telling is a source whose requests tell of n changes of ten minutes ago.
func telling(n int) source.Source {
	return source.Source{Name: "prometheus", Parse: func(r *source.Request) (source.Parsed, error) {
		var p source.Parsed
		for i := range n {
			p.Changes = append(p.Changes, source.Changed(source.Change{ID: fmt.Sprint(i), Title: "deploy", At: r.At.Add(-10 * time.Minute)}))
		}
		return p, nil
	}}
}

func TestChangesTravelOnTheClockOfDeadlines(t *testing.T) {
	g := newRig()
	g.in.Pick = Only(telling(1))
	ahead := received.Add(36 * time.Hour)
	g.in.Clock = func() time.Time { return ahead }
	if w := g.post(path, "{}"); w.Code != 202 {
		t.Fatal(w.Body)
	}
	if d := g.delivered(t); len(d.Changes) != 1 || d.Changes[0].At != ahead.Add(-10*time.Minute) || d.Notes != nil {
		t.Errorf("%+v", d)
	}
}

func TestChangesOfADeliveryAreBounded(t *testing.T) {
	g := newRig()
	g.in.Pick = Only(telling(maxChanges + 7))
	g.post(path, "{}")
	if d := g.delivered(t); len(d.Changes) != maxChanges || len(d.Notes) != 1 || d.Notes[0] != "7 more changes were left out" {
		t.Errorf("%d changes, notes %q", len(d.Changes), d.Notes)
	}
}
