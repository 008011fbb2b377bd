// Package telemetry writes what a function says about itself: JSON log lines
// and metrics in the CloudWatch embedded metric format. It knows nothing of
// the domain; names of metrics are chosen where things are counted.
//
//	log := telemetry.NewLogger(os.Stdout, os.LookupEnv)
//	log.InfoContext(telemetry.With(ctx, slog.String("event_id", id)), "event opened")
package telemetry

import (
	"context"
	"io"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Version is the commit that the function was built from, set by the linker.
var Version = "development"

// Lookup reads an environment variable, as os.LookupEnv does.
type Lookup = func(name string) (string, bool)

// LogLevelVariable names the environment variable of the lowest level that is
// logged: DEBUG, INFO (the default, also for an unknown word), WARN or ERROR.
const LogLevelVariable = "LOG_LEVEL"

// NewLogger returns a logger that writes one JSON object per line to w, each
// with what the context carries: request_id, and the attributes of [With]. The
// function's name is that of its log group. The keys of time and message are those that Lambda's
// own JSON format uses ("timestamp", "message": aws-lambda-go v1.55.1,
// lambdacontext/logger.go).
func NewLogger(w io.Writer, env Lookup) *slog.Logger {
	h := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level(env), ReplaceAttr: lambdacontext.ReplaceAttr})
	return slog.New(contextHandler{h})
}

func level(env Lookup) slog.Level {
	var l slog.Level
	word, _ := env(LogLevelVariable)
	if l.UnmarshalText([]byte(word)) != nil {
		return slog.LevelInfo
	}
	return l
}

type contextKey uint8

const (
	requestIDKey contextKey = iota
	attrsKey
)

// WithRequestID returns a context whose log lines carry id as request_id,
// instead of the id of the Lambda invocation.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey, id)
}

// RequestID returns the id given by [WithRequestID], else that of the Lambda
// invocation, else "".
func RequestID(ctx context.Context) string {
	if id, ok := ctx.Value(requestIDKey).(string); ok {
		return id
	}
	return invocationID(ctx)
}

func invocationID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}

// With returns a context whose log lines carry attrs, after those of ctx.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	before, _ := ctx.Value(attrsKey).([]slog.Attr)
	return context.WithValue(ctx, attrsKey, append(before[:len(before):len(before)], attrs...))
}

// contextHandler adds what the context carries, and to lines that a person may
// have to look into the version.
type contextHandler struct{ slog.Handler }

func (h contextHandler) Handle(ctx context.Context, r slog.Record) error {
	id, invocation := RequestID(ctx), invocationID(ctx)
	if id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	// The service names an invocation in its own lines, and writes some only
	// when something went wrong.
	if invocation != id && invocation != "" && r.Level >= slog.LevelWarn {
		r.AddAttrs(slog.String("invocation_id", invocation))
	}
	if r.Level >= slog.LevelWarn {
		r.AddAttrs(slog.String("version", Version))
	}
	if attrs, ok := ctx.Value(attrsKey).([]slog.Attr); ok {
		r.AddAttrs(attrs...)
	}
	return h.Handler.Handle(ctx, r)
}

func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs)}
}

func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name)}
}
