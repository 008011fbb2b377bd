package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/shared/fault"
	"tocsin/shared/ops"
)

// app is what every command works with.
type app struct {
	env       func(string) (string, bool)
	stdin     io.Reader
	stdout    io.Writer
	stderr    io.Writer
	terminal  bool
	now       func() time.Time
	configDir func() (string, error)

	url     string
	profile string
	output  string
	timeout time.Duration
}

// Exit codes, as the help tells them.
const (
	exitOK           = 0
	exitFailed       = 1
	exitUsage        = 2
	exitNotFound     = 3
	exitConflict     = 4
	exitUnauthorised = 5
	exitUnavailable  = 6
)

const rootHelp = `Tocsin is serverless event management for operations teams.

The address and token of the API come from TOCSIN_URL and TOCSIN_TOKEN, else
from the profile in tocsin/config.yaml of the user's configuration directory:

  profile: prod
  profiles:
    prod:
      url: https://tocsin.example.com
      token: tt_...

Exit codes: 0 done; 1 failed or refused as invalid; 2 the command line is
wrong; 3 not found; 4 the state found forbids it; 5 no valid token or scope;
6 the service or the network is unavailable.`

// usageError is an error of the command line itself.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run does a command and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	a.tell(err)
	return codeOf(err)
}

// tell writes an error: its text, then each bad field on a line.
func (a *app) tell(err error) {
	if _, silent := errors.AsType[told](err); silent {
		return
	}
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		fmt.Fprintf(a.stderr, "tocsin: %s\n", clean(err.Error()))
		return
	}
	fmt.Fprintf(a.stderr, "tocsin: %s\n", clean(e.Text))
	for _, f := range e.Fields {
		fmt.Fprintf(a.stderr, "  %s: %s\n", clean(f.Path), clean(f.Problem))
	}
}

// told is an error whose text was written already.
type told struct{ error }

func (e told) Unwrap() error { return e.error }

func codeOf(err error) int {
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	switch fault.KindOf(err) {
	case fault.NotFound:
		return exitNotFound
	case fault.Conflict:
		return exitConflict
	case fault.Unauthenticated, fault.Forbidden:
		return exitUnauthorised
	case fault.Unavailable, fault.TooMany:
		return exitUnavailable
	}
	return exitFailed
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "tocsin", Short: "Event management for operations teams", Long: rootHelp, Version: version,
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.output != "table" && a.output != "json" {
				return usagef("--output is %q, expected table or json", a.output)
			}
			return nil
		},
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	flags := root.PersistentFlags()
	flags.StringVar(&a.url, "url", "", "address of the API, instead of TOCSIN_URL")
	flags.StringVar(&a.profile, "profile", "", "profile of the configuration file, instead of TOCSIN_PROFILE")
	flags.StringVarP(&a.output, "output", "o", "table", "table or json")
	flags.DurationVar(&a.timeout, "timeout", 30*time.Second, "how long one call may take")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	a.addOperations(root, ops.Resolved(ops.All(&ops.Desk{})))
	root.AddCommand(
		a.diffCommand(), a.applyCommand(), a.exportCommand(), a.rollbackCommand(),
		a.normalizeCommand(), a.versionCommand(),
		a.bootstrapCommand(), a.doctorCommand(), a.uninstallCommand(),
	)
	checkArgs(root)
	return root
}

// checkArgs makes wrong arguments errors of usage, and refuses words that are
// no command.
func checkArgs(c *cobra.Command) {
	if inner := c.Args; inner != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := inner(cmd, args); err != nil {
				return usagef("%v\nusage: %s", err, cmd.UseLine())
			}
			return nil
		}
	}
	if c.HasSubCommands() && c.RunE == nil {
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usagef("%q is no command of %s; known are %s", args[0], cmd.CommandPath(), strings.Join(commandNames(cmd), ", "))
		}
	}
	for _, sub := range c.Commands() {
		checkArgs(sub)
	}
}

func commandNames(c *cobra.Command) []string {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version of this program", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, version)
			return err
		},
	}
}
