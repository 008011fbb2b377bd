// Package front is the one address of the local stack: it passes requests to
// the HTTP API, to the inbox and to who takes mails, and names the addresses at "/".
//
// It keeps no log, because paths carry secrets.
package front

import (
	"html/template"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// apiPaths are the first segments that belong to the HTTP API.
var apiPaths = [...]string{"in", "v1", "v2", "generic", "a"}

// Address is one line of the first page.
type Address struct {
	URL     string
	Meaning string
}

// Config says where requests go.
type Config struct {
	API       *url.URL     // what the HTTP API's paths are appended to
	Inbox     http.Handler // serves /inbox and what is below it
	Mail      http.Handler // takes POST /mail/{address}
	Addresses []Address    // shown at "/"
}

// New returns the handler. An API that does not answer is a 502.
func New(c Config) http.Handler {
	mux := http.NewServeMux()
	api := proxy(c.API)
	for _, segment := range apiPaths {
		mux.Handle("/"+segment, api)
		mux.Handle("/"+segment+"/", api)
	}
	mux.Handle("/inbox", c.Inbox)
	mux.Handle("/inbox/", c.Inbox)
	mux.Handle("POST /mail/{address}", c.Mail)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { home(w, c.Addresses) })
	return mux
}

// proxy keeps the path's escapes, which http.ServeMux does not touch either as
// long as the path is clean.
func proxy(api *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(api)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 32},
		ErrorLog:  log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "the local HTTP API does not answer", http.StatusBadGateway)
		},
	}
}

var page = template.Must(template.New("home").Parse(strings.TrimSpace(`
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tocsin on this machine</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}dt{margin-top:1rem}dd{margin:0}</style>
<h1>Tocsin on this machine</h1>
<dl>{{range .}}<dt>{{.Meaning}}</dt><dd><a href="{{.URL}}">{{.URL}}</a></dd>{{end}}</dl>
</html>
`)))

func home(w http.ResponseWriter, addresses []Address) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	_ = page.Execute(w, addresses)
}
