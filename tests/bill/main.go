// Command bill plays flows on the local stack, counts what the functions call,
// and multiplies by Amazon's prices:
//
//	go run ./tests/bill
//
// It prints what a million deliveries cost, what an event costs, and what an
// idle month costs, with the targets beside them. Durations are those of this
// machine; the calls, units and transitions are what they are anywhere.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tocsin/local/inbox"
	"tocsin/local/ministack"
	"tocsin/local/stack"
	"tocsin/tests/rig"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bill:", err)
		os.Exit(1)
	}
}

// books counts what flows cost.
type books struct {
	*rig.Rig
	ctx    context.Context
	facts  facts
	meter  *meter
	logs   logs
	mails  int
	series map[string]bool

	batches int // of queues, in the flow that was last counted
}

func run(ctx context.Context, w io.Writer) (err error) {
	b := &books{ctx: ctx, series: map[string]bool{}}
	b.Rig, err = rig.Start(ctx, stack.Config{Route: func(s stack.Service, address string) string {
		if s != stack.Cloud {
			return address
		}
		m, metered, startErr := startMeter(address)
		if startErr != nil {
			return address
		}
		b.meter = m
		return metered
	}})
	if err != nil {
		return err
	}
	defer func() { _ = b.Stop() }()
	if b.meter == nil {
		return fmt.Errorf("nothing stands between the functions and AWS")
	}
	if b.facts, err = readFacts(filepath.Join(b.Root(), "template.yaml")); err != nil {
		return err
	}
	b.logs.file, _ = b.Logs()
	if _, err := b.spent(); err != nil { // what starting cost
		return err
	}
	return b.play(w)
}

// play runs the flows in an order in which each finds what it needs.
func (b *books) play(w io.Writer) error {
	event, transitions, err := b.event()
	if err != nil {
		return fmt.Errorf("event: %w", err)
	}
	single, moved, err := b.repeats(1, 1)
	if err != nil {
		return fmt.Errorf("deliveries of one alert: %w", err)
	}
	tens, movedTens, err := b.repeats(10, 9)
	if err != nil {
		return fmt.Errorf("deliveries of ten alerts: %w", err)
	}
	storm, size, err := b.storm()
	if err != nil {
		return fmt.Errorf("deliveries at once: %w", err)
	}
	minute, idleSeries, err := b.idleMinute()
	if err != nil {
		return fmt.Errorf("idle: %w", err)
	}
	section(w, "A million deliveries of one alert that repeats", single.times(million), "≤ $3.00", 3)
	storm = storm.with(timeOf+fronts[0], single) // which waits here for the machine, not for its own work
	section(w, fmt.Sprintf("The same as fast as they are taken (batches of %.1f)", size), storm.times(million), "≤ $3.00", 3)
	section(w, "A million alerts in deliveries of ten, 90 % repeats, 10 % joining", tens.times(million/10), "≤ $0.70", 0.7)
	event.add("state transitions", float64(transitions)*priceTransition)
	section(w, "A thousand events, each paged, acknowledged, resolved and closed", event.times(1000), "", 0)
	section(w, "A month in which nothing happens", b.month(minute, idleSeries), "≤ $5.00", 5)
	_, _ = fmt.Fprintf(w, "State transitions of an event: %d (about 12: %s)\n", transitions, met(transitions <= mostTransitions))
	_, _ = fmt.Fprintf(w, "State transitions of %d deliveries of repeats: %d (none: %s)\n", 2*deliveries, moved+movedTens, met(moved+movedTens == 0))
	b.printSeries(w)
	b.printAssumptions(w)
	return nil
}

// mostTransitions is what "about twelve" may be.
const mostTransitions = 13

// costs are the lines of a bill, in dollars.
type costs struct {
	lines []line
	calls string
}

type line struct {
	what    string
	dollars float64
	request bool // the price of a request, whatever it does
}

