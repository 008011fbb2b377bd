// Package function starts an HTTP function on Lambda. Only main packages below
// functions import it.
package function

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/shared/cloud"
	"tocsin/shared/httpapi"
	"tocsin/shared/telemetry"
)

// Serve opens a handler, once per cold start, and answers requests with it. A
// handler that cannot be opened ends the process, which Lambda reports.
func Serve(open func(*slog.Logger, cloud.Lookup) (http.Handler, error)) {
	log := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	h, err := open(log, os.LookupEnv)
	if err != nil {
		log.Error("start failed", slog.Any("err", err))
		os.Exit(1)
	}
	lambda.Start(httpapi.Lambda(h))
}

// Direct takes an invocation that is no HTTP request. Its error makes Lambda
// repeat the invocation.
type Direct = func(ctx context.Context, event json.RawMessage) error

// ServeDirect is [Serve] for a function that services of AWS invoke too: what
// API Gateway sends goes to the handler, anything else to direct.
func ServeDirect(open func(*slog.Logger, cloud.Lookup) (http.Handler, Direct, error)) {
	log := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	h, direct, err := open(log, os.LookupEnv)
	if err != nil {
		log.Error("start failed", slog.Any("err", err))
		os.Exit(1)
	}
	lambda.Start(Dispatch(h, logged(log, direct)))
}

// logged logs the error of a direct invocation once, at this boundary.
func logged(log *slog.Logger, direct Direct) Direct {
	return func(ctx context.Context, event json.RawMessage) error {
		err := direct(ctx, event)
		if err != nil {
			log.WarnContext(ctx, "invocation failed", slog.Any("err", err))
		}
		return err
	}
}

// Dispatch tells requests of API Gateway, payload format 2.0, by the method in
// their context, which no event of another service has: whatever a sender can
// write stands inside of the body, as a string.
func Dispatch(h http.Handler, direct Direct) lambda.Handler {
	return dispatch{httpapi.Lambda(h), direct}
}

type dispatch struct {
	http   httpapi.Function
	direct Direct
}

func (d dispatch) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	e, ok := httpapi.Request(event)
	if !ok {
		return []byte("null"), d.direct(ctx, event)
	}
	answer, err := d.http.Answer(ctx, e)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}
