package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	_ "github.com/emersion/go-message/charset" // of mails
	"github.com/spf13/cobra"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/intake"
	"tocsin/shared/source"
	"tocsin/shared/source/all"
	"tocsin/shared/source/email"
	"tocsin/shared/source/lookup"
	"tocsin/shared/source/shipped"
	"tocsin/shared/source/wire"
)

// normalized is an alert as intake makes it; every field is always there.
type normalized struct {
	DetectedBy  string            `json:"detected_by"` // what told the source
	Source      string            `json:"source"`
	DedupKey    string            `json:"dedup_key"`
	Episode     string            `json:"episode"`
	Status      alert.Status      `json:"status"`
	Severity    alert.Severity    `json:"severity"`
	Priority    alert.Priority    `json:"priority"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Group       string            `json:"group"`
	Labels      map[string]string `json:"labels"`
	Links       []alert.Link      `json:"links"`
	StartedAt   *time.Time        `json:"started_at"` // null: the sender did not say
	EndedAt     *time.Time        `json:"ended_at"`
	ExpiresAt   *time.Time        `json:"expires_at"`
	Truncated   bool              `json:"truncated"`
}

func (a *app) normalizeCommand() *cobra.Command {
	var in payload
	propose := false
	c := &cobra.Command{
		Use: "normalize FILE|-", Short: "Show what intake makes of a payload, without a server",
		Long: `Reads a payload as a monitoring system posts it and prints its alerts as a JSON
array, as intake would hand them on. Without --source, or with custom, it finds
out which source it is, and detected_by says by what. Changes, like deployments, and what cannot
be understood are told on standard error.

A file named *.eml is a mail. --mapping tries a mapping before it is published,
and reads by it whatever the payload looks like; --propose prints one as a
YAML document, with the reasons, for a system that does not ship.

Sources: ` + strings.Join(all.Names(), ", ") + ".",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			in.file = args[0]
			if in.source != "" && in.mapping != "" || propose && in.source+in.mapping != "" {
				return usagef("give one of --source, --mapping and --propose")
			}
			if propose {
				return a.proposeFor(in)
			}
			return a.normalize(in)
		},
	}
	c.Flags().StringVar(&in.source, "source", "", "kind of monitoring system")
	c.Flags().StringVar(&in.mapping, "mapping", "", "`file` with the mapping to read it by")
	c.Flags().BoolVar(&propose, "propose", false, "print a mapping for it instead of its alerts")
	c.Flags().StringArrayVar(&in.headers, "header", nil, "a header of the request, `'Name: value'`; may stand more than once")
	_ = c.RegisterFlagCompletionFunc("source", cobra.FixedCompletions(all.Names(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// payload is what normalize is asked to read.
type payload struct {
	source, file, mapping string
	headers               []string
}

// request is the payload as its sender posts it.
func (a *app) request(in payload) (*source.Request, error) {
	header, err := headersOf(in.headers)
	if err != nil {
		return nil, err
	}
	if header.Get("Content-Type") == "" && strings.HasSuffix(in.file, ".eml") {
		header.Set("Content-Type", email.Media)
	}
	body, err := a.read(in.file)
	if err != nil {
		return nil, err
	}
	if header.Get("Content-Type") == "" && multipartMedia(body) != "" {
		header.Set("Content-Type", multipartMedia(body))
	}
	r := &source.Request{Header: header, Query: url.Values{}, Body: body, At: a.now().UTC(), Other: all.Decode}
	r, notes, err := wire.Plain(r, maxPayload)
	for _, note := range notes {
		fmt.Fprintf(a.stderr, "note: %s\n", clean(note))
	}
	if u, ok := errors.AsType[*wire.UnsupportedError](err); ok {
		return nil, fault.New(fault.Invalid, "%s", u.Text)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge(in.file)
	}
	return r, err
}

func (a *app) proposeFor(in payload) error {
	r, err := a.request(in)
	if err != nil {
		return err
	}
	return a.propose(r)
}

// detected is the source that is asked for, else what the request looks like.
func (in payload) detected(r *source.Request) (all.Detected, error) {
	switch {
	case in.mapping != "":
		return mapped(in.mapping)
	case in.source == "", in.source == shipped.Custom:
		return all.Recognise(r), nil
	}
	s, known := all.Named(in.source)
	if !known {
		return all.Detected{}, usagef("source %q is unknown; %s", in.source, shipped.Unknown(in.source, all.Names()))
	}
	return all.Detected{Source: s, By: "--source"}, nil
}

func (a *app) normalize(in payload) error {
	r, err := a.request(in)
	if err != nil {
		return err
	}
	found, err := in.detected(r)
	if err != nil {
		return err
	}
	if in.mapping != "" {
		if err := a.tellUnlike(found.Source, r); err != nil {
			return err
		}
	}
	if err := in.checkMedia(r, found.Source); err != nil {
		return err
	}
	parsed, err := found.Source.Parse(r)
	if err != nil {
		return err
	}
	return a.showAlerts(found, parsed)
}

// checkMedia refuses what intake does. A mail has a way of its own, and without
// a source everything is read.
func (in payload) checkMedia(r *source.Request, s source.Source) error {
	switch {
	case r.Media() == email.Media:
		return nil
	case in.mapping == "" && (in.source == "" || in.source == shipped.Custom):
		return intake.CheckMedia(r, r.Media(), []string{"*"})
	}
	return intake.CheckMedia(r, r.Media(), s.Media)
}

// tellUnlike says that a payload does not look as the mapping says that those
// of its source do: it may be a file of another.
func (a *app) tellUnlike(s source.Source, r *source.Request) error {
	marks, err := lookup.ParseAny(s.Marks)
	if err == nil && len(marks) > 0 && !marks.Holds(r.Scope()) {
		_, err = fmt.Fprintf(a.stderr, "note: no condition of recognise holds; without --mapping it is read as %s\n", all.Recognise(r).Source.Name)
	}
	return err
}

// maxPayload is what intake takes.
const maxPayload = 1 << 20

func (a *app) read(file string) ([]byte, error) {
	in := a.stdin
	if file != "-" {
		f, err := os.Open(file)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fault.New(fault.NotFound, "%s does not exist", file)
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	body, err := io.ReadAll(io.LimitReader(in, maxPayload+1))
	if err != nil {
		return nil, err // names the file
	}
	if len(body) > maxPayload {
		return nil, tooLarge(file)
	}
	return body, nil
}

func tooLarge(file string) error {
	return fault.New(fault.Invalid, "%s is larger than %d bytes, which intake refuses", file, maxPayload)
}

func (a *app) showAlerts(found all.Detected, parsed source.Parsed) error {
	fmt.Fprintf(a.stderr, "source: %s (detected by %s)\n", found.Source.Name, clean(found.By))
	alerts := []normalized{}
	for i, item := range parsed.Items {
		if item.Alert == nil {
			fmt.Fprintf(a.stderr, "alerts[%d]: rejected: %s\n", i, clean(item.Rejected))
			continue
		}
		alerts = append(alerts, normalizedOf(found.By, item.Alert))
	}
	for _, c := range parsed.Changes {
		fmt.Fprintf(a.stderr, "change: %s\n", clean(c.Title))
	}
	for _, note := range parsed.Notes {
		fmt.Fprintf(a.stderr, "note: %s\n", clean(note))
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(alerts); err != nil {
		return err
	}
	if len(alerts) == 0 && len(parsed.Items) > 0 {
		return fault.New(fault.Invalid, "none of the alerts can be understood")
	}
	return nil
}

func normalizedOf(by string, x *alert.Alert) normalized {
	n := normalized{
		DetectedBy: by,
		Source:     x.Source, DedupKey: x.DedupKey, Episode: x.Episode, Status: x.Status, Severity: x.Severity, Priority: x.Priority,
		Title: x.Title, Description: x.Description, Group: x.Group, Labels: x.Labels, Links: x.Links,
		StartedAt: instantOrNil(x.StartedAt), EndedAt: instantOrNil(x.EndedAt), ExpiresAt: instantOrNil(x.ExpiresAt), Truncated: x.Truncated,
	}
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	if n.Links == nil {
		n.Links = []alert.Link{}
	}
	return n
}

func instantOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
