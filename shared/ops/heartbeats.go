package ops

import (
	"cmp"
	"context"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/heartbeat"
	"tocsin/shared/plan"
)

// Heartbeat is what a job pings so that its silence is noticed.
type Heartbeat struct {
	ID        heartbeat.ID    `json:"id" table:"ID"`
	Name      string          `json:"name" table:"NAME"`
	State     heartbeat.State `json:"state" enum:"new,up,running,down,failed,paused" doc:"new: not pinged yet, so nothing can be missed." table:"STATE"`
	LastPing  time.Time       `json:"last_ping,omitzero" table:"LAST PING"`
	Deadline  time.Time       `json:"deadline,omitzero" doc:"Until when the next ping must come, grace included. None while new, down or paused." table:"DEADLINE"`
	Expected  string          `json:"expected" doc:"The expectation in words." table:"EXPECTED"`
	Every     plan.Duration   `json:"every,omitempty"`
	Cron      string          `json:"cron,omitempty"`
	Zone      string          `json:"zone,omitempty"`
	Grace     plan.Duration   `json:"grace,omitempty"`
	MaxRun    plan.Duration   `json:"max_run,omitempty"`
	Service   string          `json:"service,omitempty" table:"SERVICE"`
	Severity  alert.Severity  `json:"severity" enum:"critical,error,warning,info"`
	Keys      int             `json:"keys" doc:"How many keys are valid; two after a rotation."`
	Output    string          `json:"output,omitempty" doc:"What the last failure sent along."`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
}

// NewHeartbeat is a heartbeat with what is shown only once.
type NewHeartbeat struct {
	Heartbeat
	URL string `json:"url,omitempty" secret:"true" doc:"What the job pings. It holds the key and is shown only now."`
}

// Expectation is the part of an input that says when pings are expected.
type Expectation struct {
	Every  plan.Duration `json:"every,omitempty" doc:"A ping is expected so long after the last, 1m to 366d. Either this or cron."`
	Cron   string        `json:"cron,omitempty" max:"200" doc:"A ping is expected at the instants of this cron expression: minute, hour, day of month, month, day of week (0 is Sunday), or @daily and the like."`
	Zone   string        `json:"zone,omitempty" max:"64" doc:"IANA time zone of cron, like Europe/Berlin. Without it UTC."`
	Grace  plan.Duration `json:"grace,omitempty" default:"5m" doc:"By which a ping may be late."`
	MaxRun plan.Duration `json:"max_run,omitempty" doc:"From a start to the end of the run. Without it the grace."`
}

// CreateHeartbeat is the input of heartbeats.create.
type CreateHeartbeat struct {
	Name string       `json:"name" required:"true" min:"1" max:"200" doc:"For people."`
	ID   heartbeat.ID `json:"id,omitempty" max:"63" doc:"Without it one is chosen."`
	Expectation
	Service  string         `json:"service,omitempty" max:"63" doc:"Service of its alerts."`
	Severity alert.Severity `json:"severity,omitempty" enum:"critical,error,warning,info" default:"error" doc:"Of its alerts."`
}

// HeartbeatID is the input of what needs nothing but a heartbeat.
type HeartbeatID struct {
	ID heartbeat.ID `json:"id" in:"path" max:"63" doc:"Id of the heartbeat."`
}

// UpdateHeartbeat is the input of heartbeats.update.
type UpdateHeartbeat struct {
	HeartbeatID
	Name string `json:"name,omitempty" max:"200" doc:"For people."`
	Expectation
	Service  string         `json:"service,omitempty" max:"63" doc:"Service of its alerts."`
	Severity alert.Severity `json:"severity,omitempty" enum:"critical,error,warning,info" doc:"Of its alerts."`
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
				{"name": "Queue worker", "every": "5m", "grace": "2m", "severity": "critical"},
			},
		}, d.createHeartbeat),
		New(Spec{
			Name: "heartbeats.get", Method: "GET", Path: "/heartbeats/{id}", Scope: HeartbeatsRead,
			Summary: "Show a heartbeat.", Examples: []Example{{"id": "hb-k3v9x2m4qp"}},
		}, d.getHeartbeat),
		New(Spec{
			Name: "heartbeats.update", Method: "PATCH", Path: "/heartbeats/{id}", Scope: HeartbeatsWrite,
			Summary:     "Change what is given of a heartbeat.",
			Description: "every takes the place of cron and zone, and cron that of every. The next ping is awaited anew, counted from now.",
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
		Severity: cmp.Or(h.Severity, alert.Error), Keys: len(h.KeyHashes), Output: h.Output, CreatedAt: h.CreatedAt, UpdatedAt: h.UpdatedAt,
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
	if err := d.checkService(ctx, in.Service); err != nil {
		return NewHeartbeat{}, err
	}
	h, key, err := d.Heartbeats.Create(ctx, heartbeat.Definition{
		ID: in.ID, Name: in.Name, Service: in.Service, Severity: in.Severity, Expectation: heartbeat.Expectation(in.Expectation),
	}, d.Now())
	if err != nil {
		return NewHeartbeat{}, err
	}
	c.Changed("heartbeat "+string(h.ID), "", h.Expectation.String())
	return NewHeartbeat{Heartbeat: heartbeatOf(h), URL: d.pingURL(c, key)}, nil
}

func (d *Desk) checkService(ctx context.Context, service string) error {
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return err
	}
	var bad fault.Problems
	if _, known := cfg.Services[service]; service != "" && !known {
		bad.Add("service", "there is no service %q", service)
	}
	return bad.Err("the input is not valid")
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
	if err := d.checkService(ctx, in.Service); err != nil {
		return Heartbeat{}, err
	}
	before := ""
	h, err := d.Heartbeats.Update(ctx, in.ID, d.Now(), func(h *heartbeat.Definition) {
		before = h.Expectation.String()
		in.change(h)
	})
	if err != nil {
		return Heartbeat{}, err
	}
	c.Changed("heartbeat "+string(in.ID), before, h.Expectation.String())
	return heartbeatOf(h), nil
}

func (in *UpdateHeartbeat) change(h *heartbeat.Definition) {
	h.Name, h.Service, h.Severity = cmp.Or(in.Name, h.Name), cmp.Or(in.Service, h.Service), cmp.Or(in.Severity, h.Severity)
	h.Grace, h.MaxRun = cmp.Or(in.Grace, h.Grace), cmp.Or(in.MaxRun, h.MaxRun)
	if in.Every != 0 || in.Cron != "" {
		h.Every, h.Cron = in.Every, in.Cron
	}
	if h.Zone = cmp.Or(in.Zone, h.Zone); in.Every != 0 {
		h.Zone = in.Zone
	}
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
	c.Changed("heartbeat "+string(in.ID), h.Expectation.String(), "")
	return None{}, nil
}
