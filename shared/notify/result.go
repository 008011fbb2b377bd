package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// OfStatus sorts an HTTP status. It is the one table for every channel; a
// provider whose error code says more asks [OfCode] first.
//
// A failure inside the provider is unknown, for it may have taken the message
// before it failed; a refusal to begin (429, 503) is a retry.
func OfStatus(status int) Kind {
	switch status {
	case http.StatusRequestTimeout, // it did not wait for the whole request
		http.StatusConflict, http.StatusLocked, http.StatusTooEarly, http.StatusMisdirectedRequest,
		http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		return Retry
	case http.StatusNotFound, http.StatusGone, http.StatusMethodNotAllowed:
		return RejectedAddress
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusProxyAuthRequired,
		http.StatusUpgradeRequired, http.StatusNetworkAuthenticationRequired,
		http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusVariantAlsoNegotiates,
		http.StatusLoopDetected, http.StatusNotExtended:
		return Misconfigured
	}
	switch status / 100 {
	case 2:
		return Sent
	case 3: // redirects that may be followed were followed
		return RejectedAddress
	case 4:
		return RejectedMessage
	}
	return Unknown // 1xx is no answer, 5xx none to rely on, and beyond there is no meaning
}

// Provider is whose error codes are meant.
type Provider string

// The providers whose codes say more than their status.
const (
	SES  Provider = "ses"
	Ntfy Provider = "ntfy"
)

// OfCode sorts a provider's own error code. false: the code is not known, and
// the status decides.
func OfCode(p Provider, code string) (Kind, bool) {
	switch p {
	case SES:
		return ofSES(code)
	case Ntfy:
		return ofNtfy(code)
	}
	return "", false
}

// ofSES follows the SES API v2 reference, "SendEmail", "Errors" and "Common
// Error Types".
func ofSES(code string) (Kind, bool) {
	switch code {
	case "TooManyRequestsException", "ThrottlingException", "Throttling", "TooManyRequests", "RequestExpired",
		"ServiceUnavailable", "ServiceUnavailableException", "RequestLimitExceeded":
		return Retry, true
	case "InternalFailure", "InternalServiceErrorException", "InternalServerError":
		return Unknown, true
	case "MessageRejected", "BadRequestException", "ValidationError", "ValidationException":
		return RejectedMessage, true
	case "AccountSuspendedException", "SendingPausedException", "LimitExceededException", "MailFromDomainNotVerifiedException",
		"NotFoundException", // the configuration set
		"AccessDeniedException", "AccessDenied", "NotAuthorized", "OptInRequired", "IncompleteSignature", "InvalidSignatureException",
		"SignatureDoesNotMatch", "InvalidClientTokenId", "UnrecognizedClientException", "MissingAuthenticationToken",
		"ExpiredToken", "ExpiredTokenException":
		return Misconfigured, true
	}
	return "", false
}

// ofNtfy follows ntfy v2.13, server/errors.go. The other codes mean what
// their status means.
func ofNtfy(code string) (Kind, bool) {
	switch code {
	case "40009", "40010": // topic invalid, topic disallowed
		return RejectedAddress, true
	case "42904", "42908", "42905": // topics, daily messages, daily bandwidth: not over within minutes
		return Misconfigured, true
	}
	return "", false
}

// Answered returns the result of an HTTP answer. words are the provider's.
func Answered(status int, header http.Header, words string) Result {
	return Result{Kind: OfStatus(status), Pause: retryAfter(header, time.Now()), Detail: detail("HTTP "+strconv.Itoa(status), words)}
}

// Coded returns the result of an answer with a provider's own error code.
func Coded(p Provider, code string, status int, header http.Header, words string) Result {
	r := Answered(status, header, words)
	r.Detail = detail(strings.TrimSpace(fmt.Sprintf("HTTP %d %s", status, code)), words)
	if kind, known := OfCode(p, code); known {
		r.Kind = kind
	}
	return r
}

// Unanswered returns the result of an attempt that ended in err without an
// answer. What never left is a retry; what may have arrived is unknown. The
// error's own text is not kept where it can hold an address.
func Unanswered(err error) Result {
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		if name.IsNotFound {
			return Result{Kind: Retry, Detail: "the provider's name is not known"}
		}
		return Result{Kind: Retry, Detail: "the provider's name could not be looked up"}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return Result{Kind: Retry, Detail: detail("not connected", causeOf(op))}
	}
	if untrusted(err) {
		return Result{Kind: Misconfigured, Detail: "the provider's certificate is not trusted"}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Result{Kind: Unknown, Detail: "no answer in time"}
	}
	return Result{Kind: Unknown, Detail: "the connection broke before an answer"}
}

func causeOf(op *net.OpError) string {
	if op.Timeout() {
		return "timed out"
	}
	if op.Err != nil {
		return op.Err.Error()
	}
	return ""
}

func untrusted(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	_, ok := errors.AsType[x509.HostnameError](err)
	return ok
}

func detail(what, words string) string {
	if words = Line(words, maxDetail); words == "" {
		return what
	}
	return Cut(what+": "+words, maxDetail)
}

// maxPause bounds what a provider may ask for.
const maxPause = time.Hour

// retryAfter reads the header (RFC 9110, section 10.2.3): seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if text == "" {
		return 0
	}
	if seconds, err := strconv.Atoi(text); err == nil {
		return min(max(time.Duration(min(seconds, int(maxPause/time.Second)))*time.Second, 0), maxPause)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxPause)
	}
	return 0
}
