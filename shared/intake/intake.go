package intake

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/oklog/ulid/v2"

	"tocsin/shared/alert"
	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/integration"
	"tocsin/shared/object"
	"tocsin/shared/outgoing"
	"tocsin/shared/queue"
	"tocsin/shared/source"
	"tocsin/shared/source/wire"
	"tocsin/shared/telemetry"
)

// MaxBody is the size of a request body in bytes up to which it is read.
const MaxBody = 1 << 20

// finder, sender and keeper are what intake needs of the directory of
// integrations, of the alerts queue and of the bucket.
type finder interface {
	Find(ctx context.Context, key string) (integration.Found, error)
}

type sender interface {
	Send(ctx context.Context, e queue.Entry) error
}

type keeper interface {
	Put(ctx context.Context, name string, body []byte) error
}

// visitor visits the address by which a sender asks for a confirmation.
type visitor interface {
	Do(*http.Request) (*http.Response, error)
}

// Intake accepts the requests of one source, or of several that one function
// serves.
type Intake struct {
	// Pick returns the source of an integration, false if it is none that is
	// served here.
	Pick         func(context.Context, integration.Integration) (source.Source, bool)
	Function     string // what serves, for metrics
	Integrations finder
	Queue        sender
	Objects      keeper
	Metrics      *telemetry.Metrics
	Confirm      visitor          // nil: confirmations are noted only
	Now          func() time.Time // real time, for senders' times
	Clock        func() time.Time // the time on which deadlines are judged

	limits   Limits
	refusals refusals
}

// Only picks the one source of a function.
func Only(src source.Source) func(context.Context, integration.Integration) (source.Source, bool) {
	return func(_ context.Context, in integration.Integration) (source.Source, bool) {
		return src, in.Source == src.Name
	}
}

// Open returns the intake of src as the environment configures it.
func Open(cfg aws.Config, env cloud.Lookup, src source.Source, metrics *telemetry.Metrics) (*Intake, error) {
	table, err := ddb.Open(cfg, env, "CONFIG_TABLE")
	if err != nil {
		return nil, err
	}
	alerts, err := queue.Open(cfg, env, "ALERTS_QUEUE_URL")
	if err != nil {
		return nil, err
	}
	objects, err := object.Open(cfg, env)
	if err != nil {
		return nil, err
	}
	directory := integration.NewDirectory(&integration.Store{Table: table}, integration.NewSecrets(cfg, env))
	return &Intake{
		Pick: Only(src), Function: src.Name, Integrations: directory, Queue: alerts, Objects: objects,
		Metrics: metrics, Confirm: confirmer(), Now: time.Now, Clock: clock.Now,
	}, nil
}

// confirmer visits public addresses by https, and does not follow where they
// lead: the source has checked the address itself.
func confirmer() *http.Client {
	c := outgoing.Client(outgoing.Options{Timeout: confirmFor})
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// confirmFor leaves time to answer a sender that waits 15 s (Amazon SNS).
const confirmFor = 4 * time.Second

// Receipt is the answer to an accepted request.
type Receipt struct {
	DeliveryID string      `json:"delivery_id"`
	Keys       []string    `json:"keys"`     // dedup keys of the alerts, by position
	Rejected   []Rejection `json:"rejected"` // alerts that could not be understood

	Again   bool     `json:"-"` // we asked for it ourselves, whatever its sender is answered
	Reading *Reading `json:"-"` // of a request that was only read
}

// DeliveryHeader names a delivery in the answer to its request: some senders
// want bodies that have no room for it.
const DeliveryHeader = "Tocsin-Delivery"

// head writes what every answer to an accepted request has.
func (r Receipt) head(w http.ResponseWriter) {
	if r.DeliveryID != "" {
		w.Header().Set(DeliveryHeader, r.DeliveryID)
	}
}

// Reading is what was understood of a request that was only read.
type Reading struct {
	Items   []Item          `json:"items"`
	Notes   []string        `json:"notes"`
	Changes []source.Change `json:"changes"`
}

// Rejection says which alert of the body was left out, and why.
type Rejection struct {
	Position int    `json:"position"`
	Reason   string `json:"reason"`
}

// Accept answers one request of a route with {key}: 202 with a [Receipt] once
// the delivery is in the queue, or 200 with what the source says that its
// sender wants. A 4xx is final. Whatever may pass by itself is
// a 5xx, because some senders repeat on nothing else (Alertmanager v0.28,
// notify/webhook/webhook.go).
func (in *Intake) Accept(w http.ResponseWriter, r *http.Request) error {
	return in.AcceptAs(http.StatusAccepted)(w, r)
}

// AcceptAs is Accept with another status than 202, for clients that take no
// other for success.
func (in *Intake) AcceptAs(status int) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		req, err := in.Read(r)
		if err != nil {
			return err
		}
		parsed, receipt, err := in.Take(r.Context(), r.PathValue("key"), req)
		if err != nil {
			return err
		}
		Answer(w, status, parsed, receipt)
		return nil
	}
}

