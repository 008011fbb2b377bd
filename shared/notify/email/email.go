// Package email sends messages as mail through Amazon SES.
//
// A message is multipart/alternative, text and HTML. All mails of a thread
// name the same parent, so that mail programs show them as one conversation:
// SES replaces the Message-ID that a sender gives, so none of them can be it.
package email

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"tocsin/shared/cloud"
	"tocsin/shared/notify"
)

// FromVariable names the environment variable of the sender's address, with or
// without a display name; SetVariable that of the SES configuration set, which
// may be missing.
const (
	FromVariable = "MAIL_FROM"
	SetVariable  = "MAIL_CONFIGURATION_SET"
)

// API is the part of the SES client that sending needs.
type API interface {
	SendEmail(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
}

// Channel sends mail. It is safe for concurrent use.
type Channel struct {
	api  API
	from mail.Address
	set  *string // the configuration set, nil for none
	now  func() time.Time
}

var _ notify.Channel = (*Channel)(nil)

// attempts bounds one Send: the second, at once, is for a connection that broke
// while the function slept. Whatever lasts longer is the caller's to retry,
// because the caller keeps account of it.
const (
	attempts = 2
	backoff  = 200 * time.Millisecond
)

// Open returns the channel that the environment describes.
func Open(cfg aws.Config, env cloud.Lookup) (*Channel, error) {
	client := sesv2.NewFromConfig(cfg, func(o *sesv2.Options) {
		o.BaseEndpoint = cloud.Endpoint(env, "SESV2")
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = attempts, backoff })
	})
	from, _ := env(FromVariable)
	set, _ := env(SetVariable)
	return New(client, from, set)
}

// New returns a channel that sends from an address, by way of a configuration
// set ("" for none).
func New(api API, from, set string) (*Channel, error) {
	if from == "" {
		return nil, fmt.Errorf("%s is not set", FromVariable)
	}
	parsed, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("%s is no mail address: %w", FromVariable, err)
	}
	c := &Channel{api: api, from: *parsed, now: time.Now}
	if c.from.Name == "" {
		c.from.Name = "Tocsin"
	}
	if set != "" {
		c.set = &set
	}
	return c, nil
}

// Send sends one mail.
func (c *Channel) Send(ctx context.Context, address string, content notify.Content) notify.Result {
	to, err := mail.ParseAddress(address)
	if err != nil || to.Address != address || strings.ContainsAny(address, "\r\n") {
		return notify.Result{Kind: notify.RejectedAddress, Detail: "it is no mail address"}
	}
	raw, err := c.compose(to, content)
	if err != nil {
		return notify.Result{Kind: notify.RejectedMessage, Detail: "the mail could not be composed"}
	}
	out, err := c.api.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress:     aws.String(c.from.String()),
		Destination:          &types.Destination{ToAddresses: []string{address}},
		ConfigurationSetName: c.set,
		Content:              &types.EmailContent{Raw: &types.RawMessage{Data: raw}},
	})
	if err != nil {
		return failed(err)
	}
	return notify.Result{Kind: notify.Sent, ID: aws.ToString(out.MessageId), Detail: "HTTP 200"}
}

func failed(err error) notify.Result {
	status, header := 0, http.Header(nil)
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok && answer.Response != nil {
		status, header = answer.HTTPStatusCode(), answer.Response.Header
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		if status != 0 {
			return notify.Answered(status, header, "")
		}
		return notify.Unanswered(err)
	}
	r := notify.Coded(notify.SES, api.ErrorCode(), status, header, api.ErrorMessage())
	if r.Kind == notify.RejectedMessage {
		r.Kind = refined(api.ErrorMessage())
	}
	r.Detail = masked(r.Detail)
	return r
}

// refined tells apart what SES refuses with one code (SES developer guide,
// "Amazon SES email sending errors"): an unverified identity is a matter of
// the account, the sandbox first of all.
func refined(words string) notify.Kind {
	words = strings.ToLower(words)
	switch {
	case strings.Contains(words, "not verified"):
		return notify.Misconfigured
	case strings.Contains(words, "illegal address"), strings.Contains(words, "invalid domain"), strings.Contains(words, "local address"),
		strings.Contains(words, "domain contains"), strings.Contains(words, "missing final"), strings.Contains(words, "suppression list"):
		return notify.RejectedAddress
	}
	return notify.RejectedMessage
}

// masked replaces the addresses that SES repeats in its words.
func masked(text string) string {
	words := strings.Fields(text)
	for i, w := range words {
		if strings.Contains(w, "@") {
			words[i] = "(address)"
		}
	}
	return strings.Join(words, " ")
}
