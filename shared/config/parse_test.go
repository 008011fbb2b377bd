package config_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/catalog"
	"tocsin/shared/config"
	"tocsin/shared/fault"
	"tocsin/shared/plan"
	"tocsin/shared/rule"
)

func doc(kind, name, spec string) config.Document {
	return config.Document{Kind: kind, Name: name, Spec: json.RawMessage(spec)}
}

// small is a valid configuration of every kind.
func small() []config.Document {
	return []config.Document{
		doc("member", "ann", `{"display_name":"Ann","language":"zh","time_zone":"Asia/Shanghai"}`),
		doc("member", "bob", `{}`),
		doc("team", "payments", `{"leader":"ann","members":["ann","bob"]}`),
		doc("service", "checkout", `{"tier":1,"team":"payments","plan":"urgent"}`),
		doc("plan", "urgent", `{"steps":[{"targets":[{"member":"ann"}],"wait":"90s"},{"targets":[{"team":"payments"}],"priorities":["P1"]}],"repeats":0,"last_resort":[{"member":"bob"}]}`),
		doc("rule", "noise", `{"order":1,"when":{"field":"labels.env","equals":"test"},"outcome":"discard"}`),
		doc("rule", "checkout", `{"order":2,"when":{"all":[{"field":"source","equals":"prometheus"},{"field":"labels.service","match":"^check"}]},"outcome":"event","service":"checkout","assignee":{"team":"payments"},"merge":["labels.service"],"recovery":{"P1":{"by_hand":true},"P3":{"quiet":"10m"}}}`),
		doc("settings", "default", `{"default_plan":"urgent","language":"zh"}`),
	}
}

func parse(t *testing.T, docs ...config.Document) *config.Config {
	t.Helper()
	cfg, problems := config.Parse(docs)
	if problems != nil {
		t.Fatalf("problems: %v", problems)
	}
	return cfg
}

func TestParse(t *testing.T) {
	cfg := parse(t, small()...)
	none := 0
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"member", cfg.Members["ann"], catalog.Member{Name: "ann", DisplayName: "Ann", Language: "zh", TimeZone: "Asia/Shanghai"}},
		{"team", cfg.Teams["payments"], catalog.Team{Name: "payments", Leader: "ann", Members: []string{"ann", "bob"}}},
		{"service", cfg.Services["checkout"], catalog.Service{Name: "checkout", Tier: 1, Team: "payments", Plan: "urgent"}},
		{"plan", cfg.Plans["urgent"], plan.Plan{Name: "urgent", Repeats: &none, LastResort: []plan.Target{{Member: "bob"}}, Steps: []plan.Step{
			{Targets: []plan.Target{{Member: "ann"}}, Wait: plan.Duration(90 * time.Second)},
			{Targets: []plan.Target{{Team: "payments"}}, Priorities: []alert.Priority{alert.P1}},
		}}},
		{"settings with defaults", cfg.Settings, config.Settings{DefaultPlan: "urgent", TimeZone: "UTC", Language: "zh"}},
		{"rules in order, catch-all last", ruleNames(cfg.Rules), []string{"noise", "checkout", "catch-all"}},
		{"built-in service", cfg.Services["default"].DisplayName, "Default"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !reflect.DeepEqual(c.got, c.want) {
				t.Errorf("got %+v, want %+v", c.got, c.want)
			}
		})
	}
}

func ruleNames(rules []rule.Rule) []string {
	var names []string
	for _, r := range rules {
		names = append(names, r.Name)
	}
	return names
}

