package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"slices"
	"time"
)

// mostPinned is the part of the time that pinned roots may take. The design
// names no bound, only what it measured: 3 ms beside 97 ms.
const mostPinned = 0.1

// firstCall compares the first TLS call of a process that trusts Amazon's
// roots alone, as functions that call nothing but AWS do, with one that loads
// what Go loads by itself.
func (b *binaries) firstCall() ([]row, error) {
	server, root, err := listenTLS()
	if err != nil {
		return nil, err
	}
	defer func() { _ = server.Close() }()
	file := b.dir + "/root.pem"
	if err := os.WriteFile(file, root, 0o600); err != nil {
		return nil, err
	}
	pinned := []string{"SSL_CERT_FILE=" + b.root + "/shared/cloud/amazon-roots.pem", "SSL_CERT_DIR=" + b.dir + "/none"}
	held, release, holdErr := holdTenth()
	defer release()
	var passed, used comparison
	for range turns {
		for _, side := range []struct {
			env          []string
			passed, used *samples
		}{{pinned, &passed.ours, &used.ours}, {nil, &passed.peer, &used.peer}} {
			p, u, err := b.call(server.Addr().String(), file, side.env, held)
			if err != nil {
				return nil, err
			}
			*side.passed, *side.used = append(*side.passed, p), append(*side.used, u)
		}
	}
	rows := []row{rowOf("first TLS call, pinned roots, beside Go's own", used, target{})}
	if holdErr != nil {
		return append(rows, row{what: "first TLS call at a tenth of a core", measured: "cannot be held here"}), nil
	}
	return append(rows, rowOf("first TLS call at a tenth of a core, elapsed", passed, target{most: mostPinned})), nil
}

// call runs firstcall in a control group ("" for none), which it is in from
// its start: what a function uses to initialise is taken from its share too.
func (b *binaries) call(address, root string, env []string, group string) (passed, used time.Duration, err error) {
	cmd := exec.Command(b.here("firstcall"), address, root)
	if group != "" {
		cmd = exec.Command("/bin/sh", "-c", `echo $$ > "$0" && exec "$@"`, group, b.here("firstcall"), address, root)
	}
	cmd.Env = append(slices.Clone(env), "PATH=/usr/bin:/bin")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("first call: %w\n%s", err, out)
	}
	_, err = fmt.Sscan(string(out), (*int64)(&passed), (*int64)(&used))
	return passed, used, err
}

// listenTLS serves TLS under a certificate of a new root.
func listenTLS() (net.Listener, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		return nil, nil, err
	}
	go serveTLS(l)
	return l, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// serveTLS shakes hands until the listener is closed.
func serveTLS(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			_ = conn.(*tls.Conn).Handshake()
			_, _ = conn.Read(make([]byte, 1))
		}()
	}
}

// Quota and period, in microseconds, that leave a tenth of a core; the period
// is the kernel's own choice.
const quota, period = 10_000, 100_000

// holdTenth makes a control group that has a tenth of a core and returns the
// file by which a process joins it. It needs the right to make one.
func holdTenth() (procs string, release func(), err error) {
	for _, v := range []struct {
		dir   string
		files map[string]string
	}{
		{"/sys/fs/cgroup/tocsin-bench", map[string]string{"cpu.max": fmt.Sprint(quota, " ", period)}},
		{"/sys/fs/cgroup/cpu/tocsin-bench", map[string]string{"cpu.cfs_period_us": fmt.Sprint(period), "cpu.cfs_quota_us": fmt.Sprint(quota)}},
	} {
		if err = makeGroup(v.dir, v.files); err == nil {
			return v.dir + "/cgroup.procs", func() { _ = os.Remove(v.dir) }, nil
		}
		_ = os.Remove(v.dir)
	}
	return "", func() {}, err
}

func makeGroup(dir string, files map[string]string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
		return err
	}
	for name, value := range files {
		// Without O_CREATE: a file that is missing means another kind of group.
		f, err := os.OpenFile(dir+"/"+name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(value)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}
