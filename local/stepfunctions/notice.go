package stepfunctions

import (
	"context"
	"time"
)

// Notice is the event that the service publishes when the status of an
// execution changes: the detail of "Step Functions Execution Status Change"
// from aws.states.
//
// Source: Step Functions Developer Guide, "Automating Step Functions event
// delivery with EventBridge". Here an execution that begins is not told.
type Notice struct {
	ExecutionArn    string  `json:"executionArn"`
	StateMachineArn string  `json:"stateMachineArn"`
	Name            string  `json:"name"`
	Status          string  `json:"status"`
	StartDate       int64   `json:"startDate"` // milliseconds
	StopDate        int64   `json:"stopDate"`
	Input           string  `json:"input"`
	InputDetails    detail  `json:"inputDetails"`
	Output          *string `json:"output"`
	OutputDetails   *detail `json:"outputDetails"`
	Error           *string `json:"error"`
	Cause           *string `json:"cause"`
}

type detail struct {
	Included bool `json:"included"`
}

// noticeOf tells of an execution that ended.
func noticeOf(x *execution) Notice {
	n := Notice{
		ExecutionArn: x.Arn, StateMachineArn: x.Machine, Name: x.Name, Status: x.at.Status,
		StartDate: x.Start.UnixMilli(), StopDate: x.at.Stopped.UnixMilli(), Input: x.Input, InputDetails: detail{true},
		Output: x.at.Output, Error: x.at.Error, Cause: x.at.Cause,
	}
	if n.Output != nil {
		n.OutputDetails = &detail{true}
	}
	return n
}

// noticeTime bounds one delivery.
const noticeTime = 10 * time.Second

// notify publishes that x ended. As with the service, a notice may be lost and
// no execution waits for one.
func (s *Server) notify(x *execution) {
	if s.config.Notify == nil {
		return
	}
	s.calls++
	n := noticeOf(x)
	s.done.Go(func() {
		ctx, cancel := context.WithTimeout(s.ctx, noticeTime)
		defer cancel()
		if err := s.config.Notify(ctx, n); err != nil {
			s.config.Log.Warn("notice not delivered", "execution", n.ExecutionArn, "err", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls--
		s.signal()
	})
}
