package inbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
)

func start(t testing.TB, c Config) (*Inbox, *httptest.Server) {
	t.Helper()
	in, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(in)
	t.Cleanup(server.Close)
	return in, server
}

// ses returns a client that tries once.
func ses(server *httptest.Server) *sesv2.Client {
	return sesv2.New(sesv2.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(server.URL),
		Retryer:      aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
}

func simple(change func(*sesv2.SendEmailInput)) *sesv2.SendEmailInput {
	mail := &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("Tocsin <page@tocsin.example>"),
		Destination:      &types.Destination{ToAddresses: []string{"ana@team.example"}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: &types.Content{Data: aws.String("Disk full on db-1 \u2014 P1")},
			Body: &types.Body{
				Text: &types.Content{Data: aws.String("Answer: https://tocsin.example/a/abc.")},
				Html: &types.Content{Data: aws.String(`<p><a href="https://tocsin.example/a/abc?x=1&amp;y=2">Answer</a></p>`)},
			},
			Headers: []types.MessageHeader{{Name: aws.String("References"), Value: aws.String("<first@tocsin.example>")}},
		}},
		ListManagementOptions: &types.ListManagementOptions{ContactListName: aws.String("all")},
	}
	if change != nil {
		change(mail)
	}
	return mail
}

func only(t *testing.T, in *Inbox) Message {
	t.Helper()
	found := in.Messages(Query{})
	if len(found) != 1 {
		t.Fatalf("%d messages, want 1", len(found))
	}
	return found[0]
}

func TestSimpleMailIsShownAsItsReaderSeesIt(t *testing.T) {
	in, server := start(t, Config{})
	out, err := ses(server).SendEmail(t.Context(), simple(nil))
	if err != nil {
		t.Fatal(err)
	}
	m := only(t, in)
	if m.ProviderID != *out.MessageId || m.Headers["Message-Id"] != "<"+*out.MessageId+"@email.amazonses.com>" {
		t.Errorf("ids differ: %q, %q, %q", m.ProviderID, *out.MessageId, m.Headers["Message-Id"])
	}
	if !slices.Equal(m.To, []string{"ana@team.example"}) || m.Channel != Mail || m.Subject != "Disk full on db-1 \u2014 P1" {
		t.Errorf("got %+v", m)
	}
	if m.Headers["References"] != "<first@tocsin.example>" {
		t.Errorf("headers %v", m.Headers)
	}
	want := []string{"https://tocsin.example/a/abc", "https://tocsin.example/a/abc?x=1&y=2"}
	if !slices.Equal(m.Links, want) {
		t.Errorf("links %q, want %q", m.Links, want)
	}
}

const rawMail = "From: =?utf-8?q?Toc=C5=9Bin?= <page@tocsin.example>\r\n" +
	"To: Ana <ana@team.example>, bob@team.example\r\n" +
	"Subject: =?utf-8?b?56OB55uY5bey5ruh?=\r\n" +
	"Message-ID: <mine@tocsin.example>\r\n" +
	"In-Reply-To: <first@tocsin.example>\r\n" +
	"Content-Type: multipart/mixed; boundary=outer\r\n\r\n" +
	"--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n" +
	"--inner\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nna=C3=AFve =\r\nline\r\n" +
	"--inner\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+Ym9sZDwvYj4=\r\n" +
	"--inner--\r\n" +
	"--outer\r\nContent-Type: text/calendar; name=duty.ics\r\nContent-Disposition: attachment; filename=duty.ics\r\n\r\nBEGIN\r\n" +
	"--outer--\r\n"

