package detect

import (
	"net/http"
	"slices"
	"testing"
)

// TestACloudEventInHeadersIsKnownByThem: in binary mode the body is the data,
// and the attributes stand in headers.
func TestACloudEventInHeadersIsKnownByThem(t *testing.T) {
	read := func(kind, subject, body string) (key, status string) {
		r := request("application/json", body)
		for name, value := range map[string]string{"specversion": "1.0", "id": "e-1", "source": "urn:plant:3", "type": kind, "subject": subject, "time": "2026-03-01T08:00:00Z"} {
			r.Header.Set("ce-"+name, value)
		}
		parsed, err := Propose(r).Parse(r)
		if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
			t.Fatalf("%s: %+v, %v", body, parsed, err)
		}
		return parsed.Items[0].Alert.DedupKey, string(parsed.Items[0].Alert.Status)
	}
	firing, status := read("io.plant.pump.raised", "pump-4", `{"message":"Pressure is low"}`)
	if status != "firing" {
		t.Errorf("the firing is %s", status)
	}
	if key, status := read("io.plant.pump.cleared", "pump-4", `{"message":"Pressure is as it should be"}`); key != firing || status != "resolved" {
		t.Errorf("the recovery is %s of %s, want that of %s", status, key, firing)
	}
	for _, other := range [][2]string{{"io.plant.valve.raised", "pump-4"}, {"io.plant.pump.raised", "pump-5"}} {
		if key, _ := read(other[0], other[1], `{"message":"Pressure is low"}`); key == firing {
			t.Errorf("%s of %s has the key of another alert, %s", other[0], other[1], key)
		}
	}
}

// TestACloudEventWithoutSourceOrSubjectIsRead: what a sender leaves out is no
// reason to lose what it says.
func TestACloudEventWithoutSourceOrSubjectIsRead(t *testing.T) {
	for _, body := range []string{
		`{"specversion":"1.0","type":"io.plant.pump.raised","data":{"message":"Pressure is low"}}`,
		`[{"specversion":"1.0","type":"io.plant.pump.raised","subject":"pump-4","data":{"message":"Pressure is low"}}]`,
		`{"specversion":"1.0","subject":"pump-4"}`,
	} {
		r := request("application/json", body)
		if parsed, err := Propose(r).Parse(r); err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
			t.Errorf("%s: %+v, %v", body, parsed, err)
		}
	}
}

// TestASubjectThatIsASentenceIsTheTitle: it is meant for people.
func TestASubjectThatIsASentenceIsTheTitle(t *testing.T) {
	r := request("application/json", `{"specversion":"1.0","source":"urn:plant:3","type":"io.plant.pump.raised","subject":"Pressure of pump-4 is low","data":{"message":"It is 1.2 bar"}}`)
	parsed, err := Propose(r).Parse(r)
	if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil || parsed.Items[0].Alert.Title != "Pressure of pump-4 is low" {
		t.Errorf("%+v, %v", parsed, err)
	}
}

// TestHeadersThatAreReadAreKept, each by its usual name: else a kept delivery
// is not read again as it was.
func TestHeadersThatAreReadAreKept(t *testing.T) {
	for _, name := range []string{"specversion", "type", "source", "subject", "time"} {
		if !slices.Contains(EventHeaders, http.CanonicalHeaderKey(eventHeader+name)) {
			t.Errorf("%s is not among %v", name, EventHeaders)
		}
	}
}