func TestBuiltinDocumentsAreValidAndPageTheAdministrator(t *testing.T) {
	written := parse(t, config.Builtin()...)
	absent := parse(t)
	written.Documents = nil
	for _, cfg := range []*config.Config{written, absent} {
		r, err := cfg.RuleSet().Match(&alert.Alert{Title: "x"}, "main")
		p := cfg.PlanFor(r, r.Service)
		if err != nil || r.Outcome != rule.Open || r.Service != "" || !reflect.DeepEqual(cfg.MembersOf(p.Steps[0].Targets[0]), []string{"administrator"}) {
			t.Errorf("rule %+v, err %v, plan %+v", r, err, p)
		}
	}
	if !reflect.DeepEqual(written.Rules, absent.Rules) || !reflect.DeepEqual(written.Plans, absent.Plans) {
		t.Errorf("written %+v, absent %+v", written, absent)
	}
}

func TestDocumentsTakeThePlaceOfBuiltinOnes(t *testing.T) {
	cfg := parse(t, doc("rule", "catch-all", `{"order":-9,"outcome":"keep"}`), doc("member", "administrator", `{"display_name":"Root"}`),
		doc("rule", "last", `{"order":1000,"outcome":"event"}`))
	if cfg.Members["administrator"].DisplayName != "Root" || !reflect.DeepEqual(ruleNames(cfg.Rules), []string{"last", "catch-all"}) || cfg.Rules[1].Outcome != rule.Keep {
		t.Errorf("members %+v, rules %+v", cfg.Members, cfg.Rules)
	}
}

func TestLookups(t *testing.T) {
	cfg := parse(t, append(small(), doc("plan", "calm", `{"steps":[{"targets":[{"member":"bob"}]}],"last_resort":[{"member":"bob"}]}`))...)
	for _, c := range []struct {
		name    string
		rule    rule.Rule
		service string
		want    string
	}{
		{"the rule's", rule.Rule{Plan: "calm"}, "checkout", "calm"},
		{"the service's", rule.Rule{}, "checkout", "urgent"},
		{"the default of the settings", rule.Rule{}, "default", "urgent"},
		{"unknown service", rule.Rule{}, "nowhere", "urgent"},
		{"unknown plan", rule.Rule{Plan: "gone"}, "checkout", "urgent"},
	} {
		t.Run("plan: "+c.name, func(t *testing.T) {
			if got := cfg.PlanFor(c.rule, c.service); got.Name != c.want {
				t.Errorf("plan %q, want %q", got.Name, c.want)
			}
		})
	}
	for target, want := range map[plan.Target][]string{
		{Member: "ann"}: {"ann"}, {Team: "payments"}: {"ann", "bob"}, {Member: "gone"}: nil, {Team: "gone"}: nil, {}: nil,
	} {
		if got := cfg.MembersOf(target); !reflect.DeepEqual(got, want) {
			t.Errorf("members of %+v: %q, want %q", target, got, want)
		}
	}
}

