package main

import (
	"fmt"
	"io"

	"tocsin/local/ministack"
)

// facts are what template.yaml says of prices.
type facts struct {
	template    ministack.Template
	accessLogGB float64
}

func readFacts(file string) (facts, error) {
	t, err := ministack.ReadTemplate(file)
	f := facts{template: t, accessLogGB: priceLogGB}
	if f.of("AccessLogs", "LogGroupClass") == "INFREQUENT_ACCESS" {
		f.accessLogGB = priceRareGB
	}
	return f, err
}

// of reads a property of a resource; nil: it has none.
func (f facts) of(resource string, path ...string) any {
	var at any = map[string]any(f.template)
	for _, name := range append([]string{"Resources", resource, "Properties"}, path...) {
		inner, _ := at.(map[string]any)
		at = inner[name]
	}
	return at
}

// backup is what a table's point-in-time recovery costs a GB and month.
func (f facts) backup(table string) float64 {
	if f.of(table+"Table", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") == true {
		return priceBackupGB
	}
	return 0
}

// serviceLog is what the service logs of a call by itself, in bytes.
func (f facts) serviceLog(function string) int {
	if f.of(function, "LoggingConfig", "SystemLogLevel") == "WARN" {
		return 0
	}
	return serviceLogBytes + 2*recordOverhead
}

// printAssumptions says what the figures stand on beside what was counted.
func (b *books) printAssumptions(w io.Writer) {
	_, _ = fmt.Fprintln(w, "Assumed:")
	for _, a := range []string{
		"prices of us-east-1 without free allowances (tests/bill/prices.go, each with its page)",
		fmt.Sprintf("deliveries one by one come every %s, as a million in a month do: a batch of one, and a call of the router, for each", between),
		"each batch is received once and deleted once; a request of a fair queue costs its surcharge when it sends, receives and deletes",
		"durations are those of this machine with its emulator; where deliveries come at once, ingest takes as long as one by one; memory as in template.yaml",
		"a delivery is kept for 30 days, so a million a month is always there; each item takes 100 bytes more than its data",
		fmt.Sprintf("an access log record has %d bytes; CloudWatch adds %d to each record", accessLogBytes, recordOverhead),
		"at SystemLogLevel WARN the service logs nothing of a call that succeeds",
	} {
		_, _ = fmt.Fprintln(w, "  "+a)
	}
}
