package ops

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/defaults"
	"tocsin/shared/fault"
	"tocsin/shared/heartbeat"
	"tocsin/shared/plan"
)

// Heartbeat is what a job pings so that its silence is noticed.
type Heartbeat struct {
	ID       heartbeat.ID    `json:"id" table:"ID"`
	Name     string          `json:"name" table:"NAME"`
	State    heartbeat.State `json:"state" enum:"new,up,running,down,failed,paused" doc:"new: not pinged yet, so nothing can be missed." table:"STATE"`
	LastPing time.Time       `json:"last_ping,omitzero" table:"LAST PING"`
	Deadline time.Time       `json:"deadline,omitzero" doc:"Until when the next ping must come, grace included. None while new, down or paused." table:"DEADLINE"`
	Expected string          `json:"expected" doc:"The expectation in words." table:"EXPECTED"`
	Every    plan.Duration   `json:"every,omitempty"`
	Cron     string          `json:"cron,omitempty"`
	Zone     string          `json:"zone,omitempty"`
	Grace    plan.Duration   `json:"grace,omitempty"`
	MaxRun   plan.Duration   `json:"max_run,omitempty"`
	Service  string          `json:"service,omitempty" table:"SERVICE"`
	Severity alert.Severity  `json:"severity" enum:"critical,error,warning,info"`

	RedactFields   []string `json:"redact_fields,omitempty" doc:"Fields whose values are taken out of what its job sends along."`
	RedactPatterns []string `json:"redact_patterns,omitempty" doc:"Patterns of what is taken out of it."`

	Keys      int       `json:"keys" doc:"How many keys are valid; two after a rotation."`
	Output    string    `json:"output,omitempty" doc:"What the last failure sent along."`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// NewHeartbeat is a heartbeat with what is shown only once.
type NewHeartbeat struct {
	Heartbeat
	URL string `json:"url,omitempty" secret:"true" doc:"What the job pings. It holds the key and is shown only now."`
}

// HeartbeatSettings are what may be changed of a heartbeat; what is not given
// stays.
type HeartbeatSettings struct {
	Every          *plan.Duration  `json:"every,omitempty" doc:"A ping is expected so long after the last, 1m to 366d. Either this or cron."`
	Cron           *string         `json:"cron,omitempty" max:"200" doc:"A ping is expected at the instants of this cron expression: minute, hour, day of month, month, day of week (0 and 7 are Sunday), or @daily and the like."`
	Zone           *string         `json:"zone,omitempty" max:"64" doc:"IANA time zone of cron, like Europe/Berlin. Without it UTC."`
	Grace          *plan.Duration  `json:"grace,omitempty" doc:"By which a ping may be late, 1s to 30d; 5m unless it is given."`
	MaxRun         *plan.Duration  `json:"max_run,omitempty" doc:"From a start to the end of the run. Without it, or at 0s, the grace."`
	Service        *string         `json:"service,omitempty" max:"63" doc:"Service of its alerts."`
	Severity       *alert.Severity `json:"severity,omitempty" enum:"critical,error,warning,info" doc:"Of its alerts; error unless it is given."`
	RedactFields   *[]string       `json:"redact_fields,omitempty" max:"50" doc:"Fields whose values are taken out of what the job sends along, before anything is stored: bare names at any depth, also as name=value in a text, or paths like $.user.email."`
	RedactPatterns *[]string       `json:"redact_patterns,omitempty" max:"50" format:"regex" doc:"Regular expressions (RE2) of what is taken out of it."`
}

// CreateHeartbeat is the input of heartbeats.create.
type CreateHeartbeat struct {
	Name string       `json:"name" required:"true" min:"1" max:"200" doc:"For people."`
	ID   heartbeat.ID `json:"id,omitempty" max:"63" doc:"Without it one is chosen."`
	HeartbeatSettings
}

// HeartbeatID is the input of what needs nothing but a heartbeat.
type HeartbeatID struct {
	ID heartbeat.ID `json:"id" in:"path" max:"63" doc:"Id of the heartbeat."`
}

// UpdateHeartbeat is the input of heartbeats.update.
type UpdateHeartbeat struct {
	HeartbeatID
	Name *string `json:"name,omitempty" min:"1" max:"200" doc:"For people."`
	HeartbeatSettings
}

func (d *Desk) heartbeatOperations() []*Operation {
	return []*Operation{
		New(Spec{
			Name: "heartbeats.list", Method: "GET", Path: "/heartbeats", Scope: HeartbeatsRead,
			Summary: "List heartbeats by id, with state, last ping and next deadline.",
		}, d.listHeartbeats),
		New(Spec{
			Name: "heartbeats.create", Method: "POST", Path: "/heartbeats", Scope: HeartbeatsWrite, Creates: true,
			Summary: "Create a heartbeat; its URL is shown once.",
			Description: "The job pings the URL by GET, HEAD or POST when it succeeded. Below it, /start begins a run, /fail reports a failure, and a number is an exit code. " +
				"Nothing is missed before the first ping. A repeat with the same Idempotency-Key is answered without URL, which is not kept.",
			Examples: []Example{
				{"name": "Nightly backup", "cron": "30 2 * * *", "zone": "Europe/Berlin", "grace": "1h", "service": "shop"},
				{"name": "Queue worker", "every": "5m", "grace": "2m", "severity": "critical", "redact_fields": []string{"password"}},
			},
		}, d.createHeartbeat),
		New(Spec{
			Name: "heartbeats.get", Method: "GET", Path: "/heartbeats/{id}", Scope: HeartbeatsRead,
			Summary: "Show a heartbeat.", Examples: []Example{{"id": "hb-k3v9x2m4qp"}},
		}, d.getHeartbeat),
		New(Spec{
			Name: "heartbeats.update", Method: "PATCH", Path: "/heartbeats/{id}", Scope: HeartbeatsWrite,
			Summary:     "Change what is given of a heartbeat.",
			Description: "every takes the place of cron and zone, and cron that of every; an empty service or zone, and a max_run of 0s, is none. The next ping is awaited anew, counted from now.",
			Examples:    []Example{{"id": "hb-k3v9x2m4qp", "every": "10m"}},
		}, d.updateHeartbeat),
		d.onHeartbeat("pause", "Watch a heartbeat no more for a while.", "Its pings are accepted. An alert about it ends within two minutes.",
			func(h *heartbeat.Definition) { h.Paused = true }),
		d.onHeartbeat("resume", "Watch a heartbeat again.", "The next ping is awaited from now on.",
			func(h *heartbeat.Definition) { h.Paused = false }),
		New(Spec{
			Name: "heartbeats.rotate", Method: "POST", Path: "/heartbeats/{id}/rotate", Scope: HeartbeatsWrite,
			Summary:     "Give a heartbeat a new URL, shown once.",
			Description: "The one before stays valid while its job changes over, until retire or the next rotation.",
			Examples:    []Example{{"id": "hb-k3v9x2m4qp"}},
		}, d.rotateHeartbeat),
		New(Spec{
			Name: "heartbeats.retire", Method: "POST", Path: "/heartbeats/{id}/retire", Scope: HeartbeatsWrite,
			Summary: "End the validity of the URL before the current one.", Examples: []Example{{"id": "hb-k3v9x2m4qp"}},
		}, d.retireHeartbeat),
		New(Spec{
			Name: "heartbeats.remove", Method: "DELETE", Path: "/heartbeats/{id}", Scope: HeartbeatsWrite,
			Summary: "Remove a heartbeat.", Description: "An alert about it ends within two minutes.", Examples: []Example{{"id": "hb-k3v9x2m4qp"}},
		}, d.removeHeartbeat),
	}
}

func heartbeatOf(h heartbeat.Heartbeat) Heartbeat {
	return Heartbeat{
		ID: h.ID, Name: h.Name, State: h.State(), LastPing: h.LastPing, Deadline: h.Deadline, Expected: h.Expectation.String(),
		Every: h.Every, Cron: h.Cron, Zone: h.Zone, Grace: h.Grace, MaxRun: h.MaxRun, Service: h.Service,
		Severity: cmp.Or(h.Severity, alert.Error), RedactFields: h.RedactFields, RedactPatterns: h.RedactPatterns, Keys: len(h.KeyHashes), Output: h.Output, CreatedAt: h.CreatedAt, UpdatedAt: h.UpdatedAt,
	}
}

func (d *Desk) listHeartbeats(ctx context.Context, _ *Caller, _ None) (List[Heartbeat], error) {
	found, err := d.Heartbeats.List(ctx)
	items := make([]Heartbeat, len(found))
	for i, h := range found {
		items[i] = heartbeatOf(h)
	}
	return listOf(items, ""), err
}

func (d *Desk) getHeartbeat(ctx context.Context, _ *Caller, in HeartbeatID) (Heartbeat, error) {
	h, err := d.Heartbeats.Get(ctx, in.ID)
	if err == nil && h.Removed {
		err = heartbeat.ErrNotFound
	}
	return heartbeatOf(h), err
}

func (d *Desk) createHeartbeat(ctx context.Context, c *Caller, in CreateHeartbeat) (NewHeartbeat, error) {
	if err := d.checkHeartbeat(ctx, in.HeartbeatSettings); err != nil {
		return NewHeartbeat{}, err
	}
	wanted := heartbeat.Definition{ID: in.ID, Name: in.Name}
	in.onto(&wanted)
	h, key, err := d.Heartbeats.Create(ctx, wanted, d.Now())
	if err != nil {
		return NewHeartbeat{}, err
	}
	c.Changed("heartbeat "+string(h.ID), "", watchOf(h.Definition))
	return NewHeartbeat{Heartbeat: heartbeatOf(h), URL: d.pingURL(c, key)}, nil
}

// checkHeartbeat names what is wrong with settings beside what their heartbeat
// finds itself.
func (d *Desk) checkHeartbeat(ctx context.Context, s HeartbeatSettings) error {
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return err
	}
	var bad fault.Problems
	if s.Service != nil && *s.Service != "" {
		if _, known := cfg.Services[*s.Service]; !known {
			bad.Add("service", "there is no service %q", *s.Service)
		}
	}
	if s.Grace != nil && *s.Grace == 0 {
		bad.Add("grace", "is 0s, expected 1s to 30d; without it, it is %s", plan.Duration(defaults.HeartbeatGrace))
	}
	return bad.Err("the input is not valid")
}

