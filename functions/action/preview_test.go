package main

import (
	"flag"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/actionlink"
	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/incident"
)

var preview = flag.String("preview", "", "serve every page at this loopback address, to be looked at")

// scenes are the pages worth looking at.
func scenes(t *testing.T) map[string]func(*office, string) string {
	link := func(o *office, member string) string { return o.token(t, member) }
	after := func(ops ...event.Op) func(*office, string) string {
		return func(o *office, member string) string {
			o.do(t, the, member, ops...)
			return link(o, member)
		}
	}
	record := event.Record{CauseClass: "config_change", Cause: "Connection pool was halved by change 5121", Solution: "Rolled back to 1.4.2", Reasoning: "The diff of the last change", Tags: []string{"pool", "db"}}
	return map[string]func(*office, string) string{
		"triggered": link,
		"acknowledged": func(o *office, m string) string {
			return after(event.Acknowledge{})(o, m) + "?did=acknowledge"
		},
		"owned-by-another": func(o *office, m string) string {
			o.do(t, the, "bob", event.Acknowledge{})
			return link(o, m) + "?did=acknowledge&refused=1"
		},
		"snoozed": func(o *office, m string) string {
			return after(event.Snooze{Until: night.Add(time.Hour)})(o, m) + "?did=snooze"
		},
		"resolved": func(o *office, m string) string { return after(event.Resolve{})(o, m) + "?did=resolve" },
		"closed": func(o *office, m string) string {
			return after(event.Acknowledge{}, event.Note{Text: "Rolling back"}, event.Resolve{}, event.Close{Record: &record})(o, m) + "?did=close"
		},
		"expired": func(o *office, m string) string { o.now = night.Add(26 * time.Hour); return link(o, m) },
		"too-old": func(o *office, m string) string { o.now = night.Add(9 * 24 * time.Hour); return link(o, m) },
		"link-sent": func(o *office, m string) string {
			o.now = night.Add(9 * 24 * time.Hour)
			return link(o, m) + "?did=link"
		},
		"earlier":     after(event.Resolve{}, event.Reopen{}),
		"malformed":   func(*office, string) string { return "AQAHAQAAEtUAAgP_" },
		"view-only":   func(o *office, m string) string { return o.token(t, m, func(c *actionlink.Claims) { c.Actions = 0 }) },
		"merged":      func(o *office, m string) string { o.merge(t); return link(o, m) },
		"unavailable": func(o *office, m string) string { o.down = fmt.Errorf("down"); return link(o, m) },
		"acknowledged-quiet": func(o *office, m string) string {
			e := o.events[the]
			e.Priority = alert.P3
			o.put(e)
			o.do(t, the, m, event.Acknowledge{}, event.Recover{}, event.Promote{})
			return link(o, m)
		},
		"incident": func(o *office, m string) string { return o.token(t, m, ofIncident) },
		"incident-review": func(o *office, m string) string {
			o.doIncident(t, m, incident.Update{Text: "Half of the traffic is on the standby region."}, incident.Mitigate{}, incident.Resolve{Text: "All traffic is back."},
				incident.AddAction{Text: "Alarm on pool saturation", Owner: "bob", Due: night.Add(48 * time.Hour)})
			return o.token(t, m, ofIncident) + "?did=resolve"
		},
		"long": func(o *office, m string) string {
			e := o.events[the]
			e.Title = "KubePersistentVolumeFillingUp: the PersistentVolume claimed by data-prometheus-k8s-db-prometheus-k8s-0 in namespace monitoring is only 2.47 % free"
			e.Priority, e.Test = alert.P2, true
			e.Labels["a_rather_long_label_name_without_any_break"] = strings.Repeat("unbroken", 12)
			e.Description = strings.Repeat("Some more of a long description. ", 20)
			o.put(e)
			for i := range 14 {
				o.timeline[the] = append(o.timeline[the], event.Item{At: night.Add(-time.Duration(14-i) * 10 * time.Second), By: event.Self, What: "event.alerts_joined", Data: map[string]string{"alerts": fmt.Sprint(i), "title": e.Title}})
			}
			return link(o, m)
		},
	}
}

// TestPreview serves every scene under /<scene>/<member>/a/<token>; / lists
// them. It runs only when asked for with -preview.
func TestPreview(t *testing.T) {
	if *preview == "" {
		t.Skip("-preview is not set")
	}
	mux := http.NewServeMux()
	var index strings.Builder
	all := scenes(t)
	for _, scene := range slices.Sorted(maps.Keys(all)) {
		for _, member := range []string{"alice", "lei"} {
			o := newOffice(t)
			prefix := "/" + scene + "/" + member
			mux.Handle(prefix+"/", http.StripPrefix(prefix, o.handler()))
			fmt.Fprintf(&index, "%s/a/%s\n", prefix, all[scene](o, member))
		}
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, index.String()) })
	listener, err := net.Listen("tcp", *preview)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { <-t.Context().Done(); _ = server.Close() }()
	t.Log(server.Serve(listener))
}
