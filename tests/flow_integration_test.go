package tests

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tocsin/shared/event"
	"tocsin/shared/ledger"
	"tocsin/tests/harness"
)

// warehouse reads a system that does not ship.
const warehouse = `kind: mapping
name: warehouse
spec:
  alerts: "$.jobs[*]"
  key: "{id}"
  title: "%s"
  status: {resolved: "state=ok", firing: "state=failed|late"}
  severity: {critical: "state=failed", default: warning}
  labels: {site: "{$.site}", kind: "{header:X-Kind}"}`

func job(id, state string) string {
	return fmt.Sprintf(`{"site":"north","jobs":[{"id":%q,"name":"Stock count","state":%q}]}`, id, state)
}

// made is an integration that a test created.
type made struct{ ID, URL, Key string }

// connects creates an integration.
func connects(t *testing.T, h *harness.Harness, settings map[string]any) made {
	t.Helper()
	var in made
	settings["name"] = "Test"
	if status := h.API("POST", "/integrations", settings, &in); status != 201 {
		t.Fatalf("integrations.create answered %d for %v", status, settings)
	}
	return in
}

// posts sends a body and returns the receipt.
func posts(t *testing.T, h *harness.Harness, in made, body string) harness.Receipt {
	t.Helper()
	status, answer := h.Post(in.URL, []byte(body))
	var r harness.Receipt
	if err := json.Unmarshal(answer, &r); err != nil || status != http.StatusAccepted {
		t.Fatalf("the webhook answered %d %s", status, answer)
	}
	return r
}

// TestFlowOwnSource: a mapping reads a system that does not ship, from its page
// to its recovery; a body that no mapping describes is read by itself; a
// delivery is parsed again by a changed mapping, without a trace, and sent
// again; and a mapping that is gone loses nothing.
func TestFlowOwnSource(t *testing.T) {
	h := harness.Start(t)
	h.Change(fmt.Sprintf(warehouse, "{name} of {query:plant} is {state}"))
	own := connects(t, h, map[string]any{"source": "custom", "mapping": "warehouse"})
	own.URL += "?plant=Essen"
	first := posts(t, h, own, job("7", "failed"))
	id := h.Disposed(first, ledger.Opened)
	says(t, h.Receives("alice")[0], "Stock count of Essen is failed", id)
	h.Disposed(posts(t, h, own, job("7", "ok")), ledger.Recovered)

	unknown := posts(t, h, connects(t, h, map[string]any{"source": "custom"}), `{"alert_id":"x-1","title":"Door is open","status":"firing","severity":"critical"}`)
	door := h.Disposed(unknown, ledger.Opened)
	says(t, h.Receives("alice")[0], "Door is open", door)

	var parsed struct {
		Alerts []struct{ Title, Source string }
	}
	titleBy := func(in map[string]any) string {
		t.Helper()
		if status := h.API("POST", "/deliveries/"+first.DeliveryID+"/parse", in, &parsed); status != 200 || len(parsed.Alerts) != 1 {
			t.Fatalf("deliveries.parse answered %d, %+v", status, parsed)
		}
		return parsed.Alerts[0].Title
	}
	if got := titleBy(map[string]any{}); got != "Stock count of Essen is failed" {
		t.Errorf("parsed again as %q", got)
	}
	if got := titleBy(map[string]any{"spec": map[string]any{"alerts": "$.jobs[*]", "title": "{id}: {name}"}}); got != "7: Stock count" {
		t.Errorf("parsed by another mapping as %q", got)
	}
	h.Change(fmt.Sprintf(warehouse, "Job {id}"))
	if got := titleBy(map[string]any{}); got != "Job 7" {
		t.Errorf("parsed by the changed mapping as %q", got)
	}
	h.Receives() // parsing pages nobody

	var again struct {
		ID string `json:"delivery_id"`
	}
	if status := h.API("POST", "/deliveries/"+first.DeliveryID+"/send-again", map[string]any{}, &again); status != 200 || again.ID == first.DeliveryID {
		t.Fatalf("deliveries.send-again answered %d, %+v", status, again)
	}
	second := h.Dispositions(harness.Receipt{DeliveryID: again.ID})
	if len(second) != 1 || second[0].Title != "Job 7" || second[0].Event != id {
		t.Errorf("sent again, it ended as %+v", second)
	}

	h.Change("kind: mapping\nname: other\nspec: {title: x}")
	lost := h.Dispositions(posts(t, h, own, job("9", "failed")))
	if len(lost) != 1 || lost[0].Kind == ledger.Rejected {
		t.Errorf("without its mapping it ended as %+v", lost)
	}
}

