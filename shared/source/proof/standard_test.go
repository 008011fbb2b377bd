package proof

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"tocsin/shared/source"
)

// The example that the specification publishes (standard-webhooks, libraries,
// "Verifying webhook authenticity").
func TestStandardFitsThePublishedExample(t *testing.T) {
	const secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `{"test": 2432232314}`
	stamp := int64(1614265330)
	for _, c := range []struct {
		name, id, signature, secret string
		late                        time.Duration
		ok                          bool
	}{
		{"published", "msg_p5jXN8AQM9LWM0D4loKWxJek", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", secret, 0, true},
		{"second of two", "msg_p5jXN8AQM9LWM0D4loKWxJek", "v1a,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", secret, 0, true},
		{"one bit", "msg_p5jXN8AQM9LWM0D4loKWxJek", "v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", secret, 0, false},
		{"another id", "msg_p5jXN8AQM9LWM0D4loKWxJel", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", secret, 0, false},
		{"no id", "", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", secret, 0, false},
		{"no version", "msg_p5jXN8AQM9LWM0D4loKWxJek", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", secret, 0, false},
		{"wrong secret", "msg_p5jXN8AQM9LWM0D4loKWxJek", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx", 0, false},
		{"no secret", "msg_p5jXN8AQM9LWM0D4loKWxJek", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "whsec_", 0, false},
		{"old", "msg_p5jXN8AQM9LWM0D4loKWxJek", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", secret, MaxSkew + time.Second, false},
	} {
		r := &source.Request{Header: http.Header{}, Body: []byte(body), At: time.Unix(stamp, 0).Add(c.late)}
		r.Header.Set("webhook-id", c.id)
		r.Header.Set("webhook-timestamp", fmt.Sprint(stamp))
		r.Header.Set("webhook-signature", c.signature)
		if err := (Standard{}).Verify(r, []string{"not Base64", c.secret}); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		older := &source.Request{Header: http.Header{}, Body: r.Body, At: r.At}
		for _, name := range []string{"id", "timestamp", "signature"} {
			older.Header.Set("svix-"+name, r.Header.Get("webhook-"+name))
		}
		if err := (Standard{}).Verify(older, []string{c.secret}); (err == nil) != c.ok {
			t.Errorf("%s, under the older names: %v", c.name, err)
		}
	}
}
