package source

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
)

func TestNamesOfSecrets(t *testing.T) {
	for _, name := range strings.Fields(`token access_token authToken authtoken X-Gitlab-Token X-Amz-Security-Token secret client-secret password DB_PASSWORD dbPassword dbpassword password2
		passwd pwd db_pass passphrase cookie Cookie Set-Cookie connection_string ConnectionString tokens refresh_tokens jwt bearer signature X-Hub-Signature X-Hub-Signature-256
		Webhook-Hmac-SHA256 routing_key service_key serviceKey X-Api-Key APIKey API_KEY apikey x.api-key X-Routing-Key Authorization Proxy-Authorization cf-webhook-auth
		credentials aws_secret_access_key private_key token_hash 密码 数据库密码 AUTH.TOKEN`) {
		if !HoldsSecret(name) {
			t.Errorf("%s is shown", name)
		}
	}
	for _, name := range strings.Fields(`tokens_used max_tokens signature_id key cookie_domain token_count pressure cpu_pressure X-Event-Key Idempotency-Key dedup_key event_key primary_key
		secret_name password_age X-Author author auth pass tests_pass bypass compass keyboard monkey token_expiry passenger string X-GitHub-Event
		alertname instance 主机 - 1 SHA256`) {
		if HoldsSecret(name) {
			t.Errorf("%s is hidden", name)
		}
	}
	if HoldsSecret("") {
		t.Error("no name is hidden")
	}
}

