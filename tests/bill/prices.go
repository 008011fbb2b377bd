package main

// Prices of the region us-east-1 in dollars, without free allowances and
// discounts, as of November 2026. Beside each is the page that states it. Those
// marked with a date were compared with a public summary of that page of that
// date; the others are as commonly known and were not compared.
const (
	million = 1e6

	// aws.amazon.com/api-gateway/pricing, HTTP APIs, first 300 million, each 512 KB.
	priceAPIRequest = 1.00 / million
	// aws.amazon.com/lambda/pricing, Arm, first tier (June 2026).
	priceInvocation = 0.20 / million
	priceGBSecond   = 0.0000133334
	// aws.amazon.com/sqs/pricing, standard queues, first 100 billion, each 64 KB (March 2026).
	priceQueueRequest = 0.40 / million
	// The same page, fair queues (March 2026): added for messages with a group. Uncertain:
	// the page does not say for which requests; it is added to all three of a
	// message (send, receive, delete).
	priceFairRequest = 0.10 / million
	// aws.amazon.com/dynamodb/pricing/on-demand, standard tables; requests (July 2025).
	priceWriteUnit = 0.625 / million
	priceReadUnit  = 0.125 / million
	priceStoredGB  = 0.25 // a month
	priceBackupGB  = 0.20 // point-in-time recovery, a month
	// aws.amazon.com/s3/pricing, standard storage.
	pricePutObject = 0.005 / 1000
	priceGetObject = 0.0004 / 1000
	priceObjectGB  = 0.023 // a month
	// aws.amazon.com/step-functions/pricing, standard workflows.
	priceTransition = 25 / million
	// aws.amazon.com/ses/pricing, outbound mail; data of a page is far below a cent.
	priceMail = 0.10 / 1000
	// aws.amazon.com/systems-manager/pricing: standard parameters are free.
	// aws.amazon.com/cloudwatch/pricing, first tiers (June 2026).
	priceLogGB  = 0.50
	priceRareGB = 0.25 // of log groups for infrequent access
	priceSeries = 0.30 // a custom metric, a month
	priceAlarm  = 0.10 // each metric of a standard alarm, a month
	// aws.amazon.com/eventbridge/pricing, Scheduler.
	priceSchedule = 1.00 / million
	// aws.amazon.com/kms/pricing: requests for a key that AWS manages.
	priceKeyRequest = 0.03 / 10000
)

// What Amazon does by itself, so that no call of ours shows it.
const (
	// An event source with an idle queue keeps five connections, each asking
	// for 20 seconds (Lambda developer guide, "Using Lambda with Amazon SQS").
	idlePolls = 5 * 60 / 20 // a minute and queue
	// Records that the service itself logs for each call in the JSON format at
	// level INFO: start and report (same guide, "Working with Lambda function
	// logs"). Estimated from their fields. At WARN it logs neither of a call that
	// succeeds (same guide, "Log level filtering").
	serviceLogBytes = 500
	// An access log record in the format of template.yaml, estimated.
	accessLogBytes = 200
	// What CloudWatch adds to each record for its price ("PutLogEvents").
	recordOverhead = 26
	// DynamoDB asks for a table's key once in five minutes for each of its
	// callers (DynamoDB developer guide, "Encryption at rest usage notes").
	keyMinutes = 5
	// A dashboard costs $3 beyond the three that every account has free.
	minutesAMonth = 730 * 60
	itemOverhead  = 100 // bytes that an item's index data adds to its storage
)

// memory is what the functions have, in GB, as template.yaml says.
func memory(function string) float64 {
	switch function {
	case "RouterFunction", "ApiFunction":
		return 0.5
	}
	return 0.25
}
