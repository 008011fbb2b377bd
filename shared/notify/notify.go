// Package notify owns what all channels share: one rendered message
// ([Content]), the interface that every provider's package implements
// ([Channel]), and the one table that sorts every answer of a provider into
// the few kinds that a sender treats differently. It knows no event, keeps
// nothing and decides no retry.
//
//	r := channel.Send(ctx, "ann@example.com", notify.Content{ID: "5f2c", Thread: "E-12.0", Subject: "[P1] E-12 Disk full", Text: "..."})
//	if r.Kind.Again() { ... }
package notify

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Urgency is how loudly a message may call: 1 (rings) to 4 (silent). The
// priorities P1 to P4 of pages map to it one to one.
type Urgency int

// From loudest to quietest. The zero Urgency is treated as Normal.
const (
	Urgent Urgency = 1 + iota
	High
	Normal
	Low
)

// Link is a labelled address that the reader may follow. Following it changes
// nothing.
type Link struct {
	Label string
	URL   string
}

// Content is one message, rendered for one reader. Text is never cut by its
// author to a provider's limits: each channel does that for itself.
type Content struct {
	ID       string  // of the message: the same at every attempt
	Thread   string  // what all messages of one event and opening share
	Language string  // of the reader: "en", "zh"
	Subject  string  // one line, the same for every message of a thread
	Title    string  // one line that says what this message is, for a phone's screen
	Brief    string  // a few lines without links, for a phone
	Text     string  // the whole message, links included
	HTML     string  // the same as a page of its own; "" none
	Urgency  Urgency //
	Links    []Link  // the most important first
	Tags     []string
	Test     bool
}

// Channel sends to one provider. Send makes one attempt, within ctx, and says
// what came of it; its Result never carries an address or a secret. A Channel
// is safe for concurrent use.
type Channel interface {
	Send(ctx context.Context, address string, c Content) Result
}

// Kind is what one attempt came to.
type Kind string

// The kinds of results.
//
//	sent              the provider took it
//	retry             it was not taken, and may be later
//	unknown           it may have been taken: sending again beats never sending
//	rejected_address  this address will never take it
//	rejected_message  this message will never be taken there
//	misconfigured     our account, token or address of the provider is at fault: a person must look
const (
	Sent            Kind = "sent"
	Retry           Kind = "retry"
	Unknown         Kind = "unknown"
	RejectedAddress Kind = "rejected_address"
	RejectedMessage Kind = "rejected_message"
	Misconfigured   Kind = "misconfigured"
)

// Again reports whether the same message to the same address may still arrive.
func (k Kind) Again() bool { return k == Retry || k == Unknown }

// Result is what the provider said.
type Result struct {
	Kind   Kind
	Pause  time.Duration // the provider's own wish before the next attempt; 0: none
	ID     string        // the provider's id of the message
	Detail string        // for people: its status, code and words
}

// maxDetail bounds what is kept of a provider's words, in bytes.
const maxDetail = 200

// Line returns text as one line without control or direction-changing
// characters, cut to at most n bytes. What senders write is data: it must not
// begin a header or turn a line around.
func Line(text string, n int) string {
	line := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case hidden(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return Cut(strings.Join(strings.Fields(line), " "), n)
}

// Lines is Line for text of several lines: line breaks and tabs stay.
func Lines(text string, n int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
	return Cut(strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if hidden(r) {
			return -1
		}
		return r
	}, text)), n)
}

// hidden reports control characters and those that change the direction of
// the text after them (Unicode standard annex 9, "Directional formatting
// characters").
func hidden(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

const ellipsis = "…"

// Cut returns text in at most n bytes, without splitting a character; what was
// cut ends in an ellipsis.
func Cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	n = max(n-len(ellipsis), 0)
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + ellipsis
}
