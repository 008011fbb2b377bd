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
			for key, want := range map[string]string{"GOOS": "linux", "GOARCH": "arm64", "CGO_ENABLED": "0", "-trimpath": "true", "-tags": "lambda.norpc"} {
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

// published are the SHA-256 fingerprints in Amazon Trust Services' repository
// of root certificates.
var published = map[string]string{
	"8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e": "Amazon Root CA 1",
	"1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4": "Amazon Root CA 2",
	"18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4": "Amazon Root CA 3",
	"e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092": "Amazon Root CA 4",
	"568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5": "Starfield Services Root Certificate Authority - G2",
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
		sum := sha256.Sum256(block.Bytes)
		key := hex.EncodeToString(sum[:])
		if published[key] != c.Subject.CommonName {
			t.Errorf("the certificate %s of %q is none of Amazon's", key, c.Subject.CommonName)
		}
		found[key] = true
	}
	for key, name := range published {
		if !found[key] {
			t.Errorf("%s is missing", name)
		}
	}
}
