package stack

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// toy starts testdata/toy, whose template has every kind of resource once.
func toy(t *testing.T, state string, change func(*Config)) *Stack {
	t.Helper()
	needPython(t)
	c := Config{Dir: "testdata/toy", State: state, Progress: t.Output(), NoSchedules: true, Visibility: 1,
		Parameters: publicURL, Variables: func(Addresses) map[string]string { return map[string]string{"EXTRA": "one"} }}
	if change != nil {
		change(&c)
	}
	s, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func publicURL(a Addresses) map[string]string { return map[string]string{"PublicUrl": a.Front} }

// needPython skips where there is no Python, but not in CI.
func needPython(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil && os.Getenv("CI") == "" {
		t.Skip("needs python3")
	}
}

func stop(t *testing.T, s *Stack) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func post(t *testing.T, s *Stack, path, body string) int {
	t.Helper()
	resp, err := http.Post(s.Addresses.Front+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// thing returns an item's attribute "at", and "" without the item.
func thing(t *testing.T, s *Stack, key string) string {
	t.Helper()
	out, err := dynamodb.NewFromConfig(s.SDK()).GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: aws.String(s.Resource("ThingsTable")),
		Key:       map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: key}},
	})
	if err != nil {
		t.Fatal(err)
	}
	at, _ := out.Item["at"].(*types.AttributeValueMemberS)
	if at == nil {
		return ""
	}
	return at.Value
}

func settle(t *testing.T, s *Stack) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := s.Settle(ctx); err != nil {
		t.Fatal(err)
	}
}

