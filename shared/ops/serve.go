package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
)

// Sizes of the largest requests, in bytes. A function takes 6 MB.
const (
	MaxBody      = 256 << 10
	MaxLargeBody = 4 << 20
)

// Authenticator finds out who calls. fault.Unauthenticated: the token is
// unknown, revoked or expired.
type Authenticator interface {
	Caller(ctx context.Context, token string) (*Caller, error)
}

// API serves operations over HTTP.
type API struct {
	Operations []*Operation
	Tokens     Authenticator
	Audit      *AuditLog
	Answers    *Answers // of requests with an Idempotency-Key
	Version    string   // of the program
	Now        func() time.Time
	Log        *slog.Logger
}

// Handler returns the routes of every operation, and of the OpenAPI document,
// which needs no token. Schemas are built at the first request that needs one.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, o := range a.Operations {
		r := &route{api: a, op: o, resolve: sync.OnceFunc(o.resolve)}
		mux.Handle(o.Method+" "+Base+o.Path, httpapi.Limit(o.maxBody(), httpapi.Handler(func(w http.ResponseWriter, req *http.Request) error {
			return bounded(r.serve(w, req))
		})))
	}
	document := sync.OnceValues(func() ([]byte, error) {
		return OpenAPI(Resolved(a.Operations), a.Version)
	})
	mux.Handle("GET "+Base+"/openapi.json", httpapi.Handler(func(w http.ResponseWriter, _ *http.Request) error {
		body, err := document()
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=300")
		_, _ = w.Write(body)
		return nil
	}))
	return httpapi.Problems(mux)
}

func (o *Operation) maxBody() int64 {
	if o.Large {
		return MaxLargeBody
	}
	return MaxBody
}

// Resolved returns copies of operations with their schemas.
func Resolved(all []*Operation) []*Operation {
	out := make([]*Operation, len(all))
	for i, o := range all {
		c := *o
		c.resolve()
		out[i] = &c
	}
	return out
}

// route answers the requests for one operation.
type route struct {
	api     *API
	op      *Operation
	resolve func()
}

func (r *route) serve(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	caller, err := r.authenticate(req)
	if err != nil {
		return err
	}
	caller.base = baseOf(req)
	httpapi.Annotate(ctx, slog.String("operation", r.op.Name), slog.String("by", string(caller.Actor())))
	r.resolve()
	input, err := r.input(req)
	if err != nil {
		return err
	}
	key := req.Header.Get(IdempotencyHeader)
	if !r.op.Creates || key == "" {
		out, err := r.run(ctx, caller, input)
		if err != nil {
			return err
		}
		r.answer(w, out)
		return nil
	}
	return r.once(w, req, caller, key, input)
}

// baseOf returns the address that the caller used; API Gateway tells the
// scheme in a header.
func baseOf(req *http.Request) url.URL {
	base := url.URL{Scheme: "https", Host: req.Host}
	if proto := req.Header.Get("X-Forwarded-Proto"); proto == "http" || proto == "" && req.TLS == nil {
		base.Scheme = "http"
	}
	return base
}

func (r *route) authenticate(req *http.Request) (*Caller, error) {
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, fault.New(fault.Unauthenticated, "send a token: Authorization: Bearer tt_...")
	}
	caller, err := r.api.Tokens.Caller(req.Context(), strings.TrimSpace(token))
	if err != nil {
		return nil, err
	}
	if !caller.May(r.op.Scope) {
		return nil, fault.New(fault.Forbidden, "token %s does not have the scope %s", caller.Token, r.op.Scope)
	}
	return caller, nil
}

// input joins the parameters of path and query with the fields of the body.
func (r *route) input(req *http.Request) (map[string]any, error) {
	var bad fault.Problems
	input, err := r.body(req)
	if err != nil {
		return nil, err
	}
	for name := range input {
		if f, ok := r.op.In.Field(name); ok && f.In != "" {
			bad.Add(name, "belongs into the %s, not into the body", f.In)
		}
	}
	r.parameters(req, input, &bad)
	return input, bad.Err("the request is not valid")
}

// parameters adds those of path and query to the input. What cannot be read
// is not left out: a list without its filter would show something else than
// was asked for.
func (r *route) parameters(req *http.Request, input map[string]any, bad *fault.Problems) {
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		bad.Add("query", "cannot be read; expected name=value, joined by & and percent-encoded")
	}
	known := []string{}
	for _, f := range r.op.In.Fields {
		switch f.In {
		case "path":
			input[f.Name] = req.PathValue(f.Name)
		case "query":
			known = append(known, f.Name)
			values := query[f.Name]
			if len(values) > 1 && f.Schema.Type != "array" {
				bad.Add(f.Name, "is given %d times, expected once", len(values))
			}
			if len(values) > 0 {
				input[f.Name] = parseText(f.Schema, values)
			}
			query.Del(f.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if len(known) == 0 {
			bad.Add(join("", name), "unknown parameter; expected none")
			continue
		}
		bad.Add(join("", name), "unknown parameter; expected one of %s", strings.Join(known, ", "))
	}
}

func (r *route) body(req *http.Request) (map[string]any, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return map[string]any{}, nil
	}
	if media, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, &httpapi.StatusError{Status: http.StatusUnsupportedMediaType, Text: "send the body as Content-Type: application/json"}
	}
	if encoding := req.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, &httpapi.StatusError{Status: http.StatusUnsupportedMediaType, Text: "send the body without Content-Encoding"}
	}
	return decodeObject(body)
}

// parseText turns the text of a parameter into what JSON would have held;
// where it cannot, the check of the schema tells.
func parseText(s *Schema, values []string) any {
	switch s.Type {
	case "array":
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = parseText(s.Items, []string{v})
		}
		return list
	case "boolean":
		switch values[0] {
		case "true":
			return true
		case "false":
			return false
		}
	case "integer", "number":
		var n json.Number
		if json.Unmarshal([]byte(values[0]), &n) == nil {
			return n
		}
	}
	return values[0]
}

// run does the operation and notes the change in the audit log.
func (r *route) run(ctx context.Context, c *Caller, input map[string]any) (any, error) {
	out, err := r.op.Do(ctx, c, input)
	if err == nil && r.op.Changes() {
		r.api.Audit.note(ctx, r.api.Log, entryOf(r.op, c, r.api.Now()))
	}
	return out, err
}

func (r *route) answer(w http.ResponseWriter, out any) {
	w.Header().Set("Cache-Control", "no-store")
	if r.op.Out == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	httpapi.JSON(w, r.op.Status(), out)
}

// once answers repeats of a request with what the first was answered. Who
// fails may try again under the same key.
func (r *route) once(w http.ResponseWriter, req *http.Request, c *Caller, key string, input map[string]any) error {
	ctx := req.Context()
	claim, err := claimOf(c, key, r.op, input, r.api.Now())
	if err != nil {
		return err
	}
	earlier, err := r.api.Answers.claim(ctx, claim)
	if err != nil {
		return err
	}
	if earlier != nil {
		w.Header().Set("Idempotent-Replay", "true")
		r.answer(w, json.RawMessage(earlier))
		return nil
	}
	out, err := r.run(ctx, c, input)
	if err != nil {
		r.api.Answers.release(ctx, r.api.Log, claim)
		return err
	}
	body, err := json.Marshal(withoutSecrets(r.op.Out, out))
	if err != nil {
		return fmt.Errorf("encode answer of %s: %w", r.op.Name, err)
	}
	r.api.Answers.settle(ctx, r.api.Log, claim, body)
	r.answer(w, out)
	return nil
}
