package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"tocsin/shared/actionlink"
	"tocsin/shared/catalog"
	"tocsin/shared/fault"
)

var noon = time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC)

// cloudAccount is the little of AWS that the function uses.
type cloudAccount struct {
	ring     []byte
	contacts []catalog.Contact
	writes   int
	fail     error
	panics   bool
	hangs    bool
}

func (c *cloudAccount) Load(context.Context) ([]byte, error) { return c.ring, nil }

func (c *cloudAccount) Create(ctx context.Context, ring *actionlink.Ring) (bool, error) {
	switch {
	case c.panics:
		panic("out of luck")
	case c.hangs:
		<-ctx.Done()
		return false, context.Cause(ctx)
	case c.fail != nil:
		return false, c.fail
	case c.ring != nil:
		return false, nil
	}
	c.writes++
	c.ring = ring.Encode()
	return true, nil
}

func (c *cloudAccount) List(_ context.Context, member string) ([]catalog.Contact, error) {
	var found []catalog.Contact
	for _, x := range c.contacts {
		if x.Member == member {
			found = append(found, x)
		}
	}
	return found, nil
}

func (c *cloudAccount) Put(_ context.Context, x catalog.Contact) error {
	if err := x.Validate(); err != nil {
		return err
	}
	c.writes++
	c.contacts = append(c.contacts, x)
	return nil
}

// cloudFormation takes answers as its pre-signed address does.
type cloudFormation struct {
	*httptest.Server
	answers []cfn.Response
	status  int
}

func newCloudFormation(t *testing.T) *cloudFormation {
	t.Helper()
	c := &cloudFormation{status: http.StatusOK}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer cfn.Response
		if err := json.NewDecoder(r.Body).Decode(&answer); err != nil || r.Method != http.MethodPut || r.Header.Get("Content-Type") != "" {
			t.Errorf("%s with content type %q: %v", r.Method, r.Header.Get("Content-Type"), err)
		}
		c.answers = append(c.answers, answer)
		w.WriteHeader(c.status)
	}))
	t.Cleanup(c.Close)
	return c
}

// request reads a fixture, whose ResponseURL becomes to.
func request(t *testing.T, file, to string) cfn.Event {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "events", "setup", file))
	if err != nil {
		t.Fatal(err)
	}
	var e cfn.Event
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	e.ResponseURL = to + "/answer?X-Amz-Signature=presigned"
	return e
}

func newHandler(a *cloudAccount, log *bytes.Buffer) *handler {
	return &handler{
		log: slog.New(slog.NewJSONHandler(log, nil)), now: func() time.Time { return noon },
		open: func() (*account, error) { return &account{ring: a, contacts: a, email: "ops@example.com"}, nil },
	}
}

// ask hands a fixture to the function and returns the one answer.
func ask(t *testing.T, h *handler, file string) cfn.Response {
	t.Helper()
	c := newCloudFormation(t)
	ctx, cancel := context.WithTimeout(t.Context(), margin+50*time.Millisecond)
	defer cancel()
	if err := h.handle(ctx, request(t, file, c.URL)); err != nil {
		t.Fatal(err)
	}
	if len(c.answers) != 1 {
		t.Fatalf("%d answers", len(c.answers))
	}
	return c.answers[0]
}

func answered(status cfn.StatusType, reason string, data map[string]any) cfn.Response {
	return cfn.Response{
		Status: status, Reason: reason, Data: data, PhysicalResourceID: resourceID,
		RequestID: "8b6b0d5c-6a4e-4a44-9a53-0f6f2a3c1d2e", LogicalResourceID: "Setup",
		StackID: "arn:aws:cloudformation:eu-central-1:123456789012:stack/tocsin-dev/1f7d5a60-1e1b-11f1-9c3a-0a1b2c3d4e5f",
	}
}

