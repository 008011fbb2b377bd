package stepfunctions

import (
	"strings"
	"time"
)

// maxEvents ends an execution: event 25,000 is its ExecutionFailed.
// Source: Step Functions Developer Guide, "Step Functions service quotas".
const maxEvents = 25_000

// Event is one entry of an execution's history, named as the service names it.
type Event struct {
	ID         int64     `json:"id"`
	PreviousID int64     `json:"previous_id"`
	Type       string    `json:"type"`
	Time       time.Time `json:"time"`
	Details    Details   `json:"details"`
}

// Details are the fields of all kinds of events; each kind has some of them.
type Details struct {
	Name               string  `json:"name,omitempty"`
	Input              *string `json:"input,omitempty"`
	InputDetails       *whole  `json:"inputDetails,omitempty"`
	Output             *string `json:"output,omitempty"`
	OutputDetails      *whole  `json:"outputDetails,omitempty"`
	RoleArn            string  `json:"roleArn,omitempty"`
	Resource           string  `json:"resource,omitempty"`
	ResourceType       string  `json:"resourceType,omitempty"`
	Region             string  `json:"region,omitempty"`
	Parameters         string  `json:"parameters,omitempty"`
	TimeoutInSeconds   int64   `json:"timeoutInSeconds,omitempty"`
	HeartbeatInSeconds int64   `json:"heartbeatInSeconds,omitempty"`
	Error              *string `json:"error,omitempty"`
	Cause              *string `json:"cause,omitempty"`
}

// whole says that data is not cut.
type whole struct {
	Truncated bool `json:"truncated"`
}

func withInput(d Details, input string) Details {
	d.Input, d.InputDetails = &input, &whole{}
	return d
}

func withOutput(d Details, output string) Details {
	d.Output, d.OutputDetails = &output, &whole{}
	return d
}

func withFailure(d Details, f failure) Details {
	d.Error, d.Cause = unlessEmpty(f.error), unlessEmpty(f.cause)
	return d
}

func unlessEmpty(s *string) *string {
	if s != nil && *s == "" {
		return nil
	}
	return s
}

// wire is the event as GetExecutionHistory answers it.
func (e Event) wire() map[string]any {
	return map[string]any{
		"id": e.ID, "previousEventId": e.PreviousID, "type": e.Type, "timestamp": epoch(e.Time),
		detailsKey(e.Type): e.Details,
	}
}

func detailsKey(kind string) string {
	switch {
	case strings.HasSuffix(kind, "StateEntered"):
		return "stateEnteredEventDetails"
	case strings.HasSuffix(kind, "StateExited"):
		return "stateExitedEventDetails"
	}
	return strings.ToLower(kind[:1]) + kind[1:] + "EventDetails"
}
