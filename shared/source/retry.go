package source

import (
	"cmp"
	"net/http"
)

// retryStatus is on which status a sender tries again, where 429 is not one of
// them. Its documentation is named; of all others nothing is published that
// speaks against 429.
var retryStatus = map[string]int{
	"prometheus":  http.StatusServiceUnavailable, // 5xx only: Alertmanager v0.28, notify/webhook/webhook.go
	"cloudwatch":  http.StatusServiceUnavailable, // by way of SNS
	"eventbridge": http.StatusServiceUnavailable, // by way of SNS
	"aws":         http.StatusServiceUnavailable, // server errors: Amazon SNS developer guide, "Message delivery retries"
	"azure":       http.StatusServiceUnavailable, // 408, 429, 503 and 504: Azure Monitor, "Action groups", webhook retry logic
	"huawei":      http.StatusServiceUnavailable, // 5xx only: Huawei SMN, FAQ, "Does SMN Ensure That Messages Are Received by Subscription Endpoints?"
	"datadog":     http.StatusServiceUnavailable, // 5xx only: Datadog, "Webhooks", usage
}

// Retry is the status by which a request that may come again later is refused,
// so that this sender sends it again.
func (s Source) Retry() int {
	return cmp.Or(s.RetryStatus, retryStatus[s.Name], http.StatusTooManyRequests)
}
