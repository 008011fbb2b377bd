package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go/encoding/cbor"

	"tocsin/local/ministack"
	"tocsin/shared/actionlink"
	"tocsin/shared/catalog"
	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
)

// emulate starts an emulator with the stack of testdata/stack.yaml in it, and
// points the environment there.
func emulate(t *testing.T, stack string) *account {
	t.Helper()
	server, err := ministack.Start(t.Context(), ministack.Config{Dir: t.TempDir()})
	if missing, ok := errors.AsType[*ministack.PythonError](err); ok && os.Getenv("CI") != "true" {
		t.Skipf("not run on ministack: %v", missing)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("stop ministack: %v", err)
		}
	})
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.Endpoint, "AWS_REGION": ministack.Region, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	text, err := os.ReadFile("testdata/stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := awsConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	forms := cloudformation.NewFromConfig(cfg)
	if _, err := forms.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &stack, TemplateBody: aws.String(string(text))}); err != nil {
		t.Fatal(err)
	}
	ready := cloudformation.NewStackCreateCompleteWaiter(forms, func(o *cloudformation.StackCreateCompleteWaiterOptions) { o.MinDelay = 100 * time.Millisecond })
	if err := ready.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack}, time.Minute); err != nil {
		t.Fatal(err)
	}
	a, err := openAccount(t.Context(), stack)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// findings runs doctor and returns the worst verdict of each check.
func findings(t *testing.T, s *shell, code int) map[string]verdict {
	t.Helper()
	p := s.run("doctor", "--stack", "tocsin-test", "-o", "json")
	var all []finding
	if err := json.Unmarshal([]byte(p.out), &all); err != nil || p.code != code {
		t.Fatalf("exit code %d, want %d (%v)\n%s%s", p.code, code, err, p.out, p.err)
	}
	worst := map[string]verdict{}
	for _, f := range all {
		if f.Verdict != ok && f.Do == "" {
			t.Errorf("%s says not what to do: %s", f.Check, f.Found)
		}
		if v := worst[f.Check]; v == "" || v == ok || f.Verdict == fail {
			worst[f.Check] = f.Verdict
		}
	}
	t.Log(s.run("doctor", "--stack", "tocsin-test").out)
	return worst
}

func TestAnAccountIsBootstrappedLookedAtAndLeft(t *testing.T) {
	a := emulate(t, "tocsin-test")
	s := &shell{t: t, home: t.TempDir(), env: map[string]string{}}
	s.want(3, "doctor", "--stack", "nothing")
	s.want(3, "bootstrap", "--stack", "nothing")

	sick(t, a)
	found := findings(t, s, 1)
	for check, want := range map[string]verdict{
		"stack": ok, "concurrency": ok, "dead letters": fail, "overdue": fail, "mail": fail, "members": fail,
		"link keys": fail, "integration keys": warn, "tokens": warn,
	} {
		if got := found[check]; got != want {
			t.Errorf("sick: %s is %s, want %s", check, got, want)
		}
	}

	cure(t, a)
	made := s.want(0, "bootstrap", "--stack", "tocsin-test")
	if !strings.Contains(made.out, "export TOCSIN_URL=https://tocsin.example.com\nexport TOCSIN_TOKEN=tt_") {
		t.Errorf("bootstrap printed %q", made.out)
	}
	s.want(4, "bootstrap", "--stack", "tocsin-test")
	s.want(0, "bootstrap", "--table", a.outputs["ConfigTable"], "--name", "second", "-o", "json")
	s.want(2, "bootstrap", "--expires-in", "soon")
	found = findings(t, s, 0)
	for _, check := range []string{"stack", "dead letters", "overdue", "mail", "members", "link keys", "tokens"} {
		if found[check] != ok {
			t.Errorf("cured: %s is %s", check, found[check])
		}
	}

	told := s.want(0, "uninstall", "--stack", "tocsin-test")
	for _, text := range []string{a.outputs["EventsTable"], a.outputs["ConfigTable"], a.outputs["LedgerTable"], a.outputs["DeliveriesBucket"], "/tocsin/tocsin-test/link-keys", "Nothing was changed"} {
		if !strings.Contains(told.out, text) {
			t.Errorf("no %q in\n%s", text, told.out)
		}
	}
	t.Log(told.out)
	s.want(0, "uninstall", "--stack", "tocsin-test", "--yes", "--wait", "1m")
	s.want(3, "uninstall", "--stack", "tocsin-test")
	if _, err := a.table("ConfigTable").DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(a.outputs["ConfigTable"])}); err != nil {
		t.Errorf("the table went with the stack: %v", err)
	}
}

