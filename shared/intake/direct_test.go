package intake

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"tocsin/shared/fault"
	"tocsin/shared/integration"
	"tocsin/shared/source"
	"tocsin/shared/source/prometheus"
	"tocsin/shared/telemetry"
)

func (g *rig) direct(event string) error {
	log := telemetry.NewLogger(&g.wrote, func(string) (string, bool) { return "", false })
	return g.in.Direct(log, "prometheus")(context.Background(), json.RawMessage(event))
}

func TestDirectInvocationIsADeliveryOfAWS(t *testing.T) {
	g := newRig()
	if err := g.direct(good); err != nil {
		t.Fatal(err)
	}
	d := g.delivered(t)
	if d.Integration != integration.AWS || d.Source != "prometheus" || d.Items[0].Alert == nil || g.sent[0].Group != integration.AWS {
		t.Errorf("delivery %+v", d)
	}
	for _, want := range []string{`"event taken"`, `"integration":"aws"`, `"alerts":1`, `"Accepted":1`} {
		if !strings.Contains(g.wrote.String(), want) {
			t.Errorf("%s is missing in %s", want, g.wrote.String())
		}
	}
}

// TestWhatNobodyCanReadIsInTheLedger: a direct invocation has no answer, so a
// refusal would lose it silently.
func TestWhatNobodyCanReadIsInTheLedger(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                                   "the body is no Alertmanager webhook: alerts: missing; expected an array",
		`{"version":"4","alerts":[7]}`:         "is a number, expected an object",
		`"x"`:                                  "the body is neither an Alertmanager webhook",
		``:                                     "the body is empty",
		`{"version":"4","alerts":[7,{"a":1}]}`: "is a number, expected an object",
	} {
		g := newRig()
		if err := g.direct(body); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		d := g.delivered(t)
		if len(d.Items) == 0 || d.Items[0].Alert != nil || !strings.HasPrefix(d.Items[0].Rejected, want) {
			t.Errorf("%s: items %+v", body, d.Items)
		}
		if raw, err := d.Body(); err != nil || string(raw) != body {
			t.Errorf("%s: raw %q, %v", body, raw, err)
		}
	}
}

func TestCauseOfARejectionStaysInTheLog(t *testing.T) {
	g := newRig()
	g.in.Pick = Only(source.Source{Name: "prometheus", Parse: func(*source.Request) (source.Parsed, error) {
		return source.Parsed{}, fault.Wrap(fault.Invalid, errors.New("inner words"), "it is no form")
	}})
	if err := g.direct(`{}`); err != nil {
		t.Fatal(err)
	}
	if got := g.delivered(t).Items[0].Rejected; got != "it is no form" {
		t.Errorf("rejected %q", got)
	}
}

func TestDirectInvocationFailsWhereARepeatMayHelp(t *testing.T) {
	g := newRig()
	g.sendErr = errors.New("throttled")
	if err := g.direct(good); !fault.Is(err, fault.Unavailable) || !strings.Contains(g.wrote.String(), `"outcome":"failed"`) {
		t.Errorf("err %v, wrote %s", err, g.wrote.String())
	}
}

func TestProofThatCannotBeCheckedNowIsNoRefusal(t *testing.T) {
	g := newRig()
	g.in.Pick = Only(source.Source{Name: "prometheus", Signed: true, Parse: prometheus.Parse, Verify: func(*source.Request, []string) error {
		return fault.New(fault.Unavailable, "the certificate cannot be fetched now")
	}})
	if w := g.post(path, good); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || len(g.sent) > 0 {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

// TestProvenIsOnlyWhatHasASecretOfItsOwn: neither the key in the path nor a
// secret that only the source would check proves a request.
func TestProvenIsOnlyWhatHasASecretOfItsOwn(t *testing.T) {
	for auth, want := range map[integration.Kind]bool{integration.None: false, integration.Vendor: false, integration.Bearer: true} {
		g, got := newRig(), false
		g.found.Auth, g.found.Secrets = auth, []string{secret}
		g.in.Pick = Only(source.Source{Name: "prometheus", Signed: true, Parse: prometheus.Parse, Verify: func(r *source.Request, _ []string) error {
			got = r.Proven
			return nil
		}})
		if w := g.post(path, good, "Authorization", "Bearer "+secret); w.Code != http.StatusAccepted || got != want {
			t.Errorf("%s: %d, proven %v", auth, w.Code, got)
		}
	}
}