// TestFlowIntegrationShowsAndRefuses: the page of an integration tells what it
// delivered; over its limit it is refused as its sender wants; paused, it is
// refused for good.
func TestFlowIntegrationShowsAndRefuses(t *testing.T) {
	h := harness.Start(t)
	in := connects(t, h, map[string]any{"source": "prometheus", "limit": 3})
	for range 2 {
		posts(t, h, in, string(h.Body(disk)))
	}
	h.Receives("alice")
	var shown struct {
		URL    string
		Steps  []string
		Counts struct{ Deliveries, Alerts int }
		Last   struct{ ID string } `json:"last_delivery"`
	}
	if status := h.API("GET", "/integrations/"+in.ID, nil, &shown); status != 200 || shown.Counts.Deliveries != 2 || shown.Counts.Alerts != 2 || shown.Last.ID == "" {
		t.Errorf("%d %+v", status, shown)
	}
	if !strings.HasSuffix(shown.URL, "/in/prometheus/<key>") || !strings.Contains(strings.Join(shown.Steps, " "), shown.URL) {
		t.Errorf("%+v", shown)
	}
	refused := 0
	for range 12 { // each warm process counts its own
		if status, _ := h.Post(in.URL, h.Body(disk)); status == http.StatusServiceUnavailable {
			refused++
		} else if status != http.StatusAccepted {
			t.Fatalf("answered %d", status)
		}
	}
	if refused == 0 {
		t.Error("the limit refused nothing")
	}
	var owners struct {
		Counts struct{ Refused int }
		Errors []struct{ Why string }
	}
	for end := time.Now().Add(10 * time.Second); owners.Counts.Refused == 0 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		h.API("GET", "/integrations/"+in.ID, nil, &owners)
	}
	if owners.Counts.Refused == 0 || len(owners.Errors) == 0 || !strings.Contains(owners.Errors[0].Why, "refused with 503: the integration takes at most 3 requests a minute") {
		t.Errorf("its owner sees %+v", owners)
	}
	h.API("POST", "/integrations/"+in.ID+"/pause", nil, nil)
	time.Sleep(31 * time.Second) // what a process remembers of an integration
	if status, _ := h.Post(in.URL, h.Body(disk)); status != http.StatusForbidden {
		t.Errorf("paused, it answered %d", status)
	}
}

// TestFlowRedaction: what is to be redacted is in no table, object or log, and
// not in the page.
func TestFlowRedaction(t *testing.T) {
	const hush = "hunter2hunter2"
	h := harness.Start(t)
	in := connects(t, h, map[string]any{"source": "custom", "redact_fields": []string{"password"}, "redact_patterns": []string{`\bhunter2\w+`}})
	body := fmt.Sprintf(`{"id":"r-1","title":"Login with %s fails","status":"firing","password":%q,"inner":"{\"password\":\"%s\"}","tags":{"note":"%s"}}`, hush, "other-"+hush, hush, hush)
	id := h.Disposed(posts(t, h, in, body), ledger.Opened)
	page := h.Receives("alice")[0]
	says(t, page, "Login with [redacted] fails", id)
	large := fmt.Sprintf(`{"id":"r-2","title":"Large","status":"firing","password":%q,"fill":%q}`, hush, noise(600<<10))
	h.Disposed(posts(t, h, in, large), ledger.Opened)
	h.Receives("alice")
	for where, text := range everything(t, h) {
		if bytes.Contains(text, []byte(hush)) {
			t.Errorf("it stands in %s", where)
		}
	}
	functions, _ := h.Logs()
	if text, err := os.ReadFile(functions); err != nil || bytes.Contains(text, []byte(hush)) {
		t.Errorf("it stands in the log (%v)", err)
	}
}