// Answer tells what became of a request: status and receipt once it is
// accepted, 200 where it was only read or its sender wants another answer.
func Answer(w http.ResponseWriter, status int, parsed source.Parsed, receipt Receipt) {
	receipt.head(w)
	switch {
	case receipt.Reading != nil:
		httpapi.JSON(w, http.StatusOK, receipt.Reading)
	case parsed.Answer != nil && !receipt.Again:
		httpapi.JSON(w, http.StatusOK, parsed.Answer)
	case parsed.Only200:
		httpapi.JSON(w, http.StatusOK, receipt)
	default:
		httpapi.JSON(w, status, receipt)
	}
}

// TakeFor takes a request for a sender that wants answers of its own: told
// writes one, with the receipt. What we send or read again ourselves is
// answered as we want it.
func (in *Intake) TakeFor(w http.ResponseWriter, r *http.Request, key string, req *source.Request, told func(Receipt)) error {
	parsed, receipt, err := in.Take(r.Context(), key, req)
	switch {
	case err != nil:
		return err
	case receipt.Again:
		Answer(w, http.StatusAccepted, parsed, receipt)
	default:
		receipt.head(w)
		told(receipt)
	}
	return nil
}

// Read reads a request of a route, whose {path...}, if it has one, is what
// stands after the key.
func (in *Intake) Read(r *http.Request) (*source.Request, error) {
	body := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), MaxBody)+bytes.MinRead))
	if _, err := body.ReadFrom(r.Body); err != nil {
		err = readError(err)
		in.count(outcomeOf(err), Receipt{})
		return nil, err
	}
	return &source.Request{Header: r.Header, Query: r.URL.Query(), Path: r.PathValue("path"), Body: body.Bytes(), At: in.Now().UTC()}, nil
}

// Take accepts a request for the integration of key: once it returns, the
// delivery is in the queue. It counts and annotates what came of it.
func (in *Intake) Take(ctx context.Context, key string, req *source.Request) (source.Parsed, Receipt, error) {
	d, parsed, err := in.take(ctx, key, req)
	return in.tell(ctx, d, parsed, err)
}

// TakeFrom is [Intake.Take] for an integration that is known already, from
// whose sender nobody reads an answer: what cannot be understood is accepted
// as a delivery whose one item says why, so that it shows in the ledger. An
// error may pass by itself.
func (in *Intake) TakeFrom(ctx context.Context, found integration.Found, req *source.Request) (source.Parsed, Receipt, error) {
	d, parsed, err := in.takeFrom(ctx, found, req)
	return in.tell(ctx, d, parsed, err)
}

// TakeUnanswered is [Intake.Take] for a sender that reads no answer: once it is
// known, nothing of what it sent is refused. An error of kind Unauthenticated
// or Forbidden is final.
func (in *Intake) TakeUnanswered(ctx context.Context, key string, req *source.Request) (source.Parsed, Receipt, error) {
	found, _, err := in.Admit(ctx, key, req)
	if err != nil {
		return in.tell(ctx, Delivery{}, source.Parsed{}, err)
	}
	return in.TakeFrom(ctx, found, req)
}

