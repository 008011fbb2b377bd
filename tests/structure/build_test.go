package structure

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// largest is what a binary may have (DESIGN §12), in bytes.
const largest = 10_000_000

// TestBinariesAreForAWS reads what `make build` left for deployment: it must
// run on arm64 and must not hold what only the local stack has, such as the
// clock that can be moved.
func TestBinariesAreForAWS(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, built)); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the functions were not built: make build comes before this test")
		}
		t.Skip("the functions were not built; make build does it")
	}
	for _, name := range functionNames(t) {
		t.Run(name, func(t *testing.T) {
			bootstrap := filepath.Join(built, name, "bootstrap")
			info, err := os.Stat(filepath.Join(root, bootstrap))
			if err != nil {
				t.Fatalf("%v; make build", err)
			}
			if info.Size() > largest {
				t.Errorf("the binary has %d bytes, more than %d", info.Size(), largest)
			}
			settings := map[string]string{}
			for line := range strings.Lines(run(t, ".", "go", "version", "-m", bootstrap)) {
				if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "build" {
					key, value, _ := strings.Cut(fields[1], "=")
					settings[key] = value
				}
			}
			for key, want := range map[string]string{"GOOS": "linux", "GOARCH": "arm64", "CGO_ENABLED": "0", "-trimpath": "true", "-tags": "lambda.norpc,nethttpomithttp2"} {
				if settings[key] != want {
					t.Errorf("the binary was built with %s=%s, want %s", key, settings[key], want)
				}
			}
			if roots := read(t, filepath.Join(built, name, "amazon-roots.pem")); !slices.Equal(roots, read(t, "shared/cloud/amazon-roots.pem")) {
				t.Error("the roots beside the binary are not those of shared/cloud")
			}
		})
	}
}

// published are the SHA-256 hashes of the subjects' public keys in Amazon Trust
// Services' repository (amazontrust.com/repository, "Root CAs"), which advises
// to carry all five. Its roots for the European Sovereign Cloud are not here.
var published = map[string]string{
	"fbe3018031f9586bcbf41727e417b7d1c45c2f47f93be372a17b96b50757d5a2": "Amazon Root CA 1",
	"7f4296fc5b6a4e3b35d3c369623e364ab1af381d8fa7121533c9d6c633ea2461": "Amazon Root CA 2",
	"36abc32656acfc645c61b71613c4bf21c787f5cabbee48348d58597803d7abc9": "Amazon Root CA 3",
	"f7ecded5c66047d28ed6466b543c40e0743abe81d109254dcf845d4c2c7853c5": "Amazon Root CA 4",
	"2b071c59a0a0ae76b0eadb2bad23bad4580b69c3601b630c2eaf0613afa83f92": "Starfield Services Root Certificate Authority - G2",
}

func TestRootsAreAmazons(t *testing.T) {
	rest := read(t, "shared/cloud/amazon-roots.pem")
	found := map[string]bool{}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
		key := hex.EncodeToString(sum[:])
		if published[key] != c.Subject.CommonName {
			t.Errorf("the key %s of %q is none of Amazon's", key, c.Subject.CommonName)
		}
		found[key] = true
	}
	for key, name := range published {
		if !found[key] {
			t.Errorf("%s is missing", name)
		}
	}
}