func (c *costs) add(what string, dollars float64) {
	if dollars > 0 {
		c.lines = append(c.lines, line{what: what, dollars: dollars})
	}
}

func (c *costs) request(what string, dollars float64) {
	if dollars > 0 {
		c.lines = append(c.lines, line{what, dollars, true})
	}
}

func (c *costs) each(what string, counted units, price float64) {
	for _, name := range slices.Sorted(maps.Keys(counted)) {
		c.add(what+name, counted[name]*price)
	}
}

// timeOf begins the lines of memory and time, by function.
const timeOf = "time of "

// with takes one line from another bill.
func (c costs) with(what string, from costs) costs {
	out := costs{calls: c.calls}
	for _, l := range c.lines {
		if i := slices.IndexFunc(from.lines, func(o line) bool { return o.what == what }); l.what == what && i >= 0 {
			l = from.lines[i]
		}
		out.lines = append(out.lines, l)
	}
	return out
}

// floor is the price of the requests alone.
func (c costs) floor() (sum float64) {
	for _, l := range c.lines {
		if l.request {
			sum += l.dollars
		}
	}
	return sum
}

func (c costs) total() (sum float64) {
	for _, l := range c.lines {
		sum += l.dollars
	}
	return sum
}

func (c costs) times(n float64) costs {
	out := costs{calls: c.calls}
	for _, l := range c.lines {
		out.lines = append(out.lines, line{l.what, l.dollars * n, l.request})
	}
	return out
}

// consumers are the functions that are called for queues alone, and fronts
// those for requests alone.
var (
	consumers = []string{"RouterFunction", "NotifierFunction"}
	fronts    = []string{"IngestPrometheusFunction", "ActionFunction", "ApiFunction"}
)

// spent settles the stack and returns what was spent since it was last called,
// without state transitions.
func (b *books) spent() (costs, error) {
	if err := b.Settle(b.ctx); err != nil {
		return costs{}, err
	}
	p, err := b.logs.take()
	if err != nil {
		return costs{}, err
	}
	for s := range p.series {
		b.series[s] = true
	}
	u := b.meter.take()
	requests := p.invocations(fronts...)
	// Amazon receives and deletes for us, once for each batch; a large message
	// is received by 64 KB too.
	batches := p.invocations(consumers...)
	b.batches = batches
	fair := batches*2 + u.large
	c := costs{calls: u.String()}
	c.request("HTTP API requests", float64(requests)*priceAPIRequest)
	c.request("Lambda calls", float64(p.invocations())*priceInvocation)
	c.request("queue requests", float64(u.sends[true]+u.sends[false]+fair)*priceQueueRequest)
	c.request("fair queues", float64(u.sends[true]+fair)*priceFairRequest)
	for _, function := range slices.Sorted(maps.Keys(p.calls)) {
		c.add(timeOf+function, p.gbSeconds(function)*priceGBSecond)
	}
	c.each("table writes: ", u.writes, priceWriteUnit)
	c.each("table reads: ", u.reads, priceReadUnit)
	for _, table := range slices.Sorted(maps.Keys(u.stored)) {
		c.add("kept a month: "+table, gb(u.stored[table])*(priceStoredGB+b.facts.backup(table)))
	}
	c.add("bucket", float64(u.puts)*pricePutObject+float64(u.gets)*priceGetObject+gb(u.objects)*priceObjectGB)
	c.add("mail", float64(b.newMails())*priceMail)
	for _, function := range slices.Sorted(maps.Keys(p.bytes)) {
		c.add("log of "+function, gb(p.bytes[function]+p.invocations(function)*b.facts.serviceLog(function))*priceLogGB)
	}
	c.add("access log", gb(requests*(accessLogBytes+recordOverhead))*b.facts.accessLogGB)
	return c, nil
}

func gb(bytes int) float64 { return float64(bytes) / 1e9 }

func (b *books) newMails() int {
	n := len(b.Inbox.Messages(inbox.Query{Channel: inbox.Mail}))
	before := b.mails
	b.mails = n
	return n - before
}

