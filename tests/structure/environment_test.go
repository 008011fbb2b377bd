package structure

import (
	"maps"
	"strings"
	"testing"
)

// readElsewhere are variables that no code of ours reads.
var readElsewhere = map[string]string{
	"GOMAXPROCS":    "by the Go runtime",
	"GOGC":          "by the Go runtime",
	"GOMEMLIMIT":    "by the Go runtime",
	"SSL_CERT_FILE": "read by crypto/x509",
	"SSL_CERT_DIR":  "read by crypto/x509",
	"ZONEINFO":      "read by time",
}

// TestEnvironmentIsGivenAndRead compares the variables that the code of each
// function can come to read with those that the template gives, both ways.
func TestEnvironmentIsGivenAndRead(t *testing.T) {
	s := readStack(t)
	all := reaches(t)
	functions := s.functions()
	known := map[string]bool{} // names that the template gives to some function
	for _, f := range functions {
		for name := range f.variables() {
			known[name] = true
		}
	}
	readBySome := map[string]bool{}
	for _, f := range functions {
		t.Run(f.id, func(t *testing.T) {
			given, read := f.variables(), map[string]bool{}
			for _, name := range all[f.name].Reads {
				read[name] = true
			}
			for _, name := range all[f.name].Words {
				read[name] = read[name] || known[name]
			}
			maps.DeleteFunc(read, func(name string, is bool) bool { return !is })
			for _, name := range names(read) {
				readBySome[name] = true
				// What Lambda itself gives, and what only the local stack gives.
				ours := !strings.HasPrefix(name, "AWS_")
				if ours && given[name] == nil {
					t.Errorf("the code reads %s, which the template does not give", name)
				}
			}
			for _, name := range names(f.properties.object("Environment", "Variables")) {
				if !read[name] && readElsewhere[name] == "" {
					t.Errorf("the template gives %s, which the code never reads", name)
				}
			}
		})
	}
	for _, name := range names(s.object.object("Globals", "Function", "Environment", "Variables")) {
		if !readBySome[name] && readElsewhere[name] == "" {
			t.Errorf("the template gives %s to all, which no code reads", name)
		}
	}
}

// variables are those that the template gives a function.
func (f function) variables() map[string]any {
	given := map[string]any{}
	maps.Copy(given, f.globals.object("Environment", "Variables"))
	maps.Copy(given, f.properties.object("Environment", "Variables"))
	return given
}

// TestRootsArePinned: verifying by the whole bundle costs a function tens of
// milliseconds at its first call. Clients of other hosts bring their own
// (shared/outgoing).
func TestRootsArePinned(t *testing.T) {
	for _, f := range readStack(t).functions() {
		v := f.variables()
		if v["SSL_CERT_FILE"] != "/var/task/amazon-roots.pem" || v["SSL_CERT_DIR"] != "/var/task/no-certificates" {
			t.Errorf("%s: SSL_CERT_FILE is %v and SSL_CERT_DIR %v", f.id, v["SSL_CERT_FILE"], v["SSL_CERT_DIR"])
		}
	}
}
