package lookup

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tocsin/shared/doc"
	"tocsin/shared/fault"
)

const body = `{
	"name": " web-1 ", "level": 12, "ratio": "0.5", "on": true, "off": false, "none": null, "empty": "", "blank": "N/A",
	"labels": {"k8s.io/name": "api", "a b": "c"}, "tags": [{"key": "team", "value": "db"}, {"key": "Env", "value": "prod"}, 7, "x"],
	"list": ["one", "two", "two"], "reports": {"x/y; v=1": {"severity": "High"}, "z": {"severity": "Low"}},
	"inner": "{\"id\": 7, \"deep\": \"[1,2]\"}", "log": "\n  first line \nsecond", "nothing": [], "nobody": {}, "told": "Host: db-1"
}`

func scope(t testing.TB, text string) *Scope {
	t.Helper()
	root, err := doc.JSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return &Scope{
		Item: root, Root: root, Header: http.Header{"X-Event": {" push "}}, Query: url.Values{"team": {"db"}}, Path: "/api/v2", Text: " whole text\n",
		Named: map[string]string{"host": "web-2"}, Labels: map[string]string{"b": "2", "a": "1=\","}, Blank: regexp.MustCompile("^(?:N/A|-)$"),
	}
}

func TestPathsLeadToTexts(t *testing.T) {
	sc := scope(t, body)
	for written, want := range map[string]string{
		"name": "web-1", "level": "12", "on": "true", "none": "", "empty": "", "missing": "", "missing.0.x": "", "blank": "",
		`labels."k8s.io/name"`: "api", "$.name": "web-1", "labels.a b": "c", "name.x": "",
		"list.1": "two", "list.9": "", "list[*]": "one, two", "tags[*].value": "db, prod", "tags.0.value": "db", "nothing[*]": "",
		"tags[key=team].value": "db", "tags[key=env].value": "prod", `tags[key="team"].key`: "team", "tags[key=x].value": "", "name[key=x]": "",
		"reports.*.severity": "High, Low", "*.z.severity": "Low", "nobody.*": "", "list.*": "",
		"inner|json.id": "7", "inner|json.deep|json.1": "2", "inner|json.deep|json[*]": "1, 2", "name|json.id": "", "reports|json.z.severity": "Low",
		"log|line": "first line", "log|pairs.first": "", "told|pairs.Host": "db-1", `told|pairs."Host name"`: "", "level|pairs.a": "", "empty|line": "", "missing|line": "",
		"header:x-event": "push", "header:X-None": "", "query:team": "db", "query:none": "", "path:": "/api/v2", "text:": "whole text",
		"@host": "web-2", "@none": "", "labels:": `"a"="1=\",","b"="2"`, "nobody": "{}",
	} {
		p, err := ParsePath(written)
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		if got := p.Text(sc); got != want {
			t.Errorf("%s is %q, want %q", written, got, want)
		}
		if p.String() != written {
			t.Errorf("%s is written %s", written, p)
		}
	}
	for _, whole := range []string{".", "$"} {
		p, err := ParsePath(whole)
		if err != nil || p.Value(sc) != sc.Root || len(p.Values(sc)) != 1 {
			t.Errorf("%s: %v, %v", whole, p.Value(sc), err)
		}
	}
}

