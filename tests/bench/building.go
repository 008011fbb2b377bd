package main

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Targets of what a deployment takes.
const (
	maxZipped  = 150_000_000
	maxCold    = 3 * time.Minute
	maxRebuild = 20 * time.Second
)

// zipped is the sum of the packages that a deployment uploads.
func (b *binaries) zipped() (row, error) {
	files, err := filepath.Glob(b.dir + "/deployed/*")
	if err != nil {
		return row{}, err
	}
	var sum counter
	count := 0
	for _, file := range files {
		if filepath.Base(file) == "empty" {
			continue
		}
		count++
		if err := pack(&sum, file, b.root+"/shared/cloud/amazon-roots.pem"); err != nil {
			return row{}, err
		}
	}
	return row{what: fmt.Sprintf("zipped packages of %d functions", count), measured: fmt.Sprintf("%.1f MB", float64(sum)/1e6), target: "≤ 150 MB", state: state(sum <= maxZipped)}, nil
}

// counter is how many bytes were written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func pack(to io.Writer, files ...string) error {
	z := zip.NewWriter(to)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		w, err := z.Create(filepath.Base(file))
		if err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	return z.Close()
}

// building measures a build of all functions with nothing kept of an earlier
// one, and one after a change of what all of them share.
func (b *binaries) building() ([]row, error) {
	overlay, err := b.changed()
	if err != nil {
		return nil, err
	}
	cold, err := b.rebuild()
	if err != nil {
		return nil, err
	}
	again, err := b.rebuild("-overlay", overlay)
	if err != nil {
		return nil, err
	}
	return []row{
		cold.row("build all functions, nothing kept (two cores; elapsed)", maxCold),
		again.row("build after a change in shared (two cores; elapsed)", maxRebuild),
	}, nil
}

type building struct{ elapsed, used time.Duration }

// row judges by the processor time that each of two cores has: what passes
// meanwhile is also that of other programs.
func (b building) row(what string, most time.Duration) row {
	each := b.used / 2
	return row{what: what, measured: seconds(each), peer: seconds(b.elapsed), target: "≤ " + seconds(most), state: state(each <= most)}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.0f s", d.Seconds()) }

func (b *binaries) rebuild(more ...string) (building, error) {
	args := append(append(append([]string(nil), flags...), more...), "-o", b.dir+"/rebuilt/", "./functions/...")
	if err := os.MkdirAll(b.dir+"/rebuilt", 0o755); err != nil {
		return building{}, err
	}
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = b.root, append(os.Environ(), "CGO_ENABLED=0", "GOARCH=arm64", "GOCACHE="+b.dir+"/cache")
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return building{}, fmt.Errorf("build: %w\n%s", err, out)
	}
	return building{time.Since(start), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}

// changed writes an overlay by which shared/alert, which all import, exports
// one word more.
func (b *binaries) changed() (string, error) {
	file, err := filepath.Abs(b.root + "/shared/alert/alert.go")
	if err != nil {
		return "", err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	edited := b.dir + "/alert.go"
	if err := os.WriteFile(edited, append(content, "\n// Edited is what an edit adds.\nconst Edited = 1\n"...), 0o600); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: edited}})
	if err != nil {
		return "", err
	}
	return b.dir + "/overlay.json", os.WriteFile(b.dir+"/overlay.json", overlay, 0o600)
}
