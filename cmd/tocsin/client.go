package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"tocsin/shared/fault"
	"tocsin/shared/ops"
)

// client calls the API.
type client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// settings is the configuration file.
type settings struct {
	Profile  string             `yaml:"profile"`
	Profiles map[string]profile `yaml:"profiles"`
}

type profile struct {
	URL   string `yaml:"url"`
	Token string `yaml:"token"`
}

// client returns the client of the chosen profile; the environment goes before
// the file, and --url before both.
func (a *app) client() (*client, error) {
	p, err := a.chosen()
	if err != nil {
		return nil, err
	}
	if v, ok := a.env("TOCSIN_URL"); ok && v != "" {
		p.URL = v
	}
	if v, ok := a.env("TOCSIN_TOKEN"); ok && v != "" {
		p.Token = v
	}
	if a.url != "" {
		p.URL = a.url
	}
	if p.URL == "" {
		return nil, usagef("no address: set TOCSIN_URL, or url in %s", a.settingsFile())
	}
	base, err := url.Parse(strings.TrimSuffix(p.URL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, usagef("%q is no address like https://tocsin.example.com", p.URL)
	}
	if base.Scheme == "http" && !loopback(base.Hostname()) {
		return nil, usagef("%s would carry the token in the clear; use https", base)
	}
	if p.Token == "" {
		return nil, fault.New(fault.Unauthenticated, "no token: set TOCSIN_TOKEN, or token in %s", a.settingsFile())
	}
	return &client{base: base, token: p.Token, http: &http.Client{Timeout: a.timeout, CheckRedirect: stay}}, nil
}

// stay follows no redirect: the token belongs to one host.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (a *app) settingsFile() string {
	dir, err := a.configDir()
	if err != nil {
		return "tocsin/config.yaml"
	}
	return filepath.Join(dir, "tocsin", "config.yaml")
}

// chosen reads the profile; without a file it is empty.
func (a *app) chosen() (profile, error) {
	name := a.profile
	if v, ok := a.env("TOCSIN_PROFILE"); ok && name == "" {
		name = v
	}
	text, err := os.ReadFile(a.settingsFile())
	if errors.Is(err, os.ErrNotExist) {
		if name != "" {
			return profile{}, usagef("there is no profile %s: %s does not exist", name, a.settingsFile())
		}
		return profile{}, nil
	}
	if err != nil {
		return profile{}, fmt.Errorf("read the profiles: %w", err)
	}
	var s settings
	if err := yaml.UnmarshalWithOptions(text, &s, yaml.Strict()); err != nil {
		// The library quotes the lines around, which hold tokens.
		return profile{}, usagef("%s cannot be read; expected profile and profiles, each with url and token", a.settingsFile())
	}
	if name == "" {
		name = s.Profile
	}
	p, known := s.Profiles[name]
	if !known && name != "" {
		return profile{}, usagef("%s has no profile %s", a.settingsFile(), name)
	}
	return p, nil
}

// tries bounds how often a call that may be repeated is made.
const tries = 3

// call does an operation and returns the JSON of its answer. What changes
// nothing, and creations, which carry a key, are tried again while the service
// is unavailable.
func (c *client) call(ctx context.Context, o *ops.Operation, input map[string]any) ([]byte, error) {
	key := ""
	if o.Creates {
		key = rand.Text()
	}
	repeatable := key != "" || !o.Changes()
	for try := 1; ; try++ {
		answer, err := c.once(ctx, o, input, key)
		if !fault.KindOf(err).Retryable() || !repeatable || try == tries {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Duration(try) * 200 * time.Millisecond):
		}
	}
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 32 << 20

func (c *client) once(ctx context.Context, o *ops.Operation, input map[string]any, key string) ([]byte, error) {
	r, err := c.request(ctx, o, input, key)
	if err != nil {
		return nil, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "%s cannot be reached: %s", c.base.Host, reason(err))
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, fault.New(fault.Unavailable, "the answer of %s ended early", c.base.Host)
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return nil, problemOf(answer, body)
	}
	return body, nil
}

func (c *client) request(ctx context.Context, o *ops.Operation, input map[string]any, key string) (*http.Request, error) {
	body, err := o.Body(input)
	if err != nil {
		return nil, fmt.Errorf("encode input: %w", err)
	}
	path, query := o.Place(input)
	target := c.base.String() + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, o.Method, target, bytes.NewReader(body))
	if err != nil {
		return nil, usagef("%v", err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("User-Agent", "tocsin/"+version)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set(ops.IdempotencyHeader, key)
	}
	return r, nil
}

// reason is the innermost text of a network error, without the address.
func reason(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		if e.Timeout() {
			return "it did not answer in time"
		}
		err = e.Err
	}
	return err.Error()
}

// problemOf makes an error of a problem document.
func problemOf(answer *http.Response, body []byte) error {
	var p struct {
		Title    string
		Detail   string
		Instance string
		Errors   []fault.Field
	}
	kind := kindOf(answer.StatusCode)
	if json.Unmarshal(body, &p) != nil || p.Title == "" {
		p.Title = "the address answers " + answer.Status + ", not as the API of Tocsin does"
		if kind == fault.Unavailable || kind == fault.TooMany {
			p.Title = "the address answers " + answer.Status + "; try again later" // what stands before the API, under load
		}
		if kind == fault.NotFound || kind == fault.Conflict {
			kind = fault.Internal // it is the address that is wrong
		}
	}
	e := &fault.Error{Kind: kind, Text: p.Detail, Fields: p.Errors}
	if e.Text == "" {
		e.Text = strings.TrimSpace(p.Title + " " + p.Instance)
	}
	return e
}

func kindOf(status int) fault.Kind {
	switch status {
	case http.StatusUnauthorized:
		return fault.Unauthenticated
	case http.StatusForbidden:
		return fault.Forbidden
	case http.StatusNotFound:
		return fault.NotFound
	case http.StatusConflict:
		return fault.Conflict
	case http.StatusTooManyRequests:
		return fault.TooMany
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fault.Unavailable
	}
	if status < http.StatusInternalServerError {
		return fault.Invalid
	}
	return fault.Internal
}
