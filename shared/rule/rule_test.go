package rule_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/plan"
	"tocsin/shared/rule"
)

func eq(field, value string) rule.Condition { return rule.Condition{Field: field, Equals: &value} }

func re(field, pattern string) rule.Condition { return rule.Condition{Field: field, Match: pattern} }

func open(name string, order int, when rule.Condition) rule.Rule {
	return rule.Rule{Name: name, Order: order, When: when, Outcome: rule.Open}
}

func TestMatch(t *testing.T) {
	a := &alert.Alert{Source: "prometheus", Severity: alert.Critical, Title: "Disk full", Description: "97 %", Group: "g", DedupKey: "k:1",
		Labels: map[string]string{"team": "payments", "node.zone": "eu"}}
	for _, c := range []struct {
		name  string
		rules []rule.Rule
		want  string
		fails string
	}{
		{"no rules", nil, "catch-all", ""},
		{"lower order first", []rule.Rule{open("a", 2, rule.Condition{}), open("b", 1, rule.Condition{})}, "b", ""},
		{"same order, name decides", []rule.Rule{open("b", 1, rule.Condition{}), open("a", 1, rule.Condition{})}, "a", ""},
		{"integration", []rule.Rule{open("a", 1, eq("integration", "main"))}, "a", ""},
		{"severity", []rule.Rule{open("a", 1, eq("severity", "critical"))}, "a", ""},
		{"description", []rule.Rule{open("a", 1, re("description", "[0-9]+ %"))}, "a", ""},
		{"dedup key", []rule.Rule{open("a", 1, eq("dedup_key", "k:1"))}, "a", ""},
		{"label with a dot in its name", []rule.Rule{open("a", 1, eq("labels.node.zone", "eu"))}, "a", ""},
		{"absent label is empty", []rule.Rule{open("a", 1, eq("labels.absent", ""))}, "a", ""},
		{"expression is not anchored", []rule.Rule{open("a", 1, re("title", "full"))}, "a", ""},
		{"a configured catch-all is last", []rule.Rule{open("catch-all", -5, rule.Condition{}), open("z", 9, rule.Condition{})}, "z", ""},
		{"unknown field sends to the default route", []rule.Rule{open("a", 1, eq("color", "red")), open("b", 2, rule.Condition{})}, "catch-all", "a"},
		{"broken expression sends to the default route", []rule.Rule{open("a", 1, re("title", "(")), open("b", 2, rule.Condition{})}, "catch-all", "a"},
		{"an earlier match hides a broken rule", []rule.Rule{open("a", 1, eq("source", "prometheus")), open("b", 2, re("title", "("))}, "a", ""},
		{"another equality that fails decides beside a broken part", []rule.Rule{
			open("a", 1, rule.Condition{All: []rule.Condition{re("title", "("), eq("source", "arms")}}), open("b", 2, rule.Condition{})}, "b", ""},
		{"a field without operator is broken, not true", []rule.Rule{open("a", 1, rule.Condition{Field: "title"})}, "catch-all", "a"},
		{"an empty any is broken, not true", []rule.Rule{open("a", 1, rule.Condition{Any: []rule.Condition{}})}, "catch-all", "a"},
		{"not of a broken part is broken", []rule.Rule{open("a", 1, rule.Condition{Not: &rule.Condition{Field: "title"}})}, "catch-all", "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, _ := rule.Compile(c.rules)
			got, err := set.Match(a, "main")
			failed := ""
			if e, ok := errors.AsType[*rule.EvalError](err); ok {
				failed = e.Rule
			}
			if got.Name != c.want || failed != c.fails || got.Outcome != rule.Open {
				t.Errorf("rule %q, failed %q, err %v; want %q, %q", got.Name, failed, err, c.want, c.fails)
			}
		})
	}
}

