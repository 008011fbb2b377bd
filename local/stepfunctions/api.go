package stepfunctions

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// targetPrefix begins X-Amz-Target; the operation follows.
const targetPrefix = "AWSStepFunctions."

// maxRequest bounds a request body: input or definition with escapes, and some.
const maxRequest = 8 << 20

// answer is what an operation answers.
type answer map[string]any

type operation func(s *Server, body []byte) (answer, error)

var operations = map[string]operation{
	"CreateStateMachine":   decoded((*Server).createStateMachine),
	"UpdateStateMachine":   decoded((*Server).updateStateMachine),
	"DescribeStateMachine": decoded((*Server).describeStateMachine),
	"ListStateMachines":    decoded((*Server).listStateMachines),
	"DeleteStateMachine":   decoded((*Server).deleteStateMachine),
	"StartExecution":       decoded((*Server).startExecution),
	"DescribeExecution":    decoded((*Server).describeExecution),
	"StopExecution":        decoded((*Server).stopExecution),
	"ListExecutions":       decoded((*Server).listExecutions),
	"GetExecutionHistory":  decoded((*Server).getExecutionHistory),
	"SendTaskSuccess":      decoded((*Server).sendTaskSuccess),
	"SendTaskFailure":      decoded((*Server).sendTaskFailure),
	"SendTaskHeartbeat":    decoded((*Server).sendTaskHeartbeat),
}

// request holds the parameters of all operations; each reads its own.
type request struct {
	StateMachineArn string  `json:"stateMachineArn"`
	ExecutionArn    string  `json:"executionArn"`
	Name            string  `json:"name"`
	Definition      *string `json:"definition"`
	RoleArn         *string `json:"roleArn"`
	Type            string  `json:"type"`
	Publish         bool    `json:"publish"`
	Input           *string `json:"input"`
	StatusFilter    string  `json:"statusFilter"`
	MaxResults      int     `json:"maxResults"`
	NextToken       string  `json:"nextToken"`
	ReverseOrder    bool    `json:"reverseOrder"`
	TaskToken       *string `json:"taskToken"`
	Output          *string `json:"output"`
	Error           *string `json:"error"`
	Cause           *string `json:"cause"`
}

