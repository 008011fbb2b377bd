package page_test

import (
	"slices"
	"testing"
	"time"

	"tocsin/shared/catalog"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
)

// TestWhoHasNoVerifiedContact is paged at another as a last resort, and the
// step says so; what is no page does not go there.
func TestWhoHasNoVerifiedContact(t *testing.T) {
	mail := catalog.Contact{ID: "mail", Member: "ann", Channel: catalog.Email}
	phone := catalog.Contact{ID: "phone", Member: "ann", Channel: catalog.Ntfy, Order: 1}
	proven := phone
	proven.Verified = true
	for _, c := range []struct {
		name     string
		reason   outbox.Reason
		contacts []catalog.Contact
		want     string // contact; "" nobody is told
		whyNot   []string
	}{
		{"a page", outbox.Page, []catalog.Contact{mail, phone}, "mail", []string{"Ann has no verified contact"}},
		{"one is verified", outbox.Page, []catalog.Contact{mail, proven}, "phone", nil},
		{"news", outbox.News, []catalog.Contact{mail}, "", []string{"Ann has no verified contact"}},
		{"no contact", outbox.LastResort, nil, "", []string{"Ann has no contact"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := page.Tell(page.Step{Key: outbox.Key{Event: "E-1", Reason: c.reason}},
				[]page.Person{{Member: "ann", Name: "Ann", Contacts: c.contacts}}, time.Now())
			got := ""
			for _, m := range told.Messages {
				got += m.Contact
			}
			if got != c.want || !slices.Equal(told.WhyNot, c.whyNot) {
				t.Errorf("told %q, why not %q; want %q, %q", got, told.WhyNot, c.want, c.whyNot)
			}
		})
	}
}