func TestSecretsInTexts(t *testing.T) {
	for text, want := range map[string]string{
		`{"token":"x1","a":"b"}`:                         `{"token":"[redacted]","a":"b"}`,
		`{"password" : "hunter2"}`:                       `{"password" : "[redacted]"}`,
		`{"password":` + "\n" + ` "x"}`:                  `{"password":` + "\n" + ` "[redacted]"}`,
		`{\"password\":\"x\"}`:                           `{\"password\":\"[redacted]\"}`,
		`{\\\"password\\\": \\\"x\\\"}`:                  `{\\\"password\\\": \\\"[redacted]\\\"}`,
		`{\"password\":\"a\\\"b\",\"c\"}`:                `{\"password\":\"[redacted]\",\"c\"}`,
		`{"password":"a\\","b":"c"}`:                     `{"password":"[redacted]","b":"c"}`,
		`{"password":4711,"b":1}`:                        `{"password":"[redacted]","b":1}`,
		`{\"pwd\":4711}`:                                 `{\"pwd\":\"[redacted]\"}`,
		`{"tokens":["a","]"],"b":1}`:                     `{"tokens":"[redacted]","b":1}`,
		`{"credentials":{"u":"a}","p":{"q":"b"}},"b":1}`: `{"credentials":"[redacted]","b":1}`,
		`{"token":null,"secret":true,"password":""}`:     `{"token":null,"secret":true,"password":""}`,
		`{"password"=>"x", :a=>1}`:                       `{"password"=>"[redacted]", :a=>1}`,
		`{'password': 'x'}`:                              `{'password': '[redacted]'}`,
		`seen "token":"x7`:                               `seen "token":"[redacted]`,
		`seen {"token":["x7`:                             `seen {"token":"[redacted]"`,
		`password=hunter2 user=ann`:                      `password=[redacted] user=ann`,
		`user ann password=hunter2 `:                     `user ann password=[redacted] `,
		`password="hunter 2" user=ann`:                   `password="[redacted]" user=ann`,
		`Server=db;Password=hunter2;Port=1`:              `Server=db;Password=[redacted];Port=1`,
		`https://a.example/x?token=abc&b=1`:              `https://a.example/x?token=[redacted]&b=1`,
		`postgres://app:hunter2@db:5432/x and more`:      `postgres://app:[redacted]@db:5432/x and more`,
		`https://ghp_0123456789abcdef@github.example/x`:  `https://[redacted]@github.example/x`,
		`ssh://git@host.example`:                         `ssh://git@host.example`,
		"Host: db\npassword: hunter2\nport: 1":           "Host: db\npassword: [redacted]\nport: 1",
		"user ann, password: hunter2, port 1":            "user ann, password: [redacted], port 1",
		`curl -H "Authorization: Bearer abc.def"`:        `curl -H "Authorization: [redacted]`,
		"Cookie: sid=abc; theme=dark\nnext":              "Cookie: [redacted]\nnext",
		"**Password**: hunter2":                          "**Password**: [redacted]",
		"密码：hunter2":                                     "密码：[redacted]",
		"password = hunter2":                             "password = [redacted]",
	} {
		if got := WithoutSecrets(text); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", text, got, want)
		}
		if got := WithoutSecrets(want); got != want {
			t.Errorf("%s\nbecame %s a second time", want, got)
		}
	}
	for _, text := range []string{
		"password reset failed", "Password: reset failed", "unexpected token: <", "tokens_used: 7", `{"tokens_used":7,"key":"a","signature_id":2}`, "CPU pressure: 80", "at 12:30:00",
		"arn:aws:secretsmanager:eu-west-1:123456789012:secret:db", "https://grafana.example.com:3000/d/1?orgId=1", "mail a@b.example: full", "a == b", "password", "token:", "=", "：", `":`, "",
	} {
		if got := WithoutSecrets(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestSecretsOfAnAlertAreHidden(t *testing.T) {
	a := Fired(alert.Alert{
		Title: `{"token":"hunter2","a":"b"}`, Description: `seen {"password" : "hunter2"}`, Group: "password=hunter2", DedupKey: "url:https://u:hunter2@shop.example.com/a",
		Labels: map[string]string{"API_KEY": "hunter2", "x.auth_token": "hunter2", "key": "kept", "tokens_used": "7", "url": "https://u:hunter2@shop.example.com", "env": `{\"pwd\":\"hunter2\"}`, "secret": ""},
		Links:  Links("Shop", "https://u:hunter2@shop.example.com/a?b=c#d"),
	}).Alert
	text, err := json.Marshal(a)
	if err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("%s, %v", text, err)
	}
	if a.Labels["key"] != "kept" || a.Labels["tokens_used"] != "7" || a.Labels["secret"] != "" || a.Links[0].URL != "https://shop.example.com/a?b=c#d" || a.DedupKey != "url:https://u:[redacted]@shop.example.com/a" {
		t.Errorf("%s", text)
	}
	if kept := Fired(alert.Alert{Title: "t", DedupKey: "signature:abc"}).Alert.DedupKey; kept != "signature:abc" {
		t.Errorf("the key became %s, like those of other alerts", kept)
	}
	c := Changed(Change{ID: "https://u:hunter2@ci.example.com", Title: "password=hunter2", Labels: map[string]string{"token": "hunter2"}, Links: []alert.Link{{URL: "https://u:hunter2@ci.example.com"}}})
	if text, err = json.Marshal(c); err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestLongTextsOfSecretsAreCheap(t *testing.T) {
	for _, part := range []string{`"a":`, `token: a `, `"token":[`, `token="`, `https://a@`, `\"password\":`, `:`} {
		if long := WithoutSecrets(strings.Repeat(part, 1<<18)); len(long) > maxLine+len(Hidden)*maxLine {
			t.Errorf("%s: %d bytes", part, len(long))
		}
	}
}

// TestLongIDsOfChangesAreCheap: the square of such a one took minutes.
func TestLongIDsOfChangesAreCheap(t *testing.T) {
	for part, want := range map[string]string{"://a:b@": "://a:[redacted]@", "https://u:p@h/ x": "https://u:[redacted]@h/ x"} {
		const n = 1 << 16
		began := time.Now()
		Changed(Change{Title: "t", ID: strings.Repeat(part, n)})
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%q took %s", part, took)
		}
		if got := withoutPasswords(strings.Repeat(part, 3)); got != strings.Repeat(want, 3) {
			t.Errorf("%q became %q", part, got)
		}
	}
}

// FuzzSecrets: a secret in JSON does not show, however JSON writes it and
// whatever stands around it, and nothing is left to hide.
func FuzzSecrets(f *testing.F) {
	f.Add("x", `{"a":"b"}`)
	f.Add(`a"b\`, `password=`)
	f.Fuzz(func(t *testing.T, more, around string) {
		one, err := json.Marshal(map[string]any{"password": "hunter2" + more, "list": []any{map[string]any{"api_key": []string{"hunter2", more}}}})
		if err != nil {
			t.Skip()
		}
		two, err := json.Marshal(string(one))
		if err != nil || len(around)+len(two) > maxLine {
			t.Skip()
		}
		for _, text := range []string{string(one), string(two), string(two[1 : len(two)-1])} {
			if got := WithoutSecrets(text); strings.Contains(got, "hunter2") {
				t.Errorf("%s became %s", text, got)
			}
		}
		once := WithoutSecrets(around)
		if again := WithoutSecrets(once); len(once) <= maxLine && again != once {
			t.Errorf("%q became %q, then %q", around, once, again)
		}
	})
}