// tell counts and annotates what came of a request.
func (in *Intake) tell(ctx context.Context, d Delivery, parsed source.Parsed, err error) (source.Parsed, Receipt, error) {
	if err != nil {
		in.count(outcomeOf(err), Receipt{})
		return parsed, Receipt{}, err
	}
	if d.onlyRead {
		return parsed, Receipt{Again: true, Reading: &Reading{Items: d.Items, Notes: d.Notes, Changes: d.Changes}}, nil
	}
	receipt := receiptOf(d)
	receipt.Again = d.again
	in.count("accepted", receipt)
	httpapi.Annotate(ctx, slog.String("delivery_id", d.ID), slog.Int("alerts", len(receipt.Keys)))
	if n := len(receipt.Rejected); n > 0 {
		httpapi.Annotate(ctx, slog.Int("rejected", n))
	}
	return parsed, receipt, nil
}

// take checks, parses and sends, in this order: nothing of a body is looked at
// before its sender is known.
func (in *Intake) take(ctx context.Context, key string, req *source.Request) (Delivery, source.Parsed, error) {
	found, src, err := in.Admit(ctx, key, req)
	if err != nil {
		return Delivery{}, source.Parsed{}, err
	}
	annotate(ctx, found, src)
	parsed, req, err := read(found, src, req)
	if err == nil && !found.OnlyRead() {
		err = understood(parsed)
	}
	if err != nil {
		in.tellOwner(ctx, found, src, req, err)
		return Delivery{}, parsed, err
	}
	return in.pass(ctx, found, src, req, parsed)
}

func (in *Intake) takeFrom(ctx context.Context, found integration.Found, req *source.Request) (Delivery, source.Parsed, error) {
	src, served := in.Pick(ctx, found.Integration)
	if !served {
		return Delivery{}, source.Parsed{}, fault.New(fault.Internal, "the source %s is not served here", found.Source)
	}
	annotate(ctx, found, src)
	parsed, req, err := read(found, src, req)
	if err != nil {
		parsed = source.Parsed{Items: []source.Item{{Rejected: shown(err)}}}
	}
	return in.pass(ctx, found, src, req, parsed)
}

// shown is the text of an error without its cause, which is for the log.
func shown(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return (&fault.Error{Text: e.Text, Fields: e.Fields}).Error()
	}
	return "it cannot be read"
}

func annotate(ctx context.Context, found integration.Found, src source.Source) {
	httpapi.Annotate(ctx, slog.String("integration", found.ID), slog.String("source", src.Name))
}

// pass makes a delivery of what was understood and sends it.
func (in *Intake) pass(ctx context.Context, found integration.Found, src source.Source, req *source.Request, parsed source.Parsed) (Delivery, source.Parsed, error) {
	d, err := in.deliver(found, src, req, parsed)
	if err != nil {
		return Delivery{}, parsed, err
	}
	d.again = found.Again != nil
	if d.onlyRead = found.OnlyRead(); d.onlyRead {
		return d, parsed, nil
	}
	if err := in.confirm(ctx, parsed.Confirm); err != nil {
		return Delivery{}, parsed, err
	}
	return d, parsed, in.send(ctx, d)
}

// read takes off a request how it was sent and out of it what nobody may keep,
// and reads what is left, which it returns too.
func read(found integration.Found, src source.Source, req *source.Request) (source.Parsed, *source.Request, error) {
	media := req.Media()
	req, notes, err := wire.Plain(req, MaxBody)
	if err = unread(err); err == nil {
		err = CheckMedia(req, media, src.Media)
	}
	if err != nil {
		_, err = source.HideSecrets(source.Parsed{}, err)
		return source.Parsed{}, withoutBody(found, req), found.Redact.Err(err)
	}
	path, ownPath := req.Path, src.OwnPath != nil && src.OwnPath(req)
	req, redacted, more := found.Redact.Request(req, src.Rewrite)
	if ownPath {
		req.Path = path
	}
	notes = append(notes, more...)
	parsed, err := source.HideSecrets(src.Parse(req))
	parsed, again := found.Redact.Parsed(parsed)
	if len(notes) > 0 {
		parsed.Notes = append(notes, parsed.Notes...)
	}
	if redacted += again; redacted > 0 {
		parsed.Notes = append(parsed.Notes, fmt.Sprintf("redacted in %d places before it was kept", redacted))
	}
	if a := found.Again; a != nil && !a.OnlyRead {
		parsed.Notes = append(parsed.Notes, "sent again by "+a.By+" from delivery "+a.Delivery)
	}
	return parsed, req, found.Redact.Err(err)
}

