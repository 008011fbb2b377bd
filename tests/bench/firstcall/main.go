// Command firstcall makes the first TLS call of a process and prints what it
// cost: the time that passed and the time on the processor, in nanoseconds.
//
//	firstcall ADDRESS [CGROUP_PROCS]
//
// With a second argument it first joins the control group of that file.
package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"time"

	"tocsin/tests/bench/cpu"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 1 {
		if err := os.WriteFile(args[1], fmt.Appendf(nil, "%d", os.Getpid()), 0); err != nil {
			return err
		}
	}
	began, used := time.Now(), cpu.Self()
	conn, err := tls.Dial("tcp", args[0], &tls.Config{MinVersion: tls.VersionTLS12, ServerName: "localhost"})
	if err != nil {
		return err
	}
	fmt.Println(time.Since(began).Nanoseconds(), (cpu.Self() - used).Nanoseconds())
	return conn.Close()
}
