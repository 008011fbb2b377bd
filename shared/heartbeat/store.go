package heartbeat

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
	"tocsin/shared/integration"
)

// Store keeps heartbeats in the events table: one item each, which pings write;
// one for each valid key, which leads to it; and one in a list. It is safe for
// concurrent use.
type Store struct {
	Table ddb.Table
}

// Errors that callers branch on.
var (
	ErrNotFound = fault.New(fault.NotFound, "no such heartbeat")
	ErrExists   = fault.New(fault.Conflict, "a heartbeat with this id exists, or was removed lately while it was down")
	errChanged  = fault.New(fault.Conflict, "the heartbeat was written at the same time; try again")
)

// ErrRefused is the one answer to an unknown key: who guesses learns nothing.
var ErrRefused = fault.New(fault.Unauthenticated, "unknown heartbeat or wrong key")

const (
	sortKey       = "HEARTBEAT"
	keySort       = "KEY"
	listPartition = "HEARTBEATS"
	listPrefix    = "HEARTBEAT#"
	pathSort      = "PATH"

	attrBody     = "body" // the Definition, packed
	attrRev      = "rev"
	attrSeq      = "seq"
	attrID       = "heartbeat"
	attrLastPing = "last_ping"
	attrStarted  = "started"
	attrRunBy    = "run_by"
	attrSpared   = "spared"
	attrDeadline = "deadline"
	attrMissed   = "missed"
	attrFailed   = "failed"
	attrExitCode = "exit_code"
	attrOutput   = "output"
	attrHeard    = "heard"
	attrOwed     = "owed"
	attrOwedAt   = "owed_at"
	attrToldAt   = "told_at"
	attrRemoved  = "removed"
	attrSince    = "since"
	attrAt       = "at"
	attrLost     = "lost"
	attrTold     = "told"
)

// kept is how long a removed heartbeat is remembered, so that its alert ends.
const kept = 7 * 24 * time.Hour

// yes is the value of an attribute whose presence says all.
var yes = ddb.N(1)

func partition(id ID) string { return "HEARTBEAT#" + string(id) }

// Key returns the item key of a heartbeat.
func Key(id ID) ddb.Item { return ddb.Key(partition(id), sortKey) }

func keyOfHash(hash string) ddb.Item { return ddb.Key("HEARTBEATKEY#"+hash, keySort) }

func keyInList(id ID) ddb.Item { return ddb.Key(listPartition, listPrefix+string(id)) }

// newKey returns a new key for the address of a heartbeat. It is shown once
// and stored hashed, as the key of an integration is.
func newKey() string { return integration.KeyWith(keyPrefix) }

const keyPrefix = "th_"

// Get reads one heartbeat consistently. ErrNotFound: there is none.
func (s *Store) Get(ctx context.Context, id ID) (Heartbeat, error) {
	item, err := s.Table.Get(ctx, partition(id), sortKey)
	if err != nil {
		return Heartbeat{}, fmt.Errorf("read heartbeat %s: %w", id, err)
	}
	if len(item) == 0 {
		return Heartbeat{}, ErrNotFound
	}
	return decode(item)
}

// ByKey reads the heartbeat of a key, consistently. ErrRefused: there is none.
func (s *Store) ByKey(ctx context.Context, key string) (Heartbeat, error) {
	if !strings.HasPrefix(key, keyPrefix) || len(key) > 64 {
		return Heartbeat{}, ErrRefused
	}
	hash := keyOfHash(integration.HashKey(key))
	item, err := s.Table.Get(ctx, ddb.Text(hash, ddb.PK), keySort)
	if err != nil {
		return Heartbeat{}, fmt.Errorf("read the key of a heartbeat: %w", err)
	}
	if len(item) == 0 {
		return Heartbeat{}, ErrRefused
	}
	h, err := s.Get(ctx, ID(ddb.Text(item, attrID)))
	if fault.Is(err, fault.NotFound) || err == nil && !h.HasKey(integration.HashKey(key)) {
		return Heartbeat{}, ErrRefused
	}
	return h, err
}

