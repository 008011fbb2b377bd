package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/spf13/cobra"
)

// Prices in US dollars for a gigabyte and month in us-east-1: "Amazon DynamoDB
// pricing", standard table class and point-in-time recovery; "Amazon S3
// pricing", standard storage. The first 25 GB of tables are free in an account
// without other tables, which is not counted.
const (
	priceTable    = 0.25
	priceRecovery = 0.20
	priceObjects  = 0.023
)

func sorted[T any](names map[string]T) []string { return slices.Sorted(maps.Keys(names)) }

func (a *app) uninstallCommand() *cobra.Command {
	var stack string
	var yes bool
	var wait time.Duration
	c := &cobra.Command{
		Use: "uninstall", Short: "Say what deleting the stack leaves behind, and delete it", Args: cobra.NoArgs,
		Long: `Says what stays when the stack is deleted, what that costs, and how to delete it
too. Nothing of the data goes with the stack. It deletes the stack only with
--yes; until then it changes nothing.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.uninstall(cmd.Context(), stack, yes, wait) },
	}
	c.Flags().StringVar(&stack, "stack", defaultStack, "the stack's name")
	c.Flags().BoolVar(&yes, "yes", false, "delete the stack")
	c.Flags().DurationVar(&wait, "wait", 20*time.Minute, "wait so long for the stack to be gone")
	return c
}

func (a *app) uninstall(ctx context.Context, stack string, yes bool, wait time.Duration) error {
	account, err := openAccount(ctx, stack)
	if err != nil {
		return err
	}
	if err := a.tellWhatStays(ctx, account); err != nil {
		return err
	}
	if !yes {
		fmt.Fprintf(a.stdout, "\nNothing was changed. To delete the stack: tocsin uninstall --stack %s --yes\n", stack)
		return nil
	}
	return a.deleteStack(ctx, account, wait)
}

// tellWhatStays names what the template retains and what functions made.
func (a *app) tellWhatStays(ctx context.Context, account *account) error {
	fmt.Fprintf(a.stdout, "When stack %s in %s is deleted, functions, queues, state machines and addresses go; open events are paged no more.\nThese stay:\n\n", account.stack, account.cfg.Region)
	total := 0.0
	client := dynamodb.NewFromConfig(account.cfg)
	for _, output := range []string{"EventsTable", "ConfigTable", "LedgerTable"} {
		name := account.outputs[output]
		if name == "" {
			continue
		}
		out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if err != nil {
			return awsFault(err, "table "+name)
		}
		size := aws.ToInt64(out.Table.TableSizeBytes)
		cost := gigabytes(size) * (priceTable + priceRecovery)
		total += cost
		fmt.Fprintf(a.stdout, "  table %s: %d items, %s, about $%.2f a month with point-in-time recovery\n    aws dynamodb delete-table --table-name %s\n",
			name, aws.ToInt64(out.Table.ItemCount), sizeOf(size), cost, name)
	}
	if bucket := account.outputs["DeliveriesBucket"]; bucket != "" {
		fmt.Fprintf(a.stdout, "  bucket %s: deliveries above 256 KB, about $%.3f a month for a gigabyte; they expire by themselves\n    aws s3 rb --force s3://%s\n", bucket, priceObjects, bucket)
	}
	if err := a.tellParameters(ctx, account); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "\nTables together: about $%.2f a month. Prices are those of us-east-1.\n", total)
	return nil
}

func gigabytes(n int64) float64 { return float64(n) / (1 << 30) }

func sizeOf(n int64) string {
	const kib = 1 << 10
	if n < kib*kib {
		return fmt.Sprintf("%d KB", (n+kib-1)/kib)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(kib*kib))
}

// tellParameters names the secrets that stay in SSM, not their values.
func (a *app) tellParameters(ctx context.Context, account *account) error {
	pages := ssm.NewGetParametersByPathPaginator(ssm.NewFromConfig(account.cfg), &ssm.GetParametersByPathInput{
		Path: aws.String("/tocsin/" + account.stack + "/"), Recursive: aws.Bool(true), WithDecryption: aws.Bool(false),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return awsFault(err, "parameters")
		}
		for _, p := range page.Parameters {
			name := aws.ToString(p.Name)
			fmt.Fprintf(a.stdout, "  parameter %s: a secret, free\n    aws ssm delete-parameter --name %s\n", name, name)
		}
	}
	return nil
}

func (a *app) deleteStack(ctx context.Context, account *account, wait time.Duration) error {
	if _, err := account.forms.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &account.stack}); err != nil {
		return awsFault(err, "delete stack "+account.stack)
	}
	a.progress("deleting stack %s", account.stack)
	defer a.progressEnd()
	waiter := cloudformation.NewStackDeleteCompleteWaiter(account.forms, func(o *cloudformation.StackDeleteCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 2*time.Second, 15*time.Second
	})
	if err := waiter.Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &account.stack}, wait); err != nil {
		return awsFault(err, "stack "+account.stack+" is not gone")
	}
	a.progressEnd()
	fmt.Fprintf(a.stdout, "Stack %s is deleted.\n", account.stack)
	return nil
}
