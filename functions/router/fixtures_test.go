package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/intake"
	"tocsin/shared/ledger"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
	"tocsin/tests/dynamo"
	"tocsin/tests/fakes/account"
)

// The deliveries of events/router/batch.json: one in its message, one in an
// object that its message names, and one that no router can read.
const (
	small  = "d-01kjm5rx7v9qexamp1e0000001"
	large  = "d-01kjm5rx7v9qexamp1e0000002"
	poison = "d-01kjm5rx7v9qexamp1e0000003"
	named  = "deliveries/2026/03/01/" + large + ".json.gz"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func batchFile(t testing.TB) (batch lambdaevents.SQSEvent) {
	t.Helper()
	if err := json.Unmarshal(read(t, "../../events/router/batch.json"), &batch); err != nil {
		t.Fatal(err)
	}
	return batch
}

// packed is a delivery as the bucket keeps it.
func packed(t testing.TB, delivery []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(delivery)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// invoked gives the batch of the file to the function as it is wired, and
// returns the messages that failed.
func invoked(t testing.TB, r *router) []string {
	t.Helper()
	answer, err := lambda.NewHandler(queue.Batch(r.log, r.metrics, r.handle)).Invoke(t.Context(), read(t, "../../events/router/batch.json"))
	var told lambdaevents.SQSEventResponse
	if err == nil {
		err = json.Unmarshal(answer, &told)
	}
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, f := range told.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}

// wired returns the function over one table, and the account that it reaches.
func wired(t testing.TB) (*router, *account.Account) {
	t.Helper()
	a := account.Start(t)
	env := a.Environment(dynamo.Start(t))
	r, err := newRouter(slog.New(slog.DiscardHandler), env)
	if err != nil {
		t.Fatal(err)
	}
	r.metrics = telemetry.NewMetrics(io.Discard, env)
	return r, a
}

// disposedOf returns where the two alerts of a delivery ended, as kind and
// title, the event in which both did, and the ledger's part.
func disposedOf(t testing.TB, r *router, delivery string) (ended []string, id event.ID, part ledger.Part) {
	t.Helper()
	parts, err := r.ledger.Get(t.Context(), delivery)
	if err != nil || len(parts) != 1 || len(parts[0].Dispositions) != 2 {
		t.Fatalf("of delivery %s the ledger has %+v, %v", delivery, parts, err)
	}
	all := parts[0].Dispositions
	if all[0].Event != all[1].Event {
		t.Errorf("the alerts of delivery %s ended in %s and %s", delivery, all[0].Event, all[1].Event)
	}
	for _, d := range all {
		ended = append(ended, string(d.Kind)+" "+d.Title)
	}
	return ended, event.ID(all[0].Event), parts[0]
}

// TestTheBatchOfTheFile: of three messages two are disposed of, and the one
// that nobody can read fails alone. A second delivery of the batch changes
// nothing.
func TestTheBatchOfTheFile(t *testing.T) {
	r, a := wired(t)
	a.Keep(named, packed(t, read(t, "testdata/large-delivery.json")))
	batch := batchFile(t)
	for range 2 {
		if failed := invoked(t, r); !slices.Equal(failed, []string{batch.Records[2].MessageId}) {
			t.Errorf("failed %q, want the message that nobody can read", failed)
		}
	}
	ended, first, part := disposedOf(t, r, small)
	if want := []string{"opened Disk of db-1 is full", "joined Disk of db-2 is full"}; !slices.Equal(ended, want) {
		t.Errorf("disposed as %q, want %q", ended, want)
	}
	if part.RawObject != "" || !strings.Contains(string(part.Raw), `"receiver": "tocsin"`) {
		t.Errorf("the ledger keeps %+v, want the body as received", part)
	}
	ended, second, part := disposedOf(t, r, large)
	if want := []string{"opened Replica db-8 lags behind", "joined Replica db-9 lags behind"}; !slices.Equal(ended, want) {
		t.Errorf("disposed as %q, want %q", ended, want)
	}
	if part.RawObject != named || len(part.Raw) != 0 {
		t.Errorf("the ledger keeps %+v, want the name of the object and no second copy of it", part)
	}
	if parts, err := r.ledger.Get(t.Context(), poison); !fault.Is(err, fault.NotFound) {
		t.Errorf("of what cannot be read the ledger has %+v, %v", parts, err)
	}
	started := a.Started()
	slices.Sort(started)
	var want []string
	for _, id := range []event.ID{min(first, second), max(first, second)} {
		want = append(want, fmt.Sprintf(`%s %s-g1 {"v": 1, "event_id": "%s", "generation": 1}`, account.Events, id, id))
	}
	if !slices.Equal(started, want) {
		t.Errorf("started %q, want %q", started, want)
	}
	e, err := r.desk.Store.Get(t.Context(), first)
	if err != nil || e.Priority != "P1" || e.Exec != execution.Started || e.AlertCount != 2 || e.Integration != "prod" {
		t.Errorf("opened %+v, %v", e, err)
	}
}

// TestAnObjectThatIsGoneFailsAlone: its message reaches the dead-letter queue
// and its neighbour the ledger. One that cannot be read now is tried again.
func TestAnObjectThatIsGoneFailsAlone(t *testing.T) {
	r, a := wired(t)
	batch := batchFile(t)
	want := []string{batch.Records[1].MessageId, batch.Records[2].MessageId}
	if failed := invoked(t, r); !slices.Equal(failed, want) {
		t.Errorf("failed %q, want %q", failed, want)
	}
	disposedOf(t, r, small)
	a.Keep(named, packed(t, read(t, "testdata/large-delivery.json")))
	a.Refuse("GetObject", "AccessDenied")
	if failed := invoked(t, r); !slices.Equal(failed, want) {
		t.Errorf("failed %q, want %q", failed, want)
	}
	a.Refuse("GetObject", "")
	if failed := invoked(t, r); !slices.Equal(failed, want[1:]) {
		t.Errorf("failed %q, want %q", failed, want[1:])
	}
	disposedOf(t, r, large)
}

// TestTheFileIsWhatIntakeSends: bodies are what [intake.Encode] writes.
func TestTheFileIsWhatIntakeSends(t *testing.T) {
	records := batchFile(t).Records
	d, object, err := intake.Decode([]byte(records[0].Body))
	if err != nil || object != "" || d.ID != small || records[0].Attributes["MessageGroupId"] != d.Integration {
		t.Fatalf("delivery %s in group %q, object %q: %v", d.ID, records[0].Attributes["MessageGroupId"], object, err)
	}
	if again, err := intake.Encode(d); err != nil || string(again) != records[0].Body {
		t.Errorf("encoded again it is\n%s, not\n%s: %v", again, records[0].Body, err)
	}
	if d, object, err := intake.Decode([]byte(records[1].Body)); err != nil || d.ID != large || object != named {
		t.Errorf("pointer to %q of delivery %s: %v", object, d.ID, err)
	}
	if d, named, err := intake.Decode(read(t, "testdata/large-delivery.json")); err != nil || named != "" || d.ID != large {
		t.Errorf("the object holds delivery %s: %v", d.ID, err)
	}
	if _, _, err := intake.Decode([]byte(records[2].Body)); err == nil {
		t.Error("the message that nobody can read was read")
	}
}

func TestStartNamesTheMissingVariable(t *testing.T) {
	env := account.Start(t).Environment(ddb.Table{Client: dynamodb.New(dynamodb.Options{BaseEndpoint: aws.String("http://127.0.0.1:1")}), Name: "tocsin"})
	for _, missing := range []string{"AWS_REGION", "EVENTS_TABLE", "CONFIG_TABLE", "LEDGER_TABLE", "MESSAGES_QUEUE_URL", "EVENT_MACHINE_ARN", "BUCKET"} {
		_, err := newRouter(slog.New(slog.DiscardHandler), func(name string) (string, bool) {
			v, ok := env(name)
			return v, ok && name != missing
		})
		if err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}