// List reads all heartbeats, by id.
func (s *Store) List(ctx context.Context) ([]Heartbeat, error) {
	listed, err := s.Table.QueryAll(ctx, listPartition, listPrefix, false)
	if err != nil {
		return nil, fmt.Errorf("list heartbeats: %w", err)
	}
	keys := make([]ddb.Item, len(listed))
	for i, item := range listed {
		keys[i] = Key(ID(strings.TrimPrefix(ddb.Text(item, ddb.SK), listPrefix)))
	}
	all, err := s.many(ctx, keys)
	slices.SortFunc(all, func(a, b Heartbeat) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all, err
}

// many reads heartbeats by their keys, consistently, in any order.
func (s *Store) many(ctx context.Context, keys []ddb.Item) ([]Heartbeat, error) {
	items, err := s.Table.GetMany(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read heartbeats: %w", err)
	}
	all := make([]Heartbeat, 0, len(items))
	for _, item := range items {
		h, err := decode(item)
		if err != nil {
			return nil, err
		}
		if !h.Removed {
			all = append(all, h)
		}
	}
	return all, nil
}

// Create keeps a new heartbeat and returns it with its key, which is shown this
// once. An empty id is chosen. ErrExists: the id is taken.
func (s *Store) Create(ctx context.Context, d Definition, at time.Time) (Heartbeat, string, error) {
	if d.ID == "" {
		d.ID = ID("hb-" + strings.ToLower(rand.Text()[:10]))
	}
	key := newKey()
	d.KeyHashes, d.CreatedAt = []string{integration.HashKey(key)}, at
	h, err := s.commit(ctx, Heartbeat{}, Heartbeat{Definition: d}, at)
	return h, key, err
}

// Update changes what change changes, and awaits the next ping anew from at;
// id, keys and times stay. ErrNotFound, a Conflict, or what is not valid.
func (s *Store) Update(ctx context.Context, id ID, at time.Time, change func(*Definition)) (Heartbeat, error) {
	before, err := s.present(ctx, id)
	if err != nil {
		return Heartbeat{}, err
	}
	after := before
	change(&after.Definition)
	after.ID, after.KeyHashes, after.CreatedAt = before.ID, before.KeyHashes, before.CreatedAt
	if after.timetable, err = after.check(); err != nil {
		return Heartbeat{}, err
	}
	after.rearm(at)
	return s.commit(ctx, before, after, at)
}

// RotateKey gives the heartbeat a new key, shown this once. The one before it
// stays valid until [Store.RetireKey] or the next rotation.
func (s *Store) RotateKey(ctx context.Context, id ID, at time.Time) (Heartbeat, string, error) {
	before, err := s.present(ctx, id)
	if err != nil {
		return Heartbeat{}, "", err
	}
	key, after := newKey(), before
	hashes := append([]string{integration.HashKey(key)}, before.KeyHashes...)
	after.KeyHashes = hashes[:min(len(hashes), maxKeys)]
	after, err = s.commit(ctx, before, after, at)
	return after, key, err
}

// RetireKey ends the validity of all keys but the current one.
func (s *Store) RetireKey(ctx context.Context, id ID, at time.Time) (Heartbeat, error) {
	before, err := s.present(ctx, id)
	if err != nil {
		return Heartbeat{}, err
	}
	after := before
	after.KeyHashes = before.KeyHashes[:1]
	return s.commit(ctx, before, after, at)
}

// Remove ends a heartbeat with its keys. Where an alert about it may fire, what
// is needed to end that stays for the sweeper, and the id is not free yet.
func (s *Store) Remove(ctx context.Context, id ID, at time.Time) error {
	before, err := s.present(ctx, id)
	if err != nil {
		return err
	}
	after := before
	after.KeyHashes, after.Removed = nil, true
	after.rearm(at)
	if before.alarmed() {
		_, err = s.commit(ctx, before, after, at)
		return err
	}
	gone := s.drop(Key(id))
	gone.Delete.ConditionExpression = aws.String("seq = :seq")
	gone.Delete.ExpressionAttributeValues = ddb.Item{":seq": ddb.N(before.Seq)}
	err = s.Table.Transact(ctx, append(s.beside(before, after), gone))
	if _, _, refused := ddb.RefusedAt(err); refused {
		return errChanged
	}
	return ddb.Fault(err, "remove heartbeat %s", id)
}

func (s *Store) present(ctx context.Context, id ID) (Heartbeat, error) {
	h, err := s.Get(ctx, id)
	if err == nil && h.Removed {
		err = ErrNotFound
	}
	return h, err
}

// commit replaces before by after, whose definition a person changed, on
// condition that before is what is stored; Rev 0: there is none.
func (s *Store) commit(ctx context.Context, before, after Heartbeat, at time.Time) (Heartbeat, error) {
	after.UpdatedAt, after.Rev, after.Seq = at, before.Rev+1, before.Seq+1
	if before.Rev == 0 { // not that of one which had this id before: who remembers its key pings on condition of the revision
		after.Rev = at.UnixMilli()
	}
	var err error
	if after.timetable, err = after.check(); err != nil {
		return Heartbeat{}, err
	}
	update, err := after.update()
	if err != nil {
		return Heartbeat{}, err
	}
	refusal := errChanged
	if before.Rev > 0 {
		update.Require(attrSeq, ddb.N(before.Seq))
	} else {
		update.RequireAbsent(attrBody)
		refusal = ErrExists
	}
	err = s.Table.Transact(ctx, append(s.beside(before, after), s.Table.InTransaction(Key(after.ID), update)))
	if _, _, refused := ddb.RefusedAt(err); refused {
		return Heartbeat{}, refusal
	}
	return after, ddb.Fault(err, "write heartbeat %s", after.ID)
}

// beside are the writes of the list and of the keys that go with a change.
func (s *Store) beside(before, after Heartbeat) (tx []types.TransactWriteItem) {
	switch {
	case before.Rev == 0:
		tx = append(tx, s.put(keyInList(after.ID), nil))
	case after.Removed:
		tx = append(tx, s.drop(keyInList(after.ID)))
	}
	for _, hash := range after.KeyHashes {
		if !slices.Contains(before.KeyHashes, hash) {
			tx = append(tx, s.put(keyOfHash(hash), ddb.S(string(after.ID))))
		}
	}
	for _, hash := range before.KeyHashes {
		if !slices.Contains(after.KeyHashes, hash) {
			tx = append(tx, s.drop(keyOfHash(hash)))
		}
	}
	return tx
}

func (s *Store) put(key ddb.Item, id types.AttributeValue) types.TransactWriteItem {
	if id != nil {
		key[attrID] = id
	}
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &s.Table.Name, Item: key, ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}}
}

