package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/spf13/cobra"

	"tocsin/shared/actionlink"
	"tocsin/shared/apitoken"
	"tocsin/shared/catalog"
	"tocsin/shared/clock"
	"tocsin/shared/config"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/heartbeat"
	"tocsin/shared/incident"
	"tocsin/shared/integration"
	"tocsin/shared/outbox"
	"tocsin/shared/plan"
)

// verdict is what a check came to.
type verdict string

const (
	ok   verdict = "ok"
	warn verdict = "warn" // works, with a limit that will hurt
	fail verdict = "fail" // something does not work
)

// finding is one result of a check.
type finding struct {
	Verdict verdict `json:"verdict"`
	Check   string  `json:"check"`
	Found   string  `json:"found"`
	Do      string  `json:"do,omitempty"`
}

// check looks at one thing. An error means that it could not be looked at.
type check struct {
	name string
	run  func(context.Context, *account, time.Time) ([]finding, error)
}

// checks are in the order in which a page travels.
var checks = []check{
	{"stack", checkStack},
	{"concurrency", checkConcurrency},
	{"dead letters", checkDeadLetters},
	{"sweeper", checkSweeper},
	{"overdue", checkOverdue},
	{"mail", checkMail},
	{"sms", checkSMS},
	{"members", checkMembers},
	{"link keys", checkLinkKeys},
	{"integration keys", checkIntegrationKeys},
	{"tokens", checkTokens},
}

