package structure

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// machine is one state machine of the checkout.
type machine struct {
	file string
	object
}

func machines(t *testing.T) (all []machine) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "statemachines", "*.asl.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no state machine was found: %v", err)
	}
	for _, f := range files {
		m := machine{file: filepath.Base(f)}
		if err := json.Unmarshal(read(t, "statemachines/"+m.file), &m.object); err != nil {
			t.Fatalf("%s is not valid JSON before substitution: %v", m.file, err)
		}
		all = append(all, m)
	}
	return all
}

// each calls visit with every state of every machine, as a test of its own.
func each(t *testing.T, visit func(t *testing.T, m machine, name string, s object)) {
	t.Helper()
	for _, m := range machines(t) {
		for _, name := range names(m.object.object("States")) {
			t.Run(m.file+"/"+name, func(t *testing.T) { visit(t, m, name, m.object.object("States", name)) })
		}
	}
}

// targets are the states that a state can lead to.
func targets(s object) (all []string) {
	add := func(v any) {
		if name, ok := v.(string); ok {
			all = append(all, name)
		}
	}
	add(s.at("Next"))
	add(s.at("Default"))
	for _, list := range []string{"Choices", "Catch"} {
		for _, v := range s.list(list) {
			add(object(v.(map[string]any)).at("Next"))
		}
	}
	return all
}

func waits(s object) bool { return strings.HasSuffix(s.text("Resource"), ".waitForTaskToken") }

func TestMachineIsWhole(t *testing.T) {
	for _, m := range machines(t) {
		t.Run(m.file, func(t *testing.T) {
			states := m.object.object("States")
			if m.text("Comment") == "" {
				t.Error("the machine has no Comment")
			}
			if m.number("TimeoutSeconds") <= 0 {
				t.Error("the machine has no timeout of its own")
			}
			reached := map[string]bool{}
			todo := []string{m.text("StartAt")}
			for len(todo) > 0 {
				name := todo[0]
				todo = todo[1:]
				if reached[name] {
					continue
				}
				reached[name] = true
				if states[name] == nil {
					t.Errorf("a state leads to %q, which does not exist", name)
					continue
				}
				todo = append(todo, targets(states.object(name))...)
			}
			for name := range states {
				if !reached[name] {
					t.Errorf("no state leads to %q", name)
				}
			}
		})
	}
}

func TestStateIsGuarded(t *testing.T) {
	each(t, func(t *testing.T, m machine, _ string, s object) {
		if s.text("Comment") == "" {
			t.Error("the state has no Comment")
		}
		switch s.text("Type") {
		case "Task":
			checkTask(t, m, s)
		case "Choice":
			if s.text("Default") == "" {
				t.Error("the choice has no Default")
			}
		case "Fail":
			if s.text("Error") == "" || s.text("Cause") == "" {
				t.Error("the failure has no Error or no Cause")
			}
		case "Succeed", "Wait", "Pass":
		default:
			t.Errorf("a state of type %q is not known here; say what must hold for it", s.text("Type"))
		}
	})
}

func checkTask(t *testing.T, m machine, s object) {
	if s.number("TimeoutSeconds") <= 0 && s.text("TimeoutSecondsPath") == "" {
		t.Error("the task has no timeout")
	}
	if beat, limit := s.number("HeartbeatSeconds"), s.number("TimeoutSeconds"); limit > 0 && beat > limit {
		t.Errorf("the heartbeat of %v s is longer than the timeout of %v s", beat, limit)
	}
	if s.text("HeartbeatSecondsPath") != "" && s.text("TimeoutSecondsPath") == "" {
		t.Error("the heartbeat comes from the input and the timeout does not: which is longer cannot be told")
	}
	if limit := s.number("TimeoutSeconds"); limit > m.number("TimeoutSeconds") {
		t.Errorf("the timeout of %v s is longer than the machine's", limit)
	}
	if hasToken := strings.Contains(fmt.Sprint(s.at("Parameters")), "$$.Task.Token"); hasToken != waits(s) {
		t.Errorf("waits for a token: %v; hands its token over: %v", waits(s), hasToken)
	}
	checkRetries(t, s)
	checkCatches(t, s)
}

