package ddb

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/fault"
)

// maxBody bounds what a compressed body may become in memory: far more than an
// item that may have 400 KB holds in practice.
const maxBody = 16 << 20

// packers keeps compressors between items: making one costs more than its use.
var packers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// Pack returns v as JSON, compressed where that is shorter, for an attribute
// that [Decode] reads. Items are paid for by the kilobyte, at each write and
// by the month.
func Pack(v any) (types.AttributeValue, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encode an item")
	}
	var packed bytes.Buffer
	z := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(&packed)
	_, err = z.Write(body)
	if err = errors.Join(err, z.Close()); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "compress an item")
	}
	if packed.Len() < len(body) {
		body = packed.Bytes()
	}
	return B(body), nil
}

// gzipMagic begins what is compressed (RFC 1952, section 2.3.1); no JSON does.
var gzipMagic = []byte{0x1f, 0x8b}

func unpack(body []byte) ([]byte, error) {
	if !bytes.HasPrefix(body, gzipMagic) {
		return body, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, maxBody))
}
