package intake

import (
	"net/http"
	"strings"
	"testing"

	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// TestWhoReadsNoAnswer proves itself like others, and loses nothing after that.
func TestWhoReadsNoAnswer(t *testing.T) {
	request := func() *source.Request {
		return &source.Request{Header: http.Header{}, Body: []byte(`"x"`), At: received}
	}
	g := newRig()
	if _, _, err := g.in.TakeUnanswered(t.Context(), key+"X", request()); !fault.Is(err, fault.Unauthenticated) || len(g.sent) != 0 {
		t.Errorf("an unknown key: %v, sent %d", err, len(g.sent))
	}
	if _, receipt, err := g.in.TakeUnanswered(t.Context(), key, request()); err != nil || len(receipt.Rejected) != 1 {
		t.Fatalf("%+v, %v", receipt, err)
	}
	if d := g.delivered(t); d.Integration != "prod" || !strings.HasPrefix(d.Items[0].Rejected, "the body is neither") {
		t.Errorf("%+v", d)
	}
}
