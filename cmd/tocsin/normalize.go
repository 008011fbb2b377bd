package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/ops"
	"tocsin/shared/source"
)

// otherNames are names under which sources are known elsewhere.
var otherNames = map[string]string{"alertmanager": "prometheus"}

// normalized is an alert as intake makes it; every field is always there.
type normalized struct {
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
	var name string
	c := &cobra.Command{
		Use: "normalize FILE|-", Short: "Show what intake makes of a payload, without a server",
		Long: `Reads a payload as a monitoring system posts it and prints its alerts as a JSON
array, as intake would hand them on. Alerts that cannot be understood are told
on standard error. Without --source the name of the file's folder is tried, and
then every source.

Sources: ` + strings.Join(knownSources(), ", ") + ".",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.normalize(name, args[0]) },
	}
	c.Flags().StringVar(&name, "source", "", "kind of monitoring system")
	_ = c.RegisterFlagCompletionFunc("source", cobra.FixedCompletions(knownSources(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// knownSources lists every name that --source takes.
func knownSources() []string {
	var names []string
	for _, s := range ops.Sources() {
		names = append(names, s.Name)
	}
	for other := range otherNames {
		names = append(names, other)
	}
	slices.Sort(names)
	return names
}

// sourceNamed finds a source by its name or another one.
func sourceNamed(name string) (source.Source, bool) {
	if real, ok := otherNames[name]; ok {
		name = real
	}
	for _, s := range ops.Sources() {
		if s.Name == name {
			return s, true
		}
	}
	return source.Source{}, false
}

func (a *app) normalize(name, file string) error {
	candidates := ops.Sources()
	if s, known := sourceNamed(name); known {
		candidates = []source.Source{s}
	} else if name != "" {
		return usagef("source %q is unknown; known are %s", name, strings.Join(knownSources(), ", "))
	} else if s, known := sourceNamed(folder(file)); known {
		candidates = []source.Source{s}
	}
	body, err := a.read(file)
	if err != nil {
		return err
	}
	parsed, err := parse(candidates, body, a.now().UTC())
	if err != nil {
		return err
	}
	return a.showAlerts(parsed)
}

func folder(file string) string {
	if file == "-" {
		return ""
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return ""
	}
	return filepath.Base(filepath.Dir(path))
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
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if len(body) > maxPayload {
		return nil, fault.New(fault.Invalid, "%s is larger than %d bytes, which intake refuses", file, maxPayload)
	}
	return body, nil
}

// parse returns what the first source that understands the body makes of it.
func parse(candidates []source.Source, body []byte, at time.Time) (source.Parsed, error) {
	var problem error
	for _, s := range candidates {
		parsed, err := s.Parse(body, at)
		if err == nil {
			return parsed, nil
		}
		if problem == nil {
			problem = err
		}
	}
	return source.Parsed{}, problem
}

func (a *app) showAlerts(parsed source.Parsed) error {
	alerts := []normalized{}
	for i, item := range parsed.Items {
		if item.Alert == nil {
			fmt.Fprintf(a.stderr, "alerts[%d]: rejected: %s\n", i, clean(item.Rejected))
			continue
		}
		alerts = append(alerts, normalizedOf(item.Alert))
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

func normalizedOf(x *alert.Alert) normalized {
	n := normalized{
		Source: x.Source, DedupKey: x.DedupKey, Episode: x.Episode, Status: x.Status, Severity: x.Severity, Priority: x.Priority,
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
