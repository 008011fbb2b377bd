// Command tocsin is the command line of Tocsin. Most of its commands are made
// from the registry of operations and call the API; a few work on files, or on
// an AWS account with the caller's own credentials.
package main

import (
	_ "time/tzdata" // a machine need not have the zones

	"cmp"
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"time"
)

// linked is the version that the linker set; without one, version is what the
// compiler noted of the checkout.
var (
	linked  string
	version = cmp.Or(linked, noted())
)

func noted() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	a := &app{
		env: os.LookupEnv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		terminal: isTerminal(os.Stderr), now: time.Now, configDir: os.UserConfigDir,
	}
	code := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// isTerminal reports whether a file is a terminal: only there is progress
// shown.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
