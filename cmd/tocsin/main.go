// Command tocsin is the command line of Tocsin. Most of its commands are made
// from the registry of operations and call the API; a few work on files, or on
// an AWS account with the caller's own credentials.
package main

import (
	"context"
	"os"
	"os/signal"
	"time"
)

// version is set by the linker.
var version = "development"

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