func (a *app) doctorCommand() *cobra.Command {
	var stack string
	c := &cobra.Command{
		Use: "doctor", Short: "Look for what fails silently in an AWS account", Args: cobra.NoArgs,
		Long: `Looks, with the usual AWS configuration, at the sandboxes and limits that new
accounts have, at dead letters, the last sweep, members whom no page reaches
and the age of keys. Each check prints ok, warn or fail, and what to do. It
changes nothing. The exit code is 1 when a check fails.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), stack) },
	}
	c.Flags().StringVar(&stack, "stack", defaultStack, "the stack's name")
	return c
}

func (a *app) doctor(ctx context.Context, stack string) error {
	account, err := openAccount(ctx, stack)
	if err != nil {
		return err
	}
	var findings []finding
	for _, c := range checks {
		a.progress("looking at %s", c.name)
		findings = append(findings, look(ctx, c, account, a.timeout)...)
	}
	a.progressEnd()
	if err := a.showFindings(findings); err != nil {
		return err
	}
	failed := 0
	for _, f := range findings {
		if f.Verdict == fail {
			failed++
		}
	}
	if failed > 0 {
		return told{fmt.Errorf("%d checks failed", failed)}
	}
	return nil
}

// look runs a check; that it could not be run is a warning of its own.
func look(ctx context.Context, c check, a *account, limit time.Duration) []finding {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	found, err := c.run(ctx, a, clock.Now())
	if err != nil {
		text := "could not be looked at: " + clean(err.Error())
		if e, known := errors.AsType[*fault.Error](err); known {
			text = "could not be looked at: " + clean(e.Text)
		}
		found = append(found, finding{warn, "", text, "allow these credentials to read it, or look yourself"})
	}
	for i := range found {
		found[i].Check = c.name
	}
	return found
}

func (a *app) showFindings(findings []finding) error {
	if a.output == "json" {
		text, err := json.Marshal(findings)
		if err != nil {
			return err
		}
		return a.showJSON(text)
	}
	t := newTable()
	for _, f := range findings {
		t.row(string(f.Verdict), f.Check, clean(f.Found))
		if f.Do != "" {
			t.row("", "", "→ "+f.Do)
		}
	}
	t.writeTo(a.stdout)
	return nil
}

// one is the answer of a check that found one thing.
func one(v verdict, do, format string, args ...any) ([]finding, error) {
	return []finding{{Verdict: v, Found: fmt.Sprintf(format, args...), Do: do}}, nil
}

func checkStack(_ context.Context, a *account, _ time.Time) ([]finding, error) {
	if s := string(a.status); !strings.HasSuffix(s, "_COMPLETE") || strings.Contains(s, "ROLLBACK") {
		return one(fail, "see the stack's events in CloudFormation and deploy again", "%s is %s", a.stack, s)
	}
	return one(ok, "", "%s is %s in %s", a.stack, a.status, a.cfg.Region)
}

// fewExecutions is below what a storm needs beside notifier and action; new
// accounts have 10.
const fewExecutions = 100

func checkConcurrency(ctx context.Context, a *account, _ time.Time) ([]finding, error) {
	out, err := lambda.NewFromConfig(a.cfg).GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil {
		return nil, awsFault(err, "Lambda account settings")
	}
	if out.AccountLimit == nil {
		return one(warn, "see Service Quotas", "Lambda does not tell its limit")
	}
	n := out.AccountLimit.ConcurrentExecutions
	if n < fewExecutions {
		return one(warn, "ask for more in Service Quotas: AWS Lambda, Concurrent executions (L-B99A9384)", "only %d Lambda executions at a time", n)
	}
	return one(ok, "", "%d Lambda executions at a time", n)
}

func checkDeadLetters(ctx context.Context, a *account, _ time.Time) ([]finding, error) {
	all, err := a.resources(ctx)
	if err != nil {
		return nil, err
	}
	client := sqs.NewFromConfig(a.cfg)
	var found []finding
	queues := 0
	for _, r := range all {
		if r.kind != "AWS::SQS::Queue" || !strings.Contains(r.logical, "DeadLetter") {
			continue
		}
		queues++
		n, err := waiting(ctx, client, r.physical)
		if err != nil {
			return found, err
		}
		if n > 0 {
			found = append(found, finding{
				Verdict: fail, Found: fmt.Sprintf("%s holds %d messages", r.logical, n),
				Do: "read why in the function's log, then: aws sqs start-message-move-task --source-arn <ARN of " + r.logical + ">",
			})
		}
	}
	switch {
	case queues == 0:
		return one(fail, "deploy the template as it is", "the stack has no dead-letter queue")
	case len(found) == 0:
		return one(ok, "", "%d queues, none holds a message", queues)
	}
	return found, nil
}

func waiting(ctx context.Context, client *sqs.Client, url string) (int, error) {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		return 0, awsFault(err, "queue "+url)
	}
	n, err := strconv.Atoi(out.Attributes[string(sqstypes.QueueAttributeNameApproximateNumberOfMessages)])
	if err != nil {
		return 0, fault.New(fault.Internal, "queue %s does not tell how much it holds", url)
	}
	return n, nil
}

// The sweeper runs each minute; its alarm rings after five without a run.
const (
	sweepsWithin = 5 * time.Minute
	sweepsRead   = 3 * time.Hour
)

func checkSweeper(ctx context.Context, a *account, _ time.Time) ([]finding, error) {
	at := time.Now() // metrics keep real time
	out, err := cloudwatch.NewFromConfig(a.cfg).GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("Tocsin/" + a.stack), MetricName: aws.String("Sweeps"),
		StartTime: aws.Time(at.Add(-sweepsRead)), EndTime: &at, Period: aws.Int32(60),
		Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
	})
	if err != nil {
		return nil, awsFault(err, "metric Sweeps")
	}
	var last time.Time
	for _, p := range out.Datapoints {
		if p.Timestamp != nil && p.Timestamp.After(last) && aws.ToFloat64(p.Sum) > 0 {
			last = *p.Timestamp
		}
	}
	switch {
	case last.IsZero():
		return one(fail, "see the schedule and the log of SweeperFunction", "no sweep within %s, as far as the metric Sweeps tells", plan.Duration(sweepsRead))
	case at.Sub(last) > sweepsWithin:
		return one(fail, "see the schedule and the log of SweeperFunction", "the last sweep was %s ago", plan.Duration(at.Sub(last)))
	}
	return one(ok, "", "the last sweep was %s ago", plan.Duration(at.Sub(last)))
}

// late is how long after its deadline a thing must have been done even where
// only the sweeper drives.
const late = 2 * time.Minute

func checkOverdue(ctx context.Context, a *account, at time.Time) ([]finding, error) {
	total, oldest := 0, ""
	for _, look := range []struct {
		table ddb.Table
		kind  string
	}{
		{a.table("EventsTable"), event.DueKind}, {a.table("EventsTable"), incident.DueKind}, {a.table("EventsTable"), heartbeat.OwedKind}, {a.table("LedgerTable"), outbox.DueKind},
	} {
		items, err := look.table.Due(ctx, look.kind, clock.Format(at.Add(-late)), 100)
		if err != nil {
			return nil, awsFault(rootCause(err), "index of deadlines")
		}
		total += len(items)
		for _, item := range items {
			if due := ddb.Text(item, ddb.DueAt); oldest == "" || due < oldest {
				oldest = due
			}
		}
	}
	if total > 0 {
		return one(fail, "see the logs of SweeperFunction and LifecycleFunction", "%d deadlines are overdue by more than %s, the oldest since %s", total, plan.Duration(late), oldest)
	}
	return one(ok, "", "no deadline is overdue")
}

func checkMail(ctx context.Context, a *account, _ time.Time) ([]finding, error) {
	client := sesv2.NewFromConfig(a.cfg)
	out, err := client.GetAccount(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return nil, awsFault(err, "SES account")
	}
	var found []finding
	switch {
	case !out.SendingEnabled:
		found = append(found, finding{Verdict: fail, Found: "SES does not send: it is paused", Do: "see Reputation metrics in SES and the mail that AWS sent"})
	case !out.ProductionAccessEnabled:
		found = append(found, finding{Verdict: warn, Found: "SES is in its sandbox: mail reaches verified addresses only", Do: "ask for production access in SES, Account dashboard; until then verify each member's address"})
	case out.SendQuota != nil:
		found = append(found, finding{Verdict: ok, Found: fmt.Sprintf("SES sends %.0f mails in 24 hours", out.SendQuota.Max24HourSend)})
	}
	sender := first(a.given["MailFrom"], a.given["AdminEmail"])
	if sender == "" {
		return found, nil
	}
	verified, err := isVerified(ctx, client, sender)
	if err != nil {
		return found, err
	}
	if !verified {
		return append(found, finding{Verdict: fail, Found: "SES has not verified the sender " + sender, Do: "verify the address or its domain in SES, Identities"}), nil
	}
	return append(found, finding{Verdict: ok, Found: "the sender " + sender + " is verified"}), nil
}

// isVerified looks for the address, then for its domain.
func isVerified(ctx context.Context, client *sesv2.Client, address string) (bool, error) {
	_, domain, _ := strings.Cut(address, "@")
	for _, identity := range []string{address, domain} {
		out, err := client.GetEmailIdentity(ctx, &sesv2.GetEmailIdentityInput{EmailIdentity: &identity})
		if err != nil {
			if err := awsFault(err, "SES identity "+identity); !fault.Is(err, fault.NotFound) {
				return false, err
			}
			continue
		}
		if out.VerifiedForSendingStatus {
			return true, nil
		}
	}
	return false, nil
}

func checkSMS(ctx context.Context, a *account, _ time.Time) ([]finding, error) {
	out, err := sns.NewFromConfig(a.cfg).GetSMSSandboxAccountStatus(ctx, &sns.GetSMSSandboxAccountStatusInput{})
	if err != nil {
		return nil, awsFault(err, "SMS sandbox")
	}
	if out.IsInSandbox {
		return one(warn, "ask to leave it in AWS End User Messaging, SMS, Account settings, before members get SMS contacts", "SMS is in its sandbox: it reaches verified numbers only")
	}
	return one(ok, "", "SMS is out of its sandbox")
}

func checkMembers(ctx context.Context, a *account, _ time.Time) ([]finding, error) {
	table := a.table("ConfigTable")
	versions := config.NewStore(table)
	v, err := versions.Current(ctx)
	if err != nil {
		return nil, awsFault(rootCause(err), "configuration")
	}
	cfg, err := versions.Load(ctx, v.Number)
	if err != nil {
		return nil, awsFault(rootCause(err), "configuration")
	}
	store, contacts := catalog.NewStore(table), map[string][]catalog.Contact{}
	for _, name := range paged(cfg) {
		if contacts[name], err = store.List(ctx, name); err != nil {
			return nil, awsFault(rootCause(err), "contacts")
		}
	}
	return foundOf(contacts), nil
}

// foundOf says which members that plans page cannot be reached, and whose
// contacts nobody has verified.
func foundOf(contacts map[string][]catalog.Contact) []finding {
	var without, doubtful, unused []string
	for _, name := range sorted(contacts) {
		var unverified []string
		for _, c := range contacts[name] {
			if !c.Verified {
				unverified = append(unverified, name+"/"+c.ID)
			}
		}
		switch {
		case len(contacts[name]) == 0:
			without = append(without, name)
		case len(unverified) == len(contacts[name]):
			doubtful = append(doubtful, unverified...)
		default:
			unused = append(unused, unverified...)
		}
	}
	const anew = "remove the contact and add it with --verified"
	var found []finding
	for _, f := range []struct {
		verdict  verdict
		text, do string
		who      []string
	}{
		{fail, "no contact", "tocsin contacts add MEMBER --channel email --address ... --verified", without},
		{warn, "no contact is verified, so pages go to these and nothing else does", "ask whether a test page arrives (tocsin test-page --to MEMBER), then " + anew, doubtful},
		{warn, "not verified, so nothing goes to", "make sure that it reaches them, then " + anew, unused},
	} {
		if len(f.who) > 0 {
			found = append(found, finding{Verdict: f.verdict, Found: f.text + ": " + strings.Join(f.who, ", "), Do: f.do})
		}
	}
	if found == nil {
		found = append(found, finding{Verdict: ok, Found: fmt.Sprintf("every one of the %d members that plans page has a verified contact, and no other", len(contacts))})
	}
	return found
}

// paged lists the members whom some plan or team may page, by name.
func paged(cfg *config.Config) []string {
	names := map[string]bool{}
	add := func(targets []plan.Target) {
		for _, t := range targets {
			for _, m := range cfg.MembersOf(t) {
				names[m] = true
			}
		}
	}
	for _, p := range cfg.Plans {
		for _, s := range p.Steps {
			add(s.Targets)
		}
		add(p.LastResort)
	}
	for name := range cfg.Teams {
		add([]plan.Target{{Team: name}})
	}
	return sorted(names)
}

// oldKey is the age at which a key should be rotated.
const oldKey = 90 * 24 * time.Hour

func checkLinkKeys(ctx context.Context, a *account, at time.Time) ([]finding, error) {
	name := a.outputs["LinkKeysParameter"]
	parameter := actionlink.Parameter{Client: ssm.NewFromConfig(a.cfg), Name: name}
	text, err := parameter.Load(ctx)
	if fault.Is(err, fault.NotFound) {
		return one(fail, "deploy again: SetupFunction makes it", "parameter %s does not exist, so pages carry no links", name)
	}
	if err != nil {
		return nil, awsFault(rootCause(err), "parameter "+name)
	}
	ring, err := actionlink.ParseRing(text)
	if err != nil {
		return one(fail, "restore the parameter from its history in SSM", "parameter %s holds no key ring", name)
	}
	for _, k := range ring.Info(at) {
		if !k.Signs {
			continue
		}
		if age := at.Sub(k.CreatedAt); age > oldKey {
			return one(warn, "rotate it", "the key of links is %d days old", days(age))
		}
		return one(ok, "", "the key of links is %d days old", days(at.Sub(k.CreatedAt)))
	}
	return one(fail, "rotate the ring", "no key of links signs")
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

// twoKeys is how long a sender may take to change over to a new key.
const twoKeys = 7 * 24 * time.Hour

func checkIntegrationKeys(ctx context.Context, a *account, at time.Time) ([]finding, error) {
	store := integration.Store{Table: a.table("ConfigTable")}
	all, err := store.List(ctx)
	if err != nil {
		return nil, awsFault(rootCause(err), "integrations")
	}
	var found []finding
	for _, in := range all {
		if len(in.KeyHashes) > 1 && at.Sub(in.UpdatedAt) > twoKeys {
			found = append(found, finding{Verdict: warn, Found: fmt.Sprintf("integration %s accepts two keys since %s", in.ID, in.UpdatedAt.Format(time.DateOnly)), Do: "tocsin integrations retire " + in.ID})
		}
	}
	switch {
	case len(all) == 0:
		return one(warn, "tocsin integrations create --name ... --source prometheus", "no monitoring system is connected")
	case len(found) == 0:
		return one(ok, "", "%d integrations", len(all))
	}
	return found, nil
}

// expiresSoon is when a token that ends is worth a warning.
const expiresSoon = 14 * 24 * time.Hour

func checkTokens(ctx context.Context, a *account, at time.Time) ([]finding, error) {
	all, err := apitoken.NewStore(a.table("ConfigTable"), nil, clock.Now).List(ctx)
	if err != nil {
		return nil, awsFault(rootCause(err), "tokens")
	}
	var found []finding
	valid := 0
	for _, t := range all {
		left := t.ExpiresAt.Sub(at)
		if left > 0 {
			valid++
		}
		switch {
		case left <= 0:
			found = append(found, finding{Verdict: warn, Found: "token " + t.Name + " has expired", Do: "tocsin tokens revoke " + t.Name})
		case left < expiresSoon:
			found = append(found, finding{Verdict: warn, Found: fmt.Sprintf("token %s expires in %d days", t.Name, days(left)), Do: "tocsin tokens create a new one and revoke this"})
		}
	}
	switch {
	case valid == 0:
		return one(warn, "tocsin bootstrap", "there is no valid token")
	case len(found) == 0:
		return one(ok, "", "%d valid tokens", valid)
	}
	return found, nil
}
