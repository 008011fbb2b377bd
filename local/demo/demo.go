// Package demo plays a small outage against a running local stack, so that a
// newcomer sees in minutes what a night on call is like with Tocsin.
package demo

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tocsin/local/inbox"
	"tocsin/local/stack"
)

//go:embed payloads/*.json
var payloads embed.FS

// Demo is an outage being played.
type Demo struct {
	Stack   *stack.Stack
	Webhook string    // address to which Alertmanager posts
	Out     io.Writer // what happens is told here
	In      io.Reader // Enter goes on; at its end all goes on by itself

	enter chan struct{} // one for each line read; closed at the end of the input
	shown int           // messages of the inbox that were told
}

// scene is one thing that happens, after a person read what.
type scene struct {
	what string
	play func(context.Context) error
}

// Play runs the scenes. It ends early when ctx does.
func (d *Demo) Play(ctx context.Context) error {
	d.enter = make(chan struct{})
	go d.read(ctx)
	d.shown = len(d.Stack.Inbox.Messages(inbox.Query{}))
	d.say("\nA small outage. Keep %s/inbox open beside this; every link there works.\n", d.Stack.Addresses.Front)
	scenes := []scene{
		{"Alertmanager reports: the database's disk is full.", d.post("disk-full.json")},
		{"Three more alerts of the same group follow. They join: nobody is paged again.", d.post("disk-full-more.json")},
		{"Alice sleeps. Five minutes pass.", d.pass(5*time.Minute + time.Second)},
		{"Bob acknowledges by the link of his page. He owns the event now.", d.act("bob", "acknowledge")},
		{"Bob rotates the logs. Half an hour later Alertmanager reports recovery of all four.", d.both(d.pass(25*time.Minute), d.post("disk-full-resolved.json"))},
		{"After five quiet minutes the event resolves by itself. Everyone who was paged hears it.", d.pass(5*time.Minute + time.Second)},
		{"Bob writes what was wrong and what fixed it, and closes the event.", d.act("bob", "close",
			"cause_class", "capacity", "cause", "Log rotation was switched off by the last release", "solution", "Rotated by hand and switched it on again")},
	}
	for i, s := range scenes {
		if d.ask(ctx, i+1, s.what); ctx.Err() != nil {
			return nil
		}
		if err := s.play(ctx); err != nil {
			return err
		}
		if err := d.Stack.Settle(ctx); err != nil {
			return err
		}
		d.tell()
	}
	d.say("\nThat was all. The stack goes on: send what you like. Ctrl-C stops it.\n")
	return nil
}

func (d *Demo) say(format string, args ...any) { fmt.Fprintf(d.Out, format, args...) }

// ask tells what comes and waits for Enter.
func (d *Demo) ask(ctx context.Context, n int, what string) {
	d.say("\n%d. %s\n   [Enter] ", n, what)
	select {
	case _, typed := <-d.enter:
		if !typed {
			d.say("\n")
		}
	case <-ctx.Done():
	}
}

func (d *Demo) read(ctx context.Context) {
	defer close(d.enter)
	for lines := bufio.NewScanner(d.In); lines.Scan(); {
		select {
		case d.enter <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
}

// tell names the messages that arrived.
func (d *Demo) tell() {
	all := d.Stack.Inbox.Messages(inbox.Query{})
	for _, m := range all[min(d.shown, len(all)):] {
		d.say("   %s  to %s: %s\n          %s\n", d.Stack.Clock.Now().Format("15:04"), strings.Join(m.To, ", "), m.Subject, gist(m))
	}
	if len(all) == d.shown {
		d.say("   nobody is told anything\n")
	}
	d.shown = len(all)
}

// gist is the first sentence under a message's title.
func gist(m inbox.Message) string {
	paragraphs := strings.Split(strings.ReplaceAll(m.Text, "\r", ""), "\n\n")
	if len(paragraphs) < 2 {
		return ""
	}
	return paragraphs[1]
}

// post sends a payload as Alertmanager does; its times begin at the demo's now.
func (d *Demo) post(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		body, err := payloads.ReadFile("payloads/" + name)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Webhook, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		return answered(req, http.StatusAccepted)
	}
}

// act follows the newest link of a member's mail as a browser would.
func (d *Demo) act(member, action string, pairs ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		link := d.link(member)
		if link == "" {
			return fmt.Errorf("%s received no page; was the event handled in the inbox already?", member)
		}
		form := url.Values{"action": {action}}
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, link, strings.NewReader(form.Encode()))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return answered(req, http.StatusOK)
	}
}

func (d *Demo) link(member string) string {
	found := ""
	for _, m := range d.Stack.Inbox.Messages(inbox.Query{}) {
		if strings.HasPrefix(m.To[0], member+"@") && len(m.Links) > 0 {
			found = m.Links[0]
		}
	}
	return found
}

func answered(req *http.Request, want int) error {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != want {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 2<<10))
		return fmt.Errorf("%s answered %s: %s", req.Method, resp.Status, body)
	}
	return nil
}

func (d *Demo) pass(t time.Duration) func(context.Context) error {
	return func(ctx context.Context) error { return d.Stack.Skip(ctx, t) }
}

func (d *Demo) both(first, then func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := first(ctx); err != nil {
			return err
		}
		return then(ctx)
	}
}
