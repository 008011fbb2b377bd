package huawei

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/proof"
	"tocsin/shared/source/sourcetest"
)

// received is the receive time of the tests.
var received = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func request(body string) *source.Request {
	return &source.Request{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body), At: received}
}

// message is what SMN sends: fields of name and value in turn.
func message(t testing.TB, fields ...string) string {
	t.Helper()
	m := map[string]string{"type": notification, "message_id": "m-1", "topic_urn": "urn:smn:cn-north-4:1:t", "timestamp": "2026-03-01T08:58:00Z"}
	for i := 0; i < len(fields); i += 2 {
		m[fields[i]] = fields[i+1]
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const data = `{"version":"v1","data":{"Namespace":"ECS","DimensionName":"ECS","ResourceName":"web-1","MetricName":"CPU","IsAlarm":true,"AlarmLevel":"Major","RegionId":"cn-north-4","ResourceId":"r-1","CurrentData":"97 %","AlarmTime":"2026/03/01 16:57:00 GMT+08:00","AlarmRecordID":"ah1","AlarmRuleName":"rule","Filter":"average","ComparisonOperator":">","Value":"90 %","Count":3}}`

const older = `{"message_type":"alarm","alarm_id":"al1","alarm_name":"rule","alarm_status":"alarm","time":1772355420000,"namespace":"SYS.RDS","metric_name":"disk","dimension":"rds:in1","value":80,"unit":"%","alarmValue":[{"time":1,"value":80.5},{"time":2,"value":83.5}],"template_variable":{"IsAlarm":true,"AlarmLevel":"次要","ResourceName":"db"}}`

const managed = `{"events":[{"id":"4346","event_sn":"sn-1","starts_at":1772355420000,"ends_at":0,"metadata":{"event_name":"PodRestarts","event_severity":"Major","event_type":"alarm","resource_provider":"CCE","resource_type":"pod","resource_id":"clusterName=shop;kind=Pod;namespace=web;name=orders-7f"},
"annotations":{"message":"restarted 5 times","alarm_probableCause_en_us":"out of memory","alarm_fix_suggestion_zh_cn":"NA"},"policy":{"alarm_rule_name":"restarts"}}],"project_id":"1"}`

const logged = `{"event_name":"errors","event_severity":"Critical","starts_at":"2026/03/01 16:57:00 GMT+08:00","metadata":{"resource_provider":"LTS","resource_type":"log","resource_id":"orders"},
"annotations":{"alarm_status":"alerting","condition_expression":"matches > 10","current_value":"17","frequency":"5min","results":[{"url":"https://console.huaweicloud.com/lts/x","raw_results":"timeout","resource_id":"shop/orders"}]}}`

const aomText = "告警名称：CPU过高\n告警ID：1\n通知规则：值班\n发生时间：2026/03/01 16:57:00 GMT+08:00\n事件级别：重要\n告警信息：CPU 97%\n资源标识：nodeName=web-1;clusterName=shop\n建议：NA"

const ltsText = "Rule name:errors;Alarm severity:Critical;Occurrence time:2026/03/01 16:57:00 GMT+08:00;Alarm source:LTS;Resource ID:orders;Alarm status:cleared;Expression:n > 10;Current value:3;"

// TestEvents: those of AOM and LTS are read by their own fields, one by one.
func TestEvents(t *testing.T) {
	two := strings.Replace(managed, `"events":[`, `"events":[{"starts_at":1772355420000,"metadata":{"event_name":"Scaled","event_severity":"Info","event_type":"event"}},`, 1)
	happened := `[{"starts_at":1772355420000,"metadata":{"event_name":"Scaled","event_severity":"Info","event_type":"event","resource_id":"shop"}}]`
	for _, c := range []struct {
		name, text string
		want       []string
		ends       bool
	}{
		{"alarm of AOM", managed, []string{`firing error "orders-7f: PodRestarts"`}, true},
		{"cleared", strings.Replace(managed, `"ends_at":0`, `"ends_at":1772355720000`, 1), []string{`resolved error "orders-7f: PodRestarts"`}, true},
		{"two", two, []string{`firing info "Scaled"`, `firing error "orders-7f: PodRestarts"`}, true},
		{"an event", happened, []string{`firing info "shop: Scaled"`}, false},
		{"alarm of LTS", logged, []string{`firing critical "orders: errors"`}, true},
		{"LTS, restored", strings.Replace(logged, "alerting", "restored", 1), []string{`resolved critical "orders: errors"`}, true},
		{"text of AOM", aomText, []string{`firing error "web-1: CPU过高"`}, true},
		{"text of LTS", ltsText, []string{`resolved critical "orders: errors"`}, true},
	} {
		parsed, err := Source.Parse(request(message(t, "message", c.text, "subject", "notice")))
		if err != nil || parsed.NeverEnds == c.ends {
			t.Errorf("%s: never ends %v, %v", c.name, parsed.NeverEnds, err)
		}
		var got []string
		for _, item := range parsed.Items {
			got = append(got, string(item.Alert.Status)+" "+string(item.Alert.Severity)+" "+quote(t, item.Alert.Title))
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	a := sourcetest.One(t, Source, message(t, "message", managed))
	b := sourcetest.One(t, Source, message(t, "message", strings.Replace(managed, `"ends_at":0`, `"ends_at":1772355720000`, 1)))
	if a.DedupKey != b.DedupKey || a.Episode != b.Episode || b.EndedAt.Minute() != 2 || !a.StartedAt.Equal(received.Add(-3*time.Minute)) ||
		a.Description != "restarted 5 times\ncause: out of memory\nresource: clusterName=shop;kind=Pod;namespace=web;name=orders-7f" || a.Labels["rule"] != "restarts" {
		t.Errorf("%+v\n%+v", a, b)
	}
	l := sourcetest.One(t, Source, message(t, "message", logged))
	if len(l.Links) != 1 || l.Labels["log"] != "shop/orders" || !l.StartedAt.Equal(a.StartedAt) || !strings.Contains(l.Description, "value: 17\nevery: 5min\nlogs: timeout") {
		t.Errorf("%+v", l)
	}
	if bare := sourcetest.One(t, Source, managed); bare.Title != a.Title {
		t.Errorf("without SMN: %+v", bare)
	}
}

func TestAlarm(t *testing.T) {
	a := sourcetest.One(t, Source, message(t, "message", data))
	if a.Title != "ECS web-1: CPU" || a.Severity != alert.Error || !a.StartedAt.Equal(received.Add(-3*time.Minute)) || a.Episode != "" ||
		a.Description != "rule: rule\nvalue: 97 %\ncondition: average > 90 %\ncount: 3\nproduct: ECS" || a.Labels["alarm_record_id"] != "ah1" {
		t.Errorf("%+v", a)
	}
	for _, c := range []struct {
		name, old, now string
		want           func(alert.Alert) bool
	}{
		{"recovery", `"IsAlarm":true`, `"IsAlarm":false`, func(b alert.Alert) bool {
			return b.Status == alert.Resolved && b.DedupKey == a.DedupKey && b.StartedAt.IsZero() && b.EndedAt.Equal(a.StartedAt)
		}},
		{"no data is no end", `{"version":"v1",`, `{"alarm_status":"insufficient_data",`, func(b alert.Alert) bool { return b.Status == alert.Firing }},
		{"state as text", `"IsAlarm":true`, `"IsAlarm":"false"`, func(b alert.Alert) bool { return b.Status == alert.Resolved }},
		{"level in other words", `"AlarmLevel":"Major"`, `"AlarmLevel":"Important"`, func(b alert.Alert) bool { return b.Severity == alert.Error }},
		{"time without spaces", `2026/03/01 16:57:00 GMT+08:00`, `2026/03/0116:57:00GMT+08:00`, func(b alert.Alert) bool { return b.StartedAt.Equal(a.StartedAt) }},
		{"time without zone", `2026/03/01 16:57:00 GMT+08:00`, `2026-03-01 16:57:00`, func(b alert.Alert) bool { return b.StartedAt.Equal(a.StartedAt) }},
		{"no time", `2026/03/01 16:57:00 GMT+08:00`, ``, func(b alert.Alert) bool { return b.StartedAt.Minute() == 58 }},
		{"names in other letters", `"ResourceId"`, `"ResourceID"`, func(b alert.Alert) bool { return b.DedupKey == a.DedupKey }},
		{"another record of the same", `"ah1"`, `"ah2"`, func(b alert.Alert) bool { return b.DedupKey == a.DedupKey }},
		{"another resource", `"r-1"`, `"r-2"`, func(b alert.Alert) bool { return b.DedupKey != a.DedupKey }},
		{"data in a string", data, `{"data":` + quote(t, `{"IsAlarm":true,"AlarmRuleName":"rule"}`) + `,"IsAlarm":true}`, func(b alert.Alert) bool { return b.Title == "rule" }},
	} {
		if b := sourcetest.One(t, Source, message(t, "message", strings.Replace(data, c.old, c.now, 1))); !c.want(b) {
			t.Errorf("%s: %+v", c.name, b)
		}
	}
	if bare := sourcetest.One(t, Source, data); bare.DedupKey != a.DedupKey {
		t.Errorf("without SMN: %+v", bare)
	}
}

func quote(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestOlderAlarm(t *testing.T) {
	a := sourcetest.One(t, Source, message(t, "message", older))
	if a.Title != "db: disk" || a.Severity != alert.Warning || !a.StartedAt.Equal(received.Add(-3*time.Minute)) || !strings.Contains(a.Description, "value: 83.5 %") {
		t.Errorf("%+v", a)
	}
	over := sourcetest.One(t, Source, message(t, "message", strings.Replace(strings.Replace(older, `"alarm_status":"alarm"`, `"alarm_status":"ok"`, 1), `"IsAlarm":true,`, "", 1)))
	if over.Status != alert.Resolved || over.DedupKey != a.DedupKey {
		t.Errorf("%+v", over)
	}
}

func TestOperationsOfTheTrace(t *testing.T) {
	a := sourcetest.One(t, Source, message(t, "subject", "[CTS]", "message", `{"trace_id":"t1","trace_name":"deleteServer","resource_type":"server","resource_name":"web-9","resource_id":"r-9","trace_rating":"incident","service_type":"ECS","user":{"name":"ann"},"time":1772355420000}`))
	if a.Title != "deleteServer server web-9" || a.Severity != alert.Error || a.Description != "By: ann\nRating: incident" || !a.StartedAt.Equal(received.Add(-3*time.Minute)) {
		t.Errorf("%+v", a)
	}
}

func TestSubjectsSayTheState(t *testing.T) {
	firing := sourcetest.One(t, Source, message(t, "subject", "[华为云][紧急告警]云监控通知：“web-1” 的CPU使用率已触发告警。", "message", "text"))
	over := sourcetest.One(t, Source, message(t, "subject", "[华为云][紧急告警恢复]云监控通知：“web-1” 的CPU使用率已恢复正常。", "message", "other text"))
	if firing.Status != alert.Firing || over.Status != alert.Resolved || firing.DedupKey != over.DedupKey || firing.Severity != alert.Critical || over.Severity != alert.Critical {
		t.Errorf("%+v\n%+v", firing, over)
	}
	for subject, want := range map[string]alert.Status{
		"[HUAWEI CLOUD][Major Alarm Cleared]CPU of web-1 returned to normal.": alert.Resolved, "CPU of web-1 has returned to normal": alert.Resolved,
		"[华为云][紧急告警未恢复]web-1 的CPU使用率": alert.Firing, "web-1 的数据恢复失败": alert.Firing,
	} {
		if a := sourcetest.One(t, Source, message(t, "subject", subject, "message", "text")); a.Status != want {
			t.Errorf("%s: %s", subject, a.Status)
		}
	}
	if a := sourcetest.One(t, Source, message(t, "message", "disk of x is full\nmore")); a.Title != "disk of x is full" || a.Status != alert.Firing {
		t.Errorf("without a subject: %+v", a)
	}
}

func TestConfirmationsVisitTheVendorOnly(t *testing.T) {
	const good = "https://console.huaweicloud.com/smn/subscription/confirm?token=x"
	for address, ok := range map[string]bool{
		good: true, "https://smn.cn-north-4.myhuaweicloud.com/smn/subscription/confirm?token=x": true, "https://console-intl.huaweicloud.com/smn/subscription/confirm?token=x": true,
		"http://console.huaweicloud.com/smn/subscription/confirm": false, "https://console.huaweicloud.com.example.com/smn/subscription/confirm": false,
		"https://console.huaweicloud.com:444/smn/subscription/confirm": false, "https://x@console.huaweicloud.com/smn/subscription/confirm": false,
		"https://console.huaweicloud.com/other": false, "https://example.com/smn/subscription/confirm": false, "": false,
	} {
		parsed, err := Parse(request(message(t, "type", confirmation, "subscribe_url", address)))
		if ok != (err == nil && parsed.Confirm != nil && parsed.Confirm.URL == address && len(parsed.Items) == 0) || !ok && !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %+v, %v", address, parsed, err)
		}
	}
	if parsed, err := Parse(request(message(t, "type", farewell, "subscribe_url", good))); err != nil || parsed.Confirm != nil || len(parsed.Notes) != 1 {
		t.Errorf("the end of a subscription: %+v, %v", parsed, err)
	}
}

func TestRefused(t *testing.T) {
	for body, want := range map[string]string{
		"": "empty", "[]": "is an array", `{}`: `type: is ""`, message(t, "type", "Odd"): `type: is "Odd"`,
		message(t, "message", `{"data":{"IsAlarm":"odd","AlarmRuleName":"r"}}`): `IsAlarm: is "odd"`, message(t, "message", `{"data":{"IsAlarm":true}}`): "AlarmRuleName: missing",
	} {
		parsed, err := Parse(request(body))
		got := ""
		if err != nil {
			got = err.Error()
		} else if len(parsed.Items) == 1 {
			got = parsed.Items[0].Rejected
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestHostsOfCertificates(t *testing.T) {
	for host, want := range map[string]bool{
		"smn.cn-north-4.myhuaweicloud.com": true, "smn.eu-west-101.myhuaweicloud.eu": true, "smn.myhuaweicloud.com": false, "smn..myhuaweicloud.com": false, "smn.a.b.myhuaweicloud.com": false,
		"xsmn.cn-north-4.myhuaweicloud.com": false, "obs.cn-north-4.myhuaweicloud.com": false, "smn.cn-north-4.myhuaweicloud.com.example.com": false, "smn.cn-north-4.huaweicloud.com": false, "": false,
	} {
		if isSMN(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}

// A message that SMN signed in 2025, of which only hash and signature are kept
// (apache/hertzbeat, HuaweiCloudExternAlertServiceTest, testSubscriptionUrl;
// its canonical string is built as in canonical).
func TestCertificateIsTheOneThatSigns(t *testing.T) {
	block, _ := pem.Decode(certificate)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := hex.DecodeString(realDigest)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := base64.StdEncoding.DecodeString(realSignature)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok || rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, signature) != nil {
		t.Error("the certificate does not fit a message of SMN")
	}
}

const (
	realDigest    = "eed08ecf267e4db98b9f55f1ae9cc977b90b1264e16a9dd01d6e3fe5c8d1533c"
	realSignature = "ottf37C/2RdDgqimRQMIBU6i7XjUfPPMU760jJn71wwP3825YPoIT22uw2A9399rkm9Jrt1qUEFrDLuA5yHFLd5n/XoM4FghIgyFn7VIfgpuVM31a+co78sYBiZ1egOCE/AwFm2oygRhfIceUj9Kw9vmc06el9TXY6RtE5tAEF6qEmICtTh45KwtCO/WRs3DY72dQi5hm0w7/tktS4WFZ1iP4LHt5eCwFvnH0u29Y96cJNI0fLUQxI5MkhgjK77JkFK7UT6ZYJZhzgSp/B7OQGStOQx+3Duvx4T4CzccZQM3sca81Z0B0GFGWeVXuEHyCPLsayY/Iz+5Tco51elT8w=="
)

// signer signs as SMN does.
type signer struct {
	key *rsa.PrivateKey
	pem []byte
}

func newSigner(t testing.TB, until time.Time) signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "SMN"}, NotBefore: received.Add(-time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (s signer) signature(t testing.TB, signed string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(signed))
	b, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// refusing is a client to which nothing may be left.
var refusing = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody}, nil
})}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const address = "https://smn.cn-north-4.myhuaweicloud.com/smn/SMN_cn-north-4_1.pem"

func TestVerify(t *testing.T) {
	smn, expired, other := newSigner(t, received.Add(time.Hour)), newSigner(t, received.Add(-time.Minute)), newSigner(t, received.Add(time.Hour))
	const plain = "message\nM\nmessage_id\nm-1\ntimestamp\n2026-03-01T08:58:00Z\ntopic_urn\nurn:smn:cn-north-4:1:t\ntype\nNotification\n"
	titled := strings.Replace(plain, "timestamp", "subject\nS\ntimestamp", 1)
	invited := "message\nM\nmessage_id\nm-1\nsubscribe_url\nU\ntimestamp\n2026-03-01T08:58:00Z\ntopic_urn\nurn:smn:cn-north-4:1:t\ntype\nSubscriptionConfirmation\n"
	aged := func(at string) string { return strings.Replace(plain, "2026-03-01T08:58:00Z", at, 1) }
	flip := func(signature string) string {
		b, _ := base64.StdEncoding.DecodeString(signature)
		b[7] ^= 1
		return base64.StdEncoding.EncodeToString(b)
	}
	for _, c := range []struct {
		name   string
		fields []string
		by     signer
		signed string
		bend   func(string) string
		ok     bool
	}{
		{"notification", nil, smn, plain, nil, true},
		{"with a subject", []string{"subject", "S"}, smn, titled, nil, true},
		{"with an empty subject", []string{"subject", ""}, smn, plain, nil, true},
		{"confirmation", []string{"type", confirmation, "subscribe_url", "U", "subject", "not signed"}, smn, invited, nil, true},
		{"repeat after 50 minutes", []string{"timestamp", "2026-03-01T08:10:00Z"}, smn, aged("2026-03-01T08:10:00Z"), nil, true},
		{"message of several lines", []string{"message", "M\nN"}, smn, strings.Replace(plain, "M", "M\nN", 1), nil, true},
		{"old", []string{"timestamp", "2026-03-01T07:59:00Z"}, smn, aged("2026-03-01T07:59:00Z"), nil, false},
		{"from the future", []string{"timestamp", "2026-03-01T09:06:00Z"}, smn, aged("2026-03-01T09:06:00Z"), nil, false},
		{"no time", []string{"timestamp", ""}, smn, aged(""), nil, false},
		{"without the last line's end", nil, smn, strings.TrimSuffix(plain, "\n"), nil, false},
		{"another message", []string{"message", "N"}, smn, plain, nil, false},
		{"another topic", []string{"topic_urn", "urn:smn:cn-north-4:2:t"}, smn, plain, nil, false},
		{"another address to visit", []string{"type", confirmation, "subscribe_url", "V"}, smn, invited, nil, false},
		{"subject slipped in", []string{"subject", "S"}, smn, plain, nil, false},
		{"fields moved", []string{"message_id", "m-1\nsubject\nS"}, smn, titled, nil, false},
		{"another key", nil, other, plain, nil, false},
		{"expired certificate", nil, expired, plain, nil, false},
		{"one bit", nil, smn, plain, flip, false},
		{"no signature", nil, smn, plain, func(string) string { return "" }, false},
		{"no Base64", nil, smn, plain, func(string) string { return "!" }, false},
		{"another host", []string{"signing_cert_url", "https://example.com/smn.pem"}, smn, plain, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := With(&proof.Certificates{Hosts: isSMN, Known: append(append([]byte(nil), smn.pem...), expired.pem...), Client: refusing})
			signature := c.by.signature(t, c.signed)
			if c.bend != nil {
				signature = c.bend(signature)
			}
			body := message(t, append([]string{"message", "M", "signing_cert_url", address, "signature", signature}, c.fields...)...)
			if err := src.Verify(request(body), nil); (err == nil) != c.ok || err != nil && !errors.Is(err, proof.ErrRefused) {
				t.Errorf("err %v", err)
			}
		})
	}
	for _, body := range []string{"", "[]", "x", `{"message":{}}`} {
		if err := Source.Verify(request(body), nil); !errors.Is(err, proof.ErrRefused) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// FuzzVerify: a signature proves what was signed and nothing else. "SIGNATURE"
// in a body is the one of a message.
func FuzzVerify(f *testing.F) {
	const signed = "message\nM\nmessage_id\nm-1\ntimestamp\n2026-03-01T08:58:00Z\ntopic_urn\nurn:smn:cn-north-4:1:t\ntype\nNotification\n"
	smn := newSigner(f, received.Add(time.Hour))
	signature := smn.signature(f, signed)
	src := With(&proof.Certificates{Hosts: isSMN, Known: smn.pem, Client: refusing})
	genuine := message(f, "message", "M", "signing_cert_url", address, "signature", "SIGNATURE")
	if err := src.Verify(request(strings.ReplaceAll(genuine, "SIGNATURE", signature)), nil); err != nil {
		f.Fatal(err)
	}
	for _, body := range []string{genuine, message(f, "message", "N", "signing_cert_url", address, "signature", "SIGNATURE"), message(f, "message_id", "m-1\nsubject\nS", "signing_cert_url", address, "signature", "SIGNATURE"),
		message(f, "message", "M", "type", confirmation, "subscribe_url", "U", "signing_cert_url", address, "signature", "SIGNATURE"), message(f, "message", "M", "signing_cert_url", "https://example.com/a.pem", "signature", "SIGNATURE")} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := request(strings.ReplaceAll(body, "SIGNATURE", signature))
		if err := src.Verify(r, nil); err != nil {
			if !errors.Is(err, proof.ErrRefused) {
				t.Fatal(err)
			}
			return
		}
		root, err := r.Root()
		if text, ok := canonical(root); err != nil || !ok || text != signed {
			t.Fatalf("believed %q", text)
		}
	})
}

func FuzzParse(f *testing.F) {
	sourcetest.FuzzStates(f, Source, data, message(f, "message", data), message(f, "message", older), message(f, "subject", "[a][b]c"), message(f, "type", confirmation), `{"type":"Notification","message":{"data":1,"IsAlarm":[]}}`)
}