// decoded wraps an operation: it runs under the server's lock, on a server
// whose memory and disk agree.
func decoded(run func(*Server, *request) (answer, error)) operation {
	return func(s *Server, body []byte) (answer, error) {
		var r request
		if err := json.Unmarshal(body, &r); err != nil {
			return nil, refuse("SerializationException", "%s", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.broken != nil {
			return nil, s.broken
		}
		return run(s, &r)
	}
}

// ServeHTTP answers the AWS JSON 1.0 protocol. Signatures are not checked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	run, known := operations[name]
	if r.Method != http.MethodPost || !known {
		write(w, http.StatusBadRequest, refuse("UnknownOperationException", "operation %q is not known here", name))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		write(w, http.StatusBadRequest, refuse("SerializationException", "%s", err))
		return
	}
	result, err := run(s, body)
	if err != nil {
		status, refused := problem(err)
		s.config.Log.DebugContext(r.Context(), "request refused", "operation", name, "status", status, "reason", refused.Type)
		write(w, status, refused)
		return
	}
	write(w, http.StatusOK, result)
}

func write(w http.ResponseWriter, status int, body any) {
	if refused, ok := body.(*apiError); ok {
		w.Header().Set("X-Amzn-ErrorType", refused.Type)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-RequestId", randomName())
	w.WriteHeader(status)
	io.WriteString(w, encode(body))
}

func (s *Server) createStateMachine(r *request) (answer, error) {
	switch {
	case !validName(r.Name):
		return nil, invalidName(r.Name)
	case r.Definition == nil:
		return nil, missing("definition")
	case r.RoleArn == nil:
		return nil, missing("roleArn")
	case r.Type != "" && r.Type != "STANDARD":
		return nil, refuse("StateMachineTypeNotSupported", "only STANDARD machines run here, not %s", r.Type)
	case r.Publish:
		return nil, refuse("ValidationException", "versions are not published here")
	}
	if _, err := Parse([]byte(*r.Definition)); err != nil {
		return nil, err
	}
	arn := s.machineArn(r.Name)
	if known := s.machines[arn]; known != nil {
		return s.createAgain(known, *r.Definition)
	}
	m := &stateMachine{Arn: arn, Name: r.Name, Role: *r.RoleArn, Created: s.env.now()}
	if err := s.putMachine(m, *r.Definition); err != nil {
		return nil, err
	}
	return created(m), nil
}

func created(m *stateMachine) answer {
	return answer{"stateMachineArn": m.Arn, "creationDate": epoch(m.Created)}
}

// createAgain answers a repeat as the first time; a role that differs is
// ignored, as the service does.
func (s *Server) createAgain(known *stateMachine, definition string) (answer, error) {
	before, err := s.store.definition(known.Definition)
	switch {
	case err != nil:
		return nil, err
	case known.Deleting:
		return nil, deleting(known.Arn)
	case string(before) != definition:
		return nil, refuse("StateMachineAlreadyExists", "State Machine Already Exists: '%s'", known.Arn)
	}
	return created(known), nil
}

func (s *Server) updateStateMachine(r *request) (answer, error) {
	m, err := s.findMachine(r.StateMachineArn)
	if err != nil {
		return nil, err
	}
	if r.Definition == nil && r.RoleArn == nil {
		return nil, refuse("MissingRequiredParameter", "Either the definition or the role ARN must be specified")
	}
	if m.Deleting {
		return nil, deleting(m.Arn)
	}
	definition, err := s.newDefinition(m, r.Definition)
	if err != nil {
		return nil, err
	}
	changed := *m
	if r.RoleArn != nil {
		changed.Role = *r.RoleArn
	}
	if err := s.putMachine(&changed, definition); err != nil {
		return nil, err
	}
	return answer{"updateDate": epoch(s.env.now()), "revisionId": changed.Definition}, nil
}

// newDefinition is the definition after an update: a given one, which is
// checked, or the present one.
func (s *Server) newDefinition(m *stateMachine, given *string) (string, error) {
	if given == nil {
		text, err := s.store.definition(m.Definition)
		return string(text), err
	}
	_, err := Parse([]byte(*given))
	return *given, err
}

func (s *Server) describeStateMachine(r *request) (answer, error) {
	m, err := s.findMachine(r.StateMachineArn)
	if err != nil {
		return nil, err
	}
	definition, err := s.store.definition(m.Definition)
	if err != nil {
		return nil, err
	}
	status := "ACTIVE"
	if m.Deleting {
		status = "DELETING"
	}
	return answer{
		"stateMachineArn": m.Arn, "name": m.Name, "status": status, "type": "STANDARD",
		"definition": string(definition), "roleArn": m.Role, "creationDate": epoch(m.Created), "revisionId": m.Definition,
		"loggingConfiguration": answer{"level": "OFF", "includeExecutionData": false},
		"tracingConfiguration": answer{"enabled": false},
	}, nil
}

func (s *Server) listStateMachines(r *request) (answer, error) {
	var all []answer
	for _, arn := range sortedArns(s.machines) {
		m := s.machines[arn]
		all = append(all, answer{"stateMachineArn": m.Arn, "name": m.Name, "type": "STANDARD", "creationDate": epoch(m.Created)})
	}
	return page("stateMachines", all, r, 100)
}

func sortedArns[T any](items map[string]T) []string {
	var arns []string
	for arn := range items {
		arns = append(arns, arn)
	}
	slices.Sort(arns)
	return arns
}

// deleteStateMachine answers alike for a machine that does not exist.
func (s *Server) deleteStateMachine(r *request) (answer, error) {
	if err := checkArn(r.StateMachineArn, "stateMachine", "stateMachineArn"); err != nil {
		return nil, err
	}
	m := s.machines[r.StateMachineArn]
	if m == nil {
		return answer{}, nil
	}
	going := *m
	going.Deleting = true
	if err := s.store.keepMachine(&going); err != nil {
		return nil, s.breakDown(err)
	}
	s.machines[m.Arn] = &going
	for _, x := range s.open {
		x.deleted = x.deleted || x.Machine == m.Arn
	}
	s.reap(&going)
	return answer{}, nil
}

func (s *Server) startExecution(r *request) (answer, error) {
	m, err := s.findMachine(r.StateMachineArn)
	if err != nil {
		return nil, err
	}
	if m.Deleting {
		return nil, deleting(m.Arn)
	}
	name := cmp.Or(r.Name, randomName())
	if !validName(name) {
		return nil, invalidName(name)
	}
	text, input, err := executionInput(r.Input)
	if err != nil {
		return nil, err
	}
	arn := s.executionArn(m.Name, name)
	if known := s.executions[arn]; known != nil {
		return startAgain(known, text)
	}
	return s.begin(header{
		Arn: arn, Name: name, Machine: m.Arn, Definition: m.Definition, Role: m.Role, Input: text, Start: s.env.now(),
	}, input)
}

func executionInput(given *string) (text string, input any, err error) {
	text = "{}"
	if given != nil {
		text = *given
	}
	if len(text) > maxData {
		return "", nil, refuse("InvalidExecutionInput", "Invalid State Machine Execution Input: 'more than %d bytes'", maxData)
	}
	if input, err = decode([]byte(text)); err != nil {
		return "", nil, refuse("InvalidExecutionInput", "Invalid State Machine Execution Input: '%s'", err)
	}
	return text, input, nil
}

// startAgain answers a repeated start of an open execution with the same
// input as the first time; any other repeat is refused.
func startAgain(known *execution, input string) (answer, error) {
	if !known.running() || known.Input != input {
		return nil, refuse("ExecutionAlreadyExists", "Execution Already Exists: '%s'", known.Arn)
	}
	return answer{"executionArn": known.Arn, "startDate": epoch(known.Start)}, nil
}

func (s *Server) begin(h header, input any) (answer, error) {
	machine, err := s.machine(h.Definition)
	if err != nil {
		return nil, err
	}
	x := &execution{header: h, env: s.env, machine: machine}
	if err := s.change(x, func() { x.start(input) }); err != nil {
		return nil, err
	}
	s.executions[x.Arn] = x
	return answer{"executionArn": x.Arn, "startDate": epoch(x.Start)}, nil
}

func (s *Server) describeExecution(r *request) (answer, error) {
	x, err := s.findExecution(r.ExecutionArn)
	if err != nil {
		return nil, err
	}
	a := summary(x)
	a["input"], a["inputDetails"] = x.Input, answer{"included": true}
	if x.at.Output != nil {
		a["output"], a["outputDetails"] = *x.at.Output, answer{"included": true}
	}
	if x.at.Error != nil {
		a["error"] = *x.at.Error
	}
	if x.at.Cause != nil {
		a["cause"] = *x.at.Cause
	}
	a["redriveStatus"] = "NOT_REDRIVABLE"
	return a, nil
}

func summary(x *execution) answer {
	a := answer{
		"executionArn": x.Arn, "name": x.Name, "stateMachineArn": x.Machine, "status": x.at.Status,
		"startDate": epoch(x.Start), "redriveCount": 0,
	}
	if !x.running() {
		a["stopDate"] = epoch(x.at.Stopped)
	}
	return a
}

// stopExecution answers a closed execution with the instant it ended.
func (s *Server) stopExecution(r *request) (answer, error) {
	x, err := s.findExecution(r.ExecutionArn)
	if err != nil {
		return nil, err
	}
	if x.running() {
		if err := s.change(x, func() { x.end(statusAborted, failure{error: r.Error, cause: r.Cause}) }); err != nil {
			return nil, err
		}
	}
	return answer{"stopDate": epoch(x.at.Stopped)}, nil
}

// listExecutions answers the newest first.
func (s *Server) listExecutions(r *request) (answer, error) {
	m, err := s.findMachine(r.StateMachineArn)
	if err != nil {
		return nil, err
	}
	var found []*execution
	for _, x := range s.executions {
		if x.Machine == m.Arn && (r.StatusFilter == "" || r.StatusFilter == x.at.Status) {
			found = append(found, x)
		}
	}
	slices.SortFunc(found, func(a, b *execution) int { return cmp.Or(b.Start.Compare(a.Start), cmp.Compare(a.Arn, b.Arn)) })
	all := make([]answer, len(found))
	for i, x := range found {
		all[i] = summary(x)
	}
	return page("executions", all, r, 100)
}

func (s *Server) getExecutionHistory(r *request) (answer, error) {
	x, err := s.findExecution(r.ExecutionArn)
	if err != nil {
		return nil, err
	}
	all := make([]answer, len(x.events))
	for i, e := range x.events {
		all[i] = e.wire()
	}
	if r.ReverseOrder {
		slices.Reverse(all)
	}
	return page("events", all, r, 100)
}

// page cuts one page out of all; the token is the number of items before it.
func page(name string, all []answer, r *request, usual int) (answer, error) {
	if r.MaxResults < 0 || r.MaxResults > 1000 {
		return nil, refuse("ValidationException", "maxResults: expected 0 to 1000")
	}
	from, err := pageStart(r.NextToken)
	if err != nil || from > len(all) {
		return nil, refuse("InvalidToken", "Invalid Token: 'Invalid nextToken'")
	}
	to := min(len(all), from+cmp.Or(r.MaxResults, usual))
	a := answer{name: append([]answer{}, all[from:to]...)}
	if to < len(all) {
		a["nextToken"] = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(to)))
	}
	return a, nil
}

