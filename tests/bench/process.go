package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"time"

	"tocsin/tests/bench/cpu"
)

// process is a function that runs under a runtime API of its own (AWS Lambda
// developer guide, "Using the Lambda runtime API for custom runtimes").
type process struct {
	cmd    *exec.Cmd
	log    bytes.Buffer
	server *http.Server
	begun  chan struct{}      // closed once cmd knows its process
	idle   chan time.Duration // processor time so far, each time it asks for work
	work   chan []byte
	answer chan answer
	count  int
}

type answer struct {
	body   []byte
	failed bool
}

// patience bounds every wait for a process.
const patience = 20 * time.Second

// startFunction starts a function and returns once it asks for work, with the
// processor time that this took.
func startFunction(binary string, env []string) (*process, time.Duration, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, 0, err
	}
	p := &process{begun: make(chan struct{}), idle: make(chan time.Duration, 1), work: make(chan []byte), answer: make(chan answer, 1)}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: patience}
	go func() { _ = p.server.Serve(l) }()
	p.cmd = exec.Command(binary)
	p.cmd.Env = append(slices.Clone(env), "AWS_LAMBDA_RUNTIME_API="+l.Addr().String())
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		return nil, 0, errors.Join(err, p.server.Close())
	}
	close(p.begun)
	used, err := p.waitIdle()
	if err != nil {
		p.stop()
		return nil, 0, fmt.Errorf("%s: %w\n%s", path.Base(binary), err, p.log.Bytes())
	}
	return p, used, nil
}

func (p *process) waitIdle() (time.Duration, error) {
	select {
	case used := <-p.idle:
		return used, nil
	case <-time.After(patience):
		return 0, errors.New("the function does not ask for work")
	}
}

// stop ends the process.
func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	_ = p.server.Close()
}

// ServeHTTP is the runtime API.
func (p *process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path.Base(r.URL.Path) {
	case "next":
		p.next(r.Context(), w)
	case "response", "error":
		body, err := io.ReadAll(r.Body)
		p.answer <- answer{body: body, failed: err != nil || path.Base(r.URL.Path) == "error"}
		w.WriteHeader(http.StatusAccepted)
	default:
		http.NotFound(w, r)
	}
}

func (p *process) next(ctx context.Context, w http.ResponseWriter) {
	<-p.begun
	used, err := cpu.Of(p.cmd.Process.Pid)
	if err != nil {
		return
	}
	p.idle <- used
	select {
	case event := <-p.work:
		p.count++
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "request-"+strconv.Itoa(p.count))
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(patience).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:bench")
		_, _ = w.Write(event)
	case <-ctx.Done():
	}
}

// invoke runs the function n times and returns its answer and the processor
// time of one run.
func (p *process) invoke(event []byte, n int) (body []byte, used time.Duration, err error) {
	before, err := cpu.Of(p.cmd.Process.Pid)
	if err != nil {
		return nil, 0, err
	}
	for range n {
		p.work <- event
		var a answer
		select {
		case a = <-p.answer:
		case <-time.After(patience):
			return nil, 0, errors.New("the function does not answer")
		}
		if a.failed {
			return nil, 0, fmt.Errorf("the function failed: %s", a.body)
		}
		body = a.body
		if used, err = p.waitIdle(); err != nil {
			return nil, 0, err
		}
	}
	return body, (used - before) / time.Duration(n), nil
}

// binaries are the functions as they are deployed, built for this machine and
// for the one they run on.
type binaries struct{ dir, root string }

// flags are those of the deployed build.
var flags = []string{"build", "-tags", "lambda.norpc,nethttpomithttp2", "-trimpath", "-ldflags", "-s -w", "-buildvcs=false"}

func build(dir string) (*binaries, error) {
	b := &binaries{dir: dir, root: "../.."}
	for _, one := range []struct{ from, to, packages, arch string }{
		{b.root, "/here/", "./functions/...", ""},
		{b.root, "/deployed/", "./functions/...", "GOARCH=arm64"},
		{".", "/here/", "./empty", ""},
		{".", "/deployed/", "./empty", "GOARCH=arm64"},
		{".", "/here/", "./firstcall", ""},
	} {
		if err := os.MkdirAll(dir+one.to, 0o755); err != nil {
			return nil, err
		}
		cmd := exec.Command("go", append(flags, "-o", dir+one.to, one.packages)...)
		cmd.Dir, cmd.Env = one.from, append(os.Environ(), "CGO_ENABLED=0", one.arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", one.packages, err, out)
		}
	}
	return b, nil
}

// here is the path of a binary for this machine.
func (b *binaries) here(name string) string { return b.dir + "/here/" + name }
