package outgoing_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tocsin/shared/outgoing"
)

func TestPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "172.15.255.255": true, "172.32.0.0": true, "100.63.255.255": true, "100.128.0.0": true, "192.167.1.1": true,
		"2606:4700:4700::1111": true, "2a00:1450:4001::1": true, "64:ff9b::808:808": true,
		"0.0.0.0": false, "10.1.2.3": false, "100.64.0.1": false, "127.0.0.1": false, "127.255.255.254": false, "169.254.169.254": false, "169.254.170.2": false,
		"172.16.0.1": false, "172.31.255.255": false, "192.0.0.1": false, "192.0.2.1": false, "192.168.1.1": false, "198.18.0.1": false, "198.51.100.1": false,
		"203.0.113.1": false, "224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:8.8.8.8": false, "::7f00:1": false, "64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::808:808": false,
		"2001::1": false, "2001:db8::1": false, "2002:7f00:1::": false, "100::1": false, "3fff::1": false, "5f00::1": false,
	} {
		if got := outgoing.Public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: public %v", address, got)
		}
	}
	if outgoing.Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// only allows the addresses at which the test's own servers are "public".
func only(hosts ...string) func(netip.Addr) bool {
	return func(a netip.Addr) bool {
		for _, h := range hosts {
			if a.String() == h {
				return true
			}
		}
		return false
	}
}

func TestRefusesInsideAddresses(t *testing.T) {
	reached := false
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer inside.Close()
	port := inside.URL[strings.LastIndexByte(inside.URL, ':'):]
	client := outgoing.Client(outgoing.Options{AllowHTTP: true})
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "2130706433", "0x7f.1", "10.0.0.1"} {
		resp, err := client.Get("http://" + host + port + "/")
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s was reached", host)
		}
	}
	if resp, err := client.Get("http://127.0.0.1" + port); !outgoing.Refused(err) {
		t.Errorf("err %v", err)
		if err == nil {
			_ = resp.Body.Close()
		}
	}
	if reached {
		t.Error("the server inside was called")
	}
}

func TestRefusesRedirectInside(t *testing.T) {
	reached := false
	inside := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	inside.Start()
	defer inside.Close()
	at := strings.Replace(inside.URL, "127.0.0.1", "localhost", 1)
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(at, "localhost", "127.0.0.2", 1)+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer outside.Close()
	client := outgoing.Client(outgoing.Options{AllowHTTP: true, Allow: only("127.0.0.1")})
	resp, err := client.Post(outside.URL+"/x", "text/plain", strings.NewReader("message"))
	if err == nil {
		_ = resp.Body.Close()
	}
	if !outgoing.Refused(err) || reached {
		t.Errorf("err %v, reached %v", err, reached)
	}
}

func TestRedirects(t *testing.T) {
	got := ""
	mux := http.NewServeMux()
	mux.HandleFunc("/same", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/end", http.StatusPermanentRedirect)
	})
	mux.HandleFunc("/other", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/end", http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/loop", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/end", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got += r.Method + " " + string(body)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	client := outgoing.Client(outgoing.Options{AllowHTTP: true, Allow: only("127.0.0.1")})
	for _, c := range []struct {
		path    string
		status  int
		refused bool
		got     string
	}{
		{"/same", 200, false, "POST message"},
		{"/other", 302, false, ""}, // the message would be lost on the way
		{"/loop", 0, true, ""},
	} {
		t.Run(c.path, func(t *testing.T) {
			got = ""
			status := 0
			resp, err := client.Post(server.URL+c.path, "text/plain", strings.NewReader("message"))
			if err == nil {
				status = resp.StatusCode
				_ = resp.Body.Close()
			}
			if status != c.status || outgoing.Refused(err) != c.refused || got != c.got {
				t.Errorf("status %d, err %v, got %q", status, err, got)
			}
		})
	}
}

func TestRefusesAddressesByForm(t *testing.T) {
	client := outgoing.Client(outgoing.Options{Allow: func(netip.Addr) bool { return true }})
	for _, address := range []string{"http://example.com/secret", "https://user:secret@example.com/", "ftp://example.com/secret", "https:///secret"} {
		resp, err := client.Get(address)
		if err == nil {
			_ = resp.Body.Close()
		}
		if _, ok := errors.AsType[*outgoing.RefusedError](err); !ok {
			t.Errorf("%s: err %v", address, err)
		}
		if refused, _ := errors.AsType[*outgoing.RefusedError](err); refused != nil && strings.Contains(refused.Error(), "secret") {
			t.Errorf("the error tells the address: %v", refused)
		}
	}
}

func TestBounds(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Second):
			}
		}
		_, _ = fmt.Fprint(w, strings.Repeat("x", 100))
	}))
	defer server.Close()
	client := func(most int64) *http.Client {
		return outgoing.Client(outgoing.Options{AllowHTTP: true, Allow: only("127.0.0.1"), MaxAnswer: most, Timeout: 300 * time.Millisecond})
	}
	for most, wantErr := range map[int64]error{99: outgoing.ErrTooLarge, 100: nil, 101: nil} {
		resp, err := client(most).Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if !errors.Is(err, wantErr) || int64(len(body)) > most {
			t.Errorf("at most %d: %d bytes, err %v", most, len(body), err)
		}
	}
	start := time.Now()
	if resp, err := client(0).Get(server.URL + "/slow"); err == nil || time.Since(start) > 3*time.Second {
		_ = resp.Body.Close()
		t.Errorf("err %v after %v", err, time.Since(start))
	}
}
