package all

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"

	"tocsin/shared/source"
)

// TestWhatIsKeptIsReadTheSame: of a delivery that is read again there are the
// headers and parameters that its source names, and its content type.
func TestWhatIsKeptIsReadTheSame(t *testing.T) {
	aws, _ := Named("cloudwatch")
	raw := http.Header{"X-Amz-Sns-Rawdelivery": {"true"}, "X-Amz-Sns-Message-Id": {"7"}, "X-Amz-Sns-Topic-Arn": {"arn:aws:sns:eu-west-1:123456789012:alarms"}}
	for _, s := range append(samples(t), sample{source: aws, file: "raw delivery", header: raw, body: []byte("OK: db-1")}) {
		first, err := s.source.Parse(s.request(s.body))
		again := s.request(s.body)
		again.Header = http.Header{}
		for _, name := range append([]string{"Content-Type"}, s.source.Headers...) {
			if value := s.header.Get(name); value != "" && !source.HoldsSecret(name) {
				again.Header.Set(name, value)
			}
		}
		again.Query = url.Values{}
		for _, name := range s.source.Queries {
			again.Query[name] = s.query[name]
		}
		second, failed := s.source.Parse(again)
		if (err == nil) != (failed == nil) || !reflect.DeepEqual(first.Items, second.Items) || !reflect.DeepEqual(first.Changes, second.Changes) || !reflect.DeepEqual(first.Notes, second.Notes) {
			t.Errorf("%s: %+v, %v\nagain %+v, %v", s.file, first, err, second, failed)
		}
	}
}