func checkRetries(t *testing.T, s object) {
	retries := s.list("Retry")
	if len(retries) == 0 {
		t.Error("the task has no Retry")
	}
	for i, v := range retries {
		r := object(v.(map[string]any))
		for _, name := range r.words("ErrorEquals") {
			// States.TaskFailed matches every error but States.Timeout (Amazon States Language, "Errors").
			if name == "States.Timeout" || name == "States.ALL" {
				t.Errorf("Retry %d matches %s: no answer is an edge, not a fault", i, name)
			}
		}
		if r.number("MaxDelaySeconds") <= 0 || r.text("JitterStrategy") != "FULL" || r.number("BackoffRate") < 1 {
			t.Errorf("Retry %d has no backoff with MaxDelaySeconds and full jitter", i)
		}
	}
}

func checkCatches(t *testing.T, s object) {
	all, timeout := false, false
	for _, v := range s.list("Catch") {
		c := object(v.(map[string]any))
		for _, name := range c.words("ErrorEquals") {
			all = all || name == "States.ALL"
			timeout = timeout || name == "States.Timeout"
			if name == "States.ALL" && c.text("ResultPath") != "$.error" {
				t.Error("the Catch of States.ALL does not put the error at $.error")
			}
		}
	}
	if !all {
		t.Error("the task has no Catch of States.ALL")
	}
	if waits(s) && !timeout {
		t.Error("the wait has no Catch of States.Timeout, so that silence would be a failure")
	}
}

// engine is a type of shared/lifecycle and the file that decides for it.
var engines = map[string]string{
	"event-lifecycle.asl.json":    "Engine",
	"incident-lifecycle.asl.json": "IncidentEngine",
}

// TestEveryVerdictHasABranch compares the words that Evaluate can answer with
// the branches of WhatNext: a word without one would hand over to the next
// generation for ever, and a branch without a word is dead.
func TestEveryVerdictHasABranch(t *testing.T) {
	words := doWords(t)
	for _, m := range machines(t) {
		t.Run(m.file, func(t *testing.T) {
			var branches []string
			for _, v := range m.object.list("States", "WhatNext", "Choices") {
				c := object(v.(map[string]any))
				if c.text("Variable") != "$.decision.next" {
					t.Errorf("a branch of WhatNext reads %q", c.text("Variable"))
				}
				branches = append(branches, c.text("StringEquals"))
			}
			slices.Sort(branches)
			want := verdicts(t, words, engines[m.file])
			if !slices.Equal(branches, want) {
				t.Errorf("the branches of WhatNext are %q,\nthe words that %s.Evaluate answers are %q", branches, engines[m.file], want)
			}
		})
	}
}

// lifecycleFiles are the parsed files of shared/lifecycle.
func lifecycleFiles(t *testing.T) (files []*ast.File) {
	t.Helper()
	folder := filepath.Join(root, "shared", "lifecycle")
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
	}
	return files
}

// doWords are the constants of lifecycle.Do by name.
func doWords(t *testing.T) map[string]string {
	t.Helper()
	words := map[string]string{}
	for _, f := range lifecycleFiles(t) {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || fmt.Sprint(spec.Type) != "Do" {
				return true
			}
			for i, name := range spec.Names {
				if text, ok := spec.Values[i].(*ast.BasicLit); ok {
					words[name.Name] = constant.StringVal(constant.MakeFromLiteral(text.Value, token.STRING, 0))
				}
			}
			return true
		})
	}
	if len(words) == 0 {
		t.Fatal("shared/lifecycle has no constants of type Do")
	}
	return words
}

