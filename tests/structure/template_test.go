package structure

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryFolderIsAFunction(t *testing.T) {
	var deployed []string
	for _, f := range readStack(t).functions() {
		deployed = append(deployed, f.name)
	}
	slices.Sort(deployed)
	if folders := functionNames(t); !slices.Equal(deployed, folders) {
		t.Errorf("the template deploys %q,\nfunctions has the folders %q", deployed, folders)
	}
}

func TestFunction(t *testing.T) {
	s := readStack(t)
	groups := s.of("AWS::Logs::LogGroup")
	owner := map[string]string{}
	for _, f := range s.functions() {
		t.Run(f.id, func(t *testing.T) {
			if f.properties.text("Description") == "" {
				t.Error("the function has no description")
			}
			if !strings.HasPrefix(f.properties.text("CodeUri"), built) {
				t.Errorf("CodeUri %q is not below %s", f.properties.text("CodeUri"), built)
			}
			if s.object.at("Resources", f.id, "Metadata", "SkipBuild") != true {
				t.Error("SAM would build the function again: Metadata has no SkipBuild")
			}
			if f.properties.at("ReservedConcurrentExecutions") != nil {
				t.Error("the function reserves concurrency, which a new account does not have (DESIGN §13)")
			}
			group := refers(f.properties.at("LoggingConfig", "LogGroup"))
			switch {
			case groups[group] == nil:
				t.Error("the function has no log group in the template")
			case owner[group] != "" && owner[group] != refers(f.properties.at("Role")):
				t.Error("the function shares its log group with one that does not share its role")
			}
			owner[group] = cmp.Or(refers(f.properties.at("Role")), f.id)
			if f.properties.text("LoggingConfig", "LogFormat") != "JSON" {
				t.Error("the function's logs are not JSON")
			}
			if f.properties.at("Policies") == nil && f.properties.at("Role") == nil {
				t.Error("the function has neither policies nor a role")
			}
		})
	}
	for name, g := range groups {
		if g.at("Properties", "RetentionInDays") == nil {
			t.Errorf("log group %s is kept for ever", name)
		}
	}
}

// TestTracingIsOff: traces hold paths, and those of /in and /a hold secrets.
func TestTracingIsOff(t *testing.T) {
	text := string(read(t, "template.yaml"))
	for _, word := range []string{"Tracing:", "TracingConfiguration:", "TracingConfig:", "TracingEnabled:"} {
		if strings.Contains(text, word) {
			t.Errorf("the template says %s", word)
		}
	}
}

func TestAccessLogHoldsNoPath(t *testing.T) {
	for name, api := range readStack(t).of("AWS::Serverless::HttpApi") {
		format := api.text("Properties", "AccessLogSettings", "Format")
		if format == "" || strings.Contains(format, "$context.path") || strings.Contains(format, "requestPath") || strings.Contains(format, "rawPath") {
			t.Errorf("the access log of %s holds %q; it must hold the route, never the path", name, format)
		}
	}
}

func TestParameterIsDescribed(t *testing.T) {
	s := readStack(t)
	parameters := s.object.object("Parameters")
	text := string(read(t, "template.yaml"))
	for _, name := range names(parameters) {
		p := parameters.object(name)
		if p.text("Description") == "" {
			t.Errorf("parameter %s has no description", name)
		}
		if p.at("Default") == nil && name != "AdminEmail" {
			t.Errorf("parameter %s has no default; only the administrator's address must be given", name)
		}
		if n := strings.Count(text, name); n < 2 {
			t.Errorf("parameter %s is not used", name)
		}
	}
}

// unrecovered are tables without point-in-time recovery: template.yaml says why.
var unrecovered = map[string]bool{"LedgerTable": true}

func recoverable(table object) bool {
	return table.at("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") == true
}

func TestTableIsKept(t *testing.T) {
	s := readStack(t)
	for name, table := range s.of("AWS::DynamoDB::Table") {
		p := table.object("Properties")
		for what, right := range map[string]bool{
			"is not retained with the stack": table.text("DeletionPolicy") == "Retain",
			"is not retained by an update":   table.text("UpdateReplacePolicy") == "Retain",
			"has no point-in-time recovery":  recoverable(p) != unrecovered[name],
			"has no time to live":            p.at("TimeToLiveSpecification", "Enabled") == true && p.text("TimeToLiveSpecification", "AttributeName") == "expire_at",
			"is not encrypted":               p.at("SSESpecification", "SSEEnabled") == true,
			"has a fixed name":               p.at("TableName") == nil,
			"is not billed per request":      p.text("BillingMode") == "PAY_PER_REQUEST",
		} {
			if !right {
				t.Errorf("table %s %s", name, what)
			}
		}
	}
	for name, b := range s.of("AWS::S3::Bucket") {
		if b.text("DeletionPolicy") != "Retain" || b.text("UpdateReplacePolicy") != "Retain" {
			t.Errorf("bucket %s is not retained", name)
		}
	}
}

