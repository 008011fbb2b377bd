// Package httpapi is thin plumbing for functions that answer HTTP: the adapter
// between API Gateway's events and [http.Handler], one wide log line for each
// request, and problem documents made from errors. It knows no operation.
//
//	mux := http.NewServeMux()
//	mux.Handle("GET /v1/events/{id}", httpapi.Handler(getEvent))
//	api := httpapi.Serve(log, metrics, httpapi.Limit(1<<20, httpapi.Problems(mux)))
//	lambda.Start(httpapi.Lambda(api)) // or http.ListenAndServe("127.0.0.1:8080", api)
package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/telemetry"
)

// Function answers events of an API Gateway HTTP API, payload format 2.0, with
// a handler. It is a Handler of package lambda.
type Function struct{ handler http.Handler }

// Lambda returns the function of a handler.
func Lambda(h http.Handler) Function { return Function{h} }

// Invoke answers an event as Lambda hands it over.
func (f Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	e, ok := Request(event)
	if !ok {
		return nil, errors.New("the event is no request of payload format 2.0")
	}
	answer, err := f.Answer(ctx, e)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// Request reads what [Function.Answer] needs of an event, false where it is none
// of a request. It takes a third of the time that encoding/json takes, and each
// webhook waits for it.
func Request(event []byte) (e events.APIGatewayV2HTTPRequest, ok bool) {
	v, err := doc.JSON(event)
	about := v.Get("requestContext")
	method := about.Get("http").Get("method").Text()
	if err != nil || method == "" {
		return e, false
	}
	e.RawPath, e.RawQueryString = v.Get("rawPath").Text(), v.Get("rawQueryString").Text()
	e.Headers = make(map[string]string, v.Get("headers").Len())
	for name, value := range v.Get("headers").Fields() {
		e.Headers[name] = value.Text()
	}
	for cookie := range v.Get("cookies").Items() {
		e.Cookies = append(e.Cookies, cookie.Text())
	}
	e.RequestContext.RequestID, e.RequestContext.Stage = about.Get("requestId").Text(), about.Get("stage").Text()
	e.RequestContext.DomainName = about.Get("domainName").Text()
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.SourceIP = method, about.Get("http").Get("sourceIp").Text()
	e.Body, e.IsBase64Encoded = v.Get("body").Text(), v.Get("isBase64Encoded").True()
	return e, true
}

// Answer answers one event. An error means that it is no request; failures of
// the handler are responses.
func (f Function) Answer(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	r, err := request(ctx, e)
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	w := &response{header: http.Header{}}
	f.handler.ServeHTTP(w, r)
	return w.event(), nil
}

// request builds the request that e describes. In payload format 2.0 a header
// that came several times is one value joined by commas, and cookies stand
// apart (Amazon API Gateway developer guide, "Create AWS Lambda proxy
// integrations for HTTP APIs").
func request(ctx context.Context, e events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	if id := e.RequestContext.RequestID; id != "" {
		ctx = telemetry.WithRequestID(ctx, id)
	}
	r, err := http.NewRequestWithContext(ctx, e.RequestContext.HTTP.Method, "/", bodyOf(e))
	if err != nil || e.RequestContext.HTTP.Method == "" {
		return nil, fmt.Errorf("the event is no request of payload format 2.0: method %q", e.RequestContext.HTTP.Method)
	}
	setHeader(r, e)
	r.URL = urlOf(e)
	r.RequestURI = r.URL.RequestURI()
	r.Host = e.RequestContext.DomainName
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	r.RemoteAddr = net.JoinHostPort(e.RequestContext.HTTP.SourceIP, "0")
	return r, nil
}

// bodyOf reads the body of an event. One that is no base64 although it says so
// is an error of who reads it: the caller's, and no failure of the function.
func bodyOf(e events.APIGatewayV2HTTPRequest) io.Reader {
	if !e.IsBase64Encoded {
		return strings.NewReader(e.Body)
	}
	body, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil {
		return broken{fault.Wrap(fault.Invalid, err, "the body is not base64, as isBase64Encoded says")}
	}
	return bytes.NewReader(body)
}

// broken is a body that cannot be read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func setHeader(r *http.Request, e events.APIGatewayV2HTTPRequest) {
	r.Header = make(http.Header, len(e.Headers)+1)
	values := make([]string, 0, len(e.Headers)) // one allocation, as each webhook has a dozen
	for name, value := range e.Headers {
		values = append(values, value)
		r.Header[http.CanonicalHeaderKey(name)] = values[len(values)-1 : len(values) : len(values)]
	}
	if len(e.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
}

// urlOf takes the path as sent, escaped or not, without the stage's name,
// which API Gateway puts before it for every stage but $default.
func urlOf(e events.APIGatewayV2HTTPRequest) *url.URL {
	path := e.RawPath
	if stage := "/" + e.RequestContext.Stage; strings.HasPrefix(path, stage+"/") {
		path = path[len(stage):]
	}
	u := &url.URL{Path: path, RawQuery: e.RawQueryString}
	if plain, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = plain, path
	}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path, u.RawPath = "/"+u.Path, ""
	}
	return u
}

// response collects what a handler writes.
type response struct {
	header http.Header
	sent   http.Header // the header as it was when the status was written
	status int
	body   bytes.Buffer
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *response) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *response) WriteString(s string) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.WriteString(s)
}

var _ io.StringWriter = (*response)(nil)

// event renders the response. Format 2.0 has one value per header; cookies
// are a list of their own.
func (w *response) event() events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	out := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: map[string]string{}, Cookies: w.sent.Values("Set-Cookie")}
	for name, values := range w.sent {
		if name != "Set-Cookie" {
			out.Headers[name] = strings.Join(values, ",")
		}
	}
	if text := w.body.Bytes(); w.sent.Get("Content-Encoding") == "" && utf8.Valid(text) {
		out.Body = string(text)
	} else {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(text), true
	}
	return out
}