// verdicts are the words that an engine answers to the machine: all that its
// decision yields, less what its method act does at once.
func verdicts(t *testing.T, words map[string]string, engine string) (answered []string) {
	t.Helper()
	decides := map[string][]string{
		"Engine":         {"Next", "open", "triggered", "resolved"},
		"IncidentEngine": {"NextIncident", "awaits"},
	}[engine]
	decided, done := map[string]bool{}, map[string]bool{}
	for _, f := range lifecycleFiles(t) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if fn.Recv == nil && slices.Contains(decides, fn.Name.Name) {
				mentions(fn, words, decided)
			}
			if fn.Name.Name == "act" && receiver(fn) == engine {
				mentions(fn, words, done)
			}
		}
	}
	if len(done) == 0 || len(decided) == 0 {
		t.Fatalf("%s decides %d and does %d things; this test looks for %q and for its method act", engine, len(decided), len(done), decides)
	}
	for name := range decided {
		if !done[name] {
			answered = append(answered, words[name])
		}
	}
	slices.Sort(answered)
	return answered
}

func mentions(fn *ast.FuncDecl, words map[string]string, into map[string]bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && words[id.Name] != "" {
			into[id.Name] = true
		}
		return true
	})
}

func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return ""
	}
	name := fn.Recv.List[0].Type
	if star, ok := name.(*ast.StarExpr); ok {
		name = star.X
	}
	return fmt.Sprint(name)
}

// TestEveryOperationIsKnown compares the operations that the tasks name with
// the cases of functions/lifecycle, both ways. Operations that only the
// machine of an earlier release names would stand in former.
func TestEveryOperationIsKnown(t *testing.T) {
	former := []string{}
	asked := map[string]bool{}
	each(t, func(t *testing.T, _ machine, _ string, s object) {
		if s.text("Type") != "Task" {
			return
		}
		op := s.text("Parameters", "Payload", "op")
		if op == "" {
			t.Error("the task names no operation")
		}
		if s.text("Parameters", "FunctionName") != "${LifecycleFunctionArn}" {
			t.Errorf("the task calls %q", s.text("Parameters", "FunctionName"))
		}
		if s.number("Parameters", "Payload", "v") != 1 {
			t.Error("the payload names no version")
		}
		asked[op] = true
	})
	known := operations(t)
	for op := range asked {
		if !slices.Contains(known, op) {
			t.Errorf("operation %q is not known to functions/lifecycle", op)
		}
	}
	for _, op := range known {
		if !asked[op] && !slices.Contains(former, op) {
			t.Errorf("no task names the operation %q", op)
		}
	}
}

// operations are the cases of the switch over the operation in handler.do.
func operations(t *testing.T) (known []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "functions", "lifecycle", "handler.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SwitchStmt)
		if !ok {
			return true
		}
		if on, ok := s.Tag.(*ast.SelectorExpr); !ok || on.Sel.Name != "Op" {
			return true
		}
		for _, c := range s.Body.List {
			for _, e := range c.(*ast.CaseClause).List {
				known = append(known, constant.StringVal(constant.MakeFromLiteral(e.(*ast.BasicLit).Value, token.STRING, 0)))
			}
		}
		return false
	})
	if len(known) == 0 {
		t.Fatal("functions/lifecycle/handler.go has no switch over the operation")
	}
	return known
}

// TestRetriedErrorsExist: a name of our own in a Retry must be a type of
// functions/lifecycle, since Step Functions knows an error of a Go function by
// the name of its type.
func TestRetriedErrorsExist(t *testing.T) {
	handler := string(read(t, "functions/lifecycle/handler.go"))
	each(t, func(t *testing.T, _ machine, _ string, s object) {
		for _, v := range s.list("Retry") {
			for _, name := range object(v.(map[string]any)).words("ErrorEquals") {
				if !strings.Contains(name, ".") && !strings.Contains(handler, "type "+name+" struct") {
					t.Errorf("Retry names %s, which functions/lifecycle has no type of", name)
				}
			}
		}
	})
}