func TestRawMailIsDecoded(t *testing.T) {
	in, server := start(t, Config{})
	_, err := ses(server).SendEmail(t.Context(), &sesv2.SendEmailInput{
		Content: &types.EmailContent{Raw: &types.RawMessage{Data: []byte(rawMail)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := only(t, in)
	if m.Subject != "\u78c1\u76d8\u5df2\u6ee1" || m.Text != "na\u00efve line" || m.HTML != "<b>bold</b>" {
		t.Errorf("got %q, %q, %q", m.Subject, m.Text, m.HTML)
	}
	if !slices.Equal(m.To, []string{"ana@team.example", "bob@team.example"}) || !slices.Equal(m.Files, []string{"duty.ics"}) {
		t.Errorf("to %q, files %q", m.To, m.Files)
	}
	if m.Headers["In-Reply-To"] != "<first@tocsin.example>" || strings.Contains(m.Headers["Message-Id"], "mine@") {
		t.Errorf("headers %v", m.Headers)
	}
}

func TestMailThatSESRefuses(t *testing.T) {
	for name, change := range map[string]func(*sesv2.SendEmailInput){
		"no recipient":         func(m *sesv2.SendEmailInput) { m.Destination = &types.Destination{} },
		"no domain":            func(m *sesv2.SendEmailInput) { m.Destination.ToAddresses[0] = "ana" },
		"51 recipients":        func(m *sesv2.SendEmailInput) { m.Destination.ToAddresses = many(51) },
		"unreadable sender":    func(m *sesv2.SendEmailInput) { m.FromEmailAddress = aws.String("page@") },
		"local part not ASCII": func(m *sesv2.SendEmailInput) { m.Destination.ToAddresses[0] = "\u00e4@team.example" },
		"two lines of subject": func(m *sesv2.SendEmailInput) { m.Content.Simple.Subject.Data = aws.String("a\r\nBcc: x@y.example") },
		"two lines of header":  func(m *sesv2.SendEmailInput) { m.Content.Simple.Headers[0].Value = aws.String("a\nb") },
		"no body":              func(m *sesv2.SendEmailInput) { m.Content.Simple.Body = &types.Body{} },
		"both contents":        func(m *sesv2.SendEmailInput) { m.Content.Raw = &types.RawMessage{Data: []byte(rawMail)} },
	} {
		t.Run(name, func(t *testing.T) {
			in, server := start(t, Config{})
			_, err := ses(server).SendEmail(t.Context(), simple(change))
			if _, ok := errors.AsType[*types.BadRequestException](err); !ok {
				t.Errorf("got %v, want a BadRequestException", err)
			}
			if n := len(in.Messages(Query{})); n != 0 {
				t.Errorf("%d messages were kept", n)
			}
		})
	}
}

func many(n int) (addresses []string) {
	for i := range n {
		addresses = append(addresses, fmt.Sprintf("m%d@team.example", i))
	}
	return addresses
}

func TestMailFailures(t *testing.T) {
	for _, c := range []struct {
		kind Failure
		code string
		kept int
	}{
		{Throttle, "TooManyRequestsException", 0},
		{Reject, "MessageRejected", 0},
		{Broken, "InternalServiceErrorException", 0},
		{Silent, "", 0},
		{Unanswered, "", 1},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			in, server := start(t, Config{})
			in.Fail(Mail, c.kind, 1)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := ses(server).SendEmail(ctx, simple(nil))
			if err == nil || code(err) != c.code {
				t.Errorf("got %v, want %q", err, c.code)
			}
			if n := len(in.Messages(Query{})); n != c.kept {
				t.Errorf("%d messages kept, want %d", n, c.kept)
			}
			if _, err := ses(server).SendEmail(t.Context(), simple(nil)); err != nil {
				t.Errorf("the next request fails too: %v", err)
			}
		})
	}
}

func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func TestThrottledMailIsRetriedBySDK(t *testing.T) {
	in, server := start(t, Config{})
	in.Fail(Mail, Throttle, 1)
	patient := retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	_, err := ses(server).SendEmail(t.Context(), simple(nil), func(o *sesv2.Options) { o.Retryer = patient })
	if err != nil {
		t.Fatal(err)
	}
	only(t, in)
}

// publish posts to a topic, or JSON to "".
func publish(t *testing.T, server *httptest.Server, topic, body string, header map[string]string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/"+topic, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func TestPush(t *testing.T) {
	want := Message{Channel: Push, To: []string{"ana-7"}, Subject: "Disk f\u00fcll", Text: "db-1", Priority: 5, Tags: []string{"warning", "db"},
		Headers: map[string]string{"Click": "https://tocsin.example/e/1"},
		Actions: []Action{{"Acknowledge", "https://tocsin.example/a/abc"}},
		Links:   []string{"https://tocsin.example/e/1", "https://tocsin.example/a/abc"}}
	for name, c := range map[string]struct {
		topic, body string
		header      map[string]string
	}{
		"by headers": {"ana-7", "db-1", map[string]string{"Title": "=?utf-8?q?Disk_f=C3=BCll?=", "X-Priority": "urgent", "Tags": "warning, db",
			"Click": "https://tocsin.example/e/1", "Actions": "view, Acknowledge, https://tocsin.example/a/abc"}},
		"as JSON": {"", `{"topic":"ana-7","message":"db-1","title":"Disk f\u00fcll","priority":5,"tags":["warning","db"],"click":"https://tocsin.example/e/1",
			"actions":[{"action":"view","label":"Acknowledge","url":"https://tocsin.example/a/abc"}]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in, server := start(t, Config{})
			status, answer := publish(t, server, c.topic, c.body, c.header)
			if status != http.StatusOK || answer["event"] != "message" || answer["topic"] != "ana-7" {
				t.Fatalf("status %d, %v", status, answer)
			}
			got := only(t, in)
			got.ID, got.ReceivedAt = "", time.Time{}
			if g, w := encoded(t, got), encoded(t, want); g != w {
				t.Errorf("got  %s\nwant %s", g, w)
			}
		})
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPushThatNtfyRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		topic, body string
		header      map[string]string
		code        float64
	}{
		"topic with a dot":       {"a.b", "x", nil, 40009},
		"unknown priority":       {"a", "x", map[string]string{"Priority": "9"}, 40007},
		"action without address": {"a", "x", map[string]string{"Actions": "view, Go"}, 40018},
		"broken JSON":            {"", "{", nil, 40017},
	} {
		t.Run(name, func(t *testing.T) {
			_, server := start(t, Config{})
			if status, answer := publish(t, server, c.topic, c.body, c.header); status != http.StatusBadRequest || answer["code"] != c.code {
				t.Errorf("status %d, %v", status, answer)
			}
		})
	}
}

func TestPushFailures(t *testing.T) {
	for kind, want := range map[Failure]int{Throttle: 429, Reject: 403, Broken: 500} {
		t.Run(string(kind), func(t *testing.T) {
			in, server := start(t, Config{})
			in.Fail(Push, kind, -1)
			for range 2 {
				if status, _ := publish(t, server, "a", "x", nil); status != want {
					t.Errorf("status %d, want %d", status, want)
				}
			}
			in.Fail(Push, "", 0)
			if status, _ := publish(t, server, "a", "x", nil); status != http.StatusOK {
				t.Errorf("status %d after the failure ended", status)
			}
		})
	}
}

func TestQuery(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	in, server := start(t, Config{Now: func() time.Time { at = at.Add(time.Minute); return at }})
	for _, m := range []Message{{Channel: Mail, To: []string{"Ana@x.example"}}, {Channel: SMS, To: []string{"+1"}}, {Channel: Mail, To: []string{"bob@x.example"}}} {
		if _, err := in.Keep(m); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]string{
		"":                            "m-00000001 m-00000002 m-00000003",
		"?to=ana@X.example":           "m-00000001",
		"?channel=sms":                "m-00000002",
		"?since=2026-03-01T12:02:00Z": "m-00000002 m-00000003",
		"?after=m-00000002":           "m-00000003",
	} {
		t.Run(query, func(t *testing.T) {
			resp, err := http.Get(server.URL + "/inbox/messages" + query)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var found []Message
			if err := json.NewDecoder(resp.Body).Decode(&found); err != nil {
				t.Fatal(err)
			}
			if got := ids(found); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func ids(messages []Message) string {
	var all []string
	for _, m := range messages {
		all = append(all, m.ID)
	}
	return strings.Join(all, " ")
}

func TestMessagesSurviveRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "inbox.jsonl")
	for range 2 {
		in, _ := start(t, Config{File: file})
		if _, err := in.Keep(Message{Channel: Push, To: []string{"a"}}); err != nil {
			t.Fatal(err)
		}
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cutLastLine(t, file)
	in, _ := start(t, Config{File: file})
	if got := ids(in.Messages(Query{})); got != "m-00000001" {
		t.Errorf("got %q", got)
	}
}

// cutLastLine leaves the file as a kill amid the last write does.
func cutLastLine(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text[:len(text)-5], 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestOldestMessagesGoFirst(t *testing.T) {
	in, _ := start(t, Config{})
	for range mostMessages + 10 {
		if _, err := in.Keep(Message{Channel: Push}); err != nil {
			t.Fatal(err)
		}
	}
	found := in.Messages(Query{})
	if len(found) != mostMessages || found[0].ID != "m-00000011" {
		t.Errorf("%d messages from %s", len(found), found[0].ID)
	}
	if _, ok := in.Message("m-00020010"); !ok {
		t.Error("the newest is not found")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	in, _ := start(t, Config{})
	for range 6 {
		if _, err := in.Keep(Message{Text: strings.Repeat("x", mostBytes/4)}); err != nil {
			t.Fatal(err)
		}
	}
	if in.bytes > mostBytes {
		t.Errorf("%d bytes are kept", in.bytes)
	}
}

func TestPage(t *testing.T) {
	in, server := start(t, Config{})
	if _, err := ses(server).SendEmail(t.Context(), simple(func(m *sesv2.SendEmailInput) {
		m.Content.Simple.Subject.Data = aws.String("<script>alert(1)</script>")
	})); err != nil {
		t.Fatal(err)
	}
	publish(t, server, "ana-7", "second", nil)
	text, header := fetch(t, server.URL+"/inbox")
	for _, want := range []string{
		"2 messages", "&lt;script&gt;alert(1)", `href="https://tocsin.example/a/abc"`,
		`sandbox="allow-popups allow-popups-to-escape-sandbox"`, `src="/inbox/messages/` + only1(in) + `/html"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Index(text, "second") > strings.Index(text, "Answer:") {
		t.Error("the newest message is not first")
	}
	if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") {
		t.Errorf("policy %q", policy)
	}
}

func only1(in *Inbox) string { return in.Messages(Query{Channel: Mail})[0].ID }

func fetch(t *testing.T, url string) (string, http.Header) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return b.String(), resp.Header
}

func TestHTMLPartHasNoScripts(t *testing.T) {
	in, server := start(t, Config{})
	m, err := in.Keep(Message{Channel: Mail, HTML: "<p>hello</p>"})
	if err != nil {
		t.Fatal(err)
	}
	text, header := fetch(t, server.URL+"/inbox/messages/"+m.ID+"/html")
	policy := header.Get("Content-Security-Policy")
	if !strings.HasSuffix(text, "<p>hello</p>") || !strings.HasPrefix(policy, "sandbox ") || strings.Contains(policy, "script") {
		t.Errorf("policy %q, text %q", policy, text)
	}
}

func FuzzParseMail(f *testing.F) {
	f.Add([]byte(rawMail))
	f.Add([]byte("Subject: x\r\n\r\nbody"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parseMail(bytes.NewReader(raw))
		if err != nil {
			return
		}
		if _, err := json.Marshal(m); err != nil {
			t.Error(err)
		}
	})
}