func TestLinesOfATextAreFields(t *testing.T) {
	for text, want := range map[string]string{
		"Host: db-1\nState:  CRITICAL \nHost: db-2\n":                      `{"Host":"db-1","State":"CRITICAL"}`,
		"### 告警\n- 级别：严重\n> 主机: db-1":                                      `{"主机":"db-1","级别":"严重"}`,
		"*Severity:*\nhigh\n*Host:* db-1":                                  `{"Host":"db-1","Severity":"high"}`,
		"**Level**: P1\n<b>Pod</b>: api\n":                                 `{"Level":"P1","Pod":"api"}`,
		"Info:\n\nrefused\nmore":                                           `{"Info":"refused"}`,
		"Page: <https://x.example.com/1|here>\nsee https://x.example.com/": `{"Page":"here"}`,
		"a = 1\nb=2": `{"a":"1"}`,
		"The disk of the big host: it is full\nat 10:30 it\n{\"a\": 1}\n: x": "",
		"": "",
	} {
		if got := Pairs(text).JSON(); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestLinesWithoutMarkup of chats and Markdown.
func TestLinesWithoutMarkup(t *testing.T) {
	for text, want := range map[string]string{
		"\n## **Disk** is full ##\nnow":                  "Disk is full",
		"*Alert* <https://x.example.com/1|Disk of db-1>": "Alert Disk of db-1",
		"🔴 <b>DOWN</b>: api":                             "🔴 DOWN: api",
		"1 < 2 and a <pid> of `x`":                       "1 < 2 and a <pid> of x",
		"see <https://x.example.com/1>":                  "see https://x.example.com/1",
		"***** Nagios *****":                             "Nagios",
		"cpu * 2 > 90":                                   "cpu * 2 > 90",
		"-----\n- - item":                                "item",
		":large_green_circle: *[OK]* 09:30:15 :up:":      "[OK] 09:30:15 :up:",
		":9:30: is a time":                               ":9:30: is a time",
	} {
		if got := Line(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestValuesAreAllThatAPathLeadsTo(t *testing.T) {
	sc := scope(t, body)
	for written, want := range map[string]int{"tags[*]": 4, "tags[*].key": 2, "list[*]": 3, "reports.*": 2, "name": 1, "missing": 0, "none": 1, "text:": 0, "header:X-Event": 0} {
		p, err := ParsePath(written)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(p.Values(sc)); got != want {
			t.Errorf("%s leads to %d values, want %d", written, got, want)
		}
		if first := p.Value(sc); want > 0 && p.Values(sc)[0] != first {
			t.Errorf("%s: the first value is another", written)
		}
	}
}

func TestPathsThatAreNone(t *testing.T) {
	for _, written := range []string{
		"", "a..b", ".a", "a.", `"a`, `a."b`, "a[0]", "a[*", "a[key]", "a[=x]", "a[key=]", "a[key=x", "a|xml", "a|", "header:", "query:", "path:x", "text:x", "labels:x", "@", "a b|c",
	} {
		if _, err := ParsePath(written); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), fmt.Sprintf("%q", written)) {
			t.Errorf("%q: err %v, want one that names the path", written, err)
		}
	}
}

func TestConditions(t *testing.T) {
	sc := scope(t, body)
	for written, want := range map[string]bool{
		"name": true, "missing": false, "none": false, "empty": false, "blank": false, "off": true, "nothing": true, "nobody": true,
		"!name": false, "!missing": true, "!none": true, "!nothing": false,
		"name=web-1": true, "name=WEB-1": true, "name=web": false, "name=a|web-1": true, "name=web*": true, "name=*-1|x": true, "name=w*b*1": true, "name=*x*": false, "name=*": true,
		"missing=*": false, "reports=*": true, `log=*"second"`: false, `labels."a b"=c`: true, `labels.a=c`: false,
		"name!=web-1": false, "name!=web-2": true, "missing!=x": false, "name!=*1": false,
		"level>=12": true, "level>=12.5": false, "level<13": true, "level<12": false, "level>11": true, "level>12": false, "level<=12": true, "level<=11.9": false, "name>1": false, "tags[*].value>1": false, "tags[*]>6": true, "name>=1": false, "missing<1": false, "ratio<0.6": true, "ratio>=-1": true,
		"name level=12 !missing": true, "name missing": false, "  name   level ": true,
		`name="web-1"|x`: true, `name="web-1|x"`: false, `log="first|x"`: false, `log=*"line "*`: false, `log="*line *"`: true,
		"list[*]=two": true, "list[*]=three": false, "list[*]!=three": true, "list[*]!=two": false, "list[*]": true, "!list[*]": false, "nothing[*]": false, "!nothing[*]": true,
		"nothing[*]!=x": false, "tags[*].value=prod": true, "tags[*]>=7": true, "tags[*]<7": false, "reports.*.severity=low": true,
		"tags[key=team].value=db": true, `tags[key="team"].value!=db`: false, "tags[key=none].value": false,
		"header:X-Event=push": true, "query:team=db": true, "text:=whole*": true, "@host=web-2": true, "inner|json.id=7": true,
	} {
		c, err := ParseCondition(written)
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		if got := c.Holds(sc); got != want {
			t.Errorf("%s holds: %v, want %v", written, got, want)
		}
		if c.String() != written {
			t.Errorf("%s is written %s", written, c)
		}
		if found := c.Found(sc); (found == "") != want {
			t.Errorf("%s found %q", written, found)
		}
	}
}

func TestConditionSaysWhatItFound(t *testing.T) {
	c, err := ParseCondition("name level=13")
	if err != nil || c.Found(scope(t, body)) != `level is "12"` {
		t.Errorf("found %q, %v", c.Found(scope(t, body)), err)
	}
}

func TestConditionsThatAreNone(t *testing.T) {
	for _, written := range []string{"", "  ", "a..b", "a=", "a!=", "a>=x", "a<", "=x", "!", "a b..c", "header:=x", "!a=b", "!a>=1", "!!a", "a==x", "a!==x", "a=>1", "a<>x", "a>==1", "a=~x", "a>x", "a = x", "a =x", "a >= 1", "!=x"} {
		if c, err := ParseCondition(written); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, err %v", written, c, err)
		}
	}
	if _, err := ParseAny([]string{"a", ""}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a list with an empty one: %v", err)
	}
}

func TestWrongConditionsNameTheSigns(t *testing.T) {
	for written, want := range map[string]string{
		"phase==ALARM":      `the condition "phase==ALARM": expected a value after =, found "=ALARM". Known are path, !path, and path=value with one of the signs != >= <= = > < without white space around it`,
		"phase = ALARM":     `the condition "phase = ALARM": found no path before =. Known are`,
		"ok rank>=critical": `the condition "ok rank>=critical": expected a number after >=, found "critical". Known are`,
	} {
		if _, err := ParseCondition(written); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", written, err, want)
		}
	}
}

func TestDoubtfulConditions(t *testing.T) {
	for written, doubtful := range map[string]bool{
		"station.name=Old Harbour": true, "a=x b!=y c": true, "a!=x b=y !c d": false, "a=x b.c": true,
		"{state}=down": true, "a ~ b": true, "state~down": true, "a && b": true, `"a~b"=x`: false, "fields[title=a&b].value": false, "header:X-{a}": false,
		`station.name="Old Harbour"`: false, "b a=x": false, "a=x !b": false, "a>=1 b": false, "a b": false,
	} {
		c, err := ParseCondition(written)
		if err != nil || (c.Doubt() != "") != doubtful {
			t.Errorf("%s: %q, want a doubt: %t (%v)", written, c.Doubt(), doubtful, err)
		}
	}
}

func TestAnyHoldsIfOneDoes(t *testing.T) {
	sc := scope(t, body)
	for _, c := range []struct {
		written []string
		want    bool
	}{{nil, false}, {[]string{"missing", "name"}, true}, {[]string{"missing", "none"}, false}} {
		a, err := ParseAny(c.written)
		if err != nil || a.Holds(sc) != c.want {
			t.Errorf("%q holds: %v, %v", c.written, a.Holds(sc), err)
		}
	}
}

func TestWeightSaysHowMuchAConditionTells(t *testing.T) {
	for written, want := range map[string]int{"a": 1, "!a": 1, "a=*": 1, "a=x": 2, "a=x|y b": 3, "a !b !c": 1, "header:X": 3, "header:X=y": 4, "a>=1": 1} {
		c, err := ParseCondition(written)
		if err != nil || c.Weight() != want {
			t.Errorf("%s weighs %d, want %d (%v)", written, c.Weight(), want, err)
		}
	}
}

func TestTexts(t *testing.T) {
	sc := scope(t, body)
	for written, want := range map[string]string{
		"": "", "plain": "plain", "{name}": "web-1", "{name} is {level}": "web-1 is 12", "{name} is {missing}": "", "{blank}": "", "{{name}}": "{name}}", "{{{name}}": "{web-1}",
		"100 %": "100 %", "{@host}/{header:X-Event}": "web-2/push", "{tags[key=team].value}": "db", "{nothing}": "", "{nobody}": "", "{name}: {nothing}": "",
	} {
		text, err := ParseText(written)
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		if got := text.In(sc); got != want {
			t.Errorf("%s is %q, want %q", written, got, want)
		}
		if text.String() != written {
			t.Errorf("%s is written %s", written, text)
		}
	}
	for _, written := range []string{"{", "{name", "{}", "a {b..c}", "{name} {"} {
		if _, err := ParseText(written); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: err %v", written, err)
		}
	}
	if _, err := ParseTexts([]string{"a", "{"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a list with a bad one: %v", err)
	}
}

func TestListsOfTexts(t *testing.T) {
	texts, err := ParseTexts([]string{"{missing}", "{name}", "{level}", "{name}"})
	if err != nil {
		t.Fatal(err)
	}
	if got := texts.In(scope(t, body)); got != "web-1" {
		t.Errorf("the first is %q", got)
	}
	if got := texts.Lines(scope(t, body)); got != "web-1\n12" {
		t.Errorf("the lines are %q", got)
	}
	if got := texts[:1].In(scope(t, body)) + texts[:1].Lines(scope(t, body)); got != "" {
		t.Errorf("what cannot be said is %q", got)
	}
}

func TestKeysOfDifferentPartsDiffer(t *testing.T) {
	for _, written := range []string{"{a}/{b}", "{a}:{b}", "x-{a}-{b}", "{a}%{b}", "{a} {b}"} {
		key := func(a, b string) string {
			text, err := ParseText(written)
			if err != nil {
				t.Fatal(err)
			}
			return text.Key(scope(t, fmt.Sprintf(`{"a":%q,"b":%q}`, a, b)))
		}
		for _, c := range [][4]string{{"a/b", "c", "a", "b/c"}, {"a:b", "c", "a", "b:c"}, {"a-b", "c", "a", "b-c"}, {"a b", "c", "a", "b c"}, {"a%2fb", "c", "a/b", "c"}, {"a%3a", "b", "a:", "b"}} {
			if one, other := key(c[0], c[1]), key(c[2], c[3]); one == other {
				t.Errorf("%s of %q is %q twice", written, c, one)
			}
		}
	}
	text, err := ParseText("{a}")
	if err != nil || text.Key(scope(t, `{"a":"x/y:z"}`)) != "x/y:z" {
		t.Errorf("a key of one path is not its text: %v", err)
	}
}

func TestTextsFromOutsideAreCutForEachOfSeveral(t *testing.T) {
	sc := scope(t, `{"long":"`+strings.Repeat("ä", 100_000)+`","items":[{"own":"`+strings.Repeat("ä", 100_000)+`"}]}`)
	one := sc.Each(sc.Root.At("items.0"))
	for written, want := range map[string]int{"$.long": maxShared, "own": maxText} {
		p, err := ParsePath(written)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := p.Text(one); len(got) != want {
				t.Errorf("%s has %d bytes, want %d", written, len(got), want)
			}
		}
	}
}