func pageStart(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, err
	}
	from, err := strconv.ParseUint(string(text), 10, 31)
	return int(from), err
}

func (s *Server) sendTaskSuccess(r *request) (answer, error) {
	if r.Output == nil {
		return nil, missing("output")
	}
	output, err := decode([]byte(*r.Output))
	if err != nil || len(*r.Output) > maxData {
		return nil, refuse("InvalidOutput", "Invalid Output: 'not JSON of at most %d bytes'", maxData)
	}
	return s.report(r, func(x *execution) { x.succeedTask(output) })
}

func (s *Server) sendTaskFailure(r *request) (answer, error) {
	if len(unset(r.Error)) > maxError || len(unset(r.Cause)) > maxCause {
		return nil, refuse("ValidationException", "expected error and cause of at most %d and %d bytes", maxError, maxCause)
	}
	return s.report(r, func(x *execution) { x.failTask(failure{error: r.Error, cause: r.Cause}) })
}

// Bounds of SendTaskFailure. Source: API reference, "SendTaskFailure".
const (
	maxError = 256
	maxCause = 32_768
)

func unset(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (s *Server) sendTaskHeartbeat(r *request) (answer, error) {
	return s.report(r, (*execution).beat)
}

// report lets act decide the task that a token stands for. Whoever comes
// first decides it; a deadline that has passed came first.
func (s *Server) report(r *request, act func(*execution)) (answer, error) {
	if r.TaskToken == nil || *r.TaskToken == "" {
		return nil, missing("taskToken")
	}
	arn, task, ok := s.env.tokens.open(*r.TaskToken)
	if !ok {
		return nil, refuse("InvalidToken", "Invalid Token: 'Invalid token'")
	}
	x := s.executions[arn]
	if x == nil {
		return nil, refuse("TaskDoesNotExist", "Task does not exist")
	}
	if due(x, s.env.now()) {
		if err := s.change(x, x.fire); err != nil {
			return nil, err
		}
	}
	if !x.awaits(task) {
		return nil, errTaskGone
	}
	return answer{}, s.change(x, func() { act(x) })
}

func (s *Server) findMachine(arn string) (*stateMachine, error) {
	if err := checkArn(arn, "stateMachine", "stateMachineArn"); err != nil {
		return nil, err
	}
	if m := s.machines[arn]; m != nil {
		return m, nil
	}
	return nil, noMachine(arn)
}

func (s *Server) findExecution(arn string) (*execution, error) {
	if err := checkArn(arn, "execution", "executionArn"); err != nil {
		return nil, err
	}
	if x := s.executions[arn]; x != nil {
		return x, nil
	}
	return nil, noExecution(arn)
}

// checkArn refuses what is no ARN of that kind, wherever it may point.
func checkArn(arn, kind, parameter string) error {
	parts := strings.Split(arn, ":")
	switch {
	case arn == "":
		return missing(parameter)
	case parts[0] != "arn":
		return refuse("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: %s'", arn)
	case len(parts) < 7 || parts[2] != "states" || parts[5] != kind:
		return refuse("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: %s'", arn)
	}
	return nil
}

// maxName bounds names, in characters.
const maxName = 80

// validName reports whether a machine or execution may be called so. The
// service takes letters beyond ASCII too.
// Source: API reference, "StartExecution", parameter name.
func validName(name string) bool {
	return name != "" && utf8.RuneCountInString(name) <= maxName && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>{}[]?*"#%\^|~`+"`"+`$&,;:/`, r)
	})
}

// randomName is a random UUID.
func randomName() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// epoch is a time on the wire: seconds, in milliseconds' steps.
func epoch(t time.Time) json.Number {
	return json.Number(strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64))
}