func (s *Store) drop(key ddb.Item) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: &s.Table.Name, Key: key}}
}

// write replaces before by after, whose definition is the same, on condition
// that before is what is stored: a Conflict says that it is not.
func (s *Store) write(ctx context.Context, before, after Heartbeat) (Heartbeat, error) {
	after.Seq = before.Seq + 1
	u, err := after.update()
	if err != nil {
		return before, err
	}
	u.Require(attrSeq, ddb.N(before.Seq))
	err = s.Table.Apply(ctx, Key(after.ID), u)
	if _, refused := ddb.Refused(err); refused {
		return before, errChanged
	}
	return after, ddb.Fault(err, "write heartbeat %s", after.ID)
}

// Ping takes a ping for h, whose definition may be read some time ago: it is
// one write, on condition that the definition is still the same. It returns h
// after the ping. A Conflict comes with h as found instead, to be tried again;
// ErrRefused: h is gone.
//
// It tells nothing and clears nothing: whoever calls it settles what it finds.
func (s *Store) Ping(ctx context.Context, h Heartbeat, p Ping, at time.Time) (Heartbeat, error) {
	u := &ddb.Update{}
	u.Require(attrRev, ddb.N(h.Rev))
	u.Add(attrSeq, 1)
	u.Set(attrLastPing, ddb.S(clock.Format(at)))
	u.Remove(attrSpared)
	if deadline := h.deadline(p, at); !deadline.IsZero() {
		if err := h.enter(u, p, deadline, at); err != nil {
			return h, err
		}
	}
	item, err := s.Table.Changed(ctx, Key(h.ID), u)
	if found, refused := ddb.Refused(err); refused {
		return foundInstead(found)
	}
	if err != nil {
		return h, ddb.Fault(err, "ping heartbeat %s", h.ID)
	}
	return decode(item)
}

// enter writes what a ping says of a heartbeat that is watched.
func (h *Heartbeat) enter(u *ddb.Update, p Ping, deadline, at time.Time) error {
	if p.signal == start {
		h.enterStart(u, deadline, at)
		return nil
	}
	u.Remove(attrStarted)
	u.Remove(attrRunBy)
	u.Set(attrDeadline, ddb.S(clock.Format(deadline)))
	if p.signal == success {
		u.Set(attrHeard, yes)
		u.Due(DueKind, string(h.ID), clock.Format(deadline))
		return nil
	}
	output, err := h.redacted(p.Output)
	u.Remove(attrHeard)
	u.SetIfAbsent(attrFailed, ddb.S(clock.Format(at)))
	u.Set(attrOwed, ddb.S(string(Failed)))
	u.Set(attrOwedAt, ddb.S(clock.Format(at)))
	u.Set(attrExitCode, ddb.N(p.exitCode))
	u.Set(attrOutput, ddb.S(tail(output, MaxOutput)))
	u.Due(OwedKind, string(h.ID), clock.Format(at.Add(resend)))
	return err
}

// enterStart writes that a run began. One that runs already keeps its start and
// its deadline: a job that starts and dies each time would else never be missed.
func (h *Heartbeat) enterStart(u *ddb.Update, deadline, at time.Time) {
	by := ddb.S(clock.Format(deadline))
	u.SetIfAbsent(attrStarted, ddb.S(clock.Format(at)))
	u.SetIfAbsent(attrRunBy, by)
	u.SetOr(attrDeadline, attrRunBy, by)
	u.SetOr(ddb.DueAt, attrRunBy, by)
	u.Set(ddb.DueShard, ddb.S(ddb.Shard(DueKind, string(h.ID))))
}

