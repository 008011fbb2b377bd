package main

import (
	"slices"
	"testing"
	"time"

	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/intake"
	"tocsin/shared/source"
)

func deployed(id, service string, at time.Duration) source.Change {
	return change.Clean(change.Change{ID: id, Title: "deploy " + id, Source: "github", Service: service, At: after(at)})
}

// telling returns a delivery at one minute past noon that tells of changes.
func (w *world) telling(changes ...source.Change) intake.Delivery {
	d := w.delivery(time.Minute)
	d.Service, d.Changes = "shop", changes
	return d
}

// with gives the world's configuration services, of its own so that no other
// world's changes are among them.
func (w *world) with(services ...string) *world {
	w.config.Services = map[string]catalog.Service{}
	for _, s := range services {
		w.config.Services[s] = catalog.Service{Name: s}
	}
	return w
}

// changesOf returns the ids and instants of the world's changes, newest first.
func (w *world) changesOf(service string) []string {
	w.t.Helper()
	found, _, err := w.router(nil).changes.Find(w.t.Context(), service, change.Around(noon, after(time.Hour)), 1000, "")
	if err != nil {
		w.t.Fatal(err)
	}
	var of []string
	for _, f := range found {
		if f.Integration == w.integration {
			of = append(of, f.ID+" "+f.At.Sub(noon).String())
		}
	}
	return of
}

func TestChangeIsOfTheServiceThatThereIs(t *testing.T) {
	e := startEngine(t)
	for name, c := range map[string]struct {
		named, integration string
		services           []string
		want               string
	}{
		"its own":                      {"web", "shop", []string{"web", "shop", "default"}, "web"},
		"the integration's":            {"", "shop", []string{"web", "shop", "default"}, "shop"},
		"the default":                  {"", "", []string{"web", "shop", "default"}, "default"},
		"its own, which is not known":  {"WEB 2", "shop", []string{"web", "shop", "default"}, "shop"},
		"neither of which is known":    {"WEB 2", "shop", []string{"web", "default"}, "default"},
		"not known, and no default is": {"WEB 2", "shop", []string{"web"}, "default"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, e).with(c.services...)
			d := w.telling(deployed("1", c.named, 0))
			d.Service = c.integration
			w.takes(d)
			for _, service := range []string{"web", "shop", "default"} {
				var want []string
				if service == c.want {
					want = []string{"1 0s"}
				}
				if got := w.changesOf(service); !slices.Equal(got, want) {
					t.Errorf("of %s: %q, want %q", service, got, want)
				}
			}
		})
	}
}

// TestDeliveryOfChangesAlone: it is in the ledger, which says what it told of.
func TestDeliveryOfChangesAlone(t *testing.T) {
	w := newWorld(t, startEngine(t)).with("shop")
	var told []source.Change
	for _, id := range []string{"1", "2", "3", "4", "5", "6", "7"} {
		told = append(told, deployed(id, "", 0))
	}
	one, many := w.telling(deployed("0", "", 0)), w.telling(told...)
	one.Notes = []string{"a note of the source"}
	w.takes(one, many)
	for id, want := range map[string][]string{
		one.ID: {"a note of the source", "change of service shop: deploy 0"},
		many.ID: {"change of service shop: deploy 1", "change of service shop: deploy 2", "change of service shop: deploy 3",
			"change of service shop: deploy 4", "change of service shop: deploy 5", "2 more changes"},
	} {
		parts, err := w.router(nil).ledger.Get(t.Context(), id)
		if err != nil || len(parts) != 1 || !slices.Equal(parts[0].Notes, want) {
			t.Errorf("%s: %+v, %v", id, parts, err)
		}
	}
	if got := w.counted("Changes"); got != 8 {
		t.Errorf("counted %d changes, want 8", got)
	}
}

// TestChangesOfARedeliveryAreThereOnce stops a router at each of its writes of
// a delivery with an alert and two changes, and delivers again.
func TestChangesOfARedeliveryAreThereOnce(t *testing.T) {
	e := startEngine(t)
	for _, how := range []harm{dies, fails, losesOne, losesAgain} {
		reached := true
		for n := 1; reached; n++ {
			w := newWorld(t, e).with("shop", "default")
			d := w.delivery(time.Minute, firing("db-1"))
			d.Changes = []source.Change{deployed("1", "shop", 0), deployed("2", "shop", time.Second)}
			over := &wire{at: n, harm: how, counts: writes, patient: how == losesAgain}
			first := w.handle(w.router(over), d)
			if reached = over.reached(); first[0] != nil {
				w.takes(d)
			}
			w.takes(d) // the queue may hand it over again
			if got := w.changesOf("shop"); !slices.Equal(got, []string{"2 1s", "1 0s"}) {
				t.Fatalf("a router that %s write %d: changes %q", how, n, got)
			}
			if w.dispositions(d) == nil {
				t.Fatalf("a router that %s write %d: the alert is not in the ledger", how, n)
			}
		}
	}
}
