package eventbridge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/source"
)

func request(body string) *source.Request {
	return &source.Request{Body: []byte(body), At: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
}

func TestAlertsAreOfThisSource(t *testing.T) {
	parsed, err := Parse(request(`{"detail-type":"CodePipeline Pipeline Execution State Change","account":"1","region":"eu-west-1","time":"2026-03-01T08:59:30Z","detail":{"pipeline":"p","state":"SUCCEEDED"}}`))
	if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert.Source != Name || len(parsed.Changes) != 1 || parsed.Changes[0].Source != Name {
		t.Errorf("%+v, %v", parsed, err)
	}
}

// TestSubscriptionIsNotConfirmedUnsigned: nothing here checks SNS's signature,
// so a confirmation may be anybody's.
func TestSubscriptionIsNotConfirmedUnsigned(t *testing.T) {
	parsed, err := Parse(request(`{"Type":"SubscriptionConfirmation","MessageId":"m","Message":"x","TopicArn":"arn:aws:sns:eu-west-1:1:t","SubscribeURL":"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"}`))
	if err != nil || parsed.Confirm != nil || len(parsed.Items) != 0 || !strings.Contains(strings.Join(parsed.Notes, "\n"), "not confirmed") {
		t.Errorf("%+v, %v", parsed, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, dir := range []string{"../../../events/ingest-eventbridge/direct", "../../../../shared/payloads/aws_*", "../../../../../shared/payloads/aws_*"} {
		found, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range found {
			if body, err := os.ReadFile(file); err == nil {
				f.Add(string(body))
			}
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		parsed, err := Parse(request(body))
		if err != nil {
			return
		}
		for _, item := range parsed.Items {
			if a := item.Alert; a != nil && (a.DedupKey == "" || a.Title == "" || a.Source != Name || a.Status != alert.Firing && a.Status != alert.Resolved) {
				t.Fatalf("%+v", a)
			}
		}
	})
}