func TestCompileNamesEachBrokenRule(t *testing.T) {
	_, errs := rule.Compile([]rule.Rule{open("good", 1, eq("title", "x")), open("bad", 2, eq("color", "x")),
		open("worse", 3, rule.Condition{Not: &rule.Condition{}})})
	var names []string
	for _, err := range errs {
		if e, ok := errors.AsType[*rule.EvalError](err); ok {
			names = append(names, e.Rule)
		}
	}
	if want := []string{"bad", "worse"}; !reflect.DeepEqual(names, want) {
		t.Errorf("broken %q, want %q", names, want)
	}
}

func TestMatchIsSafeForConcurrentUse(t *testing.T) {
	set, _ := rule.Compile([]rule.Rule{open("a", 1, re("title", "^disk .*full$")), open("b", 2, re("title", "x+"))})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if r, err := set.Match(&alert.Alert{Title: "disk is full"}, ""); r.Name != "a" || err != nil {
				t.Errorf("rule %q, err %v", r.Name, err)
			}
		})
	}
	wg.Wait()
}

func TestMatchAllocatesNothing(t *testing.T) {
	set, _ := rule.Compile([]rule.Rule{open("a", 1, re("title", "^x")), open("b", 2, re("title", "full")), open("c", 0, eq("labels.team", "y"))})
	a := &alert.Alert{Title: "disk full", Labels: map[string]string{"team": "x"}}
	if n := testing.AllocsPerRun(100, func() { _, _ = set.Match(a, "main") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMergeKey(t *testing.T) {
	a := &alert.Alert{Group: "g", DedupKey: "k", Labels: map[string]string{"x": "1", "y": "2"}}
	for _, c := range []struct {
		name  string
		merge []string
		alert *alert.Alert
		want  string
	}{
		{"group", nil, a, "group=1:g"},
		{"dedup key without group", nil, &alert.Alert{DedupKey: "k"}, "dedup_key=1:k"},
		{"fields", []string{"labels.x", "integration"}, a, "8:labels.x=1:1,11:integration=4:main,"},
		{"absent label", []string{"labels.z"}, a, "8:labels.z=0:,"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := rule.MergeKey(rule.Rule{Merge: c.merge}, c.alert, "main"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestMergeKeyKeepsDifferentValuesApart(t *testing.T) {
	r := rule.Rule{Merge: []string{"labels.x", "labels.y"}}
	a := &alert.Alert{Labels: map[string]string{"x": "1,8:labels.y=1:2", "y": ""}}
	b := &alert.Alert{Labels: map[string]string{"x": "1", "y": "2,8:labels.y=0:"}}
	if rule.MergeKey(r, a, "") == rule.MergeKey(r, b, "") {
		t.Errorf("both have the key %q", rule.MergeKey(r, a, ""))
	}
}

func TestRecoveryOf(t *testing.T) {
	r := rule.Rule{Recovery: map[alert.Priority]rule.Recovery{alert.P1: {ByHand: true, Quiet: plan.Duration(time.Minute)}}}
	for p, want := range map[alert.Priority]rule.Recovery{
		alert.P1: {ByHand: true, Quiet: plan.Duration(time.Minute), Reopen: plan.Duration(30 * time.Minute)},
		alert.P3: {Quiet: plan.Duration(5 * time.Minute), Reopen: plan.Duration(30 * time.Minute)},
	} {
		if got := r.RecoveryOf(p); got != want {
			t.Errorf("%s: %+v, want %+v", p, got, want)
		}
	}
}

func nested(depth int) rule.Condition {
	c := eq("title", "x")
	for range depth - 1 {
		inner := c
		c = rule.Condition{Not: &inner}
	}
	return c
}

func TestValidate(t *testing.T) {
	good := func(change func(*rule.Rule)) rule.Rule {
		r := rule.Rule{Name: "r", Outcome: rule.Open}
		change(&r)
		return r
	}
	when := func(c rule.Condition) rule.Rule { return good(func(r *rule.Rule) { r.When = c }) }
	for _, c := range []struct {
		name string
		rule rule.Rule
		want []string // fields with problems
	}{
		{"least rule", good(func(*rule.Rule) {}), nil},
		{"outcome missing", rule.Rule{Name: "r"}, []string{"outcome"}},
		{"priority", good(func(r *rule.Rule) { r.Priority = "P5" }), []string{"priority"}},
		{"order too large", good(func(r *rule.Rule) { r.Order = 1 << 40 }), []string{"order"}},
		{"merge field unknown and twice", good(func(r *rule.Rule) { r.Merge = []string{"color", "title", "title"} }), []string{"merge[0]", "merge[2]"}},
		{"recovery", good(func(r *rule.Rule) {
			r.Recovery = map[alert.Priority]rule.Recovery{"P9": {Quiet: plan.Duration(8 * 24 * time.Hour)}, alert.P3: {Reopen: plan.Duration(73 * time.Hour)}}
		}), []string{"recovery.P3.reopen", "recovery.P9", "recovery.P9.quiet"}},
		{"reopen of a P1 may be longer, as it does not close by itself", good(func(r *rule.Rule) {
			r.Recovery = map[alert.Priority]rule.Recovery{alert.P1: {Reopen: plan.Duration(73 * time.Hour)}}
		}), nil},
		{"two operators", when(rule.Condition{Field: "title", Match: "x", Equals: new("y")}), []string{"when"}},
		{"no operator", when(rule.Condition{Field: "title"}), []string{"when"}},
		{"operator without field", when(rule.Condition{Match: "x"}), []string{"when"}},
		{"field beside all", when(rule.Condition{Field: "title", All: []rule.Condition{eq("title", "x")}}), []string{"when"}},
		{"empty list", when(rule.Condition{Field: "title", In: []string{}}), []string{"when"}},
		{"empty part", when(rule.Condition{Any: []rule.Condition{eq("title", "x"), {}}}), []string{"when.any[1]"}},
		{"expression deep inside", when(rule.Condition{All: []rule.Condition{{Not: &rule.Condition{Field: "title", Match: "a(b"}}}}), []string{"when.all[0].not.match"}},
		{"unknown field", when(eq("labels.", "x")), []string{"when.field"}},
		{"value too long", when(eq("title", strings.Repeat("x", 1025))), []string{"when.equals"}},
		{"deep enough", when(nested(16)), nil},
		{"too deep", when(nested(17)), []string{"when" + strings.Repeat(".not", 16)}},
		{"too many", when(rule.Condition{All: make([]rule.Condition, 300)}), []string{"when"}},
		{"catch-all with a condition", rule.Rule{Name: "catch-all", Outcome: rule.Discard, When: eq("title", "x")}, []string{"when", "outcome"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var problems fault.Problems
			rule.Validate(c.rule, &problems)
			var got []string
			for _, p := range problems {
				if !strings.HasPrefix(p.Path, "when.all[") || c.name != "too many" {
					got = append(got, p.Path)
				}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("problems %v, want fields %q", problems, c.want)
			}
		})
	}
}

// FuzzCondition holds that what validation accepts can be evaluated, and that
// the index and the slow matcher agree on everything.
func FuzzCondition(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"field":"title","equals":""}`, `{"field":"labels.team","match":"^pay(ments|roll)"}`, `{"field":"title","match":"("}`,
		`{"all":[{"field":"source","in":["a","b"]},{"not":{"field":"title","equals":"x"}}]}`, `{"any":[]}`, `{"field":"x"}`,
		`{"field":"title","match":"^a[^]|]|b"}`, `{"field":"title","match":"^a(?i)bc"}`, `{"field":"title","match":"^a{0}b"}`,
	} {
		f.Add([]byte(s), "Disk full")
	}
	f.Fuzz(func(t *testing.T, data []byte, title string) {
		var when rule.Condition
		if json.Unmarshal(data, &when) != nil {
			return
		}
		r := open("r", 1, when)
		var problems fault.Problems
		rule.Validate(r, &problems)
		set, _ := rule.Compile([]rule.Rule{r})
		a := &alert.Alert{Title: title, Source: "a", Labels: map[string]string{"team": title}}
		got, err := set.Match(a, "main")
		if problems != nil {
			return
		}
		if want := slowly(when, a, "main") == yes; err != nil || (got.Name == "r") != want {
			t.Errorf("matched %q, err %v; want %v", got.Name, err, want)
		}
	})
}