func TestParseFindsEveryProblem(t *testing.T) {
	deep := strings.Repeat(`{"not":`, 70) + `{}` + strings.Repeat(`}`, 70)
	for _, c := range []struct {
		name string
		docs []config.Document
		want []string // "kind/name field: part of the detail"
	}{
		{"unknown kind", []config.Document{doc("robot", "r", `{}`)}, []string{`robot/r kind: expected one of`}},
		{"bad name", []config.Document{doc("member", "Ann Lee", `{}`)}, []string{`member/Ann Lee name: expected 1 to 63`}},
		{"name twice", []config.Document{doc("member", "ann", `{}`), doc("member", "ann", `{}`)}, []string{`member/ann name: first as document 1`}},
		{"same name, other kind", []config.Document{doc("member", "ann", `{}`), doc("team", "ann", `{"members":["ann"]}`)}, nil},
		{"no spec", []config.Document{{Kind: "member", Name: "ann"}}, nil},
		{"spec null", []config.Document{doc("member", "ann", `null`)}, []string{`member/ann spec: found null, expected an object`}},
		{"spec no JSON", []config.Document{doc("member", "ann", `{`)}, []string{`member/ann spec: no valid JSON`}},
		{"unknown field", []config.Document{doc("member", "ann", `{"colour":"red","email":1}`)}, []string{
			`member/ann spec.colour: unknown field; known are display_name, language, time_zone`, `member/ann spec.email: unknown field`}},
		{"the name belongs beside the spec", []config.Document{doc("member", "ann", `{"Name":"x"}`)}, []string{`member/ann spec.Name: unknown field`}},
		{"other case", []config.Document{doc("member", "ann", `{"Language":"en"}`)}, []string{`member/ann spec.Language: unknown field`}},
		{"field twice", []config.Document{doc("member", "ann", `{"language":"en","language":"zh"}`)}, []string{`member/ann spec.language: stands there twice`}},
		{"wrong types say what was expected", []config.Document{doc("service", "s", `{"tier":"one","team":7}`), doc("team", "t", `{"members":"ann"}`)}, []string{
			`service/s spec.tier: found a text, expected a whole number`, `service/s spec.team: found a number, expected a text`, `team/t spec.members: found a text, expected a list`}},
		{"numbers that do not fit", []config.Document{doc("service", "s", `{"tier":1.5}`), doc("rule", "r", `{"outcome":"keep","order":99999999999999999999}`)}, []string{
			`service/s spec.tier: expected a whole number`, `rule/r spec.order: expected a whole number`}},
		{"text too long", []config.Document{doc("member", "ann", `{"display_name":"`+strings.Repeat("x", 5000)+`"}`)}, []string{`member/ann spec.display_name: at most 4096`}},
		{"too deep", []config.Document{doc("rule", "r", `{"outcome":"keep","when":`+deep+`}`)}, []string{`rule/r spec: nested deeper than 64`}},
		{"length of time", []config.Document{doc("plan", "p", `{"steps":[{"targets":[{"member":"administrator"}],"wait":"5 minutes"}],"last_resort":[{"member":"administrator"}]}`)}, []string{
			`plan/p spec.steps[0].wait: write it like 30s`}},
		{"length of time as a number", []config.Document{doc("plan", "p", `{"steps":[{"targets":[{"member":"administrator"}],"wait":300}],"last_resort":[{"member":"administrator"}]}`)}, []string{
			`plan/p spec.steps[0].wait: found a number, expected a text like 5m`}},
		{"wait too long", []config.Document{doc("plan", "p", `{"steps":[{"targets":[{"member":"administrator"}],"wait":"8d"}],"last_resort":[{"member":"administrator"}]}`)}, []string{
			`plan/p spec.steps[0].wait: 8d is not between 1s and 7d`}},
		{"references to nobody", []config.Document{
			doc("team", "t", `{"members":["ghost"]}`), doc("service", "s", `{"team":"gone","plan":"gone"}`),
			doc("rule", "r", `{"outcome":"event","service":"gone","plan":"gone","assignee":{"member":"ghost"}}`), doc("settings", "default", `{"default_plan":"gone"}`)}, []string{
			`team/t spec.members[0]: there is no member "ghost"`, `service/s spec.team: there is no team "gone"`, `service/s spec.plan: there is no plan "gone"`,
			`rule/r spec.service: there is no service "gone"`, `rule/r spec.plan: there is no plan "gone"`, `rule/r spec.assignee.member: there is no member "ghost"`,
			`settings/default spec.default_plan: there is no plan "gone"`}},
		{"team", []config.Document{doc("member", "ann", `{}`), doc("team", "t", `{"members":["ann","ann"],"leader":"administrator"}`), doc("team", "empty", `{"members":[]}`), doc("team", "none", `{}`)}, []string{
			`team/t spec.members[1]: "ann" stands there twice`, `team/t spec.leader: "administrator" is not a member`, `team/empty spec.members: the team is empty`, `team/none spec.members: the team is empty`}},
		{"plan without steps or last resort", []config.Document{doc("plan", "p", `{"steps":[]}`)}, []string{
			`plan/p spec.steps: found 0 steps`, `plan/p spec.last_resort: found 0 targets`}},
		{"plan that reaches nobody", []config.Document{doc("team", "empty", `{"members":[]}`), doc("plan", "p", `{"steps":[{"targets":[{"team":"empty"}]}],"last_resort":[{"team":"empty"}]}`)}, []string{
			`team/empty spec.members: the team is empty`, `plan/p spec.steps: no step reaches anybody`, `plan/p spec.last_resort: the last resort reaches nobody`}},
		{"plan of a team that cannot be read is not blamed", []config.Document{doc("team", "t", `{"members":7}`), doc("plan", "p", `{"steps":[{"targets":[{"team":"t"}]}],"last_resort":[{"team":"t"}]}`)}, []string{
			`team/t spec.members: found a number`}},
		{"targets, channels, priorities, repeats", []config.Document{doc("plan", "p", `{"repeats":-1,"steps":[{"targets":[{},{"member":"administrator","team":"t"}],"channels":["fax"],"priorities":["P0"]}],"last_resort":[{"member":"administrator"}]}`)}, []string{
			`plan/p spec.repeats: found -1`, `plan/p spec.steps[0].targets[0]: exactly one`, `plan/p spec.steps[0].targets[1]: exactly one`, `plan/p spec.steps[0].targets[1].team: there is no team "t"`,
			`plan/p spec.steps[0].channels[0]: found "fax", expected one of [email ntfy]`, `plan/p spec.steps[0].priorities[0]: found "P0"`}},
		{"rule", []config.Document{doc("rule", "r", `{"outcome":"page","priority":"P7","when":{"all":[{"field":"title","match":"("}]},"merge":["color"],"recovery":{"P3":{"reopen":"4d"}}}`)}, []string{
			`rule/r spec.outcome: found "page"`, `rule/r spec.priority: found "P7"`, `rule/r spec.merge[0]: unknown field "color"`,
			`rule/r spec.recovery.P3.reopen: longer than the automatic close`, `rule/r spec.when.all[0].match: no RE2 expression`}},
		{"rule ids", []config.Document{doc("rule", "a", `{"outcome":"keep"}`), doc("rule", "b", `{"outcome":"keep","id":"a"}`), doc("rule", "c", `{"outcome":"keep","id":"C"}`)}, []string{
			`rule/a spec.id: "a" stands for more than one rule: [a b]`, `rule/b spec.id: stands for more than one rule`, `rule/c spec.id: found "C"`}},
		{"catch-all", []config.Document{doc("rule", "catch-all", `{"outcome":"discard","when":{"field":"title","equals":"x"}}`)}, []string{
			`rule/catch-all spec.when: no condition`, `rule/catch-all spec.outcome: may not discard`}},
		{"language and zone", []config.Document{doc("member", "ann", `{"language":"fr","time_zone":"Mars/Olympus"}`), doc("settings", "default", `{"time_zone":"Local"}`)}, []string{
			`member/ann spec.time_zone: "Mars/Olympus" is no IANA time zone`, `member/ann spec.language: found "fr"`, `settings/default spec.time_zone: "Local"`}},
		{"settings have one name", []config.Document{doc("settings", "other", `{}`)}, []string{`settings/other name: expected default`}},
		{"cause classes", []config.Document{doc("member", "ann", `{}`), doc("team", "t", `{"members":["ann"],"cause_classes":["bank_closed","Bank-closed","capacity","bank_closed","_x",""]}`)}, []string{
			`team/t spec.cause_classes[1]: expected 1 to 63 of a-z, 0-9 and _`, `team/t spec.cause_classes[2]: "capacity" is there for every team`,
			`team/t spec.cause_classes[3]: "bank_closed" stands there twice`, `team/t spec.cause_classes[4]: found "_x"`, `team/t spec.cause_classes[5]: found ""`}},
		{"service tier", []config.Document{doc("service", "s", `{"tier":5}`)}, []string{`service/s spec.tier: found 5, expected 1 to 4`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, problems := config.Parse(c.docs)
			if (cfg == nil) != (len(problems) > 0) {
				t.Errorf("config %v beside %d problems", cfg, len(problems))
			}
			wantProblems(t, problems, c.want)
		})
	}
}

