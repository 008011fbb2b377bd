package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// NamespaceVariable names the environment variable of the metrics' namespace.
const (
	NamespaceVariable = "METRICS_NAMESPACE"
	defaultNamespace  = "Tocsin"
)

// Unit is the unit of a metric, in CloudWatch's words.
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Seconds      Unit = "Seconds"
	Milliseconds Unit = "Milliseconds"
	Bytes        Unit = "Bytes"
)

// Dimension is one name and value by which a metric is split. Each distinct
// set of values is a series that is paid for, so the names are these few and
// values come from closed sets. Ids belong into [Metrics.Note].
type Dimension struct{ Name, Value string }

// Function is the dimension of a function of the template.
func Function(v string) Dimension { return Dimension{"function", v} }

// Source is the dimension of a kind of monitoring system.
func Source(v string) Dimension { return Dimension{"source", v} }

// Channel is the dimension of a kind of contact.
func Channel(v string) Dimension { return Dimension{"channel", v} }

// Outcome is the dimension of how something ended.
func Outcome(v string) Dimension { return Dimension{"outcome", v} }

// Reason is the dimension of why something was refused or failed.
func Reason(v string) Dimension { return Dimension{"reason", v} }

// Limits of one object: CloudWatch embedded metric format specification,
// "Metric Directive" and "Target members".
const (
	maxMetrics = 100
	maxValues  = 100
)

// Metrics collects what one invocation counts and writes it at [Metrics.Flush]
// in the CloudWatch embedded metric format: one line, and more only where one
// dimension has several values or one metric several sets of dimensions. A metric has the dimensions given and no other; the
// request id stands beside them as a plain property.
// It is safe for concurrent use. A nil *Metrics discards everything.
type Metrics struct {
	w         io.Writer
	namespace string
	now       func() time.Time

	mu     sync.Mutex
	series []*series
	notes  map[string]any
}

// series is what was counted under one set of dimension values.
type series struct {
	dims    []Dimension
	metrics []metric
}

type metric struct {
	Name   string `json:"Name"`
	Unit   Unit   `json:"Unit"`
	values []float64
	sum    bool
}

// NewMetrics returns an empty collector that writes to w.
func NewMetrics(w io.Writer, env Lookup) *Metrics {
	m := &Metrics{w: w, namespace: defaultNamespace, now: time.Now}
	if v, ok := env(NamespaceVariable); ok && v != "" {
		m.namespace = v
	}
	return m
}

// Add adds n to the count called name under dims; repeats sum up. The order
// of dims does not matter.
func (m *Metrics) Add(name string, n int, dims ...Dimension) {
	m.record(metric{Name: name, Unit: Count, sum: true}, float64(n), dims)
}

// Observe notes one measured value; repeats are kept as single values, so that
// percentiles stay true.
func (m *Metrics) Observe(name string, unit Unit, value float64, dims ...Dimension) {
	m.record(metric{Name: name, Unit: unit}, value, dims)
}

// Note puts a property beside the metrics of this invocation: an id, a size.
func (m *Metrics) Note(name string, value any) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.notes == nil {
		m.notes = map[string]any{}
	}
	m.notes[name] = value
}

func (m *Metrics) record(mt metric, value float64, dims []Dimension) {
	if m == nil {
		return
	}
	dims = slices.Clone(dims)
	slices.SortFunc(dims, func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) })
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seriesOf(mt, dims).add(mt, value)
}

// seriesOf returns the series of dims that has room for mt, a new one if need be.
func (m *Metrics) seriesOf(mt metric, dims []Dimension) *series {
	for _, s := range m.series {
		if slices.Equal(s.dims, dims) && s.takes(mt) {
			return s
		}
	}
	s := &series{dims: dims}
	m.series = append(m.series, s)
	return s
}

func (s *series) takes(mt metric) bool {
	if i := s.index(mt.Name); i >= 0 {
		return mt.sum || len(s.metrics[i].values) < maxValues
	}
	return len(s.metrics) < maxMetrics
}

func (s *series) index(name string) int {
	return slices.IndexFunc(s.metrics, func(m metric) bool { return m.Name == name })
}

