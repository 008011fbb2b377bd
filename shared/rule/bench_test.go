package rule_test

import (
	"fmt"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/rule"
)

// benchRules has the mix of a large team's configuration: most rules name a
// service and ask something more of it; some only a prefix; a few neither.
func benchRules(n int) []rule.Rule {
	rules := make([]rule.Rule, n)
	for i := range rules {
		service := fmt.Sprintf("service-%d", i)
		rules[i] = open(fmt.Sprintf("r%05d", i), i, benchCondition(i, service))
	}
	return rules
}

func benchCondition(i int, service string) rule.Condition {
	switch i % 10 {
	case 7:
		return rule.Condition{All: []rule.Condition{eq("labels.env", "prod"), re("labels.service", "^"+service+"-(eu|us)$")}}
	case 8:
		return rule.Condition{Field: "labels.service", In: []string{service, service + "-a", service + "-b"}}
	case 9:
		return rule.Condition{Any: []rule.Condition{eq("labels.service", service), eq("group", service)}}
	}
	return rule.Condition{All: []rule.Condition{
		eq("labels.env", "prod"), eq("labels.service", service), re("labels.alertname", "^(High|Low)"), eq("severity", "critical")}}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			set, _ := rule.Compile(benchRules(n))
			a := &alert.Alert{Source: "prometheus", Severity: alert.Critical, Title: "latency", Labels: map[string]string{
				"env": "prod", "service": fmt.Sprintf("service-%d", n/2), "alertname": "HighLatency", "instance": "i-1", "zone": "a"}}
			b.ReportAllocs()
			for b.Loop() {
				if r, err := set.Match(a, "main"); err != nil || r.Order != n/2 {
					b.Fatalf("rule %q, err %v", r.Name, err)
				}
			}
		})
	}
}

func BenchmarkMatchNothing(b *testing.B) {
	for _, n := range []int{100, 10000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			set, _ := rule.Compile(benchRules(n))
			a := &alert.Alert{Severity: alert.Warning, Title: "latency", Labels: map[string]string{"env": "prod", "service": "other"}}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = set.Match(a, "main")
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			rules := benchRules(n)
			b.ReportAllocs()
			for b.Loop() {
				rule.Compile(rules)
			}
		})
	}
}
