package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"tocsin/shared/apitoken"
	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
	"tocsin/shared/ops"
	"tocsin/shared/plan"
)

// defaultStack is the stack that samconfig.toml deploys as prod.
const defaultStack = "tocsin"

// account is an AWS account as the caller's credentials show it.
type account struct {
	cfg     aws.Config
	forms   *cloudformation.Client
	stack   string
	outputs map[string]string // of the stack
	given   map[string]string // its parameters
	status  types.StackStatus
}

// awsConfig is the caller's usual AWS configuration: profile, region and
// AWS_ENDPOINT_URL as every AWS program reads them.
func awsConfig(ctx context.Context) (aws.Config, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return aws.Config{}, fault.Wrap(fault.Unauthenticated, err, "the AWS configuration cannot be read: %v", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, usagef("no AWS region: set AWS_REGION, or region in the AWS profile")
	}
	return cfg, nil
}

// openAccount reads what the stack says of itself. fault.NotFound: there is no
// such stack in the account and region.
func openAccount(ctx context.Context, stack string) (*account, error) {
	cfg, err := awsConfig(ctx)
	if err != nil {
		return nil, err
	}
	a := &account{cfg: cfg, forms: cloudformation.NewFromConfig(cfg), stack: stack, outputs: map[string]string{}, given: map[string]string{}}
	out, err := a.forms.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		if api, ok := errors.AsType[smithy.APIError](err); ok && strings.Contains(api.ErrorMessage(), "does not exist") {
			return nil, fault.New(fault.NotFound, "there is no stack %s in %s", stack, cfg.Region)
		}
		return nil, awsFault(err, "stack "+stack)
	}
	for _, s := range out.Stacks {
		a.status = s.StackStatus
		for _, o := range s.Outputs {
			a.outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
		}
		for _, p := range s.Parameters {
			a.given[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
		}
	}
	return a, nil
}

// awsFault sorts an error of a call to AWS; its text is the service's own.
func awsFault(err error, what string) error {
	if _, unread := errors.AsType[*smithy.DeserializationError](err); unread {
		return fault.New(fault.Unavailable, "%s: the answer cannot be read", what)
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fault.New(fault.Unavailable, "%s: AWS cannot be reached, or there are no credentials: %v", what, rootCause(err))
	}
	kind := fault.Internal
	switch code := api.ErrorCode(); {
	case strings.Contains(code, "AccessDenied"), strings.Contains(code, "UnrecognizedClient"), strings.Contains(code, "Expired"), strings.Contains(code, "InvalidClientToken"):
		kind = fault.Forbidden
	case strings.Contains(code, "NotFound"):
		kind = fault.NotFound
	case strings.Contains(code, "Throttl"), strings.Contains(code, "Unavailable"):
		kind = fault.Unavailable
	}
	return fault.New(kind, "%s: %s: %s", what, api.ErrorCode(), api.ErrorMessage())
}

func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// resource is one resource of the stack.
type resource struct{ logical, physical, kind string }

// resources lists what the stack is made of.
func (a *account) resources(ctx context.Context) ([]resource, error) {
	var all []resource
	pages := cloudformation.NewListStackResourcesPaginator(a.forms, &cloudformation.ListStackResourcesInput{StackName: &a.stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsFault(err, "resources of stack "+a.stack)
		}
		for _, r := range page.StackResourceSummaries {
			all = append(all, resource{aws.ToString(r.LogicalResourceId), aws.ToString(r.PhysicalResourceId), aws.ToString(r.ResourceType)})
		}
	}
	return all, nil
}

// table returns a table of the stack by its output.
func (a *account) table(output string) ddb.Table {
	return ddb.Table{Client: dynamodb.NewFromConfig(a.cfg), Name: a.outputs[output]}
}

func (a *app) bootstrapCommand() *cobra.Command {
	var stack, table, name, member, lives string
	c := &cobra.Command{
		Use: "bootstrap", Short: "Make the first token, with AWS credentials instead of one", Args: cobra.NoArgs,
		Long: `Writes a token with the scope admin into the stack's table of the configuration
and prints it; it is shown only this once. Whoever may write that table may do
this; the audit log holds it. Uses the usual AWS configuration.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			life, err := plan.ParseDuration(lives)
			if err != nil {
				return usageError{err}
			}
			return a.bootstrap(cmd.Context(), stack, table, apitoken.Token{Name: name, Member: member}, time.Duration(life))
		},
	}
	c.Flags().StringVar(&stack, "stack", defaultStack, "the stack's name")
	c.Flags().StringVar(&table, "table", "", "name of the table of the configuration, instead of the stack's")
	c.Flags().StringVar(&name, "name", "bootstrap", "name of the token")
	c.Flags().StringVar(&member, "member", "", "member whose token it is; what it does is done by them")
	c.Flags().StringVar(&lives, "expires-in", "30d", "how long it lives, at most 366d")
	return c
}

func (a *app) bootstrap(ctx context.Context, stack, name string, t apitoken.Token, life time.Duration) error {
	table, url, err := configTable(ctx, stack, name)
	if err != nil {
		return err
	}
	at := clock.Now()
	t.ExpiresAt = at.Add(life)
	store := apitoken.NewStore(table, slog.New(slog.DiscardHandler), clock.Now)
	made, secret, err := ops.Bootstrap(ctx, store, &ops.AuditLog{Table: table}, t, at)
	if err != nil && secret == "" {
		return bootstrapFault(err, t.Name)
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "tocsin: the token was made, but not noted in the audit log: %v\n", rootCause(err))
	}
	if a.output == "json" {
		return a.showJSON(fmt.Appendf(nil, `{"token": %q, "name": %q, "url": %q, "expires_at": %q}`, secret, made.Name, url, made.ExpiresAt.Format(time.RFC3339)))
	}
	fmt.Fprintf(a.stderr, "Token %s, scope admin, expires %s. It is shown only now:\n", made.Name, made.ExpiresAt.Format(time.RFC3339))
	if url != "" {
		fmt.Fprintf(a.stdout, "export TOCSIN_URL=%s\n", url)
	}
	fmt.Fprintf(a.stdout, "export TOCSIN_TOKEN=%s\n", secret)
	return nil
}

// bootstrapFault tells a name that is taken how to go on, and shows what AWS
// said.
func bootstrapFault(err error, name string) error {
	if fault.Is(err, fault.Conflict) {
		return fault.New(fault.Conflict, "there is a token %s already; choose another --name, or revoke it", name)
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return awsFault(api, "write the token")
	}
	return err
}

func configTable(ctx context.Context, stack, name string) (table ddb.Table, url string, err error) {
	if name != "" {
		cfg, err := awsConfig(ctx)
		return ddb.Table{Client: dynamodb.NewFromConfig(cfg), Name: name}, "", err
	}
	account, err := openAccount(ctx, stack)
	if err != nil {
		return ddb.Table{}, "", err
	}
	table = account.table("ConfigTable")
	if table.Name == "" {
		return table, "", fault.New(fault.NotFound, "stack %s has no output ConfigTable; is it Tocsin's?", stack)
	}
	return table, account.outputs["Url"], nil
}