// TestQueue: queue, dead-letter queue and alarm stand one after the other, and
// what a function cannot finish comes back after it ended.
func TestQueue(t *testing.T) {
	s := readStack(t)
	queues := s.of("AWS::SQS::Queue")
	dead := map[string]bool{}
	for _, q := range queues {
		dead[refers(q.at("Properties", "RedrivePolicy", "deadLetterTargetArn"))] = true
	}
	for _, f := range s.functions() {
		dead[f.onFailure()] = true
	}
	for _, f := range s.functions() { // invoked without anybody who waits for the answer
		target := refers(f.properties.at("DeadLetterQueue", "TargetArn"))
		if dead[target] = true; target != "" && alarmOf(s, target) == "" {
			t.Errorf("no alarm that tells somebody watches %s", target)
		}
	}
	order := resourceOrder(t)
	for _, name := range names(queues) {
		t.Run(name, func(t *testing.T) {
			p := queues[name].object("Properties")
			if p.at("SqsManagedSseEnabled") != true {
				t.Error("the queue is not encrypted")
			}
			if p.number("MessageRetentionPeriod") != 1209600 {
				t.Error("the queue keeps messages for less than 14 days")
			}
			if dead[name] {
				return
			}
			target := refers(p.at("RedrivePolicy", "deadLetterTargetArn"))
			if queues[target] == nil || p.number("RedrivePolicy", "maxReceiveCount") < 2 {
				t.Fatal("the queue has no dead-letter queue with a maxReceiveCount of 2 or more")
			}
			alarm := alarmOf(s, target)
			if alarm == "" {
				t.Fatalf("no alarm that tells somebody watches %s", target)
			}
			if i := slices.Index(order, name); !slices.Equal(order[i:i+3], []string{name, target, alarm}) {
				t.Errorf("%s, %s and %s do not stand together", name, target, alarm)
			}
			readers := 0
			for _, f := range s.functions() {
				if slices.Contains(f.queues(), name) {
					readers++
					if v := p.number("VisibilityTimeout"); v < 6*f.timeout() {
						t.Errorf("the visibility timeout of %v s is below six times the %v s of %s", v, f.timeout(), f.id)
					}
				}
			}
			if readers != 1 {
				t.Errorf("%d functions read the queue", readers)
			}
		})
	}
}

// alarmOf is the alarm that watches the messages visible in a queue.
func alarmOf(s stack, queue string) string {
	alarms := s.of("AWS::CloudWatch::Alarm")
	for _, name := range names(alarms) {
		p := alarms[name].object("Properties")
		for _, v := range p.list("Dimensions") {
			d := object(v.(map[string]any))
			if p.text("MetricName") == "ApproximateNumberOfMessagesVisible" && d.text("Name") == "QueueName" &&
				refers(d.at("Value")) == queue && p.at("AlarmActions") != nil {
				return name
			}
		}
	}
	return ""
}

// resourceOrder lists the resources as they stand in the file.
func resourceOrder(t *testing.T) (order []string) {
	t.Helper()
	_, text, _ := strings.Cut(string(read(t, "template.yaml")), "\nResources:\n")
	for _, m := range regexp.MustCompile(`(?m)^  (\w+):$`).FindAllStringSubmatch(text, -1) {
		order = append(order, m[1])
	}
	return append(order, "", "")
}

// watched are the metrics of ours behind which a person must look at once.
var watched = []string{"Accepted", "Disposed", "EventsDead", "PagesFailed", "Sweeps"}

