package main

import (
	"bytes"
	"compress/gzip"
	"testing"
	"time"

	"tocsin/shared/event"
	"tocsin/shared/outbox"
)

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// messageTo is a page that was sent.
func messageTo(e event.Event, at time.Time) outbox.Message {
	m := outbox.New(outbox.Key{Event: string(e.ID), Cycle: 1, Reason: outbox.Page, Stage: "assignee", Member: "ann", Contact: "email"}, "email", at)
	m.Claim(at, time.Minute)
	m.Settle(outbox.Sent, outbox.Result{At: at, Kind: "sent"})
	return m
}