func TestCreateMakesWhatIsAbsent(t *testing.T) {
	a, log := &cloudAccount{}, &bytes.Buffer{}
	h := newHandler(a, log)
	want := answered(cfn.StatusSuccess, "", map[string]any{"LinkKeys": "created", "Contact": "created"})
	if got := ask(t, h, "create.json"); !reflect.DeepEqual(got, want) {
		t.Errorf("answer %+v", got)
	}
	ring, err := actionlink.ParseRing(a.ring)
	if err != nil {
		t.Fatal(err)
	}
	c := actionlink.Claims{Kind: actionlink.Event, Number: 1, Expires: noon.Add(time.Hour)}
	if _, err := actionlink.Sign(ring, noon, c); err != nil {
		t.Errorf("the ring does not sign: %v", err)
	}
	contact := catalog.Contact{ID: "email", Member: "administrator", Channel: catalog.Email, Address: "ops@example.com", Verified: true}
	if want := []catalog.Contact{contact}; !reflect.DeepEqual(a.contacts, want) {
		t.Errorf("contacts %+v", a.contacts)
	}
	t.Run("and nothing twice", func(t *testing.T) {
		before := *a
		for _, file := range []string{"create.json", "update.json", "update.json"} {
			want := answered(cfn.StatusSuccess, "", map[string]any{"LinkKeys": "kept", "Contact": "kept"})
			if got := ask(t, h, file); !reflect.DeepEqual(got, want) {
				t.Errorf("answer %+v", got)
			}
		}
		if !reflect.DeepEqual(*a, before) {
			t.Error("something was written")
		}
	})
	t.Run("and shows no secret", func(t *testing.T) {
		var stored struct{ Keys []struct{ Secret string } }
		if err := json.Unmarshal(a.ring, &stored); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{stored.Keys[0].Secret, "presigned", "ops@example.com"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
	})
}

func TestAnotherContactOfTheAdministratorIsEnough(t *testing.T) {
	a := &cloudAccount{contacts: []catalog.Contact{{ID: "phone", Member: "administrator", Channel: catalog.Ntfy, Address: "ops"}}}
	ask(t, newHandler(a, &bytes.Buffer{}), "update.json")
	if len(a.contacts) != 1 {
		t.Errorf("contacts %+v", a.contacts)
	}
}

func TestDeleteLeavesEverything(t *testing.T) {
	a := &cloudAccount{ring: []byte("ring"), contacts: []catalog.Contact{{ID: "email", Member: "administrator"}}}
	before := *a
	h := newHandler(a, &bytes.Buffer{})
	h.open = func() (*account, error) { t.Error("the account was opened"); return nil, errors.New("no") }
	want := answered(cfn.StatusSuccess, "", map[string]any{"LinkKeys": "kept", "Contact": "kept"})
	if got := ask(t, h, "delete.json"); !reflect.DeepEqual(got, want) {
		t.Errorf("answer %+v", got)
	}
	if !reflect.DeepEqual(*a, before) {
		t.Error("something changed")
	}
}

func TestFailuresAreAnsweredWithTheirReason(t *testing.T) {
	for name, c := range map[string]struct {
		account cloudAccount
		change  func(*handler)
		reason  string
	}{
		"SSM refuses":        {cloudAccount{fail: fault.New(fault.Unavailable, "create parameter /tocsin/keys")}, nil, "Tocsin is not set up: key ring: create parameter /tocsin/keys"},
		"a panic":            {cloudAccount{panics: true}, nil, "Tocsin is not set up: panic: out of luck"},
		"no answer in time":  {cloudAccount{hangs: true}, nil, "Tocsin is not set up: key ring: it took too long"},
		"a ring not to read": {cloudAccount{ring: []byte("?")}, nil, "Tocsin is not set up: key ring: the parameter exists and is left as it is, but the key ring is not readable JSON"},
		"a missing variable": {cloudAccount{}, func(h *handler) { h.open = func() (*account, error) { return open(noVariables) } }, "Tocsin is not set up: AWS_REGION is not set"},
		"an address that is none": {cloudAccount{}, func(h *handler) {
			h.open = func() (*account, error) {
				a := &cloudAccount{}
				return &account{ring: a, contacts: a, email: "Ops <ops@example.com>"}, nil
			}
		}, "Tocsin is not set up: contact of the administrator (ADMIN_EMAIL): the contact is not valid: address: expected one mail address like ann@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHandler(&c.account, &bytes.Buffer{})
			if c.change != nil {
				c.change(h)
			}
			got := ask(t, h, "create.json")
			if got.Status != cfn.StatusFailed || got.Reason != c.reason || got.PhysicalResourceID != resourceID {
				t.Errorf("answer %+v", got)
			}
		})
	}
}

func noVariables(string) (string, bool) { return "", false }

func TestAnUnknownRequestIsAnswered(t *testing.T) {
	h := newHandler(&cloudAccount{}, &bytes.Buffer{})
	c := newCloudFormation(t)
	if err := h.handle(t.Context(), cfn.Event{RequestType: "Explode", ResponseURL: c.URL}); err != nil || c.answers[0].Status != cfn.StatusFailed {
		t.Errorf("%v, %+v", err, c.answers)
	}
}

func TestAnAnswerThatCannotBeSentFailsWithoutItsAddress(t *testing.T) {
	h := newHandler(&cloudAccount{}, &bytes.Buffer{})
	c := newCloudFormation(t)
	c.status = http.StatusForbidden
	if err := h.handle(t.Context(), request(t, "create.json", c.URL)); err == nil {
		t.Error("a refused answer is no error")
	}
	c.Close()
	err := h.handle(t.Context(), request(t, "create.json", c.URL))
	if err == nil || strings.Contains(err.Error(), "presigned") {
		t.Errorf("error %v", err)
	}
}
