package mapping

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"tocsin/shared/config"
	"tocsin/shared/integration"
	"tocsin/shared/source"
	"tocsin/shared/source/email"
	"tocsin/shared/source/preset"
)

// settings is the configuration in force, or why there is none; asked counts.
type settings struct {
	config *config.Config
	err    error
	asked  int
}

func (s *settings) Current(context.Context) (*config.Config, error) {
	s.asked++
	return s.config, s.err
}

const byName = `{"title":"mapped: {alert_name}","key":"{alert_id}"}`

func published(t testing.TB, name, spec string) *config.Config {
	t.Helper()
	cfg, err := config.Parse([]config.Document{{Kind: config.KindMapping, Name: name, Spec: json.RawMessage(spec)}})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func request(body string) *source.Request {
	return &source.Request{Header: http.Header{"Content-Type": {"application/json"}}, Query: url.Values{}, Body: []byte(body)}
}

// read is what f makes of one request, or why there is no mapping.
func read(t testing.TB, f Found) string {
	t.Helper()
	if !f.Mapped {
		return f.Why
	}
	parsed, err := f.Source.Parse(request(`{"alert_name":"Disk full","alert_id":7,"name":"x"}`))
	if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
		t.Fatalf("%v %+v", err, parsed)
	}
	a := parsed.Items[0].Alert
	return a.Source + " " + a.DedupKey + " " + a.Title + "; " + strings.Join(parsed.Notes, "; ")
}

func TestWhichMappingReads(t *testing.T) {
	cfg := published(t, "warehouse", byName)
	given := func(name, spec string) *integration.Again {
		return &integration.Again{Delivery: "d-1", Name: name, Mapping: json.RawMessage(spec)}
	}
	const broken = "the given mapping is not valid, so it was read without it"
	for _, c := range []struct {
		name  string
		in    integration.Integration
		from  settings
		want  string
		asked int // how often the configuration was needed
	}{
		{"none", integration.Integration{}, settings{config: cfg}, "", 0},
		{"published", integration.Integration{Mapping: "warehouse"}, settings{config: cfg}, "warehouse key:7 mapped: Disk full; read by the mapping warehouse", 1},
		{"gone", integration.Integration{Mapping: "attic"}, settings{config: cfg}, "there is no mapping attic, so it was read without it", 1},
		{"not to be read", integration.Integration{Mapping: "warehouse"}, settings{err: errors.New("throttled")}, "the mapping warehouse cannot be read now, so it was read without it", 1},
		{
			"published by other code, which this cannot compile", integration.Integration{Mapping: "newer"},
			settings{config: &config.Config{Mappings: map[string]preset.Spec{"newer": {Reading: preset.Reading{Title: preset.List{"{"}}}}}},
			"there is no mapping newer, so it was read without it", 1,
		},
		{"brought along", integration.Integration{Again: given("", byName)}, settings{}, "mapping key:7 mapped: Disk full; read by the given mapping", 0},
		{"brought along with its name", integration.Integration{Again: given("attic", byName)}, settings{}, "attic key:7 mapped: Disk full; read by the given mapping", 0},
		{"brought along in place of that of the integration", integration.Integration{Mapping: "warehouse", Again: given("", `{"title":"{name}"}`)}, settings{config: cfg}, "mapping hash1:", 0},
		{"brought along, no JSON", integration.Integration{Again: given("", `{"title":`)}, settings{}, broken, 0},
		{"brought along with an unknown field", integration.Integration{Again: given("", `{"titel":"{name}"}`)}, settings{}, broken, 0},
		{"brought along with a bad path", integration.Integration{Mapping: "warehouse", Again: given("", `{"title":"{name"}`)}, settings{config: cfg}, broken, 0},
		{"again by that of the integration", integration.Integration{Mapping: "warehouse", Again: &integration.Again{Delivery: "d-1"}}, settings{config: cfg}, "warehouse key:7 mapped: Disk full; read by the mapping warehouse", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &Finder{Config: &c.from, Log: slog.New(slog.DiscardHandler)}
			got := read(t, f.Of(t.Context(), c.in))
			if got != c.want && (!strings.HasSuffix(c.want, ":") || !strings.HasPrefix(got, c.want)) {
				t.Errorf("%q, want %q", got, c.want)
			}
			if c.from.asked != c.asked {
				t.Errorf("the configuration was asked for %d times, want %d", c.from.asked, c.asked)
			}
		})
	}
}

