// Package stack brings up Tocsin whole on this machine: template.yaml deployed
// to an AWS emulator with the real function binaries, an endpoint for Step
// Functions, an inbox that takes every message, and one front address.
//
// It starts, stops and moves time; it decides nothing about events.
//
//	s, err := stack.Start(ctx, stack.Config{Dir: "."})
//	defer s.Stop()
//	resp, err := http.Post(s.Addresses.Front+"/in/...", ...)
//	err = s.Settle(ctx)
package stack

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/local/front"
	"tocsin/local/inbox"
	"tocsin/local/ministack"
	"tocsin/local/stepfunctions"
)

// stackName is the CloudFormation stack's.
const stackName = "tocsin"

// Service names what functions reach over an address that a test may put a
// proxy before.
type Service string

// The services of Config.Route.
const (
	Cloud  Service = "cloud"  // all of AWS but Step Functions and SES
	States Service = "states" // Step Functions
	Mail   Service = "mail"   // SES
	Push   Service = "push"   // ntfy
)

// Config says what to start. Only Dir is needed.
type Config struct {
	Dir   string // the checkout: go.mod, template.yaml, functions/
	State string // where the stack keeps itself between runs; "" for .local/stack in Dir
	Ports Ports

	// Parameters of the template; AdminEmail and MailDomain have a value unless
	// it is given here. Variables of every function, over those of the template.
	Parameters func(Addresses) map[string]string
	Variables  func(Addresses) map[string]string

	// Route returns the address that functions use for a service, from its real one.
	Route func(s Service, address string) string

	// ConsumerTimeout and Visibility are upper bounds, in seconds, for the
	// functions that read queues and for queues; 0 keeps the template's.
	ConsumerTimeout, Visibility int
	// NoSchedules leaves the sweeper to Sweep.
	NoSchedules bool
	// NoBuild takes the binaries of an earlier build.
	NoBuild bool
	// Deadlines returns the first deadline after an instant that only the
	// sweeper keeps, for Skip; false: there is none. nil: there never is.
	Deadlines func(ctx context.Context, after time.Time) (time.Time, bool, error)

	Progress io.Writer                                 // a line per slow step; nil for none
	Ready    func(ctx context.Context, s *Stack) error // called once all parts answer
}

// Stack is a running stack. Its methods may be called concurrently, but for
// Stop and Skip.
type Stack struct {
	Addresses Addresses
	Clock     *stepfunctions.OffsetClock
	Inbox     *inbox.Inbox

	config   Config
	aws      *ministack.Server
	deployed *ministack.Stack
	states   *stepfunctions.Server
	running  chan struct{}  // closed once states is set
	closers  []func() error // in the order of starting
}

// Start builds the functions and starts every part; after an error nothing runs.
func Start(ctx context.Context, c Config) (*Stack, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	s := &Stack{config: c, running: make(chan struct{})}
	if err := s.start(ctx, c); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (c *Config) complete() error {
	var err error
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return err
	}
	if c.State == "" {
		c.State = filepath.Join(c.Dir, ".local", "stack")
	}
	if c.State, err = filepath.Abs(c.State); err != nil {
		return err
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	if c.Route == nil {
		c.Route = func(_ Service, address string) string { return address }
	}
	return os.MkdirAll(c.State, 0o755)
}

func (s *Stack) start(ctx context.Context, c Config) error {
	p := progress{w: c.Progress}
	unlock, err := lock(c.State)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, unlock)
	l, err := s.listen(c.Ports)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, l.close)
	if !c.NoBuild {
		if err := p.step("build the functions", func() error { return buildFunctions(ctx, c.Dir) }); err != nil {
			return err
		}
	}
	if err := s.startParts(ctx, c, l, &p); err != nil {
		return err
	}
	if c.Ready == nil {
		return nil
	}
	return c.Ready(ctx, s)
}

// startParts starts in the order that makes Stop's reverse order right: the
// front ends first, then executions, then AWS, and last what functions call.
func (s *Stack) startParts(ctx context.Context, c Config, l listeners, p *progress) error {
	if err := s.startCalled(l, c); err != nil {
		return err
	}
	if err := p.step("start ministack", func() error { return s.startAWS(ctx, c, l.aws, p) }); err != nil {
		return err
	}
	if err := s.startStates(c); err != nil {
		return err
	}
	if err := p.step("deploy template.yaml", func() error { return s.deploy(ctx, c) }); err != nil {
		return err
	}
	if err := s.putMachines(ctx); err != nil {
		return err
	}
	return s.startFront(l.front)
}