// route puts a proxy before a service that counts requests.
func route(t *testing.T, counts map[Service]*atomic.Int64) func(Service, string) string {
	return func(of Service, address string) string {
		real, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		counts[of] = new(atomic.Int64)
		pass := httputil.NewSingleHostReverseProxy(real)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			counts[of].Add(1)
			pass.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
}

func TestStack(t *testing.T) {
	counts := map[Service]*atomic.Int64{}
	s := toy(t, t.TempDir(), func(c *Config) { c.Route = route(t, counts) })
	t.Run("a request passes through queue and function into the table", func(t *testing.T) {
		if status := post(t, s, "/in/alpha", ""); status != http.StatusAccepted {
			t.Fatalf("status %d", status)
		}
		settle(t, s)
		if thing(t, s, "alpha") == "" {
			t.Error("alpha was not kept")
		}
	})
	t.Run("a path reaches the function as HTTP APIs decode it", func(t *testing.T) {
		if got, want := get(t, s.Addresses.Front+"/a/x%2Fy/z?q=1&q=2"), "/a/x/y/z?q=1&q=2"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("a compressed body reaches the function as it was sent", func(t *testing.T) { compressed(t, s) })
	t.Run("a message that always fails ends in the dead-letter queue", func(t *testing.T) {
		post(t, s, "/in/poison", "")
		unsettled(t, s, "ThingsQueue")
		settle(t, s)
		a, err := s.Activity(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := queue(a.Queues, "ThingsDeadLetterQueue").Visible; n != 1 {
			t.Errorf("%d dead letters, want 1", n)
		}
	})
	t.Run("the custom resource's answer is an output", func(t *testing.T) {
		if got, want := s.Output("Prepared"), "for "+s.Addresses.Front; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("expiry is on", func(t *testing.T) { expiry(t, s) })
	t.Run("skipping an hour runs what is due in it", func(t *testing.T) { skipHour(t, s) })
	t.Run("a function has its own variables and those given to it", func(t *testing.T) { variables(t, s) })
	t.Run("functions use the routes", func(t *testing.T) {
		if counts[Cloud].Load() == 0 || counts[States].Load() == 0 {
			t.Errorf("%d requests to AWS and %d to Step Functions took them", counts[Cloud].Load(), counts[States].Load())
		}
	})
}

func compressed(t *testing.T, s *Stack) {
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	_, _ = z.Write([]byte("{}"))
	_ = z.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.Addresses.Front+"/a/x", &body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, _ := io.ReadAll(resp.Body); string(got) != "/a/x?gzip" {
		t.Errorf("got %q", got)
	}
}

// unsettled checks that Settle names what it waits for.
func unsettled(t *testing.T, s *Stack, what string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := s.Settle(ctx); err == nil || !strings.Contains(err.Error(), what) {
		t.Errorf("got %v, want one that names %s", err, what)
	}
}

func queue[Q any](queues map[string]Q, logicalID string) (found Q) {
	for name, q := range queues {
		if strings.Contains(name, logicalID) {
			return q
		}
	}
	return found
}

func expiry(t *testing.T, s *Stack) {
	out, err := dynamodb.NewFromConfig(s.SDK()).DescribeTimeToLive(t.Context(),
		&dynamodb.DescribeTimeToLiveInput{TableName: aws.String(s.Resource("ThingsTable"))})
	if err != nil {
		t.Fatal(err)
	}
	if d := out.TimeToLiveDescription; d.TimeToLiveStatus != types.TimeToLiveStatusEnabled || *d.AttributeName != "expires_at" {
		t.Errorf("got %+v", d)
	}
}

// variables looks at the environment of function processes.
func variables(t *testing.T, s *Stack) {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("needs /proc")
	}
	for _, pid := range processes(t, s) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil {
			t.Fatal(err)
		}
		for want, wanted := range map[string]bool{"TABLE=" + s.Resource("ThingsTable"): true, "EXTRA=one": true, "LOG_LEVEL=": false} {
			if strings.Contains(string(text), want) != wanted {
				t.Errorf("has %s: %t", want, !wanted)
			}
		}
	}
}

func skipHour(t *testing.T, s *Stack) {
	begun := s.Clock.Now()
	post(t, s, "/in/later", `{"seconds": 3000}`)
	if err := s.Skip(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, thing(t, s, "sweep#later"))
	if err != nil {
		t.Fatal(err)
	}
	if late := at.Sub(begun) - 3000*time.Second; late < 0 || late > 5*time.Second {
		t.Errorf("the execution went on %s after its time", late)
	}
	if thing(t, s, "sweep#") == "" {
		t.Error("the sweeper was not called")
	}
}

func TestStopAndStart(t *testing.T) {
	state := t.TempDir()
	s := toy(t, state, nil)
	post(t, s, "/in/early", `{"seconds": 86400}`)
	settle(t, s)
	if err := s.Clock.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	before := s.Clock.Now()
	pids := processes(t, s)
	stop(t, s)
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d of a function is left: %v", pid, err)
		}
	}
	again := toy(t, state, func(c *Config) { c.NoBuild = true })
	if now := again.Clock.Now(); now.Before(before) {
		t.Errorf("the clock went back from %s to %s", before, now)
	}
	if thing(t, again, "early") == "" {
		t.Error("the table lost its item")
	}
	if err := again.Skip(t.Context(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if thing(t, again, "sweep#early") == "" {
		t.Error("the execution did not go on")
	}
}

func processes(t *testing.T, s *Stack) []int {
	t.Helper()
	a, err := s.Activity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, of := range a.Processes {
		pids = append(pids, of...)
	}
	if len(pids) == 0 {
		t.Fatal("no function has a process")
	}
	return pids
}

func TestScheduleFires(t *testing.T) {
	if os.Getenv("CI") == "" {
		t.Skip("takes more than a minute; runs in CI")
	}
	s := toy(t, t.TempDir(), func(c *Config) { c.NoSchedules = false })
	for range 80 {
		if thing(t, s, "sweep#") != "" {
			return
		}
		time.Sleep(time.Second)
	}
	t.Error("the schedule did not fire")
}

func TestBusyPortIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	_, err = Start(t.Context(), Config{Dir: "testdata/toy", State: t.TempDir(), NoBuild: true, Ports: Ports{Front: port}})
	if busy, ok := errors.AsType[*PortError](err); !ok || busy.Port != port {
		t.Errorf("got %v", err)
	}
}

func TestBrokenFunctionIsShown(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "go.mod", "module broken\n")
	write(t, dir, "functions/one/main.go", "package main\n\nfunc main() { missing() }\n")
	_, err := Start(t.Context(), Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "undefined: missing") {
		t.Errorf("got %v", err)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkRequest is one warm call through the front, the HTTP API and a function.
func BenchmarkRequest(b *testing.B) {
	s, err := Start(b.Context(), Config{Dir: "testdata/toy", State: b.TempDir(), NoSchedules: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Stop() }()
	for b.Loop() {
		resp, err := http.Get(s.Addresses.Front + "/a/x")
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// BenchmarkFlow is one request whose message is queued and kept in the table, 8 at a time.
func BenchmarkFlow(b *testing.B) {
	s, err := Start(b.Context(), Config{Dir: "testdata/toy", State: b.TempDir(), NoSchedules: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Stop() }()
	b.SetParallelism(4)
	b.ResetTimer()
	b.RunParallel(func(next *testing.PB) {
		for i := 0; next.Next(); i++ {
			resp, err := http.Post(fmt.Sprintf("%s/in/n%d", s.Addresses.Front, i), "application/json", nil)
			if err != nil {
				b.Fatal(err)
			}
			resp.Body.Close()
		}
	})
	if err := s.Settle(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "flows/s")
}