func FuzzCondition(f *testing.F) {
	for _, written := range []string{"a", "!a", `a."b c"[*].d=x|"y z" level>=9 b<1`, "tags[key=team].value!=db", "a|json.b|line=*x*", "header:X=y", "reports.*.severity=High", "[*]=1", `a="`, "a[=]"} {
		f.Add(written, body)
	}
	f.Fuzz(func(t *testing.T, written, text string) {
		c, err := ParseCondition(written)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%q: %v", written, err)
			}
			return
		}
		root, _ := doc.JSON([]byte(text))
		sc := &Scope{Item: root, Root: root, Text: text}
		if c.Holds(sc) != c.Holds(sc.Each(root)) || c.Weight() < 1 {
			t.Fatalf("%q is undecided", written)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, written := range []string{"", "a {b}", "{{{a.b[*].c}}", "{a|json.x}/{labels:}", "{", "{@x}{text:}", "{a[k=v].b}"} {
		f.Add(written, body)
	}
	f.Fuzz(func(t *testing.T, written, text string) {
		parsed, err := ParseText(written)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%q: %v", written, err)
			}
			return
		}
		root, _ := doc.JSON([]byte(text))
		sc := &Scope{Item: root, Root: root, Text: text}
		if (parsed.In(sc) == "") != (parsed.Key(sc) == "") {
			t.Fatalf("%q is %q, its key %q", written, parsed.In(sc), parsed.Key(sc))
		}
	})
}

