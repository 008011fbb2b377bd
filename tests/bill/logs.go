package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

// logs reads what the functions print, from where it was last read.
type logs struct {
	file string
	at   int64
}

// printed is what functions did as their log shows it, by logical id.
type printed struct {
	calls  map[string]map[string]float64 // request id → longest duration in ms
	bytes  map[string]int                // by logical id, with what CloudWatch adds to each record
	series map[string]bool               // custom metrics with their dimensions
}

func (p printed) invocations(functions ...string) int {
	n := 0
	for name, calls := range p.calls {
		if len(functions) == 0 || slices.Contains(functions, name) {
			n += len(calls)
		}
	}
	return n
}

// unknownDuration is taken for calls that log none, in ms.
const unknownDuration = 100

// gbSeconds is what a function's calls are billed for: whole milliseconds of
// memory.
func (p printed) gbSeconds(name string) (total float64) {
	for _, ms := range p.calls[name] {
		if ms == 0 {
			ms = unknownDuration
		}
		total += math.Ceil(ms) / 1000 * memory(name)
	}
	return total
}

// record has the fields in use of a log line.
type record struct {
	Request  string  `json:"request_id"`
	Outer    string  `json:"invocation_id"`
	Duration float64 `json:"duration_ms"`
	AWS      struct {
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name string }
		}
	} `json:"_aws"`
}

// take returns what was printed since it was last called.
func (l *logs) take() (printed, error) {
	p := printed{calls: map[string]map[string]float64{}, bytes: map[string]int{}, series: map[string]bool{}}
	f, err := os.Open(l.file)
	if err != nil {
		return p, err
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(l.at, io.SeekStart); err != nil {
		return p, err
	}
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			return p, nil // the rest of a line is read next time
		}
		if err != nil {
			return p, err
		}
		l.at += int64(len(line))
		p.add(line)
	}
}

// add notes one line: the function's physical name, a space, and what it printed.
func (p *printed) add(line string) {
	name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
	function := logicalID(name)
	p.bytes[function] += len(text) + recordOverhead
	var r record
	var fields map[string]any
	if json.Unmarshal([]byte(text), &r) != nil || json.Unmarshal([]byte(text), &fields) != nil {
		return
	}
	if p.calls[function] == nil {
		p.calls[function] = map[string]float64{}
	}
	if id := r.Request; id != "" {
		p.calls[function][id] = max(p.calls[function][id], r.Duration)
	}
	for _, m := range r.AWS.CloudWatchMetrics {
		for _, dimensions := range m.Dimensions {
			for _, metric := range m.Metrics {
				p.series[seriesOf(metric.Name, dimensions, fields)] = true
			}
		}
	}
}

func seriesOf(metric string, dimensions []string, fields map[string]any) string {
	for _, d := range dimensions {
		metric += fmt.Sprintf(" %s=%v", d, fields[d])
	}
	return metric
}

// logicalID takes the stack's name and the random end off a function's name.
func logicalID(name string) string {
	if parts := strings.Split(name, "-"); len(parts) > 2 {
		return strings.Join(parts[1:len(parts)-1], "-")
	}
	return name
}