// withoutBody is what may be kept of a request that cannot be read: where
// something is to be taken out, no body, because nobody finds it in there.
func withoutBody(found integration.Found, req *source.Request) *source.Request {
	if found.Redact.Empty() {
		return req
	}
	clean, _, _ := found.Redact.Request(req.WithBody(nil), nil)
	return clean
}

// confirm visits the address that the sender names; the source has checked
// that it is the vendor's.
func (in *Intake) confirm(ctx context.Context, c *source.Confirmation) error {
	if c == nil || in.Confirm == nil {
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, http.NoBody)
	if err != nil {
		return fault.Wrap(fault.Invalid, withoutAddress(err), "the address of the confirmation is not valid")
	}
	answer, err := in.Confirm.Do(r)
	if err != nil {
		return fault.Wrap(fault.Unavailable, withoutAddress(err), "the subscription cannot be confirmed now; send it again")
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fault.New(fault.Unavailable, "the subscription cannot be confirmed: the sender answered %d", answer.StatusCode)
	}
	httpapi.Annotate(ctx, slog.Bool("confirmed", true))
	return nil
}

// withoutAddress takes the address out of an error: its query holds the token
// of the confirmation.
func withoutAddress(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

func readError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || fault.Is(err, fault.Invalid) {
		return err
	}
	return fault.Wrap(fault.Invalid, err, "the body ended early")
}

// Admit finds the integration of the request and checks that its sender may
// use it. An integration of another source is refused like an unknown one; its
// owner is told.
func (in *Intake) Admit(ctx context.Context, key string, req *source.Request) (integration.Found, source.Source, error) {
	found, src, err := in.admit(ctx, key, req)
	if err != nil {
		in.tellOwner(ctx, found, src, req, err)
	}
	return found, src, err
}

func (in *Intake) admit(ctx context.Context, key string, req *source.Request) (integration.Found, source.Source, error) {
	found, err := in.Integrations.Find(ctx, key)
	if err != nil {
		return found, source.Source{}, err
	}
	src, served := in.Pick(ctx, found.Integration)
	if !served {
		return found, source.Source{}, integration.ErrRefused
	}
	if found.Again != nil { // its key is lent for this one request: what it was sent with may be old, and is not kept
		return found, src, nil
	}
	if err := found.Check(req.Header, req.Sent(), req.At); err != nil {
		return found, src, err
	}
	req.Proven = found.Auth != integration.None && found.Auth != integration.Vendor
	if src.Signed || found.Auth == integration.Vendor {
		if err := verify(src, req, found.Secrets); err != nil {
			return found, src, err
		}
	}
	if found.Paused {
		return found, src, fault.New(fault.Forbidden, "the integration is paused")
	}
	return found, src, in.limits.take(&found.Integration, src.Retry(), in.Now())
}

// verify asks the source. What may pass by itself is no refusal: a sender that
// gives up on 401 would lose the alert.
func verify(src source.Source, req *source.Request, secrets []string) error {
	if src.Verify == nil {
		return integration.ErrRefused
	}
	err := src.Verify(req, secrets)
	if err != nil && !fault.KindOf(err).Retryable() {
		return integration.ErrRefused
	}
	return err
}

// unread gives what is sent in a way that is not read the status that says so.
func unread(err error) error {
	e, ok := errors.AsType[*wire.UnsupportedError](err)
	if !ok {
		return err
	}
	refused := unsupported(e.Text)
	if e.Encoding {
		refused.Header = http.Header{"Accept-Encoding": {wire.Encodings}} // RFC 9110, section 12.5.3
	}
	return refused
}

