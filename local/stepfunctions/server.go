// Package stepfunctions runs STANDARD workflows on one machine behind the API
// of AWS Step Functions (JSON 1.0), for the local stack and for tests.
//
// It owns executions: their names, histories, task tokens and deadlines, which
// survive the process. It interprets the part of the Amazon States Language
// that the project's machines use, and refuses every other definition; it
// calls Lambda functions through an [Invoker]; it judges time by a [Clock]
// that can be moved. NATIVE.md lists what the service does, by source, and the
// test that shows the same here.
//
//	clock, _ := stepfunctions.OpenClock("clock")
//	server, err := stepfunctions.New(stepfunctions.Config{
//		Dir: "states", Region: "us-east-1", Account: "000000000000", Clock: clock,
//		Lambda: &stepfunctions.HTTPInvoker{Endpoint: "http://127.0.0.1:4566"},
//	})
//	go http.ListenAndServe("127.0.0.1:8083", server)
//
// A function is called at least once per attempt of a task: a call whose
// answer had not come when the process died is made again at the next start,
// with the same parameters, token and deadline.
package stepfunctions

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Config says where a Server keeps its state and whom it calls.
type Config struct {
	Dir     string // made if absent; one Server at a time
	Region  string // of all ARNs
	Account string // of all ARNs
	Lambda  Invoker
	Clock   Clock        // nil: real time
	Log     *slog.Logger // nil: none

	// Notify publishes that an execution ended; nil: nobody is told. Calls come
	// from many goroutines.
	Notify func(ctx context.Context, n Notice) error
}

// Server is the endpoint. All methods may be called from many goroutines.
//
// One lock covers all executions: between two waits a transition takes
// microseconds, and whatever is answered has been written under that lock.
type Server struct {
	config Config
	store  *store
	env    *environment
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup
	wake   chan struct{} // a deadline may have come nearer

	mu         sync.Mutex
	machines   map[string]*stateMachine // by arn
	parsed     map[string]*Machine      // by hash of the definition
	executions map[string]*execution    // by arn
	open       map[string]*execution    // the running ones
	calls      int                      // invocations without an answer, and notices
	changed    chan struct{}            // closed at the next commit or answer
	broken     error                    // the first failed write; nothing is answered after it
}

// New opens the directory and goes on with every execution that runs there.
func New(config Config) (*Server, error) {
	s := &Server{
		config: config, wake: make(chan struct{}, 1), changed: make(chan struct{}),
		machines: map[string]*stateMachine{}, parsed: map[string]*Machine{},
		executions: map[string]*execution{}, open: map[string]*execution{},
	}
	if config.Lambda == nil {
		return nil, errors.New("open state machines: no Lambda to call")
	}
	if config.Log == nil {
		s.config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Clock == nil {
		s.config.Clock, _ = OpenClock("")
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("open state machines in %s: %w", config.Dir, err)
	}
	s.done.Go(s.keepTime)
	return s, nil
}

func (s *Server) load() (err error) {
	if s.store, err = openStore(s.config.Dir); err != nil {
		return err
	}
	key, err := openTokenKey(s.config.Dir)
	if err != nil {
		return err
	}
	s.env = &environment{now: s.config.Clock.Now, tokens: key, region: s.config.Region, jitter: jitter, maxEvents: maxEvents}
	machines, err := s.store.machines()
	if err != nil {
		return err
	}
	for _, m := range machines {
		s.machines[m.Arn] = m
	}
	executions, err := s.store.executions()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range executions {
		if err := s.adopt(x); err != nil {
			return err
		}
	}
	return nil
}

func jitter(limit time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(limit) + 1)) }

