package stepfunctions

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseRefuses(t *testing.T) {
	state := one
	call := func(fields string) string { return one(task(ResourceInvoke, fields)) }
	cases := map[string]struct {
		definition string
		problems   []string // path: beginning of what was wanted
	}{
		"no JSON":                  {`{`, []string{"$: expected JSON"}},
		"two values":               {`{} {}`, []string{"$: expected JSON: more than one value"}},
		"no machine":               {`[]`, []string{"$: expected an object", "$.StartAt: expected a string", "$.States: expected an object", "$.StartAt: expected the name"}},
		"JSONata":                  {`{"QueryLanguage":"JSONata","StartAt":"S","States":{"S":{"Type":"Succeed"}}}`, []string{"$.QueryLanguage: expected JSONPath"}},
		"JSONata state":            {state(`{"Type":"Succeed","QueryLanguage":"JSONata"}`), []string{"$.States.S.QueryLanguage: expected JSONPath"}},
		"unknown field of machine": {`{"Processor":{},"StartAt":"S","States":{"S":{"Type":"Succeed"}}}`, []string{"$.Processor: expected no such field"}},
		"unknown field of state":   {state(`{"Type":"Succeed","Assign":{}}`), []string{"$.States.S.Assign: expected no such field"}},
		"map":                      {state(`{"Type":"Map","End":true}`), []string{"$.States.S.Type: expected Task, Choice"}},
		"parallel":                 {`{"StartAt":"a b","States":{"a b":{"Type":"Parallel"}}}`, []string{"$.States['a b'].Type: expected Task, Choice"}},
		"start of nothing":         {`{"StartAt":"X","States":{"S":{"Type":"Succeed"}}}`, []string{"$.StartAt: expected the name of a state"}},
		"next of nothing":          {state(`{"Type":"Pass","Next":"X"}`), []string{`$.States.S: expected a state named "X"`}},
		"state without a way":      {`{"StartAt":"S","States":{"S":{"Type":"Succeed"},"T":{"Type":"Succeed"}}}`, []string{"$.States.T: expected to be reached"}},
		"neither next nor end":     {state(`{"Type":"Pass"}`), []string{"$.States.S: expected either Next or End"}},
		"next and end":             {state(`{"Type":"Pass","Next":"S","End":true}`), []string{"$.States.S: expected either Next or End"}},
		"machine timeout of zero":  {`{"TimeoutSeconds":0,"StartAt":"S","States":{"S":{"Type":"Succeed"}}}`, []string{"$.TimeoutSeconds: expected a whole number from 1"}},

		"other resource":       {state(`{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"FunctionName":"f"},"End":true}`), []string{"$.States.S.Resource: expected arn:aws:states:::lambda:invoke or"}},
		"no parameters":        {state(`{"Type":"Task","Resource":"` + ResourceInvoke + `","End":true}`), []string{"$.States.S.Parameters: expected an object with FunctionName"}},
		"other parameter":      {state(`{"Type":"Task","Resource":"` + ResourceInvoke + `","Parameters":{"FunctionName":"f","InvocationType":"Event"},"End":true}`), []string{"$.States.S.Parameters.InvocationType: expected only"}},
		"intrinsic function":   {state(`{"Type":"Pass","Parameters":{"a":[{"b.$":"States.UUID()"}]},"End":true}`), []string{"$.States.S.Parameters.a[0].b.$: expected a path, not an intrinsic"}},
		"wildcard":             {state(`{"Type":"Pass","Parameters":{"a.$":"$.b[*]"},"End":true}`), []string{"$.States.S.Parameters.a.$: expected a path such as"}},
		"descendants":          {state(`{"Type":"Pass","InputPath":"$..a","End":true}`), []string{"$.States.S.InputPath: expected a path such as"}},
		"path that is none":    {state(`{"Type":"Pass","OutputPath":"a","End":true}`), []string{"$.States.S.OutputPath: expected a path such as"}},
		"number as a path":     {state(`{"Type":"Pass","Parameters":{"a.$":1},"End":true}`), []string{"$.States.S.Parameters.a.$: expected a path such as"}},
		"other context":        {state(`{"Type":"Pass","Parameters":{"a.$":"$$.Map.Item.Value"},"End":true}`), []string{"$.States.S.Parameters.a.$: expected one of $$.Execution.Id"}},
		"token of no callback": {state(`{"Type":"Pass","Parameters":{"a.$":"$$.Task.Token"},"End":true}`), []string{"$.States.S.Parameters.a.$: expected no $$.Task.Token"}},
		"result into an item":  {state(`{"Type":"Pass","ResultPath":"$.a[0]","End":true}`), []string{"$.States.S.ResultPath: expected a path of field names"}},

		"timeout of zero":        {call(`"TimeoutSeconds":0,"End":true`), []string{"$.States.S.TimeoutSeconds: expected a whole number from 1"}},
		"fraction of a second":   {call(`"TimeoutSeconds":1.5,"End":true`), []string{"$.States.S.TimeoutSeconds: expected a whole number from 1"}},
		"timeout twice":          {call(`"TimeoutSeconds":1,"TimeoutSecondsPath":"$.a","End":true`), []string{"$.States.S.TimeoutSeconds: expected no TimeoutSecondsPath"}},
		"heartbeat over timeout": {call(`"TimeoutSeconds":5,"HeartbeatSeconds":5,"End":true`), []string{"$.States.S.HeartbeatSeconds: expected less"}},
		"null timeout":           {call(`"TimeoutSeconds":null,"End":true`), []string{"$.States.S.TimeoutSeconds: expected a whole number"}},

		"retry of nothing":       {call(`"Retry":[{"ErrorEquals":[]}],"End":true`), []string{"$.States.S.Retry[0].ErrorEquals: expected an array that is not empty"}},
		"ALL in company":         {call(`"Retry":[{"ErrorEquals":["States.ALL","E"]}],"End":true`), []string{"$.States.S.Retry[0].ErrorEquals: expected States.ALL alone"}},
		"ALL before another":     {call(`"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"},{"ErrorEquals":["E"],"Next":"Caught"}],"End":true`), []string{"$.States.S.Catch[0].ErrorEquals: expected States.ALL alone"}},
		"backoff below one":      {call(`"Retry":[{"ErrorEquals":["E"],"BackoffRate":0.5}],"End":true`), []string{"$.States.S.Retry[0].BackoffRate: expected a number"}},
		"other jitter":           {call(`"Retry":[{"ErrorEquals":["E"],"JitterStrategy":"HALF"}],"End":true`), []string{"$.States.S.Retry[0].JitterStrategy: expected FULL or NONE"}},
		"unknown field of retry": {call(`"Retry":[{"ErrorEquals":["E"],"Seconds":1}],"End":true`), []string{"$.States.S.Retry[0].Seconds: expected no such field"}},
		"catch without next":     {call(`"Catch":[{"ErrorEquals":["E"]}],"End":true`), []string{"$.States.S.Catch[0].Next: expected a string"}},
		"retry of a pass":        {state(`{"Type":"Pass","Retry":[],"End":true}`), []string{"$.States.S.Retry: expected no such field"}},
		"wait for nothing":       {state(`{"Type":"Wait","End":true}`), []string{"$.States.S: expected exactly one of Seconds"}},
		"wait for two":           {state(`{"Type":"Wait","Seconds":1,"TimestampPath":"$.a","End":true}`), []string{"$.States.S: expected exactly one of Seconds"}},
		"wait until fixed time":  {state(`{"Type":"Wait","Timestamp":"2030-01-01T00:00:00Z","End":true}`), []string{"$.States.S: expected exactly one", "$.States.S.Timestamp: expected no such"}},
		"fail by path":           {state(`{"Type":"Fail","ErrorPath":"$.a"}`), []string{"$.States.S.ErrorPath: expected no such field"}},
		"choice of nothing":      {state(`{"Type":"Choice","Choices":[]}`), []string{"$.States.S.Choices: expected an array that is not empty"}},
		"other operator":         {state(`{"Type":"Choice","Choices":[{"Variable":"$.a","StringMatches":"a*","Next":"S"}]}`), []string{"$.States.S.Choices[0]: expected exactly one of", "$.States.S.Choices[0].StringMatches: expected no", "$.States.S.Choices[0].Variable: expected no"}},
		"operator of other type": {state(`{"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":"1","Next":"S"}]}`), []string{"$.States.S.Choices[0].NumericEquals: expected a number"}},
		"rule without next":      {state(`{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":true}],"Default":"S"}`), []string{"$.States.S.Choices[0]: expected Next"}},
		"next in a nested rule":  {state(`{"Type":"Choice","Choices":[{"And":[{"Variable":"$.a","IsPresent":true,"Next":"S"}],"Next":"S"}]}`), []string{"$.States.S.Choices[0].And[0].Next: expected no such field"}},
		"everything at once":     {`{"StartAt":"S","States":{"S":{"Type":"Map"},"T":{"Type":"Pass","InputPath":"x","End":true}}}`, []string{"$.States.S.Type: expected", "$.States.T.InputPath: expected a path", "$.States.T: expected to be reached"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m, err := Parse([]byte(c.definition))
			refused, ok := errors.AsType[*DefinitionError](err)
			if m != nil || !ok {
				t.Fatalf("accepted: %v", err)
			}
			found := slices.Clone(refused.Problems)
			matches := slices.EqualFunc(found, c.problems, func(p Problem, want string) bool {
				return strings.HasPrefix(p.Path+": "+p.Want, want)
			})
			if !matches {
				t.Errorf("problems %v, want %q", found, c.problems)
			}
		})
	}
}