func (s *series) add(mt metric, value float64) {
	i := s.index(mt.Name)
	if i < 0 {
		i = len(s.metrics)
		s.metrics = append(s.metrics, mt)
	}
	if found := &s.metrics[i]; mt.sum && len(found.values) == 1 {
		found.values[0] += value
	} else {
		found.values = append(found.values, value)
	}
}

// Flush writes what was counted since the last flush, nothing if nothing was.
// A failed write loses the metrics: they are not worth failing a request.
func (m *Metrics) Flush(ctx context.Context) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.write(ctx, together(m.series))
	m.series, m.notes = nil, nil
}

func (m *Metrics) write(ctx context.Context, groups [][]*series) {
	for _, group := range groups {
		o := m.object(group)
		if id := RequestID(ctx); id != "" {
			o["request_id"] = id
		}
		if line, err := json.Marshal(o); err == nil {
			_, _ = m.w.Write(append(line, '\n'))
		}
	}
}

// Log logs a line that carries what was counted since the last flush too: logs
// are paid for by the byte, and most of two lines would be the same. Where the
// two give one name different meanings, or the level is not logged, the metrics
// have a line of their own. A nil *Metrics logs the line alone.
func (m *Metrics) Log(ctx context.Context, log *slog.Logger, level slog.Level, message string, attrs ...slog.Attr) {
	if m != nil && log.Enabled(ctx, level) {
		attrs = m.carried(ctx, attrs)
	}
	log.LogAttrs(ctx, level, message, attrs...) //nolint:sloglint // callers give a constant
	m.Flush(ctx)
}

// carried returns attrs with the first group of what was counted, which is
// written thereby, where they do not clash.
func (m *Metrics) carried(ctx context.Context, attrs []slog.Attr) []slog.Attr {
	m.mu.Lock()
	defer m.mu.Unlock()
	groups := together(m.series)
	if len(groups) == 0 {
		return attrs
	}
	o := m.object(groups[0])
	all := slices.Clone(attrs)
	for _, a := range attrs {
		if value, ok := o[a.Key]; ok && a.Value.String() != fmt.Sprint(value) {
			return attrs
		}
		delete(o, a.Key)
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		all = append(all, slog.Any(name, o[name]))
	}
	m.write(ctx, groups[1:])
	m.series, m.notes = nil, nil
	return all
}

// together puts series into as few groups as can be written as one object
// each: dimensions and metrics are members of the object, so no two series of
// a group may give one name different meanings.
func together(all []*series) [][]*series {
	var groups [][]*series
	for _, s := range all {
		at := slices.IndexFunc(groups, func(group []*series) bool { return !slices.ContainsFunc(group, s.clashes) })
		if at < 0 {
			groups = append(groups, []*series{s})
			continue
		}
		groups[at] = append(groups[at], s)
	}
	return groups
}

func (s *series) clashes(other *series) bool {
	for _, d := range s.dims {
		if slices.ContainsFunc(other.dims, func(o Dimension) bool { return o.Name == d.Name && o.Value != d.Value }) {
			return true
		}
	}
	return slices.ContainsFunc(s.metrics, func(mt metric) bool { return other.index(mt.Name) >= 0 })
}

// directive says what of an object is a metric; embedded is where CloudWatch
// looks for them.
type directive struct {
	Dimensions [][]string
	Metrics    []metric
	Namespace  string
}

type embedded struct {
	CloudWatchMetrics []directive
	Timestamp         int64
}

// object renders series that do not clash, with a directive for each.
func (m *Metrics) object(group []*series) map[string]any {
	o := map[string]any{}
	for k, v := range m.notes {
		o[k] = v
	}
	directives := make([]directive, 0, len(group))
	for _, s := range group {
		names := make([]string, 0, len(s.dims))
		for _, d := range s.dims {
			names = append(names, d.Name)
			o[d.Name] = d.Value
		}
		for _, mt := range s.metrics {
			o[mt.Name] = scalar(mt.values)
		}
		directives = append(directives, directive{[][]string{names}, s.metrics, m.namespace})
	}
	o["_aws"] = embedded{directives, m.now().UnixMilli()}
	return o
}

func scalar(values []float64) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}
