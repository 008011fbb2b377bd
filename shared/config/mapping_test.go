package config_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tocsin/shared/config"
	"tocsin/shared/source"
)

const warehouse = `{"alerts":"$.jobs[*]","key":"{id}","title":["{name} failed","{id}"],"status":{"resolved":"state=ok","firing":["state=failed","state=late"]},"severity":{"default":"error"}}`

func TestMappingIsReadCheckedAndWrittenTheOneWay(t *testing.T) {
	cfg := parse(t, doc("mapping", "warehouse", warehouse))
	want := `{"alerts":["$.jobs[*]"],"key":["{id}"],"status":{"resolved":["state=ok"],"firing":["state=failed","state=late"]},"severity":{"default":"error"},"title":["{name} failed","{id}"]}`
	if got := string(cfg.Documents[0].Spec); got != want {
		t.Errorf("written as %s\nwant %s", got, want)
	}
	m, ok := cfg.Mapping("warehouse")
	if again, _ := cfg.Mapping("warehouse"); !ok || m != again {
		t.Fatal("it is not compiled once")
	}
	parsed, err := m.Parse(&source.Request{Header: http.Header{}, Query: url.Values{}, Body: []byte(`{"jobs":[{"id":7,"name":"Stock","state":"late"}]}`)})
	if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert.Title != "Stock failed" || parsed.Items[0].Alert.Source != "warehouse" {
		t.Errorf("%+v, %v", parsed, err)
	}
	if _, ok := cfg.Mapping("nothing"); ok {
		t.Error("found what is not there")
	}
}

func TestProofsOfAMapping(t *testing.T) {
	for written, want := range map[string]string{
		`{"header":"X-Proof","scheme":"secret"}`:                      `{"header":"X-Proof","scheme":"secret"}`,
		`[{"scheme":"secret","field":"token"},{"scheme":"standard"}]`: `[{"field":"token","scheme":"secret"},{"scheme":"standard"}]`,
		`[{"scheme":"http-signature"}]`:                               `{"scheme":"http-signature"}`,
	} {
		cfg := parse(t, doc("mapping", "warehouse", `{"title":"{a}","proof":`+written+`}`))
		if got := string(cfg.Documents[0].Spec); got != `{"proof":`+want+`,"title":["{a}"]}` {
			t.Errorf("%s is written as %s", written, got)
		}
	}
}

func TestProblemsOfAMappingAreAllNamed(t *testing.T) {
	for _, c := range []struct {
		name, spec string
		fields     []string
	}{
		{"nothing said", `{}`, []string{"spec.title"}},
		{"wrong types", `{"title":7,"alerts":[1],"severity":"high","labels":["a"],"variants":[{"when":{"a":1}}]}`,
			[]string{"spec.title", "spec.alerts[0]", "spec.severity", "spec.labels", "spec.variants[0].when"}},
		{"proofs", `{"title":"a","proof":[{"scheme":"secret"},{"scheme":7,"header":"X-Proof"}],"variants":[{"when":"a","proof":"secret"}]}`,
			[]string{"spec.proof[1].scheme", "spec.variants[0].proof"}},
		{"a proof", `{"title":"a","proof":"secret"}`, []string{"spec.proof"}},
		{"what a proof says", `{"title":"a","proof":{"scheme":"secret"}}`, []string{"spec.proof.header"}},
		{"what proofs say", `{"title":"a","proof":[{"scheme":"standard"},{"scheme":"secret"}]}`, []string{"spec.proof[1].header"}},
		{"unknown fields", `{"titel":"x","variants":[{"wen":"a"}]}`, []string{"spec.titel", "spec.variants[0].wen"}},
		{"language", `{"title":"{a","alerts":"a..b","severity":{"default":"loud"},"extract":[{"from":"a","match":"("}]}`,
			[]string{"spec.extract[0].match", "spec.alerts", "spec.title", "spec.severity.default"}},
		{"conditions", `{"title":"a","skip":"phase==idle","status":{"firing":"phase = ALARM","resolved":["ok","station=Old Harbour"]}}`,
			[]string{"spec.skip", "spec.status.firing", "spec.status.resolved"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := config.Parse([]config.Document{doc("mapping", "warehouse", c.spec)})
			var fields []string
			for _, p := range problems {
				fields = append(fields, p.Field)
			}
			slices.Sort(fields)
			slices.Sort(c.fields)
			if !slices.Equal(fields, c.fields) {
				t.Errorf("problems %v\nwant fields %v", problems, c.fields)
			}
			if _, err := config.ReadMapping("x", json.RawMessage(c.spec)); err == nil {
				t.Error("read by itself it is valid")
			}
		})
	}
}

func TestMappingCannotTakeTheNameOfASource(t *testing.T) {
	for _, name := range []string{"prometheus", "uptime-kuma", "custom"} {
		_, problems := config.Parse([]config.Document{doc("mapping", name, warehouse)})
		if len(problems) != 1 || problems[0].Field != "name" || !strings.Contains(problems[0].Detail, "ships") {
			t.Errorf("%s: %v", name, problems)
		}
	}
}
