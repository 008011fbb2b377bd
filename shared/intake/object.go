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

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"tocsin/shared/cloud"
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

// Bucket keeps large deliveries in S3. It is safe for concurrent use.
type Bucket struct {
	name   string
	client func() *s3.Client
}

// OpenBucket returns the bucket that the environment variable BUCKET names.
// The client is made at the first use: most deliveries fit into a message.
func OpenBucket(cfg aws.Config, env cloud.Lookup) (*Bucket, error) {
	name, ok := env("BUCKET")
	if !ok || name == "" {
		return nil, errors.New("BUCKET is not set")
	}
	return &Bucket{name: name, client: sync.OnceValue(func() *s3.Client {
		return s3.NewFromConfig(cfg, func(o *s3.Options) {
			o.BaseEndpoint = cloud.Endpoint(env, "S3")
			o.UsePathStyle = o.BaseEndpoint != nil
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		})
	})}, nil
}

// Put writes an object. A failure is of kind Unavailable.
func (b *Bucket) Put(ctx context.Context, name string, body []byte) error {
	_, err := b.client().PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &name, Body: bytes.NewReader(body), ContentType: aws.String("application/gzip"),
	})
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "write object %s", name)
	}
	return nil
}

// GetStart reads an object as Get does, but no more of it than limit bytes.
func (b *Bucket) GetStart(ctx context.Context, name string, limit int64) ([]byte, error) {
	return b.read(ctx, name, limit)
}

// Get reads an object. An object that is gone is of kind Invalid: the message
// that names it can never be handled.
func (b *Bucket) Get(ctx context.Context, name string) ([]byte, error) {
	return b.read(ctx, name, maxUnpacked)
}

func (b *Bucket) read(ctx context.Context, name string, limit int64) ([]byte, error) {
	out, err := b.client().GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &name})
	if _, gone := errors.AsType[*types.NoSuchKey](err); gone {
		return nil, fault.New(fault.Invalid, "object %s is gone", name)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "read object %s", name)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, limit))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "read object %s", name)
	}
	return body, nil
}
