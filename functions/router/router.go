package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/change"
	"tocsin/shared/decide"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/intake"
	"tocsin/shared/ledger"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
)

// router disposes of deliveries: every alert of each ends in the ledger.
type router struct {
	fetch   func(ctx context.Context, message string) (intake.Delivery, error)
	config  func(ctx context.Context) (decide.Config, error)
	alerts  *alert.Store
	desk    *event.Desk
	ledger  *ledger.Store
	changes *change.Store
	metrics *telemetry.Metrics
	log     *slog.Logger
	now     func() time.Time
}

// report is one alert of one delivery on its way to a disposition.
type report struct {
	delivery *delivery
	position int
	alert    alert.Alert
	id       alert.ID
	received time.Time
	same     []*report // equal reports that follow it directly: they repeat it
	apart    []*report // equal reports that say something new, because it does not

	state    alert.State // as read in this round
	event    event.Event // that the alert is attached to, following merges; ID "" none
	decision decide.Decision
	left     event.ID // the open event from which the alert was taken; "" none

	done   *ledger.Disposition
	rejoin bool // its event may not know yet that it joined
	tries  int
	waits  int // how often a request waited for its alert
	err    error
}

// delivery is one message of the batch.
type delivery struct {
	intake.Delivery
	writer  string       // of this attempt, in the ledger: no longer than it takes to tell few apart
	err     error        // it cannot be read
	twin    *delivery    // the same one, earlier in the batch, for which it stands or falls
	result  error        // of the message
	body    []byte       // as received; nil where an object keeps it
	written map[int]bool // parts that were in the ledger before
	settled map[int]bool // parts that are in the ledger now
	items   []*report    // by position; nil where the part was in the ledger before
	changes []change.Filed
}

// rounds bounds how often a report is taken up again after it lost a race.
const rounds = 24

// handle takes a batch and returns one result for each message.
func (r *router) handle(ctx context.Context, batch []queue.Message) []error {
	deliveries := r.read(ctx, batch)
	config, err := r.config(ctx)
	if err != nil {
		return failAll(deliveries, err)
	}
	for _, d := range deliveries {
		d.file(config.Services)
	}
	open := r.reports(deliveries)
	for len(open) > 0 && ctx.Err() == nil {
		var now []*report
		now, open = nextRound(open)
		if err := r.round(ctx, config, now); err != nil {
			markAll(now, err)
		}
		open = await(ctx, now, slices.Concat(again(now), apart(now), open))
		r.settleComplete(ctx, deliveries)
	}
	markAll(open, fault.Wrap(fault.Unavailable, context.Cause(ctx), "there was no time left for it"))
	return r.settle(ctx, deliveries)
}

// read decodes the messages and finds which of their parts are disposed of.
func (r *router) read(ctx context.Context, batch []queue.Message) []*delivery {
	deliveries := make([]*delivery, len(batch))
	var parts []ledger.PartID
	for i, m := range batch {
		d := &delivery{writer: rand.Text()[:8], written: map[int]bool{}, settled: map[int]bool{}}
		if d.Delivery, d.err = r.fetch(ctx, m.Body); d.err == nil && d.RawObject == "" {
			d.body, d.err = d.Body()
		}
		deliveries[i] = d
		d.twin = twinOf(d, deliveries[:i])
		if r.isNew(m, d) {
			continue
		}
		for n := range d.parts() {
			parts = append(parts, ledger.PartID{Delivery: d.ID, Part: n})
		}
	}
	slices.SortFunc(parts, func(a, b ledger.PartID) int { return cmp.Or(cmp.Compare(a.Delivery, b.Delivery), a.Part-b.Part) })
	existing, err := r.ledger.Existing(ctx, slices.Compact(parts))
	for _, d := range deliveries {
		if d.err == nil {
			d.err = err
		}
		for n := range d.parts() {
			d.written[n] = existing[ledger.PartID{Delivery: d.ID, Part: n}]
		}
	}
	return deliveries
}

// newFor is how long after its receipt a delivery is new at its first try. It
// is shorter than a message takes to the dead-letter queue, from which it comes
// back as one that was never tried.
const newFor = time.Minute

// isNew reports whether no part of a delivery can be in the ledger, so that the
// price of looking is saved. Where the queue hands over a message twice, the
// second is as well off as one that comes before the first is in the ledger:
// alerts remember what they took, and [ledger.Store.Put] refuses a second part.
func (r *router) isNew(m queue.Message, d *delivery) bool {
	return m.Tries <= 1 && d.SenderID == "" && r.now().Sub(d.ReceivedAt) < newFor
}

// twinOf finds the delivery that the queue handed over twice in one batch.
func twinOf(d *delivery, before []*delivery) *delivery {
	for _, other := range before {
		if d.err == nil && other.err == nil && other.twin == nil && other.ID == d.ID {
			return other
		}
	}
	return nil
}

