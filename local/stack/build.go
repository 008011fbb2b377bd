package stack

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// localBuild and deployedBuild are the folders of .build that hold the
// functions for this machine and those that template.yaml names.
const (
	localBuild    = ".build/local"
	deployedBuild = ".build/arm64"
)

// buildFunctions compiles every function with the movable clock and links each
// as <name>/bootstrap.
func buildFunctions(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc,nethttpomithttp2,tocsin_local", "-trimpath",
		"-ldflags", "-s -w -X tocsin/shared/telemetry.Version="+commit(ctx, dir), "-buildvcs=false", "-o", localBuild+"/bin/", "./functions/...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the functions do not build:\n%s", bytes.TrimSpace(out))
	}
	built, err := os.ReadDir(filepath.Join(dir, localBuild, "bin"))
	if err != nil {
		return err
	}
	for _, binary := range built {
		if err := link(filepath.Join(dir, localBuild), binary.Name()); err != nil {
			return err
		}
	}
	return nil
}

// commit names what is built, as the Makefile does.
func commit(ctx context.Context, dir string) string {
	cmd := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "development" // no checkout
	}
	return string(bytes.TrimSpace(out))
}

func link(build, name string) error {
	folder := filepath.Join(build, name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	bootstrap := filepath.Join(folder, "bootstrap")
	if err := os.Remove(bootstrap); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.Symlink("../bin/"+name, bootstrap)
}

// packFunction returns the archive that is deployed for a CodeUri. Its
// bootstrap runs the binary where it was built: sending it whole would cost
// seconds at each start, and newer code needs no new deployment.
func packFunction(dir, uri string) ([]byte, error) {
	name, ok := strings.CutPrefix(uri, deployedBuild+"/")
	if !ok {
		return nil, fmt.Errorf("CodeUri %q is not below %s", uri, deployedBuild)
	}
	binary := filepath.Join(dir, localBuild, name, "bootstrap")
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("functions/%s was not built: %w", name, err)
	}
	return archive("#!/bin/sh\nexec '" + strings.ReplaceAll(binary, "'", `'\''`) + "'\n")
}

// archive holds one executable, bootstrap, and is equal for equal contents.
func archive(bootstrap string) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap"}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write([]byte(bootstrap)); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