// TestTheConfigurationInForceIsAsked: what is published takes effect, and what
// is withdrawn too.
func TestTheConfigurationInForceIsAsked(t *testing.T) {
	from := &settings{}
	f := &Finder{Config: from, Log: slog.New(slog.DiscardHandler)}
	in := integration.Integration{Mapping: "warehouse"}
	for _, step := range []struct {
		config *config.Config
		want   string
	}{
		{&config.Config{}, "there is no mapping warehouse, so it was read without it"},
		{published(t, "warehouse", byName), "warehouse key:7 mapped: Disk full; read by the mapping warehouse"},
		{published(t, "warehouse", `{"title":"changed: {alert_name}","key":"{alert_id}"}`), "warehouse key:7 changed: Disk full; read by the mapping warehouse"},
		{&config.Config{}, "there is no mapping warehouse, so it was read without it"},
	} {
		from.config = step.config
		if got := read(t, f.Of(t.Context(), in)); got != step.want {
			t.Errorf("%q, want %q", got, step.want)
		}
	}
}

// TestAFailureIsLoggedOnce: the sender reads only that there was one.
func TestAFailureIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	f := &Finder{Config: &settings{err: errors.New("throttled")}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	found := f.Of(t.Context(), integration.Integration{Mapping: "warehouse"})
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "throttled") || !strings.Contains(log.String(), "mapping=warehouse") {
		t.Errorf("logged %q", log.String())
	}
	if strings.Contains(found.Why, "throttled") {
		t.Errorf("said %q", found.Why)
	}
}

func TestManyAskAtOnce(t *testing.T) {
	from := published(t, "warehouse", byName)
	f := &Finder{Config: fixed{from}, Log: slog.New(slog.DiscardHandler)}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got := read(t, f.Of(t.Context(), integration.Integration{Mapping: "warehouse"})); !strings.HasPrefix(got, "warehouse key:7") {
				t.Errorf("read %q", got)
			}
		})
	}
	all.Wait()
}

type fixed struct{ config *config.Config }

func (f fixed) Current(context.Context) (*config.Config, error) { return f.config, nil }

func TestNoted(t *testing.T) {
	refused := errors.New("refused")
	s := source.Source{Name: "x", Parse: func(r *source.Request) (source.Parsed, error) {
		if len(r.Body) == 0 {
			return source.Parsed{}, refused
		}
		return source.Parsed{Notes: []string{"first"}}, nil
	}}
	for _, c := range []struct {
		note, body string
		want       []string
		err        error
	}{
		{"why", "x", []string{"first", "why"}, nil},
		{"", "x", []string{"first"}, nil},
		{"why", "", []string{"why"}, refused},
		{"", "", nil, refused},
	} {
		noted := Noted(s, c.note)
		parsed, err := noted.Parse(request(c.body))
		if !slices.Equal(parsed.Notes, c.want) || !errors.Is(err, c.err) || noted.Name != "x" {
			t.Errorf("%q of %q: %q %v, want %q %v", c.note, c.body, parsed.Notes, err, c.want, c.err)
		}
	}
	if parsed, err := s.Parse(request("x")); err != nil || len(parsed.Notes) != 1 {
		t.Errorf("the source itself notes %q %v", parsed.Notes, err)
	}
}

const mail = "From: Disks <disks@nas.example>\r\nSubject: CRITICAL: volume 2 is full\r\nMessage-ID: <m-1@nas.example>\r\nContent-Type: text/plain\r\n\r\nvolume 2 is full\r\n"

func TestMails(t *testing.T) {
	cfg := published(t, "disks", `{"title":"mapped: {subject}","key":"{from}"}`)
	for _, c := range []struct{ name, mapping, title, note string }{
		{"by the mapping", "disks", "mapped: CRITICAL: volume 2 is full", "read by the mapping disks"},
		{"as mails are, and why", "gone", "CRITICAL: volume 2 is full", "there is no mapping gone, so it was read without it"},
		{"as mails are", "", "CRITICAL: volume 2 is full", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &Finder{Config: fixed{cfg}, Log: slog.New(slog.DiscardHandler)}
			s := f.Mails(t.Context(), integration.Integration{Source: email.Name, Mapping: c.mapping})
			r := request(mail)
			r.Header.Set("Content-Type", email.Media)
			r.Other = email.Decode
			parsed, err := s.Parse(r)
			if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
				t.Fatalf("%v %+v", err, parsed)
			}
			if got := parsed.Items[0].Alert.Title; got != c.title {
				t.Errorf("title %q, want %q", got, c.title)
			}
			if notes := strings.Join(parsed.Notes, "; "); notes != c.note {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}
