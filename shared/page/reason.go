package page

import (
	"time"

	"tocsin/shared/event"
	"tocsin/shared/incident"
	"tocsin/shared/outbox"
)

// Reads reports whether the messages of a reason are made of their event. Those
// of the others carry all that they say, and never end.
func Reads(r outbox.Reason) bool {
	switch r {
	case outbox.Page, outbox.LastResort, outbox.Ended, outbox.Record, outbox.News:
		return true
	}
	return false
}

// Why a reason ended.
const (
	newerCycle = "newer_cycle"
	reopened   = "reopened"
	merged     = "merged"
	recorded   = "recorded"
	answered   = "answered"
)

// Ends reports whether the reason of a message has ended, and what ended it.
// It is the closed table of that:
//
//	page, last_resort  acknowledge, snooze, resolve, merge, close, a newer cycle
//	ended              a reopening
//	record             the record is complete, the event closed or reopened
//	news               nothing: what happened stays true
//	update             see [UpdateEnds]
//	dead, link         nothing
//
// e must have been read after the message was claimed: then whoever ends the
// event later sees the claim, and tells its reader of the end.
func Ends(m outbox.Message, e event.Event) (over bool, why string) {
	switch m.Reason {
	case outbox.Page, outbox.LastResort:
		return endsPage(m, e)
	case outbox.Ended:
		return e.State.Open() || e.Opening != m.Opening, reopened
	case outbox.Record:
		return endsRecord(m, e)
	}
	return false, ""
}

// UpdateEnds reports whether the reason of an incident's message has ended: the
// update was given, the action items were done, or the incident owes neither
// any more.
func UpdateEnds(m outbox.Message, i incident.Incident, at time.Time) (over bool, why string) {
	return !i.StillAsks(m.Key, at), answered
}

func endsPage(m outbox.Message, e event.Event) (bool, string) {
	switch {
	case e.MergedInto != "":
		return true, merged
	case e.State != event.Triggered:
		return true, string(e.State)
	case e.Cycle != m.Cycle:
		return true, newerCycle
	}
	return false, ""
}

func endsRecord(m outbox.Message, e event.Event) (bool, string) {
	switch {
	case e.State == event.Closed:
		return true, string(event.Closed)
	case e.State.Open() || e.Opening != m.Opening:
		return true, reopened
	case e.Record.Complete():
		return true, recorded
	}
	return false, ""
}