// TestMetricsThatNeedAPersonHaveAnAlarm: an alarm names a metric that code
// writes, and each that needs a person is named.
func TestMetricsThatNeedAPersonHaveAnAlarm(t *testing.T) {
	var named []string
	for _, a := range readStack(t).of("AWS::CloudWatch::Alarm") {
		text, err := json.Marshal(a.object("Properties"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "Tocsin/${AWS::StackName}") {
			for _, m := range regexp.MustCompile(`"MetricName":"(\w+)"`).FindAllStringSubmatch(string(text), -1) {
				named = append(named, m[1])
			}
		}
	}
	slices.Sort(named)
	if !slices.Equal(named, watched) {
		t.Errorf("alarms watch %q, want %q", named, watched)
	}
	var written strings.Builder
	for _, f := range files(t) {
		if !f.test && (f.below("functions") || f.below("shared")) {
			written.Write(read(t, path.Join(f.folder, f.name)))
		}
	}
	for _, m := range named {
		if !strings.Contains(written.String(), `.Add("`+m+`"`) {
			t.Errorf("an alarm watches %s, which nothing writes", m)
		}
	}
}

func TestAlarmTellsSomebody(t *testing.T) {
	for name, a := range readStack(t).of("AWS::CloudWatch::Alarm") {
		if a.text("Properties", "AlarmDescription") == "" || a.at("Properties", "AlarmActions") == nil {
			t.Errorf("alarm %s has no description or tells nobody", name)
		}
	}
}

func TestEventSource(t *testing.T) {
	for _, f := range readStack(t).functions() {
		events := f.properties.object("Events")
		for name := range events {
			e := events.object(name)
			p := e.object("Properties")
			if e.text("Type") != "SQS" {
				continue
			}
			if !slices.Contains(p.words("FunctionResponseTypes"), "ReportBatchItemFailures") {
				t.Errorf("%s.%s fails whole batches: ReportBatchItemFailures is missing", f.id, name)
			}
			if p.number("ScalingConfig", "MaximumConcurrency") < 2 {
				t.Errorf("%s.%s has no MaximumConcurrency: a storm would leave nothing for the others", f.id, name)
			}
		}
	}
}

// statement is one statement of a policy.
type statement struct {
	of string // the resource whose role it is in
	object
}

// statements are those of every role in the template.
func statements(t *testing.T, s stack) (all []statement) {
	t.Helper()
	add := func(of string, document object) {
		for _, v := range document.list("Statement") {
			all = append(all, statement{of, object(v.(map[string]any))})
		}
	}
	for _, kind := range []string{lambdaFunction, "AWS::Serverless::StateMachine"} {
		for of, r := range s.of(kind) {
			for _, v := range r.list("Properties", "Policies") {
				document, ok := v.(map[string]any)
				if !ok {
					t.Errorf("%s has the policy %v, which is not spelled out", of, v)
					continue
				}
				add(of, document)
			}
		}
	}
	for of, r := range s.of("AWS::IAM::Role") {
		if r.at("Properties", "ManagedPolicyArns") != nil {
			t.Errorf("%s has managed policies, which are not spelled out", of)
		}
		for _, v := range r.list("Properties", "Policies") {
			add(of, object(v.(map[string]any)).object("PolicyDocument"))
		}
	}
	return all
}

// openEnded are ends of resources with a wildcard: names that are not known
// when the stack is made. Each says of what they are.
var openEnded = map[string]string{
	"${DeliveriesBucket.Arn}/deliveries/*":               "a delivery has a name of its own",
	"${DeliveriesBucket.Arn}/mail/*":                     "a mail has a name of its own",
	":parameter/tocsin/${AWS::StackName}/integrations/*": "integrations come and go",
	":stateMachine:${AWS::StackName}-*":                  "a token does not say whose it is: an event's or an incident's",
	":execution:${AWS::StackName}-*:*":                   "an execution has a name of its own",
	":identity/*":                                        "the sender may be verified by address or by domain",
}

func TestPermissionsNameWhatTheyAllow(t *testing.T) {
	s := readStack(t)
	for _, p := range statements(t, s) {
		if p.text("Effect") != "Allow" {
			continue
		}
		if p.at("NotAction") != nil || p.at("NotResource") != nil {
			t.Errorf("%s allows all but something", p.of)
		}
		for _, a := range p.words("Action") {
			if strings.Contains(a, "*") {
				t.Errorf("%s allows %s; name the actions", p.of, a)
			}
		}
		for _, v := range p.list("Resource") {
			if text := resourceText(v); strings.Contains(text, "*") && !isOpenEnded(text) {
				t.Errorf("%s allows %s on %s; name the resource, or say in openEnded why it cannot be named", p.of, p.words("Action"), text)
			}
		}
	}
}

func isOpenEnded(resource string) bool {
	for end := range openEnded {
		if strings.HasSuffix(resource, end) {
			return true
		}
	}
	return false
}

// resourceText writes a resource of a statement as one line.
func resourceText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	m, _ := v.(map[string]any)
	if text, ok := m["Fn::Sub"].(string); ok {
		return text
	}
	if name := refers(v); name != "" {
		return "${" + name + ".Arn}"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

func TestNoFixedNames(t *testing.T) {
	s := readStack(t)
	for kind, property := range map[string]string{
		"AWS::SQS::Queue": "QueueName", "AWS::SNS::Topic": "TopicName", "AWS::S3::Bucket": "BucketName", lambdaFunction: "FunctionName",
		"AWS::Logs::LogGroup": "LogGroupName", "AWS::IAM::Role": "RoleName", "AWS::CloudWatch::Alarm": "AlarmName",
	} {
		for name, r := range s.of(kind) {
			if r.at("Properties", property) != nil {
				t.Errorf("%s has a fixed name: a second stack would fail", name)
			}
		}
	}
}
