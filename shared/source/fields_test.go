package source

import (
	"fmt"
	"testing"

	"tocsin/shared/doc"
	"tocsin/shared/fault"
)

func TestFieldsAreFoundWhateverTheirStyle(t *testing.T) {
	v, err := doc.JSON([]byte(`{"Alert_ID":17,"alertId":18,"EVENT.NAME":" full ","{TRIGGER.ID}":"4","Problem URL":"x","名":"n",
		"link":"$LINK","date":"{EVENT.DATE}","owner":"{{ OWNER }}","none":null,"word":"null","price":"$5","brace":"{a}",
		"host":{"name":"web-1","id":{}},"host_name":null,"Org":{"ID":1},"org_id":2}`))
	if err != nil {
		t.Fatal(err)
	}
	f := FieldsOf(v, v.Get("host"), v.Get("missing"))
	for name, want := range map[string]string{
		"alertid": "17", "eventname": "full", "triggerid": "4", "problemurl": "x", "名": "n",
		"link": "", "date": "", "owner": "", "none": "", "word": "", "price": "$5", "brace": "{a}",
		"hostname": "web-1", "name": "web-1", "hostid": "{}", "orgid": "2",
	} {
		if got := f.Text("missing", name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestTagsBecomeLabels(t *testing.T) {
	for tags, want := range map[string]string{
		`"monitor, name:web,role:node,name:api,name:api"`:                           "map[name:web, api role:node tags:monitor]",
		`["a","b:1:2",""," c : 3 "]`:                                                "map[b:1:2 c:3 tags:a]",
		`"[{\"tag\":\"scope\",\"value\":\"disk\"},{\"tag\":\"x\",\"value\":\"\"}]"`: "map[scope:disk tags:x]",
		`[{"key":"env","value":"prod"},7,null,[]]`:                                  "map[env:prod tags:7, []]",
		`null`: "map[]", `""`: "map[]", `5`: "map[tags:5]", `":v"`: "map[]",
	} {
		v, err := doc.JSON([]byte(tags))
		if err != nil {
			t.Fatal(err)
		}
		labels := map[string]string{}
		AddTags(labels, v)
		if got := fmt.Sprint(labels); got != want {
			t.Errorf("%s become %s, want %s", tags, got, want)
		}
	}
}

func TestListed(t *testing.T) {
	for v, want := range map[string]string{`["a"," ",null,"b",1]`: "a, b, 1", `"a"`: "a", `null`: "", `[]`: ""} {
		parsed, err := doc.JSON([]byte(v))
		if err != nil {
			t.Fatal(err)
		}
		if got := Listed(parsed); got != want {
			t.Errorf("%s is %q, want %q", v, got, want)
		}
	}
}

func TestObjectRefusesOtherBodies(t *testing.T) {
	for body, ok := range map[string]bool{`{}`: true, `a=1&b=2`: true, `[]`: false, `null`: false, `"x"`: false, `7`: false, ``: false, `{`: false} {
		if _, err := Object(&Request{Body: []byte(body)}); (err == nil) != ok || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestObjectIsMended(t *testing.T) {
	text := func(*Request) (doc.Value, bool) { return doc.Of("text"), true }
	for _, other := range []func(*Request) (doc.Value, bool){nil, text} {
		r := &Request{Body: []byte("{\"title\":\"disk \"C\"\nis full\",}"), Other: other}
		root, err := Object(r)
		if again, _ := r.Root(); err != nil || root.Get("title").Text() != "disk \"C\"\nis full" || again != root {
			t.Errorf("%v, %v, then %v", root, err, again)
		}
	}
}
