package cloudwatch

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/proof"
)

const (
	host  = "sns.eu-west-1.amazonaws.com"
	topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
	good  = "https://" + host + "/SimpleNotificationService-good.pem"
)

var at = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// TestPublishedExamples are messages that SNS signed, from the tests of the AWS
// SDK for Java 2 (services-custom/sns-message-manager, Apache-2.0).
func TestPublishedExamples(t *testing.T) {
	v := NewVerifier(&http.Client{Transport: files{}})
	for file, second := range map[string]string{
		"test-notification-signature-v2.json": "2026-03-06T20:00:27Z", "test-notification-with-subject.json": "2026-03-06T19:53:22Z", "test-subscription-confirmation.json": "2026-03-06T19:31:33Z",
	} {
		body, err := os.ReadFile(filepath.Join("testdata", "published", file))
		if err != nil {
			t.Fatal(err)
		}
		received := source.Instant(second)
		for name, c := range map[string]struct {
			body string
			at   time.Time
			want error
		}{
			"as published":           {string(body), received, nil},
			"two hours late":         {string(body), received.Add(maxAge), proof.ErrRefused},
			"from the future":        {string(body), received.Add(-time.Hour), proof.ErrRefused},
			"another text":           {strings.Replace(string(body), "essage\" : \"", "essage\" : \" ", 1), received, proof.ErrRefused},
			"another topic":          {strings.Replace(string(body), "dongie-standard", "dongle-standard", 1), received, proof.ErrRefused},
			"another signature":      {strings.Replace(string(body), "==\"", "=\"", 1), received, proof.ErrRefused},
			"the other hash":         {swapped(string(body)), received, proof.ErrRefused},
			"no version":             {strings.Replace(string(body), "SignatureVersion", "signatureversion", 1), received, proof.ErrRefused},
			"records, not signed":    {strings.Replace(string(body), "\"Type\"", `"Records":[{"Sns":{"Message":"{\"AlarmName\":\"FORGED\",\"NewStateValue\":\"OK\",\"AlarmArn\":\"a\"}"}}],"Type"`, 1), received, nil},
			"attributes, not signed": {strings.Replace(string(body), "\"Type\"", "\"MessageAttributes\":{},\"Type\"", 1), received, nil},
		} {
			if err := v.Verify(&source.Request{Body: []byte(c.body), At: c.at}, nil); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: %v, want %v", file, name, err, c.want)
			}
			if c.want == nil && read(t, c.body) != read(t, string(body)) {
				t.Errorf("%s, %s: read as %s", file, name, read(t, c.body))
			}
		}
	}
}

func swapped(body string) string {
	if strings.Contains(body, `"SignatureVersion" : "1"`) {
		return strings.Replace(body, `"SignatureVersion" : "1"`, `"SignatureVersion" : "2"`, 1)
	}
	return strings.Replace(body, `"SignatureVersion" : "2"`, `"SignatureVersion" : "1"`, 1)
}

// read is what becomes of a body.
func read(t *testing.T, body string) string {
	parsed, err := Source.Parse(&source.Request{Body: []byte(body), At: at})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// files serves the published certificate.
type files struct{}

func (files) RoundTrip(r *http.Request) (*http.Response, error) {
	f, err := os.Open(filepath.Join("testdata", "published", filepath.Base(r.URL.Path)))
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: f}, nil
}

// vendor plays SNS: an endpoint by TLS, and a key to sign with.
type vendor struct {
	key    *rsa.PrivateKey
	client *http.Client
	mu     sync.Mutex
	asked  []string
}

func newVendor(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{key: newKey(t, 2048)}
	end := at.AddDate(1, 0, 0)
	served := map[string][]byte{
		"good":     v.certificate(t, v.key, "sns.amazonaws.com", end),
		"regional": v.certificate(t, v.key, "sns-signing.eu-west-1.amazonaws.com", end),
		"expired":  v.certificate(t, v.key, "sns.amazonaws.com", at.Add(-time.Minute)),
		"else":     v.certificate(t, v.key, "sqs.amazonaws.com", end),
		"else2":    v.certificate(t, v.key, "sns-signing.eu-west-2.amazonaws.com", end),
		"other":    v.certificate(t, newKey(t, 2048), "sns.amazonaws.com", end),
		"small":    v.certificate(t, newKey(t, 1024), "sns.amazonaws.com", end),
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		v.asked = append(v.asked, r.URL.Path)
		v.mu.Unlock()
		name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/SimpleNotificationService-"), ".pem")
		switch name {
		case "busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			if served[name] == nil {
				w.WriteHeader(http.StatusForbidden)
			}
			_, _ = w.Write(served[name])
		}
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{v.tls(t)}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(server.TLS.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(leaf)
	v.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}}
	return v
}

func newKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (v *vendor) certificate(t *testing.T, key *rsa.PrivateKey, name string, end time.Time) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: end.AddDate(-2, 0, 0), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (v *vendor) tls(t *testing.T) tls.Certificate {
	t.Helper()
	text := v.certificate(t, v.key, host, time.Now().AddDate(1, 0, 0))
	block, _ := pem.Decode(text)
	return tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: v.key}
}

// message is one that the vendor signed, whose fields change says.
func (v *vendor) message(t *testing.T, change func(map[string]any)) []byte {
	t.Helper()
	m := map[string]any{"Type": "Notification", "MessageId": "m-1", "TopicArn": topic, "Subject": "S", "Message": "a \"text\"\nof two lines", "Timestamp": at.Format(time.RFC3339), "SignatureVersion": "2", "SigningCertURL": good}
	if change != nil {
		change(m)
	}
	encoded, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	root, err := doc.JSON(encoded)
	if err != nil {
		t.Fatal(err)
	}
	hash, sum := crypto.SHA256, sha256.New()
	if m["SignatureVersion"] == "1" {
		hash, sum = crypto.SHA1, sha1.New()
	}
	sum.Write([]byte(canonical(root)))
	signature, err := rsa.SignPKCS1v15(nil, v.key, hash, sum.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	if m["Signature"] == nil {
		m["Signature"] = base64.StdEncoding.EncodeToString(signature)
	}
	if encoded, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	return encoded
}

func TestVerify(t *testing.T) {
	sns := newVendor(t)
	from := func(address string) func(map[string]any) {
		return func(m map[string]any) { m["SigningCertURL"] = address }
	}
	at2 := func(name string) string { return "https://" + host + "/SimpleNotificationService-" + name + ".pem" }
	for _, c := range []struct {
		name    string
		change  func(map[string]any)
		want    error
		fetches int
	}{
		{"SHA-256", nil, nil, 1},
		{"SHA-1", func(m map[string]any) { m["SignatureVersion"] = "1" }, nil, 1},
		{"version as a number", func(m map[string]any) { m["SignatureVersion"] = 2 }, nil, 1},
		{"subject null", func(m map[string]any) { m["Subject"] = nil }, nil, 1},
		{"no subject", func(m map[string]any) { delete(m, "Subject") }, nil, 1},
		{"confirmation", func(m map[string]any) {
			m["Type"], m["Token"], m["SubscribeURL"] = "SubscriptionConfirmation", "t", "https://"+host+"/?x"
		}, nil, 1},
		{"name of a region", from(at2("regional")), nil, 1},
		{"an hour old", func(m map[string]any) { m["Timestamp"] = at.Add(-time.Hour).Format(time.RFC3339) }, nil, 1},
		{"too old", func(m map[string]any) { m["Timestamp"] = at.Add(-maxAge - time.Second).Format(time.RFC3339) }, proof.ErrRefused, 0},
		{"from the future", func(m map[string]any) { m["Timestamp"] = at.Add(6 * time.Minute).Format(time.RFC3339) }, proof.ErrRefused, 0},
		{"two lines where one belongs", func(m map[string]any) { m["MessageId"] = "a\nSubject\nb" }, proof.ErrRefused, 0},
		{"no time", func(m map[string]any) { delete(m, "Timestamp") }, proof.ErrRefused, 0},
		{"unknown version", func(m map[string]any) { m["SignatureVersion"] = "3" }, proof.ErrRefused, 0},
		{"no signature", func(m map[string]any) { m["Signature"] = "" }, proof.ErrRefused, 1},
		{"unknown type", func(m map[string]any) { m["Type"] = "notification" }, proof.ErrRefused, 0},
		{"expired", from(at2("expired")), proof.ErrRefused, 1},
		{"made out to another service", from(at2("else")), proof.ErrRefused, 1},
		{"made out to another region", from(at2("else2")), proof.ErrRefused, 1},
		{"another key", from(at2("other")), proof.ErrRefused, 1},
		{"a short key", from(at2("small")), proof.ErrRefused, 1},
		{"missing", from(at2("missing")), proof.ErrRefused, 1},
		{"http", from("http://" + host + "/SimpleNotificationService-good.pem"), proof.ErrRefused, 0},
		{"another host", from("https://sns.example.com/SimpleNotificationService-good.pem"), proof.ErrRefused, 0},
		{"host that begins so", from("https://" + host + ".example.com/SimpleNotificationService-good.pem"), proof.ErrRefused, 0},
		{"host that ends so", from("https://x." + host + "/SimpleNotificationService-good.pem"), proof.ErrRefused, 0},
		{"bucket called sns", from("https://sns.s3-eu-west-1.amazonaws.com/SimpleNotificationService-good.pem"), proof.ErrRefused, 0},
		{"user", from("https://" + host + "@example.com/SimpleNotificationService-good.pem"), proof.ErrRefused, 0},
		{"user before the host", from("https://a:b@" + host + "/SimpleNotificationService-good.pem"), proof.ErrRefused, 0},
		{"port", from("https://" + host + ":443/SimpleNotificationService-good.pem"), proof.ErrRefused, 0},
		{"query", from(good + "?x"), proof.ErrRefused, 0},
		{"empty query", from(good + "?"), proof.ErrRefused, 0},
		{"fragment", from(good + "#"), proof.ErrRefused, 0},
		{"call of the API", from("https://" + host + "/?Action=GetTopicAttributes&x=.pem"), proof.ErrRefused, 0},
		{"another ending", from("https://" + host + "/SimpleNotificationService-good.txt"), proof.ErrRefused, 0},
		{"another folder", from("https://" + host + "/a/good.pem"), proof.ErrRefused, 0},
		{"escaped", from("https://" + host + "/%2e%2e/good.pem"), proof.ErrRefused, 0},
		{"nothing", from(""), proof.ErrRefused, 0},
		{"topic of another region", func(m map[string]any) { m["TopicArn"] = "arn:aws:sns:eu-west-2:123456789012:alarms" }, proof.ErrRefused, 0},
		{"topic of another partition", func(m map[string]any) { m["TopicArn"] = "arn:aws-cn:sns:eu-west-1:123456789012:alarms" }, proof.ErrRefused, 0},
		{"topic that is none", func(m map[string]any) { m["TopicArn"] = "alarms" }, proof.ErrRefused, 0},
		{"queue", func(m map[string]any) { m["TopicArn"] = "arn:aws:sqs:eu-west-1:123456789012:alarms" }, proof.ErrRefused, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			sns.asked = nil
			r := &source.Request{Body: sns.message(t, c.change), At: at}
			err := NewVerifier(sns.client).Verify(r, []string{"secret"})
			if !errors.Is(err, c.want) {
				t.Errorf("err %v, want %v", err, c.want)
			}
			if len(sns.asked) != c.fetches {
				t.Errorf("fetched %q, want %d", sns.asked, c.fetches)
			}
		})
	}
}