// startCalled starts clock and inbox, and the address of Step Functions, whose
// requests wait until executions go on.
func (s *Stack) startCalled(l listeners, c Config) (err error) {
	s.serve(l.states, http.HandlerFunc(s.serveStates))
	if s.Clock, err = stepfunctions.OpenClock(s.clockFile()); err != nil {
		return err
	}
	if s.Inbox, err = inbox.Open(inbox.Config{File: filepath.Join(c.State, "inbox.jsonl"), Now: s.Clock.Now}); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Inbox.Close)
	s.serve(l.inbox, s.Inbox)
	return nil
}

func (s *Stack) clockFile() string { return filepath.Join(s.config.State, "clock") }

// startAWS frees the emulator's port at the last moment, so that no other
// program is given it.
func (s *Stack) startAWS(ctx context.Context, c Config, l net.Listener, p *progress) error {
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return err
	}
	var err error
	s.aws, err = ministack.Start(ctx, ministack.Config{
		Dir:       filepath.Join(c.State, "ministack"),
		Port:      port,
		Endpoint:  c.Route(Cloud, s.Addresses.AWS),
		Variables: s.variables(c),
		Progress:  p.note,
	})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, s.aws.Stop)
	return nil
}

// variables are what every function has, over those of the template.
func (s *Stack) variables(c Config) map[string]string {
	v := map[string]string{
		"TOCSIN_CLOCK_FILE":      s.clockFile(),
		"AWS_ENDPOINT_URL_SFN":   c.Route(States, s.Addresses.States),
		"AWS_ENDPOINT_URL_SESV2": c.Route(Mail, s.Addresses.Inbox),
		"NTFY_BASE_URL":          c.Route(Push, s.Addresses.Inbox),
		"PUBLIC_URL":             s.Addresses.Front,
	}
	if c.Variables == nil {
		return v
	}
	for name, value := range c.Variables(s.Addresses) {
		v[name] = value
	}
	return v
}

func (s *Stack) startFront(l net.Listener) error {
	api, err := url.Parse(s.API())
	if err != nil {
		return err
	}
	// Requests end first, then what they began has a moment to finish.
	s.closers = append(s.closers, s.rest)
	s.serve(l, front.New(front.Config{API: api, Inbox: s.Inbox, Mail: http.HandlerFunc(s.serveMail), Addresses: []front.Address{
		{URL: s.Addresses.Front + "/inbox", Meaning: "Inbox: every message that would have left"},
		{URL: s.Addresses.Front + "/v1", Meaning: "API"},
		{URL: s.Addresses.AWS, Meaning: "AWS endpoint"},
		{URL: s.Addresses.States, Meaning: "Step Functions endpoint"},
	}}))
	return nil
}

// serve answers requests until the stack stops; requests then in progress have a second.
func (s *Stack) serve(l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	s.closers = append(s.closers, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			return server.Close()
		}
		return nil
	})
}

// Stop ends every part, the last started first, and keeps the state. It may be
// called again.
func (s *Stack) Stop() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// API returns the address that paths of the HTTP API are appended to.
func (s *Stack) API() string {
	for _, r := range s.deployed.Resources {
		if r.Type == "AWS::ApiGatewayV2::Api" {
			return s.Addresses.AWS + "/_aws/execute-api/" + r.ID + "/$default"
		}
	}
	return s.Addresses.AWS
}

// Output returns an output of the template; "" if there is none of that name.
func (s *Stack) Output(name string) string { return s.deployed.Outputs[name] }

// Resource returns what Ref yields for a resource of the template: a table's
// or function's name, a queue's address, a state machine's ARN. "" if there
// is none of that logical id.
func (s *Stack) Resource(logicalID string) string { return s.deployed.Resources[logicalID].ID }

// Invoke calls a function by logical id.
func (s *Stack) Invoke(ctx context.Context, logicalID string, payload []byte) ([]byte, error) {
	return s.aws.Invoke(ctx, s.Resource(logicalID), payload)
}

// Exited is closed when the AWS emulator has ended, which without Stop is a failure.
func (s *Stack) Exited() <-chan struct{} { return s.aws.Exited() }

// State is the folder in which the stack keeps itself between runs.
func (s *Stack) State() string { return s.config.State }

// Logs names the files that functions and the emulator write.
func (s *Stack) Logs() (functions, emulator string) {
	dir := filepath.Join(s.config.State, "ministack")
	return filepath.Join(dir, ministack.FunctionLog), filepath.Join(dir, ministack.Log)
}

// Activity tells what is in flight in AWS: queues and functions.
func (s *Stack) Activity(ctx context.Context) (ministack.Activity, error) { return s.aws.Activity(ctx) }

// SDK returns the configuration of AWS clients for this stack. It reaches all
// of AWS but Step Functions, which is at Addresses.States.
func (s *Stack) SDK() aws.Config {
	return aws.Config{
		Region:       ministack.Region,
		BaseEndpoint: aws.String(s.Addresses.AWS),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: ministack.Account, SecretAccessKey: "local", Source: "local stack"}, nil
		}),
	}
}
