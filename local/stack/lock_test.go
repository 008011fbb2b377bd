package stack

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestAFolderIsOfOneStackAtATime(t *testing.T) {
	folder := t.TempDir()
	unlock, err := lock(folder)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lock(folder)
	if e, ok := errors.AsType[*LockError](err); !ok || e.PID != strconv.Itoa(os.Getpid()) || !strings.Contains(err.Error(), folder) {
		t.Errorf("a second stack: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := lock(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := again(); err != nil {
		t.Error(err)
	}
}