func wantProblems(t *testing.T, problems config.Problems, want []string) {
	t.Helper()
	if len(problems) != len(want) {
		t.Errorf("found %d problems, want %d:\n%v", len(problems), len(want), problems)
		return
	}
	for i, p := range problems {
		where, detail, _ := strings.Cut(want[i], ": ")
		if got := fmt.Sprintf("%s/%s %s", p.Kind, p.Name, p.Field); got != where || !strings.Contains(p.Detail, detail) {
			t.Errorf("problem %d: %s: %s\nwant %s", i, got, p.Detail, want[i])
		}
	}
}

func TestProblemsAreOneInvalidError(t *testing.T) {
	_, problems := config.Parse([]config.Document{doc("member", "ann", `{}`), doc("service", "s", `{"tier":9,"team":"gone"}`)})
	err := problems.Err()
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), `documents[1].spec.team: service s: there is no team "gone"`) {
		t.Errorf("err %v", err)
	}
	if config.Problems(nil).Err() != nil {
		t.Error("no problem is an error")
	}
}

func TestDocumentsAreCanonical(t *testing.T) {
	cfg := parse(t, doc("rule", "b", `{ "when": {"equals":"<x>", "field":"title"}, "outcome":"event", "order": 0 }`), doc("member", "z", `{}`),
		doc("plan", "a", `{"last_resort":[{"member":"z"}],"steps":[{"wait":"90m","targets":[{"member":"z"}]}]}`))
	want := []config.Document{
		doc("member", "z", `{}`),
		doc("plan", "a", `{"steps":[{"targets":[{"member":"z"}],"wait":"1h30m"}],"last_resort":[{"member":"z"}]}`),
		doc("rule", "b", `{"when":{"field":"title","equals":"<x>"},"outcome":"event"}`),
	}
	if !reflect.DeepEqual(cfg.Documents, want) {
		t.Errorf("got  %s\nwant %s", cfg.Documents, want)
	}
	if again := parse(t, cfg.Documents...); !reflect.DeepEqual(again.Documents, want) {
		t.Errorf("again %s", again.Documents)
	}
}