func foundInstead(item ddb.Item) (Heartbeat, error) {
	if len(item) == 0 {
		return Heartbeat{}, ErrRefused
	}
	found, err := decode(item)
	if err != nil {
		return Heartbeat{}, err
	}
	if found.Removed {
		return Heartbeat{}, ErrRefused
	}
	return found, errChanged
}

// update sets every attribute of h.
func (h *Heartbeat) update() (*ddb.Update, error) {
	u := &ddb.Update{}
	body, err := json.Marshal(h.Definition)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encode heartbeat %s", h.ID)
	}
	u.Set(attrBody, ddb.B(body))
	u.Set(attrRev, ddb.N(h.Rev))
	u.Set(attrSeq, ddb.N(h.Seq))
	for _, a := range h.instants() {
		setText(u, a.name, clock.Format(*a.at))
	}
	setText(u, attrOwed, string(h.Owed))
	setText(u, attrOutput, h.Output)
	setFlag(u, attrHeard, h.Heard)
	setFlag(u, attrRemoved, h.Removed)
	u.Set(attrExitCode, ddb.N(h.ExitCode))
	kind, at := h.look()
	u.Due(kind, string(h.ID), clock.Format(at))
	if h.Removed {
		u.Set(ddb.ExpireAt, ddb.N(h.UpdatedAt.Add(kept).Unix()))
	}
	return u, nil
}

type instant struct {
	name string
	at   *time.Time
}

func (h *Heartbeat) instants() []instant {
	return []instant{
		{attrLastPing, &h.LastPing}, {attrStarted, &h.Started}, {attrRunBy, &h.RunBy}, {attrDeadline, &h.Deadline},
		{attrSpared, &h.Spared}, {attrMissed, &h.Missed}, {attrFailed, &h.Failed}, {attrOwedAt, &h.OwedAt}, {attrToldAt, &h.ToldAt},
	}
}

func setText(u *ddb.Update, name, text string) {
	if text == "" {
		u.Remove(name)
		return
	}
	u.Set(name, ddb.S(text))
}

func setFlag(u *ddb.Update, name string, is bool) {
	if is {
		u.Set(name, yes)
		return
	}
	u.Remove(name)
}

func decode(item ddb.Item) (Heartbeat, error) {
	h := Heartbeat{
		Rev: ddb.Number(item, attrRev), Seq: ddb.Number(item, attrSeq), ExitCode: int(ddb.Number(item, attrExitCode)),
		Output: ddb.Text(item, attrOutput), Owed: Kind(ddb.Text(item, attrOwed)),
		Heard: item[attrHeard] != nil, Removed: item[attrRemoved] != nil,
	}
	err := ddb.Decode(item, attrBody, &h.Definition)
	if err == nil {
		h.timetable, err = h.Expectation.Timetable()
	}
	for _, a := range h.instants() {
		if err == nil {
			*a.at, err = clock.Parse(ddb.Text(item, a.name))
		}
	}
	if err != nil {
		return Heartbeat{}, fault.Wrap(fault.Internal, err, "stored heartbeat %s", ddb.Text(item, ddb.PK))
	}
	return h, nil
}

// Spare awaits h anew, on condition that it is as it was read: a Conflict says
// that it is not.
func (s *Store) Spare(ctx context.Context, h Heartbeat, at time.Time) error {
	_, err := s.write(ctx, h, h.spared(at))
	return err
}

// Path reads what is known of the path, consistently.
func (s *Store) Path(ctx context.Context) (Path, error) {
	item, err := s.Table.Get(ctx, listPartition, pathSort)
	if err != nil {
		return Path{}, fmt.Errorf("read the path of heartbeats: %w", err)
	}
	p := Path{Lost: int(ddb.Number(item, attrLost)), Told: item[attrTold] != nil}
	if p.Since, err = clock.Parse(ddb.Text(item, attrSince)); err == nil {
		p.At, err = clock.Parse(ddb.Text(item, attrAt))
	}
	return p, err
}

// SetPath replaces what is known of the path, on condition that before is what
// is stored: a Conflict says that it is not.
func (s *Store) SetPath(ctx context.Context, before, after Path) error {
	u := &ddb.Update{}
	setText(u, attrSince, clock.Format(after.Since))
	setText(u, attrAt, clock.Format(after.At))
	u.Set(attrLost, ddb.N(after.Lost))
	setFlag(u, attrTold, after.Told)
	if before.At.IsZero() {
		u.RequireAbsent(attrAt)
	} else {
		u.Require(attrAt, ddb.S(clock.Format(before.At)))
	}
	err := s.Table.Apply(ctx, ddb.Key(listPartition, pathSort), u)
	if _, refused := ddb.Refused(err); refused {
		return errChanged
	}
	return ddb.Fault(err, "write the path of heartbeats")
}
