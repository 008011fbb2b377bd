package stepfunctions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxSeconds bounds every number of seconds in a definition.
// Source: Step Functions Developer Guide, "Task workflow state".
const maxSeconds = 99_999_999

// Problem is one field of a definition that is refused.
type Problem struct {
	Path string // such as $.States.Page.Retry[0].MaxAttempts
	Want string // what was expected there
}

// DefinitionError holds every problem of a definition.
type DefinitionError struct{ Problems []Problem }

func (e *DefinitionError) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.Path+": "+p.Want)
	}
	return strings.Join(lines, "; ")
}

// Parse reads a definition in the part of the Amazon States Language that this
// package runs. It returns a *DefinitionError that names every field outside
// of it, and never a machine beside an error.
func Parse(definition []byte) (*Machine, error) {
	p := &parser{}
	value, err := decode(definition)
	if err != nil {
		return nil, &DefinitionError{[]Problem{{"$", "expected JSON: " + err.Error()}}}
	}
	m := p.machine(value)
	if len(p.problems) > 0 {
		return nil, &DefinitionError{p.problems}
	}
	return m, nil
}

type parser struct{ problems []Problem }

func (p *parser) refuse(at, want string) { p.problems = append(p.problems, Problem{at, want}) }

func (p *parser) machine(value any) *Machine {
	o := p.object("$", value)
	o.text("Comment")
	o.oneOf("Version", "1.0")
	o.oneOf("QueryLanguage", "JSONPath")
	m := &Machine{StartAt: o.requiredText("StartAt"), States: map[string]*State{}}
	m.Timeout = time.Duration(o.integer("TimeoutSeconds", 1, 0)) * time.Second
	states := p.object("$.States", o.take("States"))
	for _, name := range sortedKeys(states.fields) {
		m.States[name] = p.state(name, member("$.States", name), states.take(name))
	}
	o.done()
	p.targets(m)
	return m
}

