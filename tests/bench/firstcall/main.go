// Command firstcall makes the first TLS call of a process and prints what it
// cost, the loading of root certificates included: the time that passed and
// the time on the processor, in nanoseconds.
//
//	firstcall ADDRESS ROOT
//
// ROOT is the file of one more root, that of the server.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"tocsin/tests/bench/cpu"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(address, file string) error {
	root, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	began, used := time.Now(), cpu.Self()
	pool, err := x509.SystemCertPool()
	if err != nil {
		return err
	}
	pool.AppendCertsFromPEM(root)
	conn, err := tls.Dial("tcp", address, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: "localhost", RootCAs: pool})
	if err != nil {
		return err
	}
	fmt.Println(time.Since(began).Nanoseconds(), (cpu.Self() - used).Nanoseconds())
	return conn.Close()
}