func FuzzPairs(f *testing.F) {
	for _, text := range []string{"Host: db-1\nState: x", "*Severity:*\nhigh", "<https://a|b>: c", "a = b", "：", "\xff: x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n := Pairs(text).Len(); n > maxPairs {
			t.Errorf("%q has %d fields", text, n)
		}
		if line := Line(text); strings.ContainsAny(line, "\n") {
			t.Errorf("%q begins with %q", text, line)
		}
	})
}

// TestFieldsDoNotAllocate: paths are followed in each of up to ten thousand
// alerts.
func TestFieldsDoNotAllocate(t *testing.T) {
	root, err := doc.JSON([]byte(`{"a":{"b":{"c":"x"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePath("a.b.c")
	if err != nil {
		t.Fatal(err)
	}
	sc := &Scope{Item: root, Root: root}
	if n := testing.AllocsPerRun(100, func() { p.Value(sc) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPlacesAreAllThatAPathMayMean(t *testing.T) {
	sc := scope(t, `{"a":1,"a":2,"l":[{"k":"x","v":3},{"k":"X","k":"y","v":4},{"v":5}],"l":[{"v":6,"v":7}],"o":{"b":{"v":8},"c":{"v":9}},"0":10}`)
	for written, want := range map[string]string{
		"a": "1 2", "$.a": "1 2", "l[*].v": "3 4 5 6 7", "l[k=x].v": "3 4", "l.0.v": "3 6 7", "o.*.v": "8 9", `"0"`: "10", "$": sc.Root.JSON(),
		"a.b": "", "l.v": "", "x": "", "header:a": "", "o|json.b": "",
	} {
		p, err := ParsePath(written)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for v := range p.Places(sc.Root) {
			got = append(got, v.JSON())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", written, got, want)
		}
	}
}

func TestWhatAPathIsCalled(t *testing.T) {
	for written, want := range map[string]string{"a.b": "b false", "$.a.0": "a false", "l[k=x].v": "v false", "a[*]": "a false", "a|json.b": "b true", "a|line": "a true", "a|pairs.b": "b true", "header:a": " false"} {
		p, err := ParsePath(written)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(p.Name(), " ", p.InText()); got != want {
			t.Errorf("%s: %s, want %s", written, got, want)
		}
	}
}
