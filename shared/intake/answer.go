package intake

import (
	"net/http"

	"tocsin/shared/httpapi"
	"tocsin/shared/source"
)

// Receipt is the answer to an accepted request.
type Receipt struct {
	DeliveryID string      `json:"delivery_id"`
	Keys       []string    `json:"keys"`     // dedup keys of the alerts, by position
	Rejected   []Rejection `json:"rejected"` // alerts that could not be understood

	Again   bool     `json:"-"` // we asked for it ourselves, whatever its sender is answered
	Reading *Reading `json:"-"` // of a request that was only read
}

// DeliveryHeader names a delivery in the answer to its request: some senders
// want bodies that have no room for it.
const DeliveryHeader = "Tocsin-Delivery"

// head writes what every answer to an accepted request has.
func (r Receipt) head(w http.ResponseWriter) {
	if r.DeliveryID != "" {
		w.Header().Set(DeliveryHeader, r.DeliveryID)
	}
}

// Reading is what was understood of a request that was only read.
type Reading struct {
	Items   []Item          `json:"items"`
	Notes   []string        `json:"notes"`
	Changes []source.Change `json:"changes"`
}

// Rejection says which alert of the body was left out, and why.
type Rejection struct {
	Position int    `json:"position"`
	Reason   string `json:"reason"`
}

// Accept answers one request of a route with {key}: 202 with a [Receipt] once
// the delivery is in the queue, or 200 with what the source says that its
// sender wants. A 4xx is final. Whatever may pass by itself is
// a 5xx, because some senders repeat on nothing else (Alertmanager v0.28,
// notify/webhook/webhook.go).
func (in *Intake) Accept(w http.ResponseWriter, r *http.Request) error {
	return in.AcceptAs(http.StatusAccepted)(w, r)
}

// AcceptAs is Accept with another status than 202, for clients that take no
// other for success.
func (in *Intake) AcceptAs(status int) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		req, err := in.Read(r)
		if err != nil {
			return err
		}
		parsed, receipt, err := in.Take(r.Context(), r.PathValue("key"), req)
		if err != nil {
			return err
		}
		Answer(w, status, parsed, receipt)
		return nil
	}
}

// Answer tells what became of a request: status and receipt once it is
// accepted, 200 where it was only read or its sender wants another answer.
func Answer(w http.ResponseWriter, status int, parsed source.Parsed, receipt Receipt) {
	receipt.head(w)
	switch {
	case receipt.Reading != nil:
		httpapi.JSON(w, http.StatusOK, receipt.Reading)
	case parsed.Answer != nil && !receipt.Again:
		httpapi.JSON(w, http.StatusOK, parsed.Answer)
	case parsed.Only200:
		httpapi.JSON(w, http.StatusOK, receipt)
	default:
		httpapi.JSON(w, status, receipt)
	}
}

// TakeFor takes a request for a sender that wants answers of its own: told
// writes one, with the receipt. What we send or read again ourselves is
// answered as we want it.
func (in *Intake) TakeFor(w http.ResponseWriter, r *http.Request, key string, req *source.Request, told func(Receipt)) error {
	parsed, receipt, err := in.Take(r.Context(), key, req)
	switch {
	case err != nil:
		return err
	case receipt.Again:
		Answer(w, http.StatusAccepted, parsed, receipt)
	default:
		receipt.head(w)
		told(receipt)
	}
	return nil
}

func receiptOf(d Delivery) Receipt {
	r := Receipt{DeliveryID: d.ID, Keys: []string{}, Rejected: []Rejection{}}
	for i, item := range d.Items {
		if item.Alert != nil {
			r.Keys = append(r.Keys, item.Alert.DedupKey)
		} else {
			r.Rejected = append(r.Rejected, Rejection{Position: i, Reason: item.Rejected})
		}
	}
	return r
}
