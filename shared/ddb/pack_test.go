package ddb

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestPackedIsDecoded(t *testing.T) {
	for name, want := range map[string]string{"short": "x", "long": strings.Repeat("disk is full; ", 1000)} {
		t.Run(name, func(t *testing.T) {
			packed, err := Pack(map[string]string{"title": want})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(packed.(*types.AttributeValueMemberB).Value); n > len(want)+len(`{"title":""}`) {
				t.Errorf("%d bytes became %d", len(want), n)
			}
			var got map[string]string
			if err := Decode(Item{"body": packed}, "body", &got); err != nil || got["title"] != want {
				t.Errorf("decoded %.40q, %v", got["title"], err)
			}
		})
	}
}

func TestPlainIsDecoded(t *testing.T) {
	var got map[string]int
	if err := Decode(Item{"body": B([]byte(`{"n":1}`))}, "body", &got); err != nil || got["n"] != 1 {
		t.Errorf("decoded %v, %v", got, err)
	}
}

func TestWhatIsBrokenIsAnError(t *testing.T) {
	for name, body := range map[string][]byte{"no JSON": []byte("x"), "cut": {0x1f, 0x8b, 8}, "empty": nil} {
		if err := Decode(Item{"body": B(body)}, "body", &struct{}{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkPack(b *testing.B) {
	v := map[string]string{"title": strings.Repeat("disk of db-1 is full; ", 40)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Pack(v); err != nil {
			b.Fatal(err)
		}
	}
}
