package dynamo

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
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

// TestNothingIsLeftBehind: what the engine puts beside itself goes with it.
func TestNothingIsLeftBehind(t *testing.T) {
	if err := checkJava(t.Context()); err != nil {
		t.Skipf("not run: %v", err)
	}
	dir, err := installed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shared := t.TempDir() // what is the machine's folder for temporary files to all others
	t.Setenv("TMPDIR", shared)
	temporary, err := os.MkdirTemp("", temporaryFiles)
	if err != nil {
		t.Fatal(err)
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(dir, temporary, port)
	alive, err := cmd.StdinPipe()
	if err == nil {
		cmd.Stderr = io.Discard
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := await(address, make(chan struct{})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the table
		alive.Close()
		_ = cmd.Wait() // it was killed
		if left, err := os.ReadDir(shared); err != nil || len(left) > 0 {
			t.Errorf("left %v, %v", left, err)
		}
	})
	On(t, "http://"+address)
	if found, err := filepath.Glob(filepath.Join(temporary, "sqlite-*")); err != nil || len(found) == 0 {
		t.Errorf("found %q, %v: the engine puts its files elsewhere", found, err)
	}
}