// parts is the number of ledger parts of the delivery: at least one, so that a
// delivery without alerts is in the ledger too.
func (d *delivery) parts() int {
	if d.err != nil || d.twin != nil {
		return 0
	}
	return max(1, (len(d.Items)+ledger.PartSize-1)/ledger.PartSize)
}

// reports returns the alerts that are still to be disposed of, in the order in
// which they were received, equal ones folded.
func (r *router) reports(deliveries []*delivery) []*report {
	var all []*report
	for _, d := range deliveries {
		if d.err != nil || d.twin != nil {
			continue
		}
		d.items = make([]*report, len(d.Items))
		for i, item := range d.Items {
			if d.written[i/ledger.PartSize] {
				continue
			}
			rep := &report{delivery: d, position: i, received: d.ReceivedAt}
			d.items[i] = rep
			if item.Alert == nil {
				rep.dispose(ledger.Rejected, "", item.Rejected)
				continue
			}
			rep.alert, rep.id = *item.Alert, alert.IDOf(d.Integration, item.Alert.DedupKey)
			all = append(all, rep)
		}
	}
	slices.SortStableFunc(all, func(a, b *report) int {
		return cmp.Or(cmp.Compare(a.id, b.id), a.received.Compare(b.received))
	})
	folded := fold(all)
	slices.SortStableFunc(folded, func(a, b *report) int { return a.received.Compare(b.received) })
	return folded
}

// fold puts reports that say the same as the one before them under it.
func fold(sorted []*report) []*report {
	var folded []*report
	for _, rep := range sorted {
		if n := len(folded); n > 0 && folded[n-1].says(rep) {
			first := folded[n-1]
			first.same = append(first.same, rep)
			if rep.alert.ExpiresAt.After(first.alert.ExpiresAt) {
				first.alert.ExpiresAt = rep.alert.ExpiresAt
			}
			continue
		}
		folded = append(folded, rep)
	}
	return folded
}

func (rep *report) says(other *report) bool {
	a, b := &rep.alert, &other.alert
	return rep.id == other.id && a.Status == alert.Firing && b.Status == alert.Firing && a.Episode == b.Episode && a.Severity == b.Severity
}

// atOnce bounds the reports of a round, so that of a large delivery the parts
// that are done reach the ledger before the time runs out.
const atOnce = 500

// nextRound takes the first reports of different alerts: the next one of the
// same alert needs to see what the first has changed.
func nextRound(open []*report) (now, later []*report) {
	taken := map[alert.ID]bool{}
	for _, rep := range open {
		if taken[rep.id] || len(now) == atOnce {
			taken[rep.id] = true
			later = append(later, rep)
			continue
		}
		taken[rep.id] = true
		now = append(now, rep)
	}
	return now, later
}

// errAgain says that a report lost a race: read and decide again.
var errAgain = errors.New("lost a race")

// again returns the reports to be taken up again, those that lost a race, and
// must stay ahead of later reports of the same alert.
func again(reports []*report) []*report {
	var open []*report
	for _, rep := range reports {
		if !errors.Is(rep.err, errAgain) {
			continue
		}
		if rep.tries++; rep.tries >= rounds {
			rep.err = fault.New(fault.Unavailable, "alert %s is written too often", rep.id)
			continue
		}
		rep.err = nil
		open = append(open, rep)
	}
	return open
}

// unfold sets free what other deliveries say under a report that says nothing
// new: they may have come after what made this one late.
func (rep *report) unfold() {
	folded := rep.same
	rep.same = nil
	for _, other := range folded {
		if other.delivery == rep.delivery {
			rep.same = append(rep.same, other)
		} else {
			rep.apart = append(rep.apart, other)
		}
	}
}

// apart returns the reports that were set free, equal ones folded again.
func apart(reports []*report) []*report {
	var free []*report
	for _, rep := range reports {
		free = append(free, fold(rep.apart)...)
		rep.apart = nil
	}
	return free
}

func markAll(reports []*report, err error) {
	for _, rep := range reports {
		if rep.done == nil {
			rep.err = err
		}
	}
}

func failAll(deliveries []*delivery, err error) []error {
	results := make([]error, len(deliveries))
	for i, d := range deliveries {
		results[i] = cmp.Or(d.err, err)
	}
	return results
}

func (rep *report) dispose(kind ledger.Kind, eventID event.ID, why ...string) {
	rep.err = nil
	rep.done = &ledger.Disposition{
		Position: rep.position, Alert: string(rep.id), DedupKey: rep.alert.DedupKey, Title: rep.alert.Title,
		Kind: kind, Event: string(eventID), Rule: rep.decision.Rule, Why: append(rep.decision.Reasons, why...),
	}
	for _, other := range rep.same {
		other.dispose(ledger.Repeated, eventID)
		if kind == ledger.Late || kind == ledger.Discarded || kind == ledger.Kept {
			other.done.Kind = kind
		}
	}
}

