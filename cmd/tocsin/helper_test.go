package main

import (
	"time"

	"tocsin/shared/event"
	"tocsin/shared/outbox"
)

// messageTo is a page that was sent.
func messageTo(e event.Event, at time.Time) outbox.Message {
	m := outbox.New(outbox.Key{Event: string(e.ID), Cycle: 1, Reason: outbox.Page, Stage: "assignee", Member: "ann", Contact: "email"}, "email", at)
	m.Claim(at, time.Minute)
	m.Settle(outbox.Sent, outbox.Result{At: at, Kind: "sent"})
	return m
}