// targets checks that what is named exists and that what exists is reached.
func (p *parser) targets(m *Machine) {
	if m.States[m.StartAt] == nil {
		p.refuse("$.StartAt", "expected the name of a state")
		return
	}
	reached, todo := map[string]bool{m.StartAt: true}, []string{m.StartAt}
	for len(todo) > 0 {
		from := m.States[todo[0]]
		todo = todo[1:]
		for _, name := range from.targets() {
			if name != "" && m.States[name] == nil {
				p.refuse(member("$.States", from.Name), fmt.Sprintf("expected a state named %q to exist", name))
			} else if name != "" && !reached[name] {
				reached[name], todo = true, append(todo, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.States)) {
		if !reached[name] {
			p.refuse(member("$.States", name), "expected to be reached from StartAt")
		}
	}
}

func (p *parser) state(name, at string, value any) *State {
	o := p.object(at, value)
	s := &State{Name: name, Type: o.requiredText("Type")}
	read, known := map[string]func(*object, *State){
		"Task": (*object).task, "Choice": (*object).choice, "Pass": (*object).pass,
		"Wait": (*object).waitState, "Succeed": (*object).succeed, "Fail": (*object).failState,
	}[s.Type]
	if !known {
		p.refuse(member(at, "Type"), "expected Task, Choice, Pass, Wait, Succeed or Fail")
		return s
	}
	o.text("Comment")
	o.oneOf("QueryLanguage", "JSONPath")
	read(o, s)
	o.done()
	return s
}

func (o *object) task(s *State) {
	s.Resource = o.requiredText("Resource")
	if s.Resource != ResourceInvoke && s.Resource != ResourceInvokeCallback {
		o.p.refuse(member(o.at, "Resource"), "expected "+ResourceInvoke+" or "+ResourceInvokeCallback)
	}
	o.flow(s)
	o.invocation(s)
	s.resultSelector = o.template("ResultSelector", false)
	s.resultPath = o.resultPath()
	s.timeout = o.limit("TimeoutSeconds", 1)
	s.heartbeat = o.limit("HeartbeatSeconds", 1)
	if s.timeout.seconds > 0 && s.heartbeat.seconds >= s.timeout.seconds {
		o.p.refuse(member(o.at, "HeartbeatSeconds"), "expected less than TimeoutSeconds")
	}
	s.Retry, s.Catch = o.retriers(), o.catchers()
	o.next(s)
}

// invocation reads the parameters of lambda:invoke.
func (o *object) invocation(s *State) {
	at := member(o.at, "Parameters")
	fields, isObject := o.fields["Parameters"].(map[string]any)
	if !isObject {
		o.take("Parameters")
		o.p.refuse(at, "expected an object with FunctionName and Payload")
		return
	}
	s.parameters = o.template("Parameters", s.Resource == ResourceInvokeCallback)
	names := []string{"FunctionName", "FunctionName.$", "Payload", "Payload.$"}
	for _, name := range sortedKeys(fields) {
		if !slices.Contains(names, name) {
			o.p.refuse(member(at, name), "expected only FunctionName and Payload")
		}
	}
	if fields["FunctionName"] == nil && fields["FunctionName.$"] == nil {
		o.p.refuse(at, "expected FunctionName")
	}
}

func (o *object) choice(s *State) {
	o.flow(s)
	s.Choices = o.p.choices(member(o.at, "Choices"), o.list("Choices"))
	s.Default = o.text("Default")
	for i, c := range s.Choices {
		if c.Next == "" {
			o.p.refuse(index(member(o.at, "Choices"), i), "expected Next")
		}
	}
}

func (o *object) pass(s *State) {
	o.flow(s)
	s.parameters = o.template("Parameters", false)
	s.resultPath = o.resultPath()
	if value, present := o.fields["Result"]; present {
		o.take("Result")
		s.result = &value
	}
	o.next(s)
}

func (o *object) waitState(s *State) {
	o.flow(s)
	s.wait = o.limit("Seconds", 0)
	s.timestamp = o.path("TimestampPath")
	given := 0
	for _, name := range []string{"Seconds", "SecondsPath", "TimestampPath"} {
		if _, present := o.fields[name]; present {
			given++
		}
	}
	if given != 1 {
		o.p.refuse(o.at, "expected exactly one of Seconds, SecondsPath or TimestampPath")
	}
	o.next(s)
}

func (o *object) succeed(s *State) { o.flow(s) }

func (o *object) failState(s *State) { s.Error, s.Cause = o.text("Error"), o.text("Cause") }

// flow reads InputPath and OutputPath.
func (o *object) flow(s *State) {
	s.inputPath, s.outputPath = o.nullablePath("InputPath"), o.nullablePath("OutputPath")
}

// next reads Next or End.
func (o *object) next(s *State) {
	s.Next = o.text("Next")
	end, given := o.take("End").(bool)
	if (s.Next != "") == (given && end) {
		o.p.refuse(o.at, "expected either Next or End: true")
	}
}

func (o *object) retriers() []Retrier {
	var all []Retrier
	items := o.optionalList("Retry")
	for i, item := range items {
		r := o.p.object(index(member(o.at, "Retry"), i), item)
		r.text("Comment")
		all = append(all, Retrier{
			ErrorEquals: r.errorNames(i == len(items)-1),
			Interval:    time.Duration(r.integer("IntervalSeconds", 1, 1)) * time.Second,
			MaxAttempts: int(r.integer("MaxAttempts", 0, 3)),
			BackoffRate: r.backoffRate(),
			MaxDelay:    time.Duration(r.integer("MaxDelaySeconds", 1, 0)) * time.Second,
			FullJitter:  r.oneOf("JitterStrategy", "FULL", "NONE") == "FULL",
		})
		r.done()
	}
	return all
}

func (o *object) backoffRate() float64 {
	if _, present := o.fields["BackoffRate"]; !present {
		return 2
	}
	number, _ := o.take("BackoffRate").(json.Number)
	rate, err := number.Float64()
	if err != nil || rate < 1 {
		o.p.refuse(member(o.at, "BackoffRate"), "expected a number of at least 1.0")
	}
	return rate
}

func (o *object) catchers() []Catcher {
	var all []Catcher
	items := o.optionalList("Catch")
	for i, item := range items {
		c := o.p.object(index(member(o.at, "Catch"), i), item)
		c.text("Comment")
		all = append(all, Catcher{c.errorNames(i == len(items)-1), c.requiredText("Next"), c.resultPath()})
		c.done()
	}
	return all
}

// errorNames reads ErrorEquals. States.ALL stands alone and in the last entry.
func (o *object) errorNames(last bool) []string {
	var names []string
	at := member(o.at, "ErrorEquals")
	for i, item := range o.list("ErrorEquals") {
		name, ok := item.(string)
		if !ok || name == "" {
			o.p.refuse(index(at, i), "expected an error name")
		}
		names = append(names, name)
	}
	if slices.Contains(names, errAll) && (len(names) > 1 || !last) {
		o.p.refuse(at, "expected States.ALL alone and in the last entry")
	}
	return names
}

// object reads the fields of one JSON object; done refuses those left over.
type object struct {
	p      *parser
	at     string
	fields map[string]any
	taken  map[string]bool
}

func (p *parser) object(at string, value any) *object {
	fields, ok := value.(map[string]any)
	if !ok || len(fields) == 0 {
		p.refuse(at, "expected an object that is not empty")
	}
	return &object{p: p, at: at, fields: fields, taken: map[string]bool{}}
}

func (o *object) take(name string) any {
	o.taken[name] = true
	return o.fields[name]
}

func (o *object) done() {
	for _, name := range sortedKeys(o.fields) {
		if !o.taken[name] {
			o.p.refuse(member(o.at, name), "expected no such field here")
		}
	}
}

func (o *object) text(name string) string {
	value, present := o.fields[name]
	text, ok := o.take(name).(string)
	if present && !ok {
		o.p.refuse(member(o.at, name), fmt.Sprintf("expected a string, not %v", value))
	}
	return text
}

func (o *object) requiredText(name string) string {
	text := o.text(name)
	if text == "" {
		o.p.refuse(member(o.at, name), "expected a string")
	}
	return text
}

func (o *object) oneOf(name string, values ...string) string {
	text := o.text(name)
	if _, present := o.fields[name]; present && !slices.Contains(values, text) {
		o.p.refuse(member(o.at, name), "expected "+strings.Join(values, " or "))
	}
	return text
}

// integer reads a whole number from least to maxSeconds.
func (o *object) integer(name string, least, absent int64) int64 {
	if _, present := o.fields[name]; !present {
		return absent
	}
	n, ok := wholeNumber(o.take(name))
	if !ok || n < least || n > maxSeconds {
		o.p.refuse(member(o.at, name), fmt.Sprintf("expected a whole number from %d to %d", least, maxSeconds))
	}
	return n
}

// limit reads name or namePath, not both.
func (o *object) limit(name string, least int64) limit {
	l := limit{seconds: o.integer(name, least, 0), path: o.path(name + "Path")}
	if _, both := o.fields[name]; both && l.path != nil {
		o.p.refuse(member(o.at, name), "expected no "+name+"Path beside it")
	}
	return l
}

func (o *object) list(name string) []any {
	items := o.optionalList(name)
	if len(items) == 0 {
		o.p.refuse(member(o.at, name), "expected an array that is not empty")
	}
	return items
}

func (o *object) optionalList(name string) []any {
	items, ok := o.take(name).([]any)
	if _, present := o.fields[name]; present && !ok {
		o.p.refuse(member(o.at, name), "expected an array")
	}
	return items
}

func (o *object) template(name string, token bool) *template {
	value, present := o.fields[name]
	o.take(name)
	if !present {
		return nil
	}
	return o.p.template(member(o.at, name), value, token)
}

// path reads an optional path; nil where it is absent.
func (o *object) path(name string) *path {
	if _, present := o.fields[name]; !present {
		return nil
	}
	found := o.requiredPath(name)
	return &found
}

func (o *object) requiredPath(name string) path {
	return o.p.path(member(o.at, name), o.requiredText(name))
}

// nullablePath reads a path whose default is "$"; nil where it is null.
func (o *object) nullablePath(name string) *path {
	if value, present := o.fields[name]; present && value == nil {
		o.take(name)
		return nil
	}
	if found := o.path(name); found != nil {
		return found
	}
	return &path{text: "$"}
}

func (o *object) resultPath() *path {
	found := o.nullablePath("ResultPath")
	if found == nil {
		return nil
	}
	for _, step := range found.steps {
		if _, isField := step.(string); found.context || !isField {
			o.p.refuse(member(o.at, "ResultPath"), "expected a path of field names into the input")
			break
		}
	}
	return found
}

func (p *parser) path(at, text string) path {
	if strings.HasPrefix(text, "States.") {
		p.refuse(at, "expected a path, not an intrinsic function")
		return path{}
	}
	found, err := parsePath(text)
	if err != nil {
		p.refuse(at, err.Error())
	}
	return found
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_$.-]+$`)

func member(at, name string) string {
	if plainName.MatchString(name) || strings.HasSuffix(name, "]") {
		return at + "." + name
	}
	return at + "['" + name + "']"
}

func index(at string, i int) string { return fmt.Sprintf("%s[%d]", at, i) }

func sortedKeys(fields map[string]any) []string { return slices.Sorted(maps.Keys(fields)) }

// wholeNumber accepts 3 and 3.0, as the service does.
func wholeNumber(value any) (int64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := number.Float64()
	return int64(f), err == nil && f == float64(int64(f))
}

// decode reads exactly one JSON value and keeps numbers as they are written.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one value")
	}
	return value, nil
}

// encode is the inverse of decode.
func encode(value any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return "null" // values come from decode, so this cannot happen
	}
	return strings.TrimSuffix(b.String(), "\n")
}
