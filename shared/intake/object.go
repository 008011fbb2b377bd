package intake

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"tocsin/shared/fault"
)

// maxUnpacked bounds what an object or a raw body may become in memory.
const maxUnpacked = 64 << 20

// reader is what Fetch needs of the bucket.
type reader interface {
	Get(ctx context.Context, name string) ([]byte, error)
}

// Fetch returns the delivery of a message, read from the bucket where the
// message only names an object. Its RawObject then names that object. A
// message that can never be read is an error of kind Invalid.
func Fetch(ctx context.Context, objects reader, message string) (Delivery, error) {
	d, object, err := Decode([]byte(message))
	if err != nil || object == "" {
		return d, err
	}
	body, err := objects.Get(ctx, object)
	if fault.Is(err, fault.NotFound) {
		return Delivery{}, fault.New(fault.Invalid, "the object %s of delivery %s is gone", object, d.ID)
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("fetch delivery %s: %w", d.ID, err)
	}
	full, err := unpack(body)
	if err != nil {
		return Delivery{}, err
	}
	id := d.ID
	if d, object, err = Decode(full); err == nil && (object != "" || d.ID != id) {
		err = fault.New(fault.Invalid, "the object is not that of delivery %s", id)
	}
	d.RawObject = objectName(d)
	return d, err
}

// objectName returns the bucket key of a delivery: by day, so that a person
// finds it and a lifecycle rule ends it.
func objectName(d Delivery) string {
	return "deliveries/" + d.ReceivedAt.UTC().Format("2006/01/02") + "/" + d.ID + ".json.gz"
}

func encodePointer(d Delivery, object string) ([]byte, error) {
	return json.Marshal(pointer{V: Version, ID: d.ID, Integration: d.Integration, Object: object})
}

// writers keeps compressors between deliveries: making one costs fifty times
// the parsing of an alert. BestSpeed, because each raw body passes here.
var writers = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		return gzip.NewWriter(nil)
	}
	return w
}}

func compress(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w := writers.Get().(*gzip.Writer)
	defer writers.Put(w)
	w.Reset(&out)
	_, err := w.Write(b)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return out.Bytes(), nil
}

// shortBody is the size in bytes up to which a body travels as it is. The
// ledger compresses it together with what became of it; before that it only
// has to keep a message far below the 64 KB that one request to the queue
// pays for.
const shortBody = 16 << 10

// setBody keeps the request body as received.
func (d *Delivery) setBody(body []byte) (err error) {
	if len(body) <= shortBody && utf8.Valid(body) {
		d.Text = string(body)
		return nil
	}
	d.Raw, err = compress(body)
	return err
}

// Body returns the request body as received.
func (d *Delivery) Body() ([]byte, error) {
	if len(d.Raw) == 0 {
		return []byte(d.Text), nil
	}
	return unpack(d.Raw)
}

func unpack(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "not compressed as expected")
	}
	out, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "not compressed as expected")
	}
	if len(out) > maxUnpacked {
		return nil, fault.New(fault.Invalid, "larger than %d bytes when unpacked", maxUnpacked)
	}
	return out, nil
}