// CheckMedia accepts what the source sends, and what looks like JSON, whatever
// its sender calls it. sent is the media type before the request was made plain.
func CheckMedia(req *source.Request, sent string, others []string) error {
	media := req.Media()
	known := media == "" || media == "application/json" || strings.HasSuffix(media, "+json") || slices.Contains(others, media) || slices.Contains(others, "*")
	if known || source.LooksLikeJSON(req.Body) {
		return nil
	}
	return unsupported(fmt.Sprintf("the content type is not %s: found %.60q", strings.Join(append([]string{"application/json"}, others...), ", "), sent))
}

func unsupported(text string) *httpapi.StatusError {
	return &httpapi.StatusError{Status: http.StatusUnsupportedMediaType, Text: text}
}

// deliver makes the delivery of a request. Times of the sender are read
// against real time; the delivery is stamped with the time of deadlines, and
// expiries are moved onto it. An alert that has none gets the integration's.
func (in *Intake) deliver(found integration.Found, src source.Source, req *source.Request, parsed source.Parsed) (Delivery, error) {
	at := in.Clock().UTC()
	parsed.Notes, parsed.SenderID = fewNotes(parsed.Notes), shortID(parsed.SenderID)
	d := Delivery{
		Integration: found.ID, Source: found.Source, Service: found.Service, ReceivedAt: at, SenderID: parsed.SenderID,
		BodyHash: hash(req.Body), ContentType: req.Header.Get("Content-Type"), Items: make([]Item, 0, len(parsed.Items)), Notes: parsed.Notes,
		Headers: kept(src.Headers, req.Header.Get), Query: kept(src.Queries, req.Query.Get), Path: keptText(req.Path),
	}
	d.setChanges(parsed.Changes, req.At, at)
	var err error
	if d.ID, err = idOf(d, found.Again != nil); err != nil {
		return Delivery{}, err
	}
	if err = d.setBody(req.Body); err != nil {
		return Delivery{}, err
	}
	expiry := found.Expiry(parsed.ExpiresAfter, src.Guide.NeverEnds || parsed.NeverEnds)
	for _, item := range parsed.Items {
		setExpiry(item.Alert, expiry, req.At, at)
		d.Items = append(d.Items, Item(item))
	}
	return d, nil
}

// Bounds of what a sender may write beside its alerts: the ledger keeps it with
// each part of a delivery.
const (
	maxNotes    = 50
	maxNote     = 500 // bytes
	maxSenderID = 256 // bytes
)

func fewNotes(notes []string) []string {
	for i, note := range notes {
		if len(note) > maxNote {
			notes[i] = strings.ToValidUTF8(note[:maxNote], "") + "…"
		}
	}
	if left := len(notes) - maxNotes; left > 0 {
		notes = append(notes[:maxNotes:maxNotes], fmt.Sprintf("%d more notes were left out", left))
	}
	return notes
}

func shortID(id string) string {
	if len(id) > maxSenderID {
		return hash([]byte(id))
	}
	return id
}

// setExpiry moves the end that a sender gave, by its time received, onto the
// time of deadlines; where it gave none, expiry decides.
func setExpiry(a *alert.Alert, expiry time.Duration, received, at time.Time) {
	switch {
	case a == nil:
	case !a.ExpiresAt.IsZero():
		a.ExpiresAt = a.ExpiresAt.Add(at.Sub(received).Round(time.Second))
	case a.Status == alert.Firing && expiry > 0:
		a.ExpiresAt = at.Add(expiry).Truncate(time.Second)
	}
}

// Bounds of what is kept beside the body.
const (
	maxKept     = 20 // headers, and parameters of the address
	maxKeptText = 1024
)

// kept are the headers or parameters that a source reads, without those that
// prove the sender.
func kept(names []string, get func(string) string) map[string]string {
	kept := map[string]string{}
	for _, name := range names {
		if len(kept) == maxKept {
			break
		}
		if value := get(name); value != "" && !source.HoldsSecret(name) {
			kept[name] = keptText(value)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

func keptText(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxKeptText)], "") }