func TestOneFlippedBit(t *testing.T) {
	sns := newVendor(t)
	v, body := NewVerifier(sns.client), sns.message(t, nil)
	text := bytes.Index(body, []byte("two lines"))
	signature := bytes.Index(body, []byte(`"Signature":"`)) + len(`"Signature":"`) + 20
	for _, i := range []int{text, signature} {
		flipped := bytes.Clone(body)
		flipped[i] ^= 1
		for _, proven := range []bool{false, true} {
			if err := v.Verify(&source.Request{Body: flipped, At: at, Proven: proven}, nil); !errors.Is(err, proof.ErrRefused) {
				t.Errorf("byte %d, proven %v: %v", i, proven, err)
			}
		}
	}
	if err := v.Verify(&source.Request{Body: body, At: at}, nil); err != nil {
		t.Error(err)
	}
}

func TestWhatMayPassAsksForARepeat(t *testing.T) {
	sns := newVendor(t)
	body := sns.message(t, func(m map[string]any) { m["SigningCertURL"] = strings.Replace(good, "good", "busy", 1) })
	if err := NewVerifier(sns.client).Verify(&source.Request{Body: body, At: at}, nil); !fault.Is(err, fault.Unavailable) {
		t.Errorf("busy: %v", err)
	}
	sns.client.Transport = nil // no such name is reached
	sns.client.Timeout = time.Nanosecond
	if err := NewVerifier(sns.client).Verify(&source.Request{Body: sns.message(t, nil), At: at}, nil); !fault.Is(err, fault.Unavailable) {
		t.Errorf("out of reach: %v", err)
	}
}

func TestUnsignedIsBelievedOnlyWithASecretOfTheIntegration(t *testing.T) {
	v := NewVerifier(&http.Client{Transport: files{}})
	for _, body := range []string{`{"AlarmName":"A","NewStateValue":"ALARM"}`, "plain text", `{"Records":[]}`, ""} {
		if err := v.Verify(&source.Request{Body: []byte(body), At: at}, []string{"secret"}); !errors.Is(err, proof.ErrRefused) {
			t.Errorf("%q: %v", body, err)
		}
		if err := v.Verify(&source.Request{Body: []byte(body), At: at, Proven: true}, nil); err != nil {
			t.Errorf("%q, with a secret: %v", body, err)
		}
	}
}
