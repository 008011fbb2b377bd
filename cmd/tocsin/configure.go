package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tocsin/shared/config"
	"tocsin/shared/config/yamldoc"
	"tocsin/shared/fault"
	"tocsin/shared/ops"
)

// configuration calls the operations that work on whole configurations.
type configuration struct {
	app *app
	*client
	all []*ops.Operation
}

func (a *app) configuration() (*configuration, error) {
	c, err := a.client()
	return &configuration{app: a, client: c, all: ops.Resolved(ops.All(&ops.Desk{}))}, err
}

// ask calls an operation and decodes its answer.
func (c *configuration) ask(ctx context.Context, name string, input map[string]any, out any) ([]byte, error) {
	answer, err := c.call(ctx, operation(c.all, name), input)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return nil, fmt.Errorf("the answer of %s: %w", name, err)
	}
	return answer, nil
}

// load reads and checks the files before anything is sent.
func (a *app) load(paths []string) ([]config.Document, error) {
	docs, problems, err := yamldoc.Load(paths...)
	if err != nil {
		return nil, usageError{err}
	}
	for _, p := range problems {
		fmt.Fprintln(a.stderr, clean(p.String()))
	}
	if n := len(problems); n > 0 {
		fmt.Fprintf(a.stderr, "tocsin: %s; nothing was written\n", counted(n, "problem"))
		return nil, told{problems.Err()}
	}
	if len(docs) == 0 {
		return nil, fault.New(fault.Invalid, "there is no document in %s; as the whole configuration that would remove everything", strings.Join(paths, ", "))
	}
	return docs, nil
}

// counted says how many things there are: "1 problem", "2 problems".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (a *app) diffCommand() *cobra.Command {
	return &cobra.Command{
		Use: "diff PATH...", Short: "Compare configuration files with what is in force",
		Long: `Reads YAML files, and directories of them, as the whole configuration and shows
what apply would change. Every problem is told with file, line and field.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			docs, err := a.load(args)
			if err != nil {
				return err
			}
			c, err := a.configuration()
			if err != nil {
				return err
			}
			var diff ops.ConfigDiff
			answer, err := c.ask(cmd.Context(), "config.diff", map[string]any{"documents": docs}, &diff)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.showJSON(answer)
			}
			a.showDiff(diff)
			return nil
		},
	}
}

func (a *app) showDiff(diff ops.ConfigDiff) {
	if len(diff.Changes) == 0 {
		fmt.Fprintf(a.stdout, "No changes: version %d means the same.\n", diff.Version)
		return
	}
	signs := map[config.Op]string{config.Added: "+", config.Removed: "-", config.Changed: "~"}
	for _, c := range diff.Changes {
		fmt.Fprintf(a.stdout, "%s %s %s\n", signs[c.Op], c.Kind, c.Name)
		for _, f := range c.Fields {
			if len(f.Old) > 0 {
				fmt.Fprintf(a.stdout, "    - %s: %s\n", f.Field, clean(string(f.Old)))
			}
			if len(f.New) > 0 {
				fmt.Fprintf(a.stdout, "    + %s: %s\n", f.Field, clean(string(f.New)))
			}
		}
	}
}

func (a *app) applyCommand() *cobra.Command {
	var comment string
	var prune bool
	expected := -1
	c := &cobra.Command{
		Use: "apply PATH...", Short: "Publish configuration files as the new version",
		Long: `Reads YAML files, and directories of them, as the whole configuration and
publishes it as one new version. What is in force and not in the files would be
removed: that is refused unless --prune says that it is meant. Nothing is
written unless all is valid, nor when somebody else published meanwhile.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			docs, err := a.load(args)
			if err != nil {
				return err
			}
			return a.apply(cmd.Context(), docs, expected, prune, comment)
		},
	}
	c.Flags().BoolVar(&prune, "prune", false, "remove what is in force and not in the files")
	c.Flags().StringVar(&comment, "comment", "", "why, for the history")
	c.Flags().IntVar(&expected, "expected-version", -1, "fail unless this version is in force; default the one that is shown as compared with")
	return c
}