// maxChanges bounds the changes of one delivery: each costs a write, and no
// reader looks at more.
const maxChanges = 100

// setChanges keeps the changes that a request told of, each with the instant
// at which it counts.
func (d *Delivery) setChanges(told []source.Change, received, at time.Time) {
	for _, c := range told[:min(len(told), maxChanges)] {
		d.Changes = append(d.Changes, c.Settle(received, at))
	}
	if left := len(told) - len(d.Changes); left > 0 {
		d.Notes = append(slices.Clone(d.Notes), fmt.Sprintf("%d more changes were left out", left))
	}
}

// maxShown bounds the reasons in one refusal.
const maxShown = 100

// understood refuses a body whose alerts were all rejected: there is nothing
// to accept. A body without alerts is fine.
func understood(p source.Parsed) error {
	var bad fault.Problems
	for i, item := range p.Items {
		if item.Alert != nil {
			return nil
		}
		if i < maxShown {
			bad.Add(fmt.Sprintf("alerts[%d]", i), "%s", item.Rejected)
		}
	}
	return bad.Err("none of the alerts can be understood")
}

// idOf returns a delivery's id: one that a repeat gets again where the sender
// names its requests, else, and for a delivery that we send again, a new one
// that sorts by time.
func idOf(d Delivery, anew bool) (string, error) {
	if d.SenderID != "" && !anew {
		return "d-" + hash([]byte(d.Integration + "\x00" + d.SenderID + "\x00" + d.BodyHash))[:32], nil
	}
	id, err := ulid.New(ulid.Timestamp(d.ReceivedAt), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make a delivery id: %w", err)
	}
	return "d-" + strings.ToLower(id.String()), nil
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// send puts the delivery into the queue with one message. A large one goes to
// the bucket first, and the message names the object.
func (in *Intake) send(ctx context.Context, d Delivery) error {
	message, err := Encode(d)
	if err != nil {
		return fmt.Errorf("encode delivery %s: %w", d.ID, err)
	}
	if len(message) > queue.MaxBody {
		if message, err = in.keep(ctx, d, message); err != nil {
			return err
		}
	}
	if err := in.Queue.Send(ctx, queue.Entry{Group: d.Integration, Body: string(message)}); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the delivery cannot be queued now; send it again")
	}
	return nil
}

func (in *Intake) keep(ctx context.Context, d Delivery, message []byte) ([]byte, error) {
	name := objectName(d)
	body, err := compress(message)
	if err != nil {
		return nil, err
	}
	if err := in.Objects.Put(ctx, name, body); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the delivery cannot be stored now; send it again")
	}
	httpapi.Annotate(ctx, slog.String("object", name))
	return encodePointer(d, name)
}

func receiptOf(d Delivery) Receipt {
	r := Receipt{DeliveryID: d.ID, Keys: []string{}, Rejected: []Rejection{}}
	for i, item := range d.Items {
		if item.Alert != nil {
			r.Keys = append(r.Keys, item.Alert.DedupKey)
		} else {
			r.Rejected = append(r.Rejected, Rejection{Position: i, Reason: item.Rejected})
		}
	}
	return r
}

// outcomeOf tells requests that are wrong, and those that are too many, from
// failures of ours.
func outcomeOf(err error) string {
	if _, over := errors.AsType[limitError](err); over {
		return "limited"
	}
	if httpapi.Status(err) >= http.StatusInternalServerError {
		return "failed"
	}
	return "refused"
}

// count: Accepted has no dimension, because it is compared with what the
// router disposed of, whatever the source.
func (in *Intake) count(outcome string, r Receipt) {
	from := telemetry.Source(in.Function)
	in.Metrics.Add("Deliveries", 1, from, telemetry.Outcome(outcome))
	if outcome != "accepted" {
		return
	}
	in.Metrics.Add("Accepted", len(r.Keys))
	if len(r.Rejected) > 0 {
		in.Metrics.Add("Rejected", len(r.Rejected), from)
	}
}