// between lets so much time pass between deliveries: a million of them in a
// month come every 2.6 seconds.
const between = 2600 * time.Millisecond

// event plays an alert from opening to archive: page, acknowledge, recover,
// record, close.
func (b *books) event() (costs, int, error) {
	disk := rig.Alert{Name: "DiskFull", Instance: "db-1"}
	if _, err := b.Send(disk); err != nil {
		return costs{}, 0, err
	}
	if err := b.Settle(b.ctx); err != nil {
		return costs{}, 0, err
	}
	link, err := rig.Link(b.Inbox.Messages(inbox.Query{}))
	if err != nil {
		return costs{}, 0, err
	}
	for _, step := range []func() error{
		func() error { return b.Act(link, "acknowledge", nil) },
		func() error { return b.Act(link, "resolve", nil) },
		func() error {
			return b.Act(link, "close", url.Values{"cause_class": {"capacity"}, "cause": {"log rotation was off"}, "solution": {"rotated"}})
		},
	} {
		if err := step(); err != nil {
			return costs{}, 0, err
		}
		if err := b.Settle(b.ctx); err != nil {
			return costs{}, 0, err
		}
	}
	c, err := b.spent()
	return c, b.Transitions("EventLifecycle", "E-1-g1"), err
}

// deliveries are played for a mean.
const deliveries = 40

// repeats plays deliveries of n alerts to an open, acknowledged event, of which
// known say what is known already and the others join. It returns the cost of
// one delivery and the state transitions that all of them caused.
func (b *books) repeats(n, known int) (costs, int, error) {
	name := fmt.Sprintf("Repeating%d", n)
	alerts := make([]rig.Alert, n)
	for i := range alerts {
		alerts[i] = rig.Alert{Name: name, Instance: fmt.Sprintf("web-%d", i)}
	}
	if _, err := b.Send(alerts...); err != nil {
		return costs{}, 0, err
	}
	execution, err := b.acknowledgeNewest()
	if err != nil {
		return costs{}, 0, err
	}
	if _, err := b.spent(); err != nil {
		return costs{}, 0, err
	}
	before := b.Transitions("EventLifecycle", execution)
	for round := range deliveries {
		for i := known; i < n; i++ {
			alerts[i].Instance = fmt.Sprintf("new-%d-%d", round, i)
		}
		if _, err := b.Send(alerts...); err != nil {
			return costs{}, 0, err
		}
		if err := b.Settle(b.ctx); err != nil {
			return costs{}, 0, err
		}
		if err := b.Clock.Advance(between); err != nil {
			return costs{}, 0, err
		}
	}
	c, err := b.spent()
	return c.times(1.0 / deliveries), b.Transitions("EventLifecycle", execution) - before, err
}

// What is sent at once, and by how many senders.
const atOnce, senders = 200, 20

// storm sends repeats of the first flow's alert as fast as they are taken. It
// returns the cost of one delivery, and how many the router had in a batch.
func (b *books) storm() (costs, float64, error) {
	errs := make(chan error, senders)
	for range senders {
		go func() {
			var err error
			for range atOnce / senders {
				_, one := b.Send(rig.Alert{Name: "Repeating1", Instance: "web-0"})
				err = errors.Join(err, one)
			}
			errs <- err
		}()
	}
	var err error
	for range senders {
		err = errors.Join(err, <-errs)
	}
	if err != nil {
		return costs{}, 0, err
	}
	c, err := b.spent()
	return c.times(1.0 / atOnce), atOnce / float64(max(1, b.batches)), err
}

// acknowledgeNewest acknowledges the event of the newest page and returns the
// name of its execution.
func (b *books) acknowledgeNewest() (execution string, err error) {
	if err := b.Settle(b.ctx); err != nil {
		return "", err
	}
	messages := b.Inbox.Messages(inbox.Query{})
	newest := messages[len(messages)-1:]
	link, err := rig.Link(newest)
	if err != nil {
		return "", err
	}
	if err := b.Act(link, "acknowledge", nil); err != nil {
		return "", err
	}
	return rig.EventOf(newest[0]) + "-g1", b.Settle(b.ctx)
}

