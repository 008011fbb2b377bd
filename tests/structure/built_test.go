package structure

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestNothingBuiltIsKept: a binary that go left in the tree is not committed
// with the next change.
func TestNothingBuiltIsKept(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && len(d.Name()) > 1 && d.Name()[0] == '.' && d.Name() != "..":
			return fs.SkipDir
		case !d.Type().IsRegular() || filepath.Ext(path) == ".test":
			return nil
		}
		head := make([]byte, 4)
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if n, _ := f.Read(head); bytes.HasPrefix(head[:n], []byte("\x7fELF")) || bytes.HasPrefix(head[:n], []byte("\xcf\xfa\xed\xfe")) {
			t.Errorf("%s is a binary", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
