package stepfunctions

import (
	"errors"
	"fmt"
	"net/http"
)

// apiError is an error type of the API, answered with status 400.
type apiError struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (e *apiError) Error() string { return e.Type + ": " + e.Message }

func refuse(kind, format string, args ...any) *apiError {
	return &apiError{kind, fmt.Sprintf(format, args...)}
}

func invalidName(name string) *apiError { return refuse("InvalidName", "Invalid Name: '%s'", name) }

func missing(parameter string) *apiError {
	return refuse("ValidationException", "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must not be null", parameter)
}

func deleting(arn string) *apiError {
	return refuse("StateMachineDeleting", "State Machine is being deleted: '%s'", arn)
}

func noMachine(arn string) *apiError {
	return refuse("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
}

func noExecution(arn string) *apiError {
	return refuse("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
}

// errTaskGone answers a token whose task is over, however it ended.
var errTaskGone = refuse("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")

// problem turns any error into an answer.
func problem(err error) (int, *apiError) {
	if known, ok := errors.AsType[*apiError](err); ok {
		return http.StatusBadRequest, known
	}
	if refused, ok := errors.AsType[*DefinitionError](err); ok {
		return http.StatusBadRequest, refuse("InvalidDefinition", "Invalid State Machine Definition: '%s'", refused)
	}
	return http.StatusInternalServerError, refuse("InternalFailure", "%s", err)
}