// onto changes h as s says.
func (s HeartbeatSettings) onto(h *heartbeat.Definition) {
	if s.Every != nil || s.Cron != nil {
		h.Every, h.Cron = 0, ""
	}
	if s.Every != nil {
		h.Zone = ""
	}
	set(&h.Every, s.Every)
	set(&h.Cron, s.Cron)
	set(&h.Zone, s.Zone)
	set(&h.Grace, s.Grace)
	set(&h.MaxRun, s.MaxRun)
	set(&h.Service, s.Service)
	set(&h.Severity, s.Severity)
	set(&h.RedactFields, s.RedactFields)
	set(&h.RedactPatterns, s.RedactPatterns)
}

// watchOf is what the audit log tells of a heartbeat.
func watchOf(h heartbeat.Definition) string {
	text := h.Expectation.String()
	for _, f := range []struct{ name, value string }{
		{"grace", h.Grace.String()}, {"max_run", h.MaxRun.String()}, {"service", h.Service}, {"severity", string(h.Severity)},
	} {
		if f.value != "" && f.value != "0s" {
			text += " " + f.name + "=" + f.value
		}
	}
	if n := len(h.RedactFields) + len(h.RedactPatterns); n > 0 {
		text += fmt.Sprintf(" redacts=%d", n)
	}
	return text
}

