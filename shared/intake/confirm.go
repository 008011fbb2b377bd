package intake

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/outgoing"
	"tocsin/shared/source"
)

// confirmer visits public addresses by https, and does not follow where they
// lead: the source has checked the address itself.
func confirmer() *http.Client {
	c := outgoing.Client(outgoing.Options{Timeout: confirmFor})
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// confirmFor leaves time to answer a sender that waits 15 s (Amazon SNS).
const confirmFor = 4 * time.Second

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