// every uses every field that is understood.
var every = `{"Comment":"c","Version":"1.0","QueryLanguage":"JSONPath","TimeoutSeconds":9,"StartAt":"T","States":{
	"T":{"Type":"Task","Comment":"c","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","InputPath":"$",
		"Parameters":{"FunctionName.$":"$.f","Payload":{"token.$":"$$.Task.Token","in.$":"$$.Execution.Input.a.b"}},
		"ResultSelector":{"a.$":"$.x"},"ResultPath":"$.r","OutputPath":"$","TimeoutSecondsPath":"$.t","HeartbeatSecondsPath":"$.h",
		"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":1,"MaxAttempts":0,"BackoffRate":1.5,"MaxDelaySeconds":9,"JitterStrategy":"FULL"}],
		"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.error","Next":"F"}],"Next":"C"},
	"C":{"Type":"Choice","Choices":[{"Not":{"Variable":"$.a","IsPresent":true},"Next":"W"},{"Or":[{"Variable":"$.a","StringEquals":"b"}],"Next":"P"}],"Default":"F"},
	"W":{"Type":"Wait","TimestampPath":"$.at","Next":"P"},"P":{"Type":"Pass","Result":1,"ResultPath":null,"Next":"Z"},
	"F":{"Type":"Fail","Error":"E","Cause":"C"},"Z":{"Type":"Succeed"}}}`