func (a *app) apply(ctx context.Context, docs []config.Document, expected int, prune bool, comment string) error {
	c, err := a.configuration()
	if err != nil {
		return err
	}
	var diff ops.ConfigDiff
	if _, err := c.ask(ctx, "config.diff", map[string]any{"documents": docs}, &diff); err != nil {
		return err
	}
	if len(diff.Removed) > 0 && !prune {
		return refusedToRemove(diff.Removed)
	}
	if expected < 0 {
		expected = diff.Version
	}
	input := map[string]any{"documents": docs, "expected_version": expected}
	if comment != "" {
		input["comment"] = comment
	}
	var applied ops.AppliedConfig
	answer, err := c.ask(ctx, "config.apply", input, &applied)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.showJSON(answer)
	}
	a.showDiff(diff)
	if applied.Changes > 0 {
		fmt.Fprintf(a.stdout, "Version %d is in force.\n", applied.Version)
	}
	return nil
}

// refusedToRemove names what files leave out. Its kind is Conflict: it is the
// version in force that forbids it.
func refusedToRemove(gone []string) error {
	e := fault.New(fault.Conflict, "the files leave out %s of the version in force, and apply would remove what they leave out; nothing was written. Add them (tocsin export prints all), or say --prune", counted(len(gone), "document"))
	for _, name := range gone {
		e.Fields = append(e.Fields, fault.Field{Path: name, Problem: "would be removed"})
	}
	return e
}

func (a *app) exportCommand() *cobra.Command {
	var version int
	var to string
	c := &cobra.Command{
		Use: "export", Short: "Write the configuration as YAML", Args: cobra.NoArgs,
		Long: "Writes the whole configuration as YAML documents that apply reads back. With --output json it writes them as JSON.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.export(cmd.Context(), version, to)
		},
	}
	c.Flags().IntVar(&version, "version", 0, "an older version instead of the one in force")
	c.Flags().StringVarP(&to, "file", "f", "", "write into this file")
	return c
}

func (a *app) export(ctx context.Context, version int, to string) error {
	c, err := a.configuration()
	if err != nil {
		return err
	}
	input := map[string]any{}
	if version > 0 {
		input["version"] = version
	}
	var exported ops.ExportedConfig
	answer, err := c.ask(ctx, "config.export", input, &exported)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.showJSON(answer)
	}
	docs := make([]config.Document, len(exported.Documents))
	for i, d := range exported.Documents {
		docs[i] = config.Document(d)
	}
	text, err := yamldoc.Export(docs)
	if err != nil {
		return err
	}
	if to == "" {
		_, err = a.stdout.Write(text)
		return err
	}
	return replace(to, text)
}

// replace writes a file whole or not at all.
func replace(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".tocsin-")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(f.Name()) // after the rename there is nothing to remove
	_, err = f.Write(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (a *app) rollbackCommand() *cobra.Command {
	expected := -1
	c := &cobra.Command{
		Use: "rollback VERSION", Short: "Publish an old version of the configuration again",
		Long: "Publishes the documents of an old version as a new one. See tocsin config history.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := strconv.Atoi(args[0])
			if err != nil || to < 0 {
				return usagef("%q is no version", args[0])
			}
			return a.rollback(cmd.Context(), to, expected)
		},
	}
	c.Flags().IntVar(&expected, "expected-version", -1, "fail unless this version is in force; default the one that is in force at the beginning")
	return c
}

func (a *app) rollback(ctx context.Context, to, expected int) error {
	c, err := a.configuration()
	if err != nil {
		return err
	}
	if expected < 0 {
		var now ops.ExportedConfig
		if _, err := c.ask(ctx, "config.export", map[string]any{}, &now); err != nil {
			return err
		}
		expected = now.Version
	}
	if to == expected {
		return fault.New(fault.Conflict, "version %d is in force", to)
	}
	var made ops.ConfigVersion
	answer, err := c.ask(ctx, "config.rollback", map[string]any{"to": to, "expected_version": expected}, &made)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.showJSON(answer)
	}
	fmt.Fprintf(a.stdout, "Version %d is in force: that of version %d.\n", made.Version, to)
	return nil
}