// adopt takes over an execution that was read from disk.
func (s *Server) adopt(x *execution) (err error) {
	x.env = s.env
	if x.machine, err = s.machine(x.Definition); err != nil {
		return fmt.Errorf("definition of %s: %w", x.Arn, err)
	}
	s.executions[x.Arn] = x
	if !x.running() {
		return nil
	}
	x.deleted = s.machines[x.Machine] == nil || s.machines[x.Machine].Deleting
	s.open[x.Arn] = x
	if !due(x, s.env.now()) {
		s.launch(x)
	}
	return nil
}

// machine returns the parsed definition of that hash.
func (s *Server) machine(hash string) (*Machine, error) {
	if m := s.parsed[hash]; m != nil {
		return m, nil
	}
	text, err := s.store.definition(hash)
	if err != nil {
		return nil, err
	}
	m, err := Parse(text)
	if err == nil {
		s.parsed[hash] = m
	}
	return m, err
}

// Close stops the server at once, as a kill would, and waits for its
// goroutines. Calls under way are given up; the next New makes them again.
func (s *Server) Close() error {
	s.cancel()
	s.done.Wait()
	return nil
}

// Put creates the machine or replaces its definition. Running executions keep
// the one they began with. It returns the machine's ARN, or a
// *DefinitionError.
func (s *Server) Put(name, definition, roleArn string) (arn string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !validName(name) {
		return "", invalidName(name)
	}
	if _, err := Parse([]byte(definition)); err != nil {
		return "", err
	}
	arn = s.machineArn(name)
	created := s.env.now()
	if known := s.machines[arn]; known != nil {
		created = known.Created
		if known.Deleting {
			return "", deleting(arn)
		}
	}
	return arn, s.putMachine(&stateMachine{Arn: arn, Name: name, Role: roleArn, Created: created}, definition)
}

// putMachine keeps m with a definition that has been parsed.
func (s *Server) putMachine(m *stateMachine, definition string) (err error) {
	if m.Definition, err = s.store.keepDefinition(definition); err == nil {
		err = s.store.keepMachine(m)
	}
	if err != nil {
		return s.breakDown(err)
	}
	s.machines[m.Arn] = m
	return nil
}

func (s *Server) machineArn(name string) string {
	return fmt.Sprintf("arn:aws:states:%s:%s:stateMachine:%s", s.config.Region, s.config.Account, name)
}

func (s *Server) executionArn(machine, name string) string {
	return fmt.Sprintf("arn:aws:states:%s:%s:execution:%s:%s", s.config.Region, s.config.Account, machine, name)
}

// NextDeadline returns the earliest instant at which an execution acts by
// itself. ok is false where none will.
func (s *Server) NextDeadline() (at time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at = s.next()
	return at, !at.IsZero()
}

func (s *Server) next() time.Time {
	var first time.Time
	for _, x := range s.open {
		first = earliest(first, x.deadline())
	}
	return first
}

// InFlight counts function calls and notices without an answer, and executions whose
// deadline has passed but has not been acted on. At 0 nothing moves until a
// deadline comes or somebody calls: a clock may jump.
func (s *Server) InFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inFlight()
}

func (s *Server) inFlight() int {
	n, now := s.calls, s.env.now()
	for _, x := range s.open {
		if due(x, now) {
			n++
		}
	}
	return n
}

// Settle waits until nothing is in flight.
func (s *Server) Settle(ctx context.Context) error {
	for {
		s.mu.Lock()
		n, changed := s.inFlight(), s.changed
		s.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d in flight: %w", n, ctx.Err())
		}
	}
}

// Transitions returns the state transitions of an execution as they are
// billed: each state entered and each retry. It is 0 for one that is unknown.
// Source: AWS Step Functions pricing, "Standard Workflows".
func (s *Server) Transitions(executionArn string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.executions[executionArn]; x != nil {
		return x.at.Transitions
	}
	return 0
}

func due(x *execution, now time.Time) bool {
	at := x.deadline()
	return !at.IsZero() && !at.After(now)
}

