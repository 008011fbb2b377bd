// Command local runs Tocsin whole on this machine; `make run` calls it.
//
//	go run ./local [run|demo]
//
// It builds the functions, starts every part on loopback, says where they are
// and stops them at Ctrl-C. What happened is kept in .local and goes on at the
// next start, also with newer code. demo then plays a small outage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"tocsin/local/demo"
	"tocsin/local/seed"
	"tocsin/local/stack"
)

func main() {
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The second Ctrl-C ends the program at once.
	context.AfterFunc(ctx, release)
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	name := "run"
	if len(args) > 0 && args[0][0] != '-' {
		name, args = args[0], args[1:]
	}
	switch name {
	case "run":
		return run(ctx, args, nil)
	case "demo":
		return run(ctx, args, play)
	}
	return fmt.Errorf("there is no command %q; want run or demo", name)
}

// play plays the demonstration.
func play(ctx context.Context, s *stack.Stack, seeded seed.Seeded) error {
	d := demo.Demo{Stack: s, Webhook: s.Addresses.Front + seeded.Webhook, Out: os.Stdout, In: os.Stdin}
	return d.Play(ctx)
}

// run starts the stack and, once it answers, calls then (nil for nothing).
func run(ctx context.Context, args []string, then func(context.Context, *stack.Stack, seed.Seeded) error) error {
	c := stack.Config{Progress: os.Stdout, Visibility: visibility, ConsumerTimeout: consumerTimeout}
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.StringVar(&c.Dir, "dir", ".", "the checkout")
	flags.StringVar(&c.State, "state", "", "where the stack keeps itself (default .local/stack in the checkout)")
	flags.IntVar(&c.Ports.Front, "port", 8080, "of the front; 0 takes a free one")
	flags.IntVar(&c.Ports.AWS, "aws-port", 4566, "of the AWS endpoint")
	flags.IntVar(&c.Ports.States, "states-port", 8083, "of the Step Functions endpoint")
	flags.IntVar(&c.Ports.Inbox, "inbox-port", 8025, "that functions send messages to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	begun := time.Now()
	c.Ready = func(ctx context.Context, s *stack.Stack) error {
		seeded, err := seed.Stack(ctx, s, s.State())
		if err != nil {
			return err
		}
		announce(s, seeded, time.Since(begun))
		if then != nil {
			return then(ctx, s, seeded)
		}
		return nil
	}
	return serve(ctx, c)
}

// A function that was killed costs its messages seconds here, not minutes.
const (
	visibility      = 12
	consumerTimeout = 10
)

func announce(s *stack.Stack, seeded seed.Seeded, took time.Duration) {
	functions, emulator := s.Logs()
	front := s.Addresses.Front
	fmt.Printf(`
Tocsin runs, after %.1f s.

  inbox            %s/inbox      every message that would have left
  webhook          %s%s
  mail             POST %s/mail/{address}      for integrations of source email
  API              %s/v1      token %s
  AWS endpoint     %s
  Step Functions   %s
  function logs    %s
  emulator's log   %s

Raise an alert, and watch the page arrive in the inbox:

  curl -sS %s%s -H 'Content-Type: application/json' -d '
  {"version":"4","groupKey":"{}:{alertname=\"DiskFull\"}","status":"firing","receiver":"tocsin","alerts":[{
    "status":"firing","labels":{"alertname":"DiskFull","instance":"db-1","job":"shop-db","severity":"critical"},
    "annotations":{"summary":"Disk of db-1 is full"},"startsAt":"%s","fingerprint":"d15cf011d15cf011"}]}'

Ctrl-C stops it; events, clock and messages are kept.
`, took.Seconds(), front, front, seeded.Webhook, front, front, seeded.Token, s.Addresses.AWS, s.Addresses.States,
		functions, emulator, front, seeded.Webhook, time.Now().UTC().Format(time.RFC3339))
}

// serve runs the stack until ctx ends.
func serve(ctx context.Context, c stack.Config) error {
	s, err := stack.Start(ctx, c)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		fmt.Println("stopping ...")
		return s.Stop()
	case <-s.Exited():
		_, log := s.Logs()
		return errors.Join(fmt.Errorf("the AWS emulator ended by itself; %s may say why", log), s.Stop())
	}
}