func TestParseAccepts(t *testing.T) {
	m, err := Parse([]byte(every))
	if err != nil {
		t.Fatal(err)
	}
	if task := m.States["T"]; task.Retry[0].BackoffRate != 1.5 || task.Catch[0].Next != "F" || task.Resource != ResourceInvokeCallback || len(m.States) != 6 {
		t.Errorf("%+v", task)
	}
}

// FuzzParse: never a panic, never a machine beside an error, and what is
// accepted runs on any input without one.
func FuzzParse(f *testing.F) {
	f.Add(every, `{"a":"b","t":1,"h":2,"f":"g","at":"2030-01-01T00:00:00Z"}`)
	f.Add(pass, `[1]`)
	f.Add(one(`{"Type":"Pass","Parameters":{"a.$":"$['b'][0].c"},"End":true}`), `{"b":[{"c":1}]}`)
	f.Add(one(`{"Type":"Wait","SecondsPath":"$.s","End":true}`), `{"s":1e400}`)
	f.Fuzz(func(t *testing.T, definition, input string) {
		m, err := Parse([]byte(definition))
		if (m == nil) == (err == nil) {
			t.Fatalf("machine %v and error %v", m, err)
		}
		data, bad := decode([]byte(input))
		if err != nil || bad != nil {
			return
		}
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		x := &execution{
			header: header{Arn: nil0, Machine: none, Input: input}, machine: m,
			env: &environment{
				now: func() time.Time { return at }, tokens: tokenKey("k"), maxEvents: 99,
				jitter: func(limit time.Duration) time.Duration { return limit },
			},
		}
		x.start(data)
		for range 20 {
			x.fire()
		}
	})
}

func FuzzToken(f *testing.F) {
	key := tokenKey("key")
	f.Add(key.issue(nil0, 3))
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		execution, task, ok := key.open(token)
		if ok && key.issue(execution, task) != token {
			t.Errorf("%q opens as %s %d", token, execution, task)
		}
		if _, _, ok := tokenKey("other").open(token); ok {
			t.Errorf("%q opens with another key", token)
		}
	})
}
