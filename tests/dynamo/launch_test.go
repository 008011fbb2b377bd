package dynamo

import (
	"strings"
	"testing"
	"time"
)

func TestRunReportsJavaThatEnds(t *testing.T) {
	if err := checkJava(t.Context()); err != nil {
		t.Skipf("not run: %v", err)
	}
	began := time.Now()
	_, err := run(t.TempDir()) // no jar in it
	if err == nil || !strings.Contains(err.Error(), "Unable to access jarfile") {
		t.Errorf("err %v", err)
	}
	if d := time.Since(began); d > 30*time.Second {
		t.Errorf("took %v", d)
	}
}
