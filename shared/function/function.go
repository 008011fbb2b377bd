// Package function starts an HTTP function on Lambda. Only main packages below
// functions import it.
package function

import (
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