// TestFlowGivenSecret: a secret that the sender gives is checked and shown
// nowhere; after a rotation both are valid, until the first is retired.
func TestFlowGivenSecret(t *testing.T) {
	h := harness.Start(t)
	in := connects(t, h, map[string]any{"source": "custom", "auth": "bearer", "secret": "given-by-them"})
	accepts := func(secret string, want int) {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, in.URL, strings.NewReader(`{"id":"s-1","title":"Secret","status":"resolved"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+secret)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("with %q it answered %d, want %d", secret, answer.StatusCode, want)
		}
	}
	accepts("given-by-them", http.StatusAccepted)
	accepts("", http.StatusUnauthorized)
	accepts("another", http.StatusUnauthorized)
	var shown map[string]any
	h.API("POST", "/integrations/"+in.ID+"/rotate", map[string]any{"what": "secret", "secret": "their-next-one"}, &shown)
	if shown["secret"] != nil {
		t.Errorf("shown %v", shown)
	}
	time.Sleep(31 * time.Second) // what a process remembers of an integration
	accepts("given-by-them", http.StatusAccepted)
	accepts("their-next-one", http.StatusAccepted)
	h.API("POST", "/integrations/"+in.ID+"/retire", map[string]any{"what": "secret"}, nil)
	time.Sleep(31 * time.Second)
	accepts("given-by-them", http.StatusUnauthorized)
	accepts("their-next-one", http.StatusAccepted)
}

// noise is a text that does not compress below what a message holds.
func noise(n int) string {
	var b strings.Builder
	for i, x := 0, uint64(1); i < n; i++ {
		x = x*6364136223846793005 + 1442695040888963407
		b.WriteByte(" 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"[x>>58])
	}
	return b.String()
}

// everything returns all items and objects of a stack, unpacked.
func everything(t *testing.T, h *harness.Harness) map[string][]byte {
	t.Helper()
	ctx, cancel := h.Context()
	defer cancel()
	all := map[string][]byte{}
	db := dynamodb.NewFromConfig(h.SDK())
	for _, output := range []string{"EventsTable", "ConfigTable", "LedgerTable"} {
		name := h.Output(output)
		pages := dynamodb.NewScanPaginator(db, &dynamodb.ScanInput{TableName: &name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range page.Items {
				var b bytes.Buffer
				for _, v := range item {
					b.Write(plainValue(t, v))
				}
				all[fmt.Sprintf("%s item %d", output, len(all))] = b.Bytes()
			}
		}
	}
	files := s3.NewFromConfig(h.SDK(), func(o *s3.Options) { o.UsePathStyle = true })
	bucket := h.Resource("DeliveriesBucket")
	list, err := files.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String("deliveries/")})
	if err != nil || len(list.Contents) == 0 {
		t.Fatalf("%d objects, %v", len(list.Contents), err)
	}
	for _, o := range list.Contents {
		got, err := files.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: o.Key})
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		message := unpacked(text)
		all["object "+*o.Key] = message
		var d struct{ Raw []byte }
		if err := json.Unmarshal(message, &d); err != nil {
			t.Fatal(err)
		}
		all["body of object "+*o.Key] = unpacked(d.Raw)
	}
	return all
}

// plainValue is a stored value as text.
func plainValue(t *testing.T, v types.AttributeValue) []byte {
	t.Helper()
	if b, ok := v.(*types.AttributeValueMemberB); ok {
		return unpacked(b.Value)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// unpacked is what gzip holds, or the bytes themselves.
func unpacked(b []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return b
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return b
	}
	return text
}

// TestFlowExpiry: an alert whose sender never ends it ends by itself, visibly,
// and later when it is repeated.
func TestFlowExpiry(t *testing.T) {
	h := harness.Start(t)
	h.Change(fmt.Sprintf(warehouse, "{name} is {state}"))
	in := connects(t, h, map[string]any{"source": "custom", "mapping": "warehouse", "expires_after": "2h"})
	id := h.Disposed(posts(t, h, in, job("7", "late")), ledger.Opened)
	h.Act(harness.Link(t, h.Receives("alice")[0]), "acknowledge")
	h.Pass(50 * time.Minute)
	h.Disposed(posts(t, h, in, job("7", "late")), ledger.Repeated)
	h.Pass(90 * time.Minute)
	h.In(id, event.AckedState)
	h.Pass(40 * time.Minute) // two hours after the repeat, and the quiet time
	h.In(id, event.Resolved)
	if text := h.Timeline(id); !strings.Contains(text, "expired") {
		t.Errorf("the timeline does not tell of it:\n%s", text)
	}
}

// TestFlowTrial: the command line sends a payload and shows what became of it.
func TestFlowTrial(t *testing.T) {
	h := harness.Start(t)
	in := connects(t, h, map[string]any{"source": "custom"})
	dir := t.TempDir()
	program, file := filepath.Join(dir, "tocsin"), filepath.Join(dir, "body.json")
	build := exec.Command("go", "build", "-o", program, "./cmd/tocsin")
	build.Dir = harness.Root(t)
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if err := os.WriteFile(file, []byte(`{"id":"t-1","title":"A trial","status":"firing","severity":"critical"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{in.Key, in.URL} {
		run := exec.Command(program, "integrations", "test", key, file)
		run.Env = append(os.Environ(), "TOCSIN_URL="+h.Addresses.Front, "TOCSIN_TOKEN="+h.Token())
		text, err := run.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		for _, want := range []string{"Accepted as delivery d-", "A trial", "E-1 is triggered, P1"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%q is missing in\n%s", want, text)
			}
		}
	}
	h.Receives("alice")
	h.In("E-1", event.Triggered)

	mapping := filepath.Join(dir, "mapping.yaml")
	if err := os.WriteFile(mapping, []byte(fmt.Sprintf(warehouse, "{id}: {name}")), 0o600); err != nil {
		t.Fatal(err)
	}
	stock := posts(t, h, in, job("7", "failed"))
	h.Settled()
	run := exec.Command(program, "deliveries", "parse", stock.DeliveryID, "--spec", mapping)
	run.Env = append(os.Environ(), "TOCSIN_URL="+h.Addresses.Front, "TOCSIN_TOKEN="+h.Token())
	if text, err := run.CombinedOutput(); err != nil || !strings.Contains(string(text), "7: Stock count") {
		t.Errorf("%v: %s", err, text)
	}
}
