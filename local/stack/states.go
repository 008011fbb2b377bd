package stack

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"

	"tocsin/local/ministack"
	"tocsin/local/stepfunctions"
)

// startStates goes on with the executions of an earlier run. AWS must answer
// already: a call that fails would be part of an execution's history.
func (s *Stack) startStates(c Config) (err error) {
	s.states, err = stepfunctions.New(stepfunctions.Config{
		Dir:     filepath.Join(c.State, "states"),
		Region:  ministack.Region,
		Account: ministack.Account,
		Lambda:  &stepfunctions.HTTPInvoker{Endpoint: s.Addresses.AWS},
		Clock:   s.Clock,
		Notify:  s.publish,
	})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, s.states.Close)
	close(s.running)
	return nil
}

// publish gives a notice of Step Functions to EventBridge, whose rules are
// those of the template.
func (s *Stack) publish(ctx context.Context, n stepfunctions.Notice) error {
	return s.aws.Publish(ctx, ministack.Event{
		Source: "aws.states", Kind: "Step Functions Execution Status Change", Detail: n, Resources: []string{n.ExecutionArn},
	})
}

// serveStates answers once executions go on.
func (s *Stack) serveStates(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.running:
		s.states.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

// putMachines takes over the state machines that were deployed.
func (s *Stack) putMachines(ctx context.Context) error {
	for _, r := range s.deployed.Resources {
		if r.Type != "AWS::StepFunctions::StateMachine" {
			continue
		}
		m, err := s.aws.StateMachine(ctx, r.ID)
		if err != nil {
			return err
		}
		if _, err := s.states.Put(m.Name, m.Definition, m.Role); err != nil {
			return err
		}
	}
	return nil
}

// Transitions returns the state transitions of an execution as they are
// billed; machine is the logical id of its state machine. 0: there is none.
func (s *Stack) Transitions(machine, execution string) int {
	arn := strings.Replace(s.Resource(machine), ":stateMachine:", ":execution:", 1)
	return s.states.Transitions(arn + ":" + execution)
}