// sweeps are played for a mean.
const sweeps = 10

// idleMinute plays minutes without alerts.
func (b *books) idleMinute() (costs, int, error) {
	all := b.series
	b.series = map[string]bool{}
	defer func() {
		for s := range all {
			b.series[s] = true
		}
	}()
	for range sweeps {
		if err := b.Sweep(b.ctx); err != nil {
			return costs{}, 0, err
		}
	}
	c, err := b.spent()
	return c.times(1.0 / sweeps), len(b.series), err
}

// month is what an installation costs in which nothing happens.
func (b *books) month(minute costs, series int) costs {
	c := minute.times(minutesAMonth)
	queues, tables, alarms := resources(b.facts.template)
	c.add("scheduler", minutesAMonth*priceSchedule)
	c.add("empty receives of event sources", float64(queues)*idlePolls*minutesAMonth*priceQueueRequest)
	c.add("custom metrics published while idle", float64(series)*priceSeries)
	c.add("alarms", float64(alarms)*priceAlarm)
	c.add("keys of tables", float64(tables)*minutesAMonth/keyMinutes*priceKeyRequest)
	return c
}

// resources counts what costs by itself: queues that are read, tables, and
// metrics that alarms look at.
func resources(t ministack.Template) (queues, tables, alarmed int) {
	all, _ := t["Resources"].(map[string]any)
	for _, r := range all {
		resource, _ := r.(map[string]any)
		properties, _ := resource["Properties"].(map[string]any)
		switch resource["Type"] {
		case "AWS::DynamoDB::Table":
			tables++
		case "AWS::CloudWatch::Alarm":
			alarmed += alarmedBy(properties)
		case "AWS::Serverless::Function":
			events, _ := properties["Events"].(map[string]any)
			for _, e := range events {
				if source, _ := e.(map[string]any); source["Type"] == "SQS" {
					queues++
				}
			}
		}
	}
	return queues, tables, alarmed
}

func alarmedBy(properties map[string]any) int {
	metrics, _ := properties["Metrics"].([]any)
	n := 0
	for _, m := range metrics {
		if metric, _ := m.(map[string]any); metric["MetricStat"] != nil {
			n++
		}
	}
	return max(1, n)
}

// printSeries lists the custom metrics that the flows published.
func (b *books) printSeries(w io.Writer) {
	_, _ = fmt.Fprintf(w, "Custom metric series in these flows: %d (at most %d: %s)\n", len(b.series), maxSeries, met(len(b.series) <= maxSeries))
	for _, name := range slices.Sorted(maps.Keys(b.series)) {
		_, _ = fmt.Fprintln(w, "  "+name)
	}
}

// maxSeries is the design's bound of custom metric series.
const maxSeries = 40

func section(w io.Writer, title string, c costs, target string, most float64) {
	_, _ = fmt.Fprintln(w, title)
	for _, l := range c.lines {
		_, _ = fmt.Fprintf(w, "  %-38s $%8.3f\n", l.what, l.dollars)
	}
	judged := ""
	if most > 0 {
		judged = fmt.Sprintf("  (%s: %s)", target, met(c.total() <= most))
	}
	_, _ = fmt.Fprintf(w, "  %-38s $%8.3f%s\n", "together", c.total(), judged)
	if most > 0 && c.floor() > 0 {
		_, _ = fmt.Fprintf(w, "  %-38s $%8.3f\n", "of it requests, whatever they do", c.floor())
	}
	if c.calls != "" {
		_, _ = fmt.Fprintf(w, "  counted: %s\n", c.calls)
	}
	_, _ = fmt.Fprintln(w)
}

func met(ok bool) string {
	if ok {
		return "met"
	}
	return "not yet met"
}
