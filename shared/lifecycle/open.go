package lifecycle

import (
	"tocsin/shared/clock"
	"tocsin/shared/incident"
	"tocsin/shared/machine"
	"tocsin/shared/wiring"
)

// Open returns the engines of events and incidents. It reads
// INCIDENT_MACHINE_ARN beside what [wiring.Open] reads.
func Open(p *wiring.Parts) (*Engine, *IncidentEngine, error) {
	incidents, err := machine.Open(p.AWS, p.Env, "INCIDENT_MACHINE_ARN")
	if err != nil {
		return nil, nil, err
	}
	people := People{Config: Versions{Cache: p.Config, Log: p.Log}, Contacts: p.Contacts}
	desk := &incident.Desk{
		Store:   &incident.Store{Table: p.Events, Outbox: p.Outbox},
		Machine: incidents, Post: p.Desk.Post, Now: clock.Now, Log: p.Log,
	}
	return &Engine{
			Desk: p.Desk, Outbox: p.Outbox, People: people, Incidents: desk, Log: p.Log, Now: clock.Now,
		}, &IncidentEngine{
			Desk: desk, Events: p.Desk, People: people, Log: p.Log, Now: clock.Now,
		}, nil
}
