package main

import (
	"bytes"
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
	"strings"
	"time"
)

// pinnedRoots are the certificates that sign for AWS (Amazon Trust Services,
// "Repository"), by their subject in a system's bundle.
var pinnedRoots = []string{"Amazon Root CA 1", "Amazon Root CA 2", "Amazon Root CA 3", "Amazon Root CA 4", "Starfield Services Root Certificate Authority - G2"}

// systemBundles are where Linux distributions keep theirs; the last is that of
// Lambda's runtimes.
var systemBundles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}

// mostPinned is the part of the time that pinned roots may take. The design
// names no bound, only what it measured: 3 ms beside 97 ms.
const mostPinned = 0.1

// firstCall compares the first TLS call of a process that trusts Amazon's
// roots alone with one that reads the system's bundle.
func (b *binaries) firstCall() ([]row, error) {
	server, root, err := listenTLS()
	if err != nil {
		return nil, err
	}
	defer func() { _ = server.Close() }()
	pinned, system, err := b.bundles(root)
	if err != nil {
		return nil, err
	}
	held, release, err := holdTenth()
	defer release()
	var passed, used comparison
	for range turns {
		for _, side := range []struct {
			bundle       string
			passed, used *samples
		}{{pinned, &passed.ours, &used.ours}, {system, &passed.peer, &used.peer}} {
			p, u, err := b.call(server.Addr().String(), side.bundle, held)
			if err != nil {
				return nil, err
			}
			*side.passed, *side.used = append(*side.passed, p), append(*side.used, u)
		}
	}
	rows := []row{rowOf("first TLS call, pinned roots, beside the system's", used, target{})}
	if err != nil {
		return append(rows, row{what: "first TLS call at a tenth of a core", measured: "cannot be held here"}), nil
	}
	return append(rows, elapsedRow("first TLS call at a tenth of a core, elapsed", passed, target{most: mostPinned})), nil
}

func (b *binaries) call(address, bundle, group string) (passed, used time.Duration, err error) {
	args := []string{address}
	if group != "" {
		args = append(args, group)
	}
	cmd := exec.Command(b.here("firstcall"), args...)
	cmd.Env = []string{"SSL_CERT_FILE=" + bundle, "SSL_CERT_DIR=" + b.dir + "/none"}
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

// bundles writes Amazon's roots and the system's, each with the server's.
func (b *binaries) bundles(root []byte) (pinned, system string, err error) {
	all, err := systemBundle()
	if err != nil {
		return "", "", err
	}
	amazon := bytes.Clone(root)
	for rest := all; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err == nil && isPinned(c.Subject.CommonName) {
			amazon = append(amazon, pem.EncodeToMemory(block)...)
		}
	}
	pinned, system = b.dir+"/amazon.pem", b.dir+"/system.pem"
	return pinned, system, errors.Join(os.WriteFile(pinned, amazon, 0o600), os.WriteFile(system, append(all, root...), 0o600))
}

func systemBundle() ([]byte, error) {
	for _, file := range systemBundles {
		if text, err := os.ReadFile(file); err == nil {
			return text, nil
		}
	}
	return nil, fmt.Errorf("none of %s is here", strings.Join(systemBundles, ", "))
}

func isPinned(name string) bool {
	for _, p := range pinnedRoots {
		if p == name {
			return true
		}
	}
	return false
}

// Quota and period, in microseconds, that leave a tenth of a core; short, as
// a function's share is handed out.
const quota, period = 1000, 10000

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