func TestContactsThatNobodyVerified(t *testing.T) {
	contact := func(id string, verified bool) catalog.Contact { return catalog.Contact{ID: id, Verified: verified} }
	for want, contacts := range map[string]map[string][]catalog.Contact{
		"ok: every one of the 2 members":                                 {"ann": {contact("email", true)}, "bob": {contact("email", true)}},
		"fail: no contact: ann":                                          {"ann": nil, "bob": {contact("email", true)}},
		"warn: no contact is verified, so pages go to these and nothing": {"ann": {contact("email", false), contact("ntfy", false)}},
		"warn: not verified, so nothing goes to: ann/ntfy":               {"ann": {contact("email", true), contact("ntfy", false)}},
		"fail: no contact: cy; warn: no contact is verified, so pages go to these and nothing else does: bob/email; warn: not verified, so nothing goes to: ann/ntfy": {
			"ann": {contact("email", true), contact("ntfy", false)}, "bob": {contact("email", false)}, "cy": nil},
	} {
		var lines []string
		for _, f := range foundOf(contacts) {
			lines = append(lines, string(f.Verdict)+": "+f.Found)
		}
		if got := strings.Join(lines, "; "); !strings.HasPrefix(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// sick gives the account what doctor must find.
func sick(t *testing.T, a *account) {
	t.Helper()
	if _, err := sqs.NewFromConfig(a.cfg).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: deadLetters(t, a), MessageBody: aws.String("lost")}); err != nil {
		t.Fatal(err)
	}
	overdue := ddb.Key("EVENT#E-1", "EVENT")
	overdue[ddb.DueShard], overdue[ddb.DueAt] = ddb.S(ddb.Shard(event.DueKind, "E-1")), ddb.S(clock.Format(clock.Now().Add(-time.Hour)))
	table := a.table("EventsTable")
	if _, err := table.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.Name, Item: overdue}); err != nil {
		t.Fatal(err)
	}
}

func deadLetters(t *testing.T, a *account) *string {
	t.Helper()
	all, err := a.resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if r.logical == "AlertsDeadLetterQueue" {
			return &r.physical
		}
	}
	t.Fatal("no dead-letter queue")
	return nil
}

// cure does what doctor said.
func cure(t *testing.T, a *account) {
	t.Helper()
	ctx := t.Context()
	if _, err := sqs.NewFromConfig(a.cfg).PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: deadLetters(t, a)}); err != nil {
		t.Fatal(err)
	}
	table := a.table("EventsTable")
	if _, err := table.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &table.Name, Key: ddb.Key("EVENT#E-1", "EVENT")}); err != nil {
		t.Fatal(err)
	}
	contact := catalog.Contact{ID: "email", Member: "administrator", Channel: catalog.Email, Address: "admin@example.com", Verified: true}
	if err := catalog.NewStore(a.table("ConfigTable")).Put(ctx, contact); err != nil {
		t.Fatal(err)
	}
	ring, err := actionlink.NewRing(clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	parameter := actionlink.Parameter{Client: ssm.NewFromConfig(a.cfg), Name: a.outputs["LinkKeysParameter"]}
	if _, err := parameter.Create(ctx, ring); err != nil {
		t.Fatal(err)
	}
	verifyMail(ctx, t, a)
}

func verifyMail(ctx context.Context, t *testing.T, a *account) {
	t.Helper()
	if _, err := sesv2.NewFromConfig(a.cfg).CreateEmailIdentity(ctx, &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String("admin@example.com")}); err != nil {
		t.Fatal(err)
	}
}

// answering stands for one AWS service that always gives the same answer.
func answering(t *testing.T, media string, body []byte) *account {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", media)
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	credentials := func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	}
	return &account{stack: "tocsin", cfg: aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.CredentialsProviderFunc(credentials),
	}}
}

// The emulator has neither metrics in the SDK's protocol nor an SMS sandbox.
func TestChecksOfWhatTheEmulatorLacks(t *testing.T) {
	sweep := func(age time.Duration) []byte {
		at := &cbor.Tag{ID: 1, Value: cbor.Float64(time.Now().Add(-age).Unix())}
		return cbor.Encode(cbor.Map{"Datapoints": cbor.List{cbor.Map{"Timestamp": at, "Sum": cbor.Float64(1)}}})
	}
	sandbox := func(in string) []byte {
		return []byte("<R><GetSMSSandboxAccountStatusResult><IsInSandbox>" + in + "</IsInSandbox></GetSMSSandboxAccountStatusResult></R>")
	}
	for _, c := range []struct {
		name, media string
		body        []byte
		run         func(context.Context, *account, time.Time) ([]finding, error)
		want        verdict
	}{
		{"swept just now", "application/cbor", sweep(time.Minute), checkSweeper, ok},
		{"swept an hour ago", "application/cbor", sweep(time.Hour), checkSweeper, fail},
		{"never swept", "application/cbor", cbor.Encode(cbor.Map{}), checkSweeper, fail},
		{"SMS in its sandbox", "text/xml", sandbox("true"), checkSMS, warn},
		{"SMS out of its sandbox", "text/xml", sandbox("false"), checkSMS, ok},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := c.run(t.Context(), answering(t, c.media, c.body), time.Now())
			if err != nil || len(found) != 1 || found[0].Verdict != c.want {
				t.Errorf("found %+v, err %v; want %s", found, err, c.want)
			}
		})
	}
}
