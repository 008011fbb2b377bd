package statuscake

import (
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source/sourcetest"
)

func TestParse(t *testing.T) {
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "null", Body: "null", Err: "the body is null, expected an object"},
		{Name: "no status", Body: "TestID=7", Err: "no Status"},
		{Name: "no test", Body: "Status=Down&Token=x", Err: "no Status of a TestID"},
		{Name: "another status", Body: "TestID=7&Status=Sideways", Want: []string{`rejected: Status: is "Sideways", expected Down or Up`}},
		{Name: "upper case", Body: "TestID=7&Name=Shop&Status=DOWN", Want: []string{`firing error test:7 .. "Shop is down"`}},
		{Name: "id alone", Body: "TestID=7&Status=Up", Want: []string{`resolved error test:7 .. "Test 7 is up"`}},
		{Name: "odd types", Body: `{"TestID":[7],"Status":"Down","Name":{},"Tags":{"a":1}}`, Want: []string{`firing error test:[7] .. "{} is down"`}},
		{Name: "labels", Body: "TestID=7&Name=Shop&Status=Down&StatusCode=503&IP=192.0.2.1&Method=Website&Tags=shop,env:prod",
			Look: func(a *alert.Alert) any { return a.Labels }, Is: "map[env:prod ip:192.0.2.1 method:Website status_code:503 tags:shop test:Shop]"},
	})
}

// The token of the user "user" and the key "key": printf userkey | md5sum.
func TestVerify(t *testing.T) {
	const token = "9390ce4a961c4959630d0b0fda0e5d16"
	proofs := func(given string, ok bool) []sourcetest.Proof {
		return []sourcetest.Proof{
			{Name: "form " + given, Request: sourcetest.Request("TestID=7&Status=Down&Token=" + given), OK: ok},
			{Name: "JSON " + given, Request: sourcetest.Request(`{"TestID":7,"Status":"Down","Token":"` + given + `"}`), OK: ok},
		}
	}
	for _, secrets := range [][]string{{"user:key"}, {"new", "user:key"}, {token}, {"new:key", token}} {
		sourcetest.Verify(t, Source, secrets, proofs(token, true))
		sourcetest.Verify(t, Source, secrets, proofs(sourcetest.FlipBit(token), false))
		sourcetest.Verify(t, Source, secrets, proofs("", false))
	}
	sourcetest.Verify(t, Source, []string{"user:other", "userkey"}, proofs(token, false))
	sourcetest.Verify(t, Source, []string{"user:key"}, []sourcetest.Proof{{Name: "not readable", Request: sourcetest.Request("{")}})
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", "Status=Down&URL=x&Tags=[1]", "Status=Up&TestID=1&TestID=2")
}
