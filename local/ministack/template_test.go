package ministack

import (
	"encoding/json"
	"errors"
	"testing"
)

const sample = `
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Timeout: 30
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: 180}
  Plain:
    Type: AWS::SQS::Queue
  Reader:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .build/arm64/reader
      Architectures: [arm64]
      Events:
        Messages: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn}}
  Sweeper:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .build/arm64/sweeper
      Timeout: 60
      Events:
        Minutely: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 minute)}}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: statemachines/one.asl.json
`

func parse(t *testing.T, text string) Template {
	t.Helper()
	template, err := ParseTemplate([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestShortFormsAreWrittenOut(t *testing.T) {
	for text, want := range map[string]string{
		"a: !Ref B":                           `{"a":{"Ref":"B"}}`,
		"a: !GetAtt B.C.D":                    `{"a":{"Fn::GetAtt":["B","C.D"]}}`,
		"a: !GetAtt [B, C]":                   `{"a":{"Fn::GetAtt":["B","C"]}}`,
		"a: !Sub \"${B}/x\"":                  `{"a":{"Fn::Sub":"${B}/x"}}`,
		"a: !Sub |\n  one\n  two\n":           `{"a":{"Fn::Sub":"one\ntwo\n"}}`,
		"a: !Join [\"-\", [!Ref B, c]]":       `{"a":{"Fn::Join":["-",[{"Ref":"B"},"c"]]}}`,
		"a: !If [Prod, 1, !Ref AWS::NoValue]": `{"a":{"Fn::If":["Prod",1,{"Ref":"AWS::NoValue"}]}}`,
		"a: !Not [!Condition B]":              `{"a":{"Fn::Not":[{"Condition":"B"}]}}`,
		"Version: 2012-10-17":                 `{"Version":"2012-10-17"}`,
		"a: {}":                               `{"a":{}}`,
		"a: []\nb: true\nc: 1.5\nd:":          `{"a":[],"b":true,"c":1.5,"d":null}`,
		`{"a": {"Ref": "B"}}`:                 `{"a":{"Ref":"B"}}`,
	} {
		t.Run(text, func(t *testing.T) {
			if got := encoded(t, parse(t, text)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestTemplatesThatAreRefused(t *testing.T) {
	for name, text := range map[string]string{"list": "- a", "alias": "a: &x 1\nb: *x", "broken": "a: [", "two documents": "a: 1\n---\nb: 2"} {
		t.Run(name, func(t *testing.T) {
			if got, err := ParseTemplate([]byte(text)); err == nil {
				t.Errorf("got %v", got)
			}
		})
	}
}

func changes() Changes {
	place := func(uri string) (Object, error) { return Object{"b", uri}, nil }
	return Changes{Code: place, Definition: place, Architecture: "x86_64", ConsumerTimeout: 5, Visibility: 6, NoSchedules: true}
}

func TestApply(t *testing.T) {
	template := parse(t, sample)
	if err := template.Apply(changes()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Queue": `{"VisibilityTimeout":6}`,
		"Plain": `{"VisibilityTimeout":6}`,
		"Reader": `{"Architectures":["x86_64"],"CodeUri":{"Bucket":"b","Key":".build/arm64/reader"},` +
			`"Events":{"Messages":{"Properties":{"Queue":{"Fn::GetAtt":["Queue","Arn"]}},"Type":"SQS"}},"Timeout":5}`,
		"Sweeper": `{"Architectures":["x86_64"],"CodeUri":{"Bucket":"b","Key":".build/arm64/sweeper"},` +
			`"Events":{"Minutely":{"Properties":{"ScheduleExpression":"rate(1 minute)","State":"DISABLED"},"Type":"ScheduleV2"}},"Timeout":60}`,
		"Machine": `{"DefinitionUri":{"Bucket":"b","Key":"statemachines/one.asl.json"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			properties := template["Resources"].(map[string]any)[name].(map[string]any)["Properties"]
			if got := encoded(t, properties); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestApplyNamesFunctionWithoutCode(t *testing.T) {
	c := changes()
	missing := errors.New("not built")
	c.Code = func(string) (Object, error) { return Object{}, missing }
	if err := parse(t, sample).Apply(c); !errors.Is(err, missing) {
		t.Errorf("got %v", err)
	}
}

func FuzzParseTemplate(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("a: !Sub [x, {y: !Ref z}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		template, err := ParseTemplate(text)
		if (template == nil) == (err == nil) {
			t.Errorf("template %v with error %v", template, err)
		}
	})
}
