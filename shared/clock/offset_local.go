//go:build tocsin_local

package clock

import (
	"os"
	"strings"
	"time"
)

// FileVariable names the environment variable that holds the path of the
// offset file: one Go duration ("36h0m0s"). The local stack replaces the file
// whole, so a reader sees the old or the new offset.
const FileVariable = "TOCSIN_CLOCK_FILE"

// offset is read at every call: a warm process must follow a moved clock.
func offset() time.Duration {
	text, err := os.ReadFile(os.Getenv(FileVariable))
	if err != nil {
		return 0
	}
	d, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return d
}
