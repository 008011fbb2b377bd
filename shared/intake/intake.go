package intake

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/oklog/ulid/v2"

	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/integration"
	"tocsin/shared/queue"
	"tocsin/shared/source"
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

// Intake accepts the requests of one source.
type Intake struct {
	Source       source.Source
	Integrations finder
	Queue        sender
	Objects      keeper
	Metrics      *telemetry.Metrics
	Now          func() time.Time // real time, for senders' times
	Clock        func() time.Time // the time on which deadlines are judged
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
	objects, err := OpenBucket(cfg, env)
	if err != nil {
		return nil, err
	}
	directory := integration.NewDirectory(&integration.Store{Table: table}, integration.NewSecrets(cfg, env))
	return &Intake{
		Source: src, Integrations: directory, Queue: alerts, Objects: objects,
		Metrics: metrics, Now: time.Now, Clock: clock.Now,
	}, nil
}

// Receipt is the answer to an accepted request.
type Receipt struct {
	DeliveryID string      `json:"delivery_id"`
	Keys       []string    `json:"keys"`     // dedup keys of the alerts, by position
	Rejected   []Rejection `json:"rejected"` // alerts that could not be understood
}

// Rejection says which alert of the body was left out, and why.
type Rejection struct {
	Position int    `json:"position"`
	Reason   string `json:"reason"`
}

// Accept answers one request of a route with {key}: 202 with a [Receipt] once
// the delivery is in the queue. A 4xx is final. Whatever may pass by itself is
// a 5xx, because some senders repeat on nothing else (Alertmanager v0.28,
// notify/webhook/webhook.go).
func (in *Intake) Accept(w http.ResponseWriter, r *http.Request) error {
	d, err := in.accept(r)
	if err != nil {
		in.count(outcomeOf(err), Receipt{})
		return err
	}
	receipt := receiptOf(d)
	in.count("accepted", receipt)
	httpapi.Annotate(r.Context(), slog.String("delivery_id", d.ID),
		slog.Int("alerts", len(receipt.Keys)), slog.Int("rejected", len(receipt.Rejected)))
	httpapi.JSON(w, http.StatusAccepted, receipt)
	return nil
}

// accept reads, checks, parses and sends, in this order: nothing of a body is
// looked at before its sender is known.
func (in *Intake) accept(r *http.Request) (Delivery, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return Delivery{}, readError(err)
	}
	found, err := in.admit(r, body)
	if err != nil {
		return Delivery{}, err
	}
	httpapi.Annotate(r.Context(), slog.String("integration", found.ID), slog.String("source", in.Source.Name))
	if err := checkMedia(r.Header); err != nil {
		return Delivery{}, err
	}
	d, err := in.deliver(found, body)
	if err != nil {
		return Delivery{}, err
	}
	d.ContentType = r.Header.Get("Content-Type")
	return d, in.send(r.Context(), d)
}

func readError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return fault.Wrap(fault.Invalid, err, "the body ended early")
}

// admit finds the integration of the request and checks that its sender may
// use it. An integration of another source is refused like an unknown one.
func (in *Intake) admit(r *http.Request, body []byte) (integration.Found, error) {
	found, err := in.Integrations.Find(r.Context(), r.PathValue("key"))
	if err != nil {
		return found, err
	}
	if found.Source != in.Source.Name {
		return found, integration.ErrRefused
	}
	if err := found.Check(r.Header, body, in.Now()); err != nil {
		return found, err
	}
	if in.Source.Verify != nil && in.Source.Verify(r.Header, body, found.Secrets, in.Now()) != nil {
		return found, integration.ErrRefused
	}
	if found.Paused {
		return found, fault.New(fault.Forbidden, "the integration is paused")
	}
	return found, nil
}

// checkMedia accepts JSON in UTF-8, and a request that names no media type.
func checkMedia(header http.Header) error {
	media, params, _ := strings.Cut(strings.ToLower(header.Get("Content-Type")), ";")
	media, charset := strings.TrimSpace(media), charsetOf(params)
	switch {
	case media != "" && media != "application/json" && !strings.HasSuffix(media, "+json"):
		return unsupported("the content type is not application/json")
	case charset != "" && charset != "utf-8" && charset != "us-ascii":
		return unsupported("the character set is not UTF-8")
	case header.Get("Content-Encoding") != "" && header.Get("Content-Encoding") != "identity":
		return unsupported("the content encoding is not identity")
	}
	return nil
}

func charsetOf(params string) string {
	for param := range strings.SplitSeq(params, ";") {
		if name, value, _ := strings.Cut(strings.TrimSpace(param), "="); name == "charset" {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

func unsupported(text string) error {
	return &httpapi.StatusError{Status: http.StatusUnsupportedMediaType, Text: text}
}

// deliver makes the delivery of a body. Times of the sender are read against
// real time; the delivery is stamped with the time of deadlines, and expiries
// are moved onto it.
func (in *Intake) deliver(found integration.Found, body []byte) (Delivery, error) {
	real, at := in.Now().UTC(), in.Clock().UTC()
	parsed, err := in.Source.Parse(body, real)
	if err != nil {
		return Delivery{}, err
	}
	if err := understood(parsed); err != nil {
		return Delivery{}, err
	}
	d := Delivery{
		Integration: found.ID, Source: in.Source.Name, Service: found.Service, ReceivedAt: at, SenderID: parsed.SenderID,
		BodyHash: hash(body), Items: make([]Item, 0, len(parsed.Items)), Notes: parsed.Notes,
	}
	if d.ID, err = idOf(d); err != nil {
		return Delivery{}, err
	}
	if err = d.setBody(body); err != nil {
		return Delivery{}, err
	}
	for _, item := range parsed.Items {
		if item.Alert != nil && !item.Alert.ExpiresAt.IsZero() {
			item.Alert.ExpiresAt = item.Alert.ExpiresAt.Add(at.Sub(real).Round(time.Second))
		}
		d.Items = append(d.Items, Item(item))
	}
	return d, nil
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
// names its requests, else a new one that sorts by time.
func idOf(d Delivery) (string, error) {
	if d.SenderID != "" {
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

// outcomeOf tells requests that are wrong from failures of ours.
func outcomeOf(err error) string {
	if httpapi.Status(err) >= http.StatusInternalServerError {
		return "failed"
	}
	return "refused"
}

// count: Accepted has no dimension, because it is compared with what the
// router disposed of, whatever the source.
func (in *Intake) count(outcome string, r Receipt) {
	from := telemetry.Source(in.Source.Name)
	in.Metrics.Add("Deliveries", 1, from, telemetry.Outcome(outcome))
	if outcome != "accepted" {
		return
	}
	in.Metrics.Add("Accepted", len(r.Keys))
	if len(r.Rejected) > 0 {
		in.Metrics.Add("Rejected", len(r.Rejected), from)
	}
}