// pingURL is what a job pings: on the host that is configured, else on the one
// that the caller used.
func (d *Desk) pingURL(c *Caller, key string) string {
	base := c.base
	if d.PublicURL != nil {
		base = *d.PublicURL
	}
	return base.JoinPath("in", heartbeat.Source, key).String()
}

func (d *Desk) updateHeartbeat(ctx context.Context, c *Caller, in UpdateHeartbeat) (Heartbeat, error) {
	if err := d.checkHeartbeat(ctx, in.HeartbeatSettings); err != nil {
		return Heartbeat{}, err
	}
	before := ""
	h, err := d.Heartbeats.Update(ctx, in.ID, d.Now(), func(h *heartbeat.Definition) {
		before = watchOf(*h)
		set(&h.Name, in.Name)
		in.onto(h)
	})
	if err != nil {
		return Heartbeat{}, err
	}
	c.Changed("heartbeat "+string(in.ID), before, watchOf(h.Definition))
	return heartbeatOf(h), nil
}

// onHeartbeat is a change of one field of a heartbeat.
func (d *Desk) onHeartbeat(verb, summary, description string, change func(*heartbeat.Definition)) *Operation {
	return New(Spec{
		Name: "heartbeats." + verb, Method: "POST", Path: "/heartbeats/{id}/" + verb, Scope: HeartbeatsWrite,
		Summary: summary, Description: description, Examples: []Example{{"id": "hb-k3v9x2m4qp"}},
	}, func(ctx context.Context, c *Caller, in HeartbeatID) (Heartbeat, error) {
		h, err := d.Heartbeats.Update(ctx, in.ID, d.Now(), change)
		if err != nil {
			return Heartbeat{}, err
		}
		c.Changed("heartbeat "+string(in.ID), "", verb+"d")
		return heartbeatOf(h), nil
	})
}

func (d *Desk) rotateHeartbeat(ctx context.Context, c *Caller, in HeartbeatID) (NewHeartbeat, error) {
	h, key, err := d.Heartbeats.RotateKey(ctx, in.ID, d.Now())
	if err != nil {
		return NewHeartbeat{}, err
	}
	c.Changed("heartbeat "+string(in.ID), "", "new key")
	return NewHeartbeat{Heartbeat: heartbeatOf(h), URL: d.pingURL(c, key)}, nil
}

func (d *Desk) retireHeartbeat(ctx context.Context, c *Caller, in HeartbeatID) (Heartbeat, error) {
	h, err := d.Heartbeats.RetireKey(ctx, in.ID, d.Now())
	if err != nil {
		return Heartbeat{}, err
	}
	c.Changed("heartbeat "+string(in.ID), "", "previous key retired")
	return heartbeatOf(h), nil
}

func (d *Desk) removeHeartbeat(ctx context.Context, c *Caller, in HeartbeatID) (None, error) {
	h, err := d.Heartbeats.Get(ctx, in.ID)
	if err == nil {
		err = d.Heartbeats.Remove(ctx, in.ID, d.Now())
	}
	if err != nil {
		return None{}, err
	}
	c.Changed("heartbeat "+string(in.ID), watchOf(h.Definition), "")
	return None{}, nil
}
