package tests

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/ledger"
	"tocsin/tests/harness"
)

// releases is where the machines of earlier releases are kept, as they were
// deployed: a folder for each release that changed one. They are never edited.
const releases = "testdata/releases"

// machineFiles are the files of a release, by the logical id of their machine.
var machineFiles = map[string]string{
	harness.EventMachine:    "event-lifecycle.asl.json",
	harness.IncidentMachine: "incident-lifecycle.asl.json",
}

// fixture reads the machine of a release.
func fixture(t *testing.T, release, machine string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(releases, release, machineFiles[machine]))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// plays makes new executions of a machine follow a definition of an earlier
// release. What it returns deploys the new release: executions that run keep
// the definition that they began with.
func plays(t *testing.T, h *harness.Harness, machine, definition string) (deploy func()) {
	t.Helper()
	arn := h.Resource(machine)
	today, err := h.States().DescribeStateMachine(t.Context(), &sfn.DescribeStateMachineInput{StateMachineArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	define := func(definition string) {
		t.Helper()
		if _, err := h.States().UpdateStateMachine(t.Context(), &sfn.UpdateStateMachineInput{StateMachineArn: &arn, Definition: &definition}); err != nil {
			t.Fatal(err)
		}
	}
	define(strings.ReplaceAll(definition, "${LifecycleFunctionArn}", lifecycleOf(t, *today.Definition)))
	return func() { define(*today.Definition) }
}

// lifecycleOf returns the function that the tasks of a deployed machine call.
func lifecycleOf(t *testing.T, definition string) string {
	t.Helper()
	var machine struct {
		States map[string]struct {
			Parameters struct{ FunctionName string }
		}
	}
	if err := json.Unmarshal([]byte(definition), &machine); err != nil {
		t.Fatal(err)
	}
	for _, s := range machine.States {
		if s.Parameters.FunctionName != "" {
			return s.Parameters.FunctionName
		}
	}
	t.Fatal("the machine calls no function")
	return ""
}

// unaware takes a word out of the choice of a machine, and what only it leads
// to, as if the word were newer than the machine.
func unaware(t *testing.T, definition, word string) string {
	t.Helper()
	var machine map[string]any
	if err := json.Unmarshal([]byte(definition), &machine); err != nil {
		t.Fatal(err)
	}
	states := machine["States"].(map[string]any)
	choice := states["WhatNext"].(map[string]any)
	var known []any
	for _, c := range choice["Choices"].([]any) {
		rule := c.(map[string]any)
		if rule["StringEquals"] != word {
			known = append(known, rule)
			continue
		}
		delete(states, rule["Next"].(string))
	}
	if len(known) != len(choice["Choices"].([]any))-1 {
		t.Fatalf("the machine does not know %q", word)
	}
	choice["Choices"] = known
	text, err := json.Marshal(machine)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ended fails the test unless an execution of a machine has succeeded.
func ended(t *testing.T, h *harness.Harness, machine, name string) {
	t.Helper()
	arn := strings.Replace(h.Resource(machine), ":stateMachine:", ":execution:", 1) + ":" + name
	x, err := h.States().DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil || x.Status != "SUCCEEDED" {
		t.Errorf("execution %s is %+v, %v", name, x, err)
	}
}

// TestFlowTheMachinesOfEarlierReleases: an event and an incident that were
// opened under the machines of a release live under them to their end, with
// the functions and machines of today deployed meanwhile.
func TestFlowTheMachinesOfEarlierReleases(t *testing.T) {
	all, err := os.ReadDir(releases)
	if err != nil || len(all) == 0 {
		t.Fatalf("%d releases, %v", len(all), err)
	}
	for _, release := range all {
		t.Run(release.Name(), func(t *testing.T) { outlives(t, release.Name()) })
	}
}

func outlives(t *testing.T, release string) {
	h := harness.Start(t)
	deployEvents := plays(t, h, harness.EventMachine, fixture(t, release, harness.EventMachine))
	deployIncidents := plays(t, h, harness.IncidentMachine, fixture(t, release, harness.IncidentMachine))
	start := h.Clock.Now()
	id := h.Disposed(h.Send(disk), ledger.Opened)
	deployEvents()
	h.Pass(6 * time.Minute)
	link := harness.Link(t, h.Arrive(start, minute(0, "alice"), minute(5, "bob"))[0])

	acknowledged := h.Clock.Now()
	h.Act(link, "acknowledge")
	h.Settled().In(id, event.AckedState)
	h.Pass(31 * time.Minute)
	h.Arrive(acknowledged, minute(30, "alice"))

	snoozed := h.Clock.Now()
	h.Act(link, "snooze", "for", "1h")
	h.Settled().In(id, event.Snoozed)
	h.Pass(61 * time.Minute)
	h.Arrive(snoozed, minute(60, "alice"))

	promoted := h.Clock.Now()
	h.Act(link, "acknowledge")
	h.Act(link, "promote")
	crisis := h.Settled().In(id, event.AckedState).Incident
	deployIncidents()
	h.Act(link, "resolve")
	h.Receives("alice", "bob")
	h.Pass(24*time.Hour + 30*time.Minute)
	reminders := []harness.Arrival{minute(24*60, "alice")} // of the record; and each hour one of the update
	for hour := range 24 {
		reminders = append(reminders, minute((hour+1)*60, "alice"))
	}
	h.Arrive(promoted, reminders...)
	closing := map[string]any{"cause_class": "capacity", "cause": "log rotation was off", "solution": "rotated"}
	if status := h.API("POST", "/events/"+id+"/close", closing, nil); status != 200 {
		t.Errorf("events.close answered %d", status)
	}
	if e := h.Settled().In(id, event.Closed); e.Generation != 1 {
		t.Errorf("the event came to generation %d:\n%s", e.Generation, h.Timeline(id))
	}
	ended(t, h, harness.EventMachine, id+"-g1")

	does(t, h, crisis, "mitigate", map[string]any{"text": "Traffic was moved."})
	mitigated := h.Clock.Now()
	h.Pass(61 * time.Minute)
	says(t, h.Arrive(mitigated, minute(60, "alice"))[0], crisis, "owes an update")
	does(t, h, crisis, "resolve", nil)
	does(t, h, crisis, "close", map[string]any{"summary": "Orders failed for a day.", "root_cause": "A disk was full."})
	if i := incidentOf(t, h, crisis); i.State != "closed" || i.Execution.Name != crisis+"-g1" {
		t.Errorf("the incident is %s under %s", i.State, i.Execution.Name)
	}
	ended(t, h, harness.IncidentMachine, crisis+"-g1")
	h.Pass(24 * time.Hour).Receives()
}

// TestFlowAnOldMachineMeetsAWordThatItDoesNotKnow: it hands over to the next
// generation under the machine of today, which does what the word says, and
// nobody is paged twice.
func TestFlowAnOldMachineMeetsAWordThatItDoesNotKnow(t *testing.T) {
	h := harness.Start(t)
	old := fixture(t, "v1", harness.EventMachine)
	words := map[string]struct {
		action string
		form   []string
		state  event.State
		told   []string // of the action itself
	}{
		"await_resolution": {"acknowledge", nil, event.AckedState, nil},
		"await_snooze_end": {"snooze", []string{"for", "1h"}, event.Snoozed, nil},
		"await_closure":    {"resolve", nil, event.Resolved, []string{"alice"}},
		"open_incident":    {"promote", nil, event.Triggered, nil},
	}
	for _, word := range slices.Sorted(maps.Keys(words)) {
		c := words[word]
		t.Run(word, func(t *testing.T) {
			deploy := plays(t, h, harness.EventMachine, unaware(t, old, word))
			id := h.Disposed(h.Send(harness.Alert{Name: word, Instance: "db-1"}), ledger.Opened)
			deploy()
			link := harness.Link(t, h.Receives("alice")[0])
			h.Act(link, c.action, c.form...)
			h.Receives(c.told...)
			e := h.In(id, c.state)
			if e.Generation != 2 || e.Cycle != 1 || e.Exec != execution.Running || e.Failures != 0 {
				t.Errorf("generation %d is %s in cycle %d after %d failures, want the second, running:\n%s", e.Generation, e.Exec, e.Cycle, e.Failures, h.Timeline(id))
			}
			if word == "open_incident" && e.Incident == "" {
				t.Error("no incident was opened")
			}
			ended(t, h, harness.EventMachine, id+"-g1")
			h.Act(link, "close", record...)
			h.Settled().In(id, event.Closed)
			h.New()
			ended(t, h, harness.EventMachine, id+"-g2")
		})
	}
}

// TestFlowFunctionsAreDeployedBeforeTheirMachine: while even the newest machine
// does not know a word, generations hand over to each other, not without end;
// the sweeper pages meanwhile, and goes on with the repair. Once a machine
// knows the word, one goes on, and the page is sent once.
func TestFlowFunctionsAreDeployedBeforeTheirMachine(t *testing.T) {
	h := harness.Start(t).OnTheHour()
	deploy := plays(t, h, harness.EventMachine, unaware(t, fixture(t, "v1", harness.EventMachine), "page"))
	id := h.Disposed(h.Send(disk), ledger.Opened)
	if e := h.Settled().Event(id); e.Generation != 3 || e.Failures != 2 {
		t.Errorf("generation %d after %d failures, want the third after two", e.Generation, e.Failures)
	}
	h.Minutes(3)
	says(t, h.Receives("alice", "admin")[1], "Tocsin cannot keep event "+id+" alive")
	e := h.Event(id)
	if e.Generation != 4 || e.Failures != 3 {
		t.Errorf("generation %d after %d failures, want the fourth after three", e.Generation, e.Failures)
	}
	deploy()
	h.Pass(11 * time.Minute)
	h.Arrive(e.Progress.PagedAt, minute(5, "bob"))
	if e := h.In(id, event.Triggered); e.Failures != 0 || e.Cycle != 1 || e.Exec != execution.Running {
		t.Errorf("event is in cycle %d, its execution %s", e.Cycle, e.Exec)
	}
	h.Pass(time.Minute).Receives()
}
