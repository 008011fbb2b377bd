package stack

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// LockError says that another stack uses the folder.
type LockError struct {
	Folder string
	PID    string // of the other's process, as it wrote it
}

func (e *LockError) Error() string {
	return fmt.Sprintf("another stack (process %s) uses %s; stop it, or run this one in another checkout", e.PID, e.Folder)
}

// lock takes a folder for this process until unlock, or until it ends.
func lock(folder string) (unlock func() error, err error) {
	f, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		whose, _ := io.ReadAll(io.LimitReader(f, 20)) // without it the folder says enough
		return nil, &LockError{folder, strings.TrimSpace(string(whose))}
	}
	if err = f.Truncate(0); err == nil {
		_, err = f.WriteString(strconv.Itoa(os.Getpid()))
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f.Close, nil
}
