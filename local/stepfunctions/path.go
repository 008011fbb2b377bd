package stepfunctions

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// path is a reference path: it names at most one node. Wildcards, slices,
// filters and functions are no part of it. The zero path is "$".
type path struct {
	text    string
	context bool  // begins with "$$": the context object instead of the data
	steps   []any // string: a field; int: an index
}

// pathSyntax is what an unreadable path is told to be.
const pathSyntax = "a path such as $.a.b, $['a'][0] or $$.Execution.Id, without wildcards, filters or functions"

// contextPaths are the leaves of the context object that may be read. Below
// Execution.Input anything may follow.
// Source: Step Functions Developer Guide, "Accessing execution data from the
// Context object".
var contextPaths = []string{
	"Execution.Id", "Execution.Input", "Execution.Name", "Execution.RoleArn", "Execution.StartTime",
	"State.EnteredTime", "State.Name", "State.RetryCount", "StateMachine.Id", "StateMachine.Name", "Task.Token",
}

// parsePath reads text, or says what was expected instead.
func parsePath(text string) (path, error) {
	p := path{text: text, context: strings.HasPrefix(text, "$$")}
	rest, ok := strings.CutPrefix(strings.TrimPrefix(text, "$"), "$")
	if !p.context {
		rest, ok = strings.CutPrefix(text, "$")
	}
	for ok && rest != "" {
		var step any
		step, rest, ok = cutStep(rest)
		p.steps = append(p.steps, step)
	}
	if !ok {
		return path{}, fmt.Errorf("expected %s", pathSyntax)
	}
	if p.context && !p.inContext() {
		return path{}, fmt.Errorf("expected one of $$.%s", strings.Join(contextPaths, ", $$."))
	}
	return p, nil
}

// cutStep takes the first step off rest, which is not empty.
func cutStep(rest string) (step any, after string, ok bool) {
	if field, found := strings.CutPrefix(rest, "."); found {
		end := strings.IndexFunc(field, func(r rune) bool { return r == '.' || r == '[' })
		if end < 0 {
			end = len(field)
		}
		return field[:end], field[end:], end > 0 && !strings.ContainsAny(field[:end], "*@()?:,'\" ")
	}
	inside, after, found := strings.Cut(rest, "]")
	inside, opened := strings.CutPrefix(inside, "[")
	if !found || !opened || inside == "" {
		return nil, "", false
	}
	if quoted := len(inside) > 2 && inside[0] == '\'' && inside[len(inside)-1] == '\''; quoted {
		return inside[1 : len(inside)-1], after, true
	}
	index, err := strconv.Atoi(inside)
	return index, after, err == nil && index >= 0
}

// inContext reports whether the context object has the path.
func (p path) inContext() bool {
	if len(p.steps) < 2 {
		return false
	}
	leaf := fmt.Sprintf("%v.%v", p.steps[0], p.steps[1])
	return slices.Contains(contextPaths, leaf) && (len(p.steps) == 2 || leaf == "Execution.Input")
}

// isToken reports whether the path is $$.Task.Token.
func (p path) isToken() bool { return p.context && p.steps[0] == "Task" }

// find returns the node of the data, or of the context object.
func (p path) find(data any, context map[string]any) (node any, ok bool) {
	node = data
	if p.context {
		node = context
	}
	for _, step := range p.steps {
		if node, ok = child(node, step); !ok {
			return nil, false
		}
	}
	return node, true
}

func child(node, step any) (any, bool) {
	switch at := step.(type) {
	case string:
		fields, _ := node.(map[string]any)
		found, ok := fields[at]
		return found, ok
	case int:
		if items, _ := node.([]any); at < len(items) {
			return items[at], true
		}
	}
	return nil, false
}

// put returns a copy of data with value at the path; missing objects on the
// way are made. It fails where the way leads through something else.
func (p path) put(data, value any) (any, bool) { return put(data, p.steps, value) }

func put(data any, steps []any, value any) (any, bool) {
	if len(steps) == 0 {
		return value, true
	}
	name, isField := steps[0].(string)
	fields, isObject := data.(map[string]any)
	if !isField || (!isObject && data != nil) {
		return nil, false
	}
	changed, ok := put(fields[name], steps[1:], value)
	if !ok {
		return nil, false
	}
	copied := map[string]any{name: changed}
	for key, kept := range fields {
		if key != name {
			copied[key] = kept
		}
	}
	return copied, true
}