func TestParseManyRulesInTime(t *testing.T) {
	docs := make([]config.Document, 10_000)
	for i := range docs {
		docs[i] = doc("rule", fmt.Sprintf("r%d", i), fmt.Sprintf(`{"order":%d,"outcome":"event","when":{"field":"labels.service","equals":"s%d"}}`, i, i))
	}
	began := time.Now()
	parse(t, docs...)
	if d := time.Since(began); d > time.Minute {
		t.Errorf("took %v", d)
	}
}

func FuzzParse(f *testing.F) {
	for _, d := range small() {
		f.Add(d.Kind, d.Name, []byte(d.Spec))
	}
	f.Add("plan", "p", []byte(`{"steps":[{"wait":"1d","targets":[{"team":""}]}],"last_resort":[{}]}`))
	f.Fuzz(func(t *testing.T, kind, name string, spec []byte) {
		cfg, problems := config.Parse([]config.Document{{Kind: kind, Name: name, Spec: spec}})
		if (cfg == nil) == (problems == nil) {
			t.Fatalf("config %v beside problems %v", cfg, problems)
		}
		if cfg == nil {
			return
		}
		again, problems := config.Parse(cfg.Documents)
		if problems != nil || !reflect.DeepEqual(again.Documents, cfg.Documents) {
			t.Errorf("canonical %s became %v, problems %v", cfg.Documents, again, problems)
		}
		if _, err := cfg.RuleSet().Match(&alert.Alert{Title: name}, name); err != nil {
			t.Errorf("a checked rule cannot be evaluated: %v", err)
		}
	})
}
