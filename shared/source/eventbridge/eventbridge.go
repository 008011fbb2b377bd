// Package eventbridge reads events of Amazon EventBridge: those of AWS services
// and of anybody else on a bus. What they mean stands in package aws.
//
//	parsed, err := eventbridge.Source.Parse(request)
package eventbridge

import (
	"tocsin/shared/source"
	"tocsin/shared/source/aws"
)

// Name is the word of this source.
const Name = "eventbridge"

// Source is EventBridge. An API destination authorises by a header of the
// user's choice, by basic or by OAuth (Amazon EventBridge user guide, "Creating
// connections"); it signs nothing.
var Source = source.Source{
	Name: Name, Aliases: []string{"aws-eventbridge", "aws-guardduty", "aws-health", "cloudwatch-events"}, Parse: Parse,
	Marks: []string{
		"detail-type detail source=aws.*",
		"detail-type detail version=0 account time",
		`detail-type="GuardDuty Finding" detail.severity`,
		`detail-type="AWS Health Event" detail.eventArn`,
		"0.detail-type 0.detail 0.source=aws.*",
		"Records.0.eventSource=aws:sqs Records.0.body|json.detail-type Records.0.body|json.detail", "0.eventSource=aws:sqs 0.body|json.detail-type 0.body|json.detail",
		"Messages.0.ReceiptHandle Messages.0.Body|json.detail-type Messages.0.Body|json.detail",
		"Records.0.EventSource=aws:sns Records.0.Sns.Message|json.detail-type Records.0.Sns.Message|json.detail",
	},
	Guide: source.Guide{
		Product: "Amazon EventBridge", Page: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html",
		Setup: []string{
			"Make a connection with basic authorisation, or with an API key named Authorization whose value is `Bearer <secret>`, as the integration asks.",
			"Make an API destination: POST to {url} with that connection.",
			"Make a rule whose pattern matches what should page, with the API destination as its target; send the matched event as it is, without a transformer.",
			"Within the account and region of this stack, without an integration: make the function ingest-eventbridge the target of the rule.",
		},
		Proof:      "The key in the address, and what the connection sends: bearer or basic.",
		Understood: "Alarms of CloudWatch, findings of GuardDuty, Security Hub (ASFF, OCSF), Inspector, Macie and Access Analyzer, scans of ECR, calls that CloudTrail recorded, AWS Health, Synthetics, EC2, ECS, Batch, CodePipeline, CodeBuild, CodeDeploy, RDS, Auto Scaling, Trusted Advisor, Config, Backup, Glue, Step Functions, Elastic Beanstalk, ACM, DMS, OpsItems, results of Lambda functions, insights of CloudTrail, Cost Anomaly Detection; any other event by its state, severity and resources. Deployments that came to a good end, and changes of parameters, tags and repositories, are changes. What only happened, and is never said to be over, expires.",
		Repeats:    "401, 407, 409, 429 and 5xx, for up to 24 hours and 185 times.",
	},
}

// Parse reads a body.
func Parse(r *source.Request) (source.Parsed, error) {
	out, err := aws.Parse(Name, r)
	if out.Confirm != nil {
		out.Confirm = nil
		out.Notes = append(out.Notes, "it was not confirmed: a subscription of SNS needs an integration of the source cloudwatch, which checks its signature")
	}
	return out, err
}
