// Package ministack runs the AWS emulator of that name and deploys a SAM
// template to it.
//
// It owns the Python environment, the emulator's process and every
// workaround for version 1.5.33: those inside the process are in launcher.py,
// those of the template in template.go. It knows nothing of Tocsin's domain.
//
//	server, err := ministack.Start(ctx, ministack.Config{Dir: dir, Port: 4566})
//	stack, err := server.Deploy(ctx, "tocsin", template, nil)
//	defer server.Stop()
package ministack

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

//go:embed launcher.py
var launcher []byte

const (
	// Region is what every ARN of the stack names.
	Region = "us-east-1"
	// Account is the one account that the emulator has.
	Account = "000000000000"

	// FunctionLog is the file in Config.Dir that functions write.
	FunctionLog = "functions.log"
	// Log is the file in Config.Dir that the emulator writes.
	Log = "ministack.log"

	startGrace = 30 * time.Second
	// stopGrace exceeds the ten seconds that the launcher waits for running functions.
	stopGrace = 20 * time.Second
)

// Config says where the emulator keeps its state and where it listens.
type Config struct {
	Dir       string            // state, logs and temporary files
	Port      int               // on 127.0.0.1; 0 takes a free one
	Progress  func(string)      // told before a slow step; nil tells nobody
	Endpoint  string            // what functions see as AWS; "" for the emulator itself
	Variables map[string]string // given to every function, over those of the template
}

// Server is a running emulator. Its methods may be called concurrently.
type Server struct {
	Endpoint string // http://127.0.0.1:<port>

	dir    string
	cmd    *exec.Cmd
	stdin  io.Closer
	exited chan struct{}
	client *http.Client
}

// Start runs the emulator and returns when it answers.
func Start(ctx context.Context, c Config) (*Server, error) {
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	python, err := Environment(ctx, c.Progress)
	if err != nil {
		return nil, err
	}
	if c.Port == 0 {
		if c.Port, err = freePort(); err != nil {
			return nil, err
		}
	}
	s, err := spawn(python, c)
	if err != nil {
		return nil, err
	}
	if err := s.awaitHealth(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func spawn(python string, c Config) (*Server, error) {
	for _, sub := range []string{"tmp", "state", "s3"} {
		if err := os.MkdirAll(filepath.Join(c.Dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	script := filepath.Join(c.Dir, "launcher.py")
	if err := os.WriteFile(script, launcher, 0o644); err != nil {
		return nil, err
	}
	keepPrevious(filepath.Join(c.Dir, FunctionLog))
	keepPrevious(filepath.Join(c.Dir, Log))
	log, err := os.Create(filepath.Join(c.Dir, Log))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s := &Server{
		Endpoint: "http://127.0.0.1:" + strconv.Itoa(c.Port),
		dir:      c.Dir,
		cmd:      exec.Command(python, "-u", script),
		exited:   make(chan struct{}),
		client:   &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	s.cmd.Env = environment(c, s.Endpoint)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	// A group of its own: the terminal's Ctrl-C must not reach it before we
	// stop it, and functions left over are ended with it.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start ministack: %w", err)
	}
	go func() {
		defer close(s.exited)
		_ = s.cmd.Wait()
	}()
	return s, nil
}

// keepPrevious makes room for a new log and keeps the last one beside it.
func keepPrevious(log string) { _ = os.Rename(log, log+".1") }

// environment is whole: functions inherit it, and nothing of the caller's
// shell, such as credentials or proxies, may change what they do.
func environment(c Config, endpoint string) []string {
	in := func(name string) string { return filepath.Join(c.Dir, name) }
	given, _ := json.Marshal(c.Variables) // a map of strings always encodes
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + c.Dir,
		"TMPDIR=" + in("tmp"),
		"BIND_HOST=127.0.0.1",
		"MINISTACK_HOST=127.0.0.1",
		"GATEWAY_PORT=4566",
		"LISTEN_PORT=" + strconv.Itoa(c.Port),
		"MINISTACK_REGION=" + Region,
		"MINISTACK_ACCOUNT_ID=" + Account,
		"AWS_ENDPOINT_URL=" + cmp.Or(c.Endpoint, endpoint),
		"PERSIST_STATE=1",
		"STATE_DIR=" + in("state"),
		"S3_PERSIST=1",
		"S3_DATA_DIR=" + in("s3"),
		"FUNCTION_VARIABLES=" + string(given),
		"FUNCTION_LOG=" + in(FunctionLog),
		"LAMBDA_ACCOUNT_CONCURRENCY=100",
		"LOG_LEVEL=WARNING",
		"SFTP_ENABLED=0",
		"IOT_MTLS_ENABLED=0",
		// ministack removes containers that it takes for its own.
		"DOCKER_HOST=unix:///nonexistent",
	}
}

func (s *Server) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startGrace, fmt.Errorf("ministack did not answer within %s", startGrace))
	defer cancel()
	for {
		if _, err := s.Activity(ctx); err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("ministack ended while starting:\n%s", s.log())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *Server) log() string {
	text, err := os.ReadFile(filepath.Join(s.dir, Log))
	if err != nil {
		return err.Error()
	}
	return tail(text)
}

// Stop lets running functions finish, saves the state and ends every process.
// An error means that the state of this run may be lost.
func (s *Server) Stop() error {
	_ = s.stdin.Close()
	defer s.killGroup()
	select {
	case <-s.exited:
		if code := s.cmd.ProcessState.ExitCode(); code != 0 {
			return fmt.Errorf("ministack ended with %s:\n%s", s.cmd.ProcessState, s.log())
		}
		return nil
	case <-time.After(stopGrace):
		return fmt.Errorf("ministack did not stop within %s and was killed", stopGrace)
	}
}

// killGroup ends the emulator and the functions that it started.
func (s *Server) killGroup() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) }

// Exited is closed when the emulator's process has ended.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// Queue counts the messages of one queue. Consumed tells whether a function
// reads it; the messages of a dead-letter queue stay.
type Queue struct {
	Visible  int  `json:"visible"`
	InFlight int  `json:"in_flight"`
	Delayed  int  `json:"delayed"`
	Consumed bool `json:"consumed"`
}

// Activity is what was in flight at one instant. Started counts function
// calls since the start: equal counts mean that none began in between.
// Processes are the process ids of each function, idle ones included.
type Activity struct {
	Queues       map[string]Queue `json:"queues"`
	Asynchronous int              `json:"asynchronous"`
	Executions   int              `json:"executions"`
	Started      int              `json:"started"`
	Processes    map[string][]int `json:"processes"`
}

// Idle reports whether no function runs and no message waits for one.
func (a Activity) Idle() bool {
	for _, q := range a.Queues {
		if q.Consumed && q.Visible+q.InFlight+q.Delayed > 0 {
			return false
		}
	}
	return a.Executions == 0 && a.Asynchronous == 0
}

// Activity looks at all queues and functions at once.
func (s *Server) Activity(ctx context.Context) (Activity, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+"/_local/activity", nil)
	if err != nil {
		return Activity{}, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return Activity{}, err
	}
	defer resp.Body.Close()
	var a Activity
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return Activity{}, fmt.Errorf("read activity: %w", err)
	}
	return a, nil
}
