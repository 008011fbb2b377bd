package intake

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tocsin/shared/integration"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
)

func TestPathsThatSendersGetNearlyRight(t *testing.T) {
	for path, want := range map[string]int{
		path: 202, path + "/": 202, "/" + path: 202, "/in//prometheus///" + key: 202, path + "//api//v2/alerts": 202, "/in/../in/prometheus/./" + key: 202, path + "?a=%zz&b;c": 202,
		"/in/prometheus/%74k_" + key[3:]: 202, "/": 404, "/in": 404, "/in/prometheus": 404, "/in/prometheus/": 404, "/in/grafana/" + key: 404, "/IN/prometheus/" + key: 404,
		"/in/prometheus/tk_%00": 401, "/in/prometheus/%2e%2e/" + key: 401, "/in/prometheus/" + strings.Repeat("k", 10_000): 401, "/in/prometheus/%20" + key: 401, "/in/prometheus/{key}": 401,
	} {
		g := newRig()
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(good))
		r.Header.Set("Content-Type", "application/json")
		target, err := r.URL.Parse("http://host.example" + path)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = target
		w := httptest.NewRecorder()
		g.in.Routes(telemetry.NewLogger(&g.wrote, func(string) (string, bool) { return "", false }), "prometheus").ServeHTTP(w, r)
		if w.Code != want || want != 202 && !strings.Contains(w.Body.String(), `"detail":`) || (want == 202) != (len(g.sent) == 1) {
			t.Errorf("%.60s: %d %s, %d messages, want %d", path, w.Code, w.Body, len(g.sent), want)
		}
		if strings.Contains(w.Body.String()+g.wrote.String(), key) {
			t.Errorf("%.60s: the key shows: %s", path, g.wrote.String())
		}
	}
}

func TestMethodsThatAreNone(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "BREW"} {
		g := newRig()
		w := httptest.NewRecorder()
		g.in.Routes(telemetry.NewLogger(&g.wrote, func(string) (string, bool) { return "", false }), "prometheus").ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(good)))
		if w.Code != http.StatusMethodNotAllowed || !strings.Contains(w.Header().Get("Allow"), "POST") || len(g.sent) > 0 {
			t.Errorf("%s: %d %v %s", method, w.Code, w.Header(), w.Body)
		}
	}
}

// zipped is a body as gzip.
func zipped(t *testing.T, body string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(body)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWhatIsKeptIsPlain(t *testing.T) {
	g := newRig()
	w := g.post(path, zipped(t, good), "Content-Type", "application/json; charset=gbk", "Content-Encoding", "gzip")
	if w.Code != http.StatusAccepted {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	d := g.delivered(t)
	if body, err := d.Body(); err != nil || string(body) != good || d.BodyHash != hash([]byte(good)) || d.ContentType != "application/json; charset=utf-8" {
		t.Errorf("%s as %s, %v", body, d.ContentType, err)
	}
}

func TestSignatureIsOverWhatWasSent(t *testing.T) {
	sent := zipped(t, good)
	for body, want := range map[string]int{sent: http.StatusAccepted, good: http.StatusUnauthorized} {
		g := newRig()
		g.found.Auth, g.found.Secrets = integration.HMAC, []string{secret}
		w := g.post(path, sent, "Content-Encoding", "gzip", integration.SignatureHeader, integration.Sign(secret, "", []byte(body)))
		if w.Code != want {
			t.Errorf("%d %s, want %d", w.Code, w.Body, want)
		}
	}
}

func TestCompressionThatIsNotReadNamesThoseThatAre(t *testing.T) {
	g := newRig()
	w := g.post(path, good, "Content-Encoding", "br")
	if w.Code != http.StatusUnsupportedMediaType || w.Header().Get("Accept-Encoding") != "gzip, deflate" || !strings.Contains(w.Body.String(), `expected gzip, deflate or identity`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	for name, body := range map[string]string{"a bomb": strings.Repeat(" ", 200<<20), "a byte too many": strings.Repeat(" ", MaxBody+1)} {
		if w := g.post(path, zipped(t, body), "Content-Encoding", "gzip"); w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), "larger than 1048576 bytes") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if len(g.sent) > 0 {
		t.Errorf("%d messages", len(g.sent))
	}
}

func TestBodiesOfTheGreatestSize(t *testing.T) {
	fill := func(size int) string {
		const head, tail = `{"alerts":[{"status":"firing","labels":{"alertname":"A"},"fingerprint":"f","x":"`, `"}]}`
		return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
	}
	for size, want := range map[int]int{MaxBody - 1: 202, MaxBody: 202, MaxBody + 1: 413} {
		if w := newRig().post(path, fill(size)); w.Code != want {
			t.Errorf("%d bytes: %d %s", size, w.Code, w.Body)
		}
		if w := newRig().post(path, zipped(t, fill(size)), "Content-Encoding", "gzip"); w.Code != want {
			t.Errorf("%d bytes of gzip: %d %s", size, w.Code, w.Body)
		}
	}
}

func TestGuessesAreNoted(t *testing.T) {
	g := newRig()
	if w := g.post(path, "{\"alerts\":[{\"status\":\"firing\",\"labels\":{\"alertname\":\"\xb4\xc5\xc5\xcc\xd2\xd1\xc2\xfa\"}}]}"); w.Code != http.StatusAccepted {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	d := g.delivered(t)
	if d.Items[0].Alert.Title != "磁盘已满" || len(d.Notes) == 0 || !strings.Contains(d.Notes[0], "GB 18030") {
		t.Errorf("%+v %v", d.Items[0].Alert, d.Notes)
	}
}

func TestManyRequestsAtOnce(t *testing.T) {
	g := newRig()
	g.in.Queue = &safely{to: g}
	var wait sync.WaitGroup
	codes := make([]int, 64)
	for i := range codes {
		wait.Go(func() {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(good))
			log := telemetry.NewLogger(&bytes.Buffer{}, func(string) (string, bool) { return "", false })
			g.in.Routes(log, "prometheus").ServeHTTP(w, r)
			codes[i] = w.Code
		})
	}
	wait.Wait()
	for i, code := range codes {
		if code != http.StatusAccepted {
			t.Errorf("request %d: %d", i, code)
		}
	}
	if len(g.sent) != len(codes) {
		t.Errorf("%d of %d requests were sent on", len(g.sent), len(codes))
	}
}

// safely is a queue that many may use at once.
type safely struct {
	mu sync.Mutex
	to sender
}

func (s *safely) Send(ctx context.Context, e queue.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Send(ctx, e)
}
