// Package cloudwatch reads alarms of Amazon CloudWatch and whatever else is
// published through Amazon SNS, and verifies SNS's signatures. What the
// messages mean stands in package aws.
//
//	err := cloudwatch.Source.Verify(request, secrets)
//	parsed, err := cloudwatch.Source.Parse(request)
package cloudwatch

import (
	"tocsin/shared/source"
	"tocsin/shared/source/aws"
)

// Name is the word of this source.
const Name = "cloudwatch"

// Source is CloudWatch with SNS, which sends JSON as text/plain (Amazon SNS
// developer guide, "HTTP/HTTPS headers").
var Source = source.Source{
	Name: Name, Aliases: []string{"aws-cloudwatch-sns", "aws-cloudwatch-lambda-action", "aws-sns", "sns"},
	Signed: true, Verify: NewVerifier(nil).Verify, Media: []string{"*"}, Parse: Parse, Headers: aws.Headers,
	Marks: []string{
		"Type=Notification|SubscriptionConfirmation|UnsubscribeConfirmation TopicArn=arn:* MessageId",
		"header:X-Amz-Sns-Message-Type=Notification|SubscriptionConfirmation|UnsubscribeConfirmation",
		"header:X-Amz-Sns-Rawdelivery=true",
		"Records.0.EventSource=aws:sns Records.0.Sns.Message",
		"Records.0.eventSource=aws:sqs Records.0.body", "0.eventSource=aws:sqs 0.body", "Messages.0.ReceiptHandle Messages.0.Body",
		"Records.0.body|json.Type=Notification Records.0.body|json.TopicArn=arn:*",
		"Records.0.eventSource=aws:s3 Records.0.s3.bucket.name", "Records.0.eventSource=aws:ses Records.0.ses.mail.messageId",
		"AlarmName NewStateValue=ALARM|OK|INSUFFICIENT_DATA AWSAccountId",
		"source=aws.cloudwatch alarmArn=arn:* alarmData.state.value",
	},
	Guide: source.Guide{
		Product: "Amazon CloudWatch and SNS", Page: "https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html",
		Setup: []string{
			"Choose a topic of SNS, standard or FIFO, and add a subscription with protocol HTTPS and endpoint {url}; it is confirmed by itself.",
			"Name that topic in the alarm's actions for ALARM, OK and INSUFFICIENT_DATA: without the action for OK nothing recovers.",
			"Where a metric is silent while all is well, as a count of errors is, let the alarm treat missing data as not breaching: else it goes from ALARM to INSUFFICIENT_DATA, which ends nothing.",
			"Leave raw message delivery off: a raw message is not signed. It is taken only from an integration whose auth is bearer, basic or hmac-sha256.",
			"What reads a queue may pass its messages on, as SQS hands them to a function (Records, body): they are not signed either.",
			"Within the account of this stack, without an integration: make the function ingest-cloudwatch an alarm's action, or subscribe it to the topic with protocol Lambda.",
		},
		Proof:      "SNS's signature, version 1 (SHA-1) or 2 (SHA-256), beside the key in the address. `aws sns set-topic-attributes --attribute-name SignatureVersion --attribute-value 2` is the better one.",
		Understood: "Alarms (metric, metric math, anomaly, composite, each time series of Metrics Insights), ALARM, OK and INSUFFICIENT_DATA, which is P4, but after ALARM as bad as that; events of EventBridge; messages of SQS around any of these; RDS, Redshift, ElastiCache, DMS, Backup, Budgets, Cost Anomaly Detection, Auto Scaling, CloudFormation, CodeDeploy, approvals of CodePipeline, Developer Tools, Config, DevOps Guru, Elastic Beanstalk, S3 and SES; results of Lambda functions; alerts of Alertmanager as JSON; other JSON, and plain text, whose first line tells of status and severity: a recovery is known by topic and subject, without numbers and words of status. What only happened, and is never said to be over, expires.",
		Repeats:    "5xx and 429, by the delivery policy of the subscription: by default 3 times 20 s apart, at most for an hour.",
	},
}

// Parse reads a body whose sender is known already.
func Parse(r *source.Request) (source.Parsed, error) { return aws.Parse(Name, r) }
