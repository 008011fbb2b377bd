package intake

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
)

var received = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func delivery(t *testing.T) Delivery {
	t.Helper()
	raw, err := compress([]byte(`{"alerts":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	a := alert.Alert{Source: "prometheus", DedupKey: "fingerprint:1", Status: alert.Firing, Title: "Disk full", Labels: map[string]string{}, Links: []alert.Link{}}
	return Delivery{V: Version, ID: "d-1", Integration: "prod", Source: "prometheus", Service: "db", ReceivedAt: received, BodyHash: hash([]byte("x")),
		Raw: raw, Items: []Item{{Alert: &a}, {Rejected: "status: missing"}}, Notes: []string{"note"}}
}

func TestDecodeReadsWhatEncodeWrote(t *testing.T) {
	want := delivery(t)
	message, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, object, err := Decode(message)
	if err != nil || object != "" || !reflect.DeepEqual(got, want) {
		t.Errorf("decoded %+v, %q, %v\nwant    %+v", got, object, err, want)
	}
	if body, err := got.Body(); err != nil || string(body) != `{"alerts":[]}` {
		t.Errorf("body %q, %v", body, err)
	}
}

// TestAMessageHoldsWhatTheQueueTakes: of anything else its sender would be told
// to try again, for ever.
func TestAMessageHoldsWhatTheQueueTakes(t *testing.T) {
	const odd = "a\x00b\x1f\x7f\u0085\u2028\ufffd\ufffe\uffff\U0001ffff\\uffff"
	want := delivery(t)
	want.Text, want.Raw, want.Notes = odd, nil, []string{odd}
	want.Items[0].Alert.Title, want.Items[0].Alert.Labels = odd, map[string]string{odd: odd}
	message, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range string(message) {
		if r < ' ' || r == 0xfffe || r == 0xffff {
			t.Errorf("the message holds %U", r)
		}
	}
	if got, _, err := Decode(message); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("decoded %+v, %v\nwant    %+v", got, err, want)
	}
}

func TestDecodeRefusesWhatIsNoDelivery(t *testing.T) {
	for _, c := range []struct{ name, message, want string }{
		{"not JSON", `x`, "no delivery"},
		{"another version", `{"v":2,"id":"d-1"}`, "version 2"},
		{"no version", `{}`, "version 0"},
		{"nothing in it", `{"v":1}`, "integration: missing"},
		{"item of neither kind", `{"v":1,"id":"d","integration":"i","source":"s","body_hash":"h","received_at":"2026-03-01T09:00:00Z","items":[{}]}`, "items[0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := Decode([]byte(c.message)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err %v, want %q", err, c.want)
			}
		})
	}
}

// shelf is a bucket in memory.
type shelf map[string][]byte

func (s shelf) Put(_ context.Context, name string, body []byte) error {
	s[name] = body
	return nil
}

func (s shelf) Get(_ context.Context, name string) ([]byte, error) {
	body, ok := s[name]
	if !ok {
		return nil, fault.New(fault.Invalid, "object %s is gone", name)
	}
	return body, nil
}

func TestFetchReadsTheObjectThatAMessageNames(t *testing.T) {
	d := delivery(t)
	message, err := Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := compress(message)
	if err != nil {
		t.Fatal(err)
	}
	want := d
	want.RawObject = "deliveries/2026/03/01/d-1.json.gz"
	objects := shelf{want.RawObject: packed, "broken": []byte("x")}
	for _, c := range []struct {
		name, message string
		want          Delivery
		ok            bool
	}{
		{"whole", string(message), d, true},
		{"named", `{"v":1,"id":"d-1","integration":"prod","object":"deliveries/2026/03/01/d-1.json.gz"}`, want, true},
		{"object of another delivery", `{"v":1,"id":"d-2","integration":"prod","object":"deliveries/2026/03/01/d-1.json.gz"}`, Delivery{}, false},
		{"object is gone", `{"v":1,"id":"d-1","integration":"prod","object":"none"}`, Delivery{}, false},
		{"object is broken", `{"v":1,"id":"d-1","integration":"prod","object":"broken"}`, Delivery{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Fetch(t.Context(), objects, c.message)
			if (err == nil) != c.ok || err != nil && !fault.Is(err, fault.Invalid) {
				t.Fatalf("err %v, want ok %v", err, c.ok)
			}
			if c.ok && !reflect.DeepEqual(got, c.want) {
				t.Errorf("fetched %+v\nwant    %+v", got, c.want)
			}
		})
	}
}

func TestUnpackStopsAtItsBound(t *testing.T) {
	bomb, err := compress(make([]byte, maxUnpacked+1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unpack(bomb); !fault.Is(err, fault.Invalid) {
		t.Errorf("%d bytes unpacked: %v", len(bomb), err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"v":1,"id":"d-1","integration":"prod","object":"x"}`))
	f.Add([]byte(`{"v":1,"id":"d","integration":"i","source":"s","body_hash":"h","received_at":"2026-03-01T09:00:00Z","raw":"AA==","items":[{"rejected":"x"}]}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		d, object, err := Decode(message)
		if err != nil || object != "" {
			return
		}
		again, err := Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		second, _, err := Decode(again)
		if err != nil || fmt.Sprintf("%+v", second.Items) == "" || second.ID != d.ID || len(second.Items) != len(d.Items) {
			t.Fatalf("%+v and %+v: %v", d, second, err)
		}
	})
}