// undo takes a disposition back whose effects are not complete.
func (rep *report) undo() {
	rep.done = nil
	for _, other := range rep.same {
		other.done = nil
	}
}

// fail records why a report is not disposed of: a conflict is a lost race.
func (rep *report) fail(err error) {
	if fault.Is(err, fault.Conflict) {
		err = errAgain
	}
	rep.err = err
}

// settle writes the ledger and returns one result for each message.
func (r *router) settle(ctx context.Context, deliveries []*delivery) []error {
	results := make([]error, len(deliveries))
	for i, d := range deliveries {
		d.result = d.err
		if d.twin != nil {
			d.result = d.twin.result
			r.metrics.Add("Duplicates", 1)
		}
		for n := range d.parts() {
			if err := r.settlePart(ctx, d, n); err != nil {
				d.result = err
			}
		}
		results[i] = d.result
	}
	return results
}

// settleComplete writes the parts whose alerts are all disposed of. One that
// cannot be written now is written at the end.
func (r *router) settleComplete(ctx context.Context, deliveries []*delivery) {
	each(deliveries, func(d *delivery) {
		for n := range d.parts() {
			if from, to := d.part(n); !d.written[n] && !slices.ContainsFunc(d.items[from:to], open) {
				_ = r.settlePart(ctx, d, n)
			}
		}
	})
}

func open(rep *report) bool { return rep.done == nil }

// part returns the positions of the alerts of a part.
func (d *delivery) part(n int) (from, to int) {
	return n * ledger.PartSize, min((n+1)*ledger.PartSize, len(d.items))
}

func (r *router) settlePart(ctx context.Context, d *delivery, n int) error {
	if d.written[n] {
		r.metrics.Add("Duplicates", 1)
		return nil
	}
	if d.settled[n] {
		return nil
	}
	from, to := d.part(n)
	dispositions := make([]ledger.Disposition, 0, to-from)
	for _, rep := range d.items[from:to] {
		if rep.done == nil {
			return cmp.Or(rep.err, d.failed(), error(fault.New(fault.Internal, "alert %d of delivery %s has no disposition", rep.position, d.ID)))
		}
		dispositions = append(dispositions, *rep.done)
	}
	if n == 0 {
		if err := r.keepChanges(ctx, d); err != nil {
			return err
		}
	}
	added, err := r.ledger.Put(ctx, r.part(d, n, dispositions))
	if err != nil {
		return err
	}
	d.settled[n] = true
	if !added {
		return nil
	}
	r.count(ctx, d, dispositions)
	return nil
}

// failed returns the first error of the delivery's reports: what is folded
// under a failed report has none of its own.
func (d *delivery) failed() error {
	for _, rep := range d.items {
		if rep != nil && rep.err != nil {
			return rep.err
		}
	}
	return nil
}

func (r *router) part(d *delivery, n int, dispositions []ledger.Disposition) ledger.Part {
	p := ledger.Part{
		Delivery: d.ID, Part: n, Parts: d.parts(), Integration: d.Integration, Source: d.Source,
		ReceivedAt: d.ReceivedAt, DisposedAt: r.now(), Alerts: len(d.Items), Dispositions: dispositions, Refused: d.Refused,
		Writer: d.writer,
	}
	if n == 0 {
		p.ContentType, p.Headers, p.Query, p.Path, p.Notes, p.RawObject, p.Raw = d.ContentType, d.Headers, d.Query, d.Path, d.notes(), d.RawObject, d.body
	}
	return p
}

// count counts what was disposed of, once for each part that was written, and
// says so in one line, which is worth its price where something was new: the
// ledger has it all.
func (r *router) count(ctx context.Context, d *delivery, dispositions []ledger.Disposition) {
	kinds := map[ledger.Kind]int{}
	for _, one := range dispositions {
		kinds[one.Kind]++
	}
	r.metrics.Add("Disposed", len(dispositions)-kinds[ledger.Rejected]) // as intake counts what it accepted
	attrs := []any{"delivery_id", d.ID, "integration", d.Integration, "source", d.Source, "alerts", len(dispositions)}
	for kind, n := range kinds {
		r.metrics.Add("DisposedAs", n, telemetry.Outcome(string(kind)))
		attrs = append(attrs, string(kind), n)
	}
	level := slog.LevelInfo
	if kinds[ledger.Repeated] == len(dispositions) {
		level = slog.LevelDebug
	}
	r.log.Log(ctx, level, "delivery disposed", attrs...)
}
