package outgoing

import (
	"crypto/x509"
	"os"
	"sync"
)

// bundles are where systems keep the root certificates that they trust, as the
// standard library looks for them (crypto/x509, root_linux.go).
var bundles = [...]string{
	"/etc/pki/tls/certs/ca-bundle.crt", // Amazon Linux, Fedora
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/ssl/cert.pem",
	"/etc/ssl/ca-bundle.pem",
}

// roots returns the system's whole bundle. It is read from its file because
// SSL_CERT_FILE, which the standard library follows, names only the few roots
// that AWS needs; and at the first request, because reading it takes several
// times as long as a function's start. nil, the standard library's choice,
// where there is no bundle.
var roots = sync.OnceValue(func() *x509.CertPool {
	for _, file := range bundles {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if pool := x509.NewCertPool(); pool.AppendCertsFromPEM(text) {
			return pool
		}
	}
	return nil
})
