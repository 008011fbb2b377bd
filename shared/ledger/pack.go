package ledger

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"tocsin/shared/alert"
)

// A part is stored as one byte that names the format, and then, compressed
// together because they repeat each other, the Part as JSON and the raw body.
const format = 1

// words is what parts have in common: what is found here takes hardly a byte,
// which halves a delivery of one alert. What is longest and most frequent
// stands last (RFC 1951, section 3.2.5: near distances are short). It may
// change only with the format's number, and that of the format before must be
// read for as long as the ledger keeps deliveries.
const words = `acknowledgedrejecteddiscardedsuppressedcountedkeptlatereopened` +
	`,"raw_object":"deliveries/2026/.json.gz","notes":["received before the newest report of this alert","delivered again"` +
	`,"event_id":"E-","rule":"catch-all","why":["rule catch-all of version 1: event"]}` +
	`"disposition":"opened","disposition":"recovered","disposition":"joined",` +
	`{"receiver":"tocsin","status":"resolved","alerts":[{"status":"resolved","labels":{"alertname":"","cluster":"","container":"","namespace":"","pod":"","service":"",` +
	`"instance":":9100","job":"node-exporter","severity":"info","severity":"warning","severity":"critical"},` +
	`"annotations":{"description":"","runbook_url":"https://runbooks.prometheus-operator.dev/runbooks/","summary":""},` +
	`"startsAt":"2026-01-01T00:00:00.000Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus:9090/graph?g0.expr=\u003e+\u0026g0.tab=1","fingerprint":""}],` +
	`"groupLabels":{"alertname":""},"commonLabels":{"alertname":"","severity":""},"commonAnnotations":{},"externalURL":"http://alertmanager:9093",` +
	`"version":"4","groupKey":"{}/{severity=\"critical\"}:{alertname=\"\"}","truncatedAlerts":0}` + "\n" +
	`{"delivery_id":"d-01k","part":0,"parts":1,"integration":"int-","source":"prometheus","received_at":"2026-","disposed_at":"2026-",` +
	`"content_type":"application/json","alerts":1,"dispositions":[{"position":0,"dedup_key":"fingerprint:","title":"","disposition":"repeated","event_id":"E-`

// maxUnpacked bounds what a part may become in memory.
const maxUnpacked = 16 << 20

var packers = sync.Pool{New: func() any {
	w, err := flate.NewWriterDict(nil, flate.DefaultCompression, []byte(words))
	if err != nil {
		panic(err) // the level is one of flate's
	}
	return w
}}

// pack encodes a part. Ids of alerts are left out: the integration and the
// dedup key tell them.
func pack(p Part) ([]byte, error) {
	p.Dispositions = slices.Clone(p.Dispositions)
	for i := range p.Dispositions {
		if d := &p.Dispositions[i]; d.Alert == p.alertOf(*d) {
			d.Alert = ""
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode part %d: %w", p.Part, err)
	}
	out := bytes.NewBuffer([]byte{format})
	w := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	w.Reset(out)
	_, errText := w.Write(append(text, '\n'))
	_, errRaw := w.Write(p.Raw)
	if err := errors.Join(errText, errRaw, w.Close()); err != nil {
		return nil, fmt.Errorf("compress part %d: %w", p.Part, err)
	}
	return out.Bytes(), nil
}

// alertOf is the id of a disposition's alert, "" where the key tells none.
func (p *Part) alertOf(d Disposition) string {
	if d.DedupKey == "" {
		return ""
	}
	return string(alert.IDOf(p.Integration, d.DedupKey))
}

func unpack(packed []byte) (Part, error) {
	var p Part
	if len(packed) == 0 || packed[0] != format {
		return p, errors.New("not packed in a format that is known")
	}
	plain, err := io.ReadAll(io.LimitReader(flate.NewReaderDict(bytes.NewReader(packed[1:]), []byte(words)), maxUnpacked+1))
	if err != nil {
		return p, fmt.Errorf("uncompress: %w", err)
	}
	if len(plain) > maxUnpacked {
		return p, fmt.Errorf("larger than %d bytes", maxUnpacked)
	}
	text, raw, _ := bytes.Cut(plain, []byte{'\n'}) // no line ends inside the JSON of Go
	if err := json.Unmarshal(text, &p); err != nil {
		return p, err
	}
	if len(raw) > 0 {
		p.Raw = raw
	}
	for i := range p.Dispositions {
		if d := &p.Dispositions[i]; d.Alert == "" {
			d.Alert = p.alertOf(*d)
		}
	}
	return p, nil
}