// keepTime fires deadlines as they come.
func (s *Server) keepTime() {
	for {
		moved := s.config.Clock.Moved() // before the deadline is read: no jump is missed
		timer := time.NewTimer(s.untilNext())
		select {
		case <-timer.C:
		case <-moved:
		case <-s.wake:
		case <-s.ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
		s.fireDue()
	}
}

// untilNext is a day at most, so a real clock that was set is noticed.
func (s *Server) untilNext() time.Duration {
	at, ok := s.NextDeadline()
	if !ok {
		return 24 * time.Hour
	}
	return min(24*time.Hour, max(time.Millisecond, at.Sub(s.env.now())))
}

// fireDue acts on everything due, in order of deadline. What that makes due
// (a wait of no length) is fired by the next round.
func (s *Server) fireDue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.env.now()
	var late []*execution
	for _, x := range s.open {
		if due(x, now) {
			late = append(late, x)
		}
	}
	slices.SortFunc(late, func(a, b *execution) int {
		return cmp.Or(a.deadline().Compare(b.deadline()), cmp.Compare(a.Arn, b.Arn))
	})
	for _, x := range late {
		_ = s.change(x, x.fire) // nobody is answered: an error has stopped the server
	}
}

// change lets act change an execution, writes what it did and starts what it
// wants started. Nobody may be answered about x after an error.
func (s *Server) change(x *execution, act func()) error {
	if s.broken != nil {
		return s.broken
	}
	act()
	if err := s.store.keepExecution(x); err != nil {
		return s.breakDown(fmt.Errorf("write execution %s: %w", x.Arn, err))
	}
	if x.running() {
		s.open[x.Arn] = x
	} else {
		delete(s.open, x.Arn)
		s.logEnd(x)
		s.notify(x)
		s.reap(s.machines[x.Machine])
	}
	s.launch(x)
	s.signal()
	return nil
}

// breakDown stops the server from answering: memory is ahead of the disk.
func (s *Server) breakDown(err error) error {
	if s.broken == nil {
		s.config.Log.Error("state machines stopped", "err", err)
		s.broken = err
		s.cancel()
	}
	return s.broken
}

// signal tells the timer and those who settle that something changed.
func (s *Server) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Server) logEnd(x *execution) {
	s.config.Log.Info("execution ended", "execution", x.Arn, "status", x.at.Status, "transitions", x.at.Transitions)
}

// reap removes a machine that was deleted once its last execution has ended.
func (s *Server) reap(m *stateMachine) {
	if m == nil || !m.Deleting {
		return
	}
	for _, x := range s.open {
		if x.Machine == m.Arn {
			return
		}
	}
	delete(s.machines, m.Arn)
	if err := s.store.dropMachine(m); err != nil {
		_ = s.breakDown(err) // the caller has been answered
	}
}

// launch calls the function that x waits for, unless this process has.
func (s *Server) launch(x *execution) {
	if !x.running() || x.at.Phase != calling || x.launched == x.at.Task {
		return
	}
	x.launched = x.at.Task
	s.calls++
	task, parameters := x.at.Task, x.at.Parameters
	s.done.Go(func() { s.call(x, task, parameters) })
}

// call makes one invocation and hands in what came of it.
func (s *Server) call(x *execution, task int64, parameters string) {
	result, f := s.invoke(parameters)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls--
	if s.ctx.Err() == nil && x.awaits(task) {
		_ = s.change(x, func() { x.returned(task, result, f) }) // nobody is answered: an error has stopped the server
		return
	}
	s.signal()
}

func (s *Server) invoke(parameters string) (map[string]any, *failure) {
	var call invocation
	if err := json.Unmarshal([]byte(parameters), &call); err != nil || call.FunctionName == "" {
		err = errors.Join(err, errors.New("FunctionName: expected the name of a function"))
		return nil, new(failed(errRuntime, err.Error()))
	}
	if call.Payload == nil {
		call.Payload = json.RawMessage("{}")
	}
	return outcome(s.config.Lambda.Invoke(s.ctx, call.FunctionName, call.Payload))
}
