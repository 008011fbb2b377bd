package ops_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/shared/ledger"
	"tocsin/shared/ops"
	"tocsin/shared/ops/opstest"
)

const warehouse = `{"kind":"mapping","name":"warehouse","spec":{"product":"Stockroom","title":"{name}","key":"{id}","proof":{"header":"X-Secret","scheme":"secret"}}}`

func TestIntegrationsAreCheckedAndKeepTheirSettings(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.IntegrationsWrite, ops.ConfigWrite)
	docs := c.want(200, "GET", "/v1/config", "").Body["documents"].([]any)
	for _, text := range []string{warehouse, `{"kind":"mapping","name":"plain","spec":{"title":"{name}"}}`} {
		var mapping any
		if err := json.Unmarshal([]byte(text), &mapping); err != nil {
			t.Fatal(err)
		}
		docs = append(docs, mapping)
	}
	body, err := json.Marshal(map[string]any{"expected_version": 1, "documents": docs})
	if err != nil {
		t.Fatal(err)
	}
	c.want(200, "PUT", "/v1/config", string(body))
	for _, bad := range []struct{ body, want string }{
		{`{"name":"x","source":"prometheus","auth":"vendor"}`, "no proof of its own"},
		{`{"name":"x","source":"custom","mapping":"plain","auth":"vendor"}`, "the mapping plain has no field proof, by which requests would be checked"},
		{`{"name":"x","source":"prometheus","mapping":"warehouse"}`, "only an integration of source custom or email"},
		{`{"name":"x","source":"custom","mapping":"nope"}`, "there is no mapping"},
		{`{"name":"x","source":"custom","secret":"hush-hush"}`, "without authentication"},
		{`{"name":"x","source":"custom","auth":"basic","secret":"hush-hush"}`, "user:password"},
		{`{"name":"x","source":"custom","redact_fields":["a..b"],"redact_patterns":["("]}`, "redact_patterns[0]"},
		{`{"name":"x","source":"custom","expires_after":"10s"}`, "expires_after"},
		{`{"name":"x","source":"email","auth":"bearer"}`, "senders of email have no room for bearer; expected none or vendor"},
		{`{"name":"x","source":"opsgenie-api","auth":"basic"}`, "senders of opsgenie-api have no room for basic; expected none or hmac-sha256"},
		{`{"name":"x","source":"custom","limit":-1}`, "limit"},
	} {
		if got := c.want(422, "POST", "/v1/integrations", bad.body); !strings.Contains(got.Text, bad.want) {
			t.Errorf("%s: %s, want %q", bad.body, got.Text, bad.want)
		}
	}
	if got := c.want(201, "POST", "/v1/integrations", `{"id":"kuma","name":"Kuma","source":"uptime_kuma"}`).Body; got["source"] != "uptime-kuma" || got["limit"] != 6000.0 {
		t.Errorf("by an alias: %v", got)
	}
	made := c.want(201, "POST", "/v1/integrations",
		`{"id":"stock","name":"Stock","source":"custom","mapping":"warehouse","auth":"vendor","secret":"given-by-them","expires_after":"2h","limit":60,"redact_fields":["password"],"redact_patterns":["\\d{3,4}"]}`)
	if made.Body["secret"] != nil || strings.Contains(made.Text, "given-by-them") || made.Body["expires_after"] != "2h" || made.Body["mapping"] != "warehouse" {
		t.Errorf("made %s", made.Text)
	}
	if steps := fmt.Sprint(made.Body["steps"]); !strings.Contains(steps, made.Body["url"].(string)) || strings.Contains(steps, "{url}") {
		t.Errorf("steps %s", steps)
	}
	changed := c.want(200, "PATCH", "/v1/integrations/stock", `{"limit":600,"mapping":"","redact_fields":[]}`).Body
	if changed["limit"] != 600.0 || changed["mapping"] != nil || changed["redact_fields"] != nil || changed["expires_after"] != "2h" {
		t.Errorf("changed to %v", changed)
	}
	c.want(422, "PATCH", "/v1/integrations/stock", `{"mapping":"nope"}`)
	c.want(404, "PATCH", "/v1/integrations/none", `{"limit":1}`)
	c.want(201, "POST", "/v1/integrations", `{"id":"basic","name":"Basic","source":"custom","auth":"basic"}`)
	c.want(422, "POST", "/v1/integrations/basic/rotate", `{"what":"secret","secret":"nocolonsecret"}`)
	if got := c.want(200, "POST", "/v1/integrations/stock/rotate", `{"what":"secret","secret":"their-next-one"}`); strings.Contains(got.Text, "their-next-one") {
		t.Errorf("rotated %s", got.Text)
	}
	pair := func() string {
		p, err := w.Desk.Secrets.Get(t.Context(), "/tocsin/test/stock")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(p.Valid(), ",")
	}
	if got := pair(); got != "their-next-one,given-by-them" {
		t.Errorf("valid are %s", got)
	}
	if got := c.want(200, "GET", "/v1/integrations/stock", "").Body["secrets"]; got != 2.0 {
		t.Errorf("shows %v secrets", got)
	}
	c.want(200, "POST", "/v1/integrations/stock/retire", `{"what":"secret"}`)
	for what, text := range map[string]string{"secret": "integration stock has one secret", "key": "integration stock has one key"} {
		if got := c.want(409, "POST", "/v1/integrations/stock/retire", `{"what":"`+what+`"}`); !strings.Contains(got.Text, text) {
			t.Errorf("nothing to retire: %s", got.Text)
		}
	}
	if got := pair(); got != "their-next-one" {
		t.Errorf("valid are %s", got)
	}
	detail := c.want(200, "GET", "/v1/integrations/stock", "")
	if strings.Contains(detail.Text, made.Body["key"].(string)) || detail.Body["url"] != "https://tocsin.example.com/in/custom/<key>" {
		t.Errorf("shown as %s", detail.Text)
	}
}

// TestStepsSayHowTheSenderProvesItself, and name the integration.
func TestStepsSayHowTheSenderProvesItself(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.IntegrationsWrite, ops.ConfigWrite)
	docs := c.want(200, "GET", "/v1/config", "").Body["documents"].([]any)
	for name, proof := range map[string]string{
		"worded": `{"header":"X-Secret","scheme":"secret","prefix":"Key "}`, "signed": `{"header":"X-Sig","scheme":"hmac-sha512","prefix":"v1=","encoding":"base64"}`,
		"timed": `{"header":"X-Sig","scheme":"hmac-sha256","time_header":"X-Time","time_join":"."}`, "listed": `{"header":"X-Sig","scheme":"hmac-sha256","prefix":"v1=","list":",","time_prefix":"t="}`,
		"token": `{"header":"X-Token","scheme":"jws"}`,
	} {
		docs = append(docs, map[string]any{"kind": "mapping", "name": name, "spec": json.RawMessage(`{"product":"Stockroom","title":"{name}","proof":` + proof + `}`)})
	}
	body, err := json.Marshal(map[string]any{"expected_version": 1, "documents": docs})
	if err != nil {
		t.Fatal(err)
	}
	c.want(200, "PUT", "/v1/config", string(body))
	for id, made := range map[string]struct{ settings, want string }{
		"none":   {`"auth":"none"`, "tocsin deliveries list --integration none"},
		"bearer": {`"auth":"bearer"`, "`Authorization: Bearer SECRET`"},
		"basic":  {`"auth":"basic"`, "`user:password`"},
		"hmac":   {`"auth":"hmac-sha256"`, "`X-Tocsin-Signature: sha256=SIGNATURE`, where SIGNATURE is the HMAC-SHA256 of the raw body with the integration's secret as its key, in hexadecimal digits"},
		"header": {`"auth":"hmac-sha256","header":"X-Sig"`, "`X-Sig: sha256=SIGNATURE`"},
		"worded": {`"auth":"vendor","mapping":"worded"`, "`X-Secret: Key SECRET`"},
		"signed": {`"auth":"vendor","mapping":"signed"`, "`X-Sig: v1=SIGNATURE`, by hmac-sha512 in base64 over the raw body."},
		"timed":  {`"auth":"vendor","mapping":"timed"`, "by hmac-sha256 in hex over the time, which the header `X-Time` tells, `.` and the raw body."},
		"listed": {`"auth":"vendor","mapping":"listed"`, "over the time, which stands behind `t=` in the same header, and the raw body."},
		"token":  {`"auth":"vendor","mapping":"token"`, "the header `X-Token: TOKEN`, a JWT by HS256"},
	} {
		steps := fmt.Sprint(c.want(201, "POST", "/v1/integrations", `{"id":"`+id+`","name":"x","source":"custom",`+made.settings+`}`).Body["steps"])
		shown := c.want(200, "GET", "/v1/integrations/"+id, "").Body
		if !strings.Contains(steps, made.want) || !strings.Contains(fmt.Sprint(shown["steps"]), made.want) {
			t.Errorf("%s: steps %s\nand %s, want %q", id, steps, shown["steps"], made.want)
		}
		if product := shown["product"]; (product == "Stockroom") != strings.Contains(made.settings, "mapping") {
			t.Errorf("%s: sent by %v", id, product)
		}
	}
}

// TestMailsHaveAnAddress: an integration of source email shows where its mails
// go, and without a domain says that none arrive.
func TestMailsHaveAnAddress(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.IntegrationsWrite)
	for _, domain := range []string{"", "alerts.example.com"} {
		w.Desk.MailDomain = domain
		id := "mails-" + cmp.Or(strings.ReplaceAll(domain, ".", "-"), "none")
		made := c.want(201, "POST", "/v1/integrations", fmt.Sprintf(`{"id":%q,"name":"Mails","source":"email"}`, id)).Body
		shown := c.want(200, "GET", "/v1/integrations/"+id, "").Body
		rotated := c.want(200, "POST", "/v1/integrations/"+id+"/rotate", `{}`).Body
		for key, got := range map[string]map[string]any{made["key"].(string): made, "<key>": shown, rotated["key"].(string): rotated} {
			steps := fmt.Sprint(got["steps"])
			if got["url"] != nil || strings.Contains(steps, "{") {
				t.Errorf("%s shows the URL %v and the steps %s", id, got["url"], steps)
			}
			if domain == "" && (got["address"] != nil || !strings.Contains(steps, "without the parameter MailDomain")) {
				t.Errorf("without a domain: %v", got)
			}
			if address := key + "@" + domain; domain != "" && (got["address"] != address || !strings.Contains(steps, address)) {
				t.Errorf("%s has address %v, and the steps %s", id, got["address"], steps)
			}
		}
	}
}

// keep puts a delivery into the ledger as the router does.
func keep(t *testing.T, w *opstest.World, p ledger.Part, body string) {
	t.Helper()
	p.Parts, p.Source, p.DisposedAt, p.Raw, p.Alerts = 1, "prometheus", p.ReceivedAt, []byte(body), len(p.Dispositions)
	if _, err := w.Desk.Ledger.Put(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

const firing = `{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"Disk"},"fingerprint":"f1"},{"status":"odd"}]}`

func TestIntegrationShowsWhatItDelivered(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.IntegrationsWrite, ops.DeliveriesRead)
	c.want(201, "POST", "/v1/integrations", `{"id":"prom","name":"Prometheus","source":"prometheus"}`)
	none := c.want(200, "GET", "/v1/integrations/prom", "").Body
	if none["last_delivery"] != nil || none["product"] != "Prometheus Alertmanager" || none["retry_status"] != 503.0 {
		t.Errorf("before any: %v", none)
	}
	opened := []ledger.Disposition{{Kind: ledger.Opened, Event: "E-1"}, {Position: 1, Kind: ledger.Rejected, Why: []string{"status: is odd"}}}
	for i, d := range []struct {
		in  string
		ago time.Duration
	}{{"prom", time.Minute}, {"prom", time.Hour}, {"other", time.Second}, {"prom", 25 * time.Hour}} {
		keep(t, w, ledger.Part{Delivery: fmt.Sprintf("d-%d", i), Integration: d.in, ReceivedAt: w.Now().Add(-d.ago), Dispositions: opened}, firing)
	}
	keep(t, w, ledger.Part{Delivery: "d-refused", Integration: "prom", ReceivedAt: w.Now(), Refused: 7, Notes: []string{"refused with 401"},
		Dispositions: []ledger.Disposition{{Kind: ledger.Rejected, Why: []string{"refused with 401: the key is right"}}}}, "")
	got := c.want(200, "GET", "/v1/integrations/prom", "").Body
	counts := got["counts"].(map[string]any)
	if counts["deliveries"] != 2.0 || counts["alerts"] != 4.0 || counts["refused"] != 7.0 || fmt.Sprint(counts["dispositions"]) != "map[opened:2 rejected:2]" {
		t.Errorf("counts %v", counts)
	}
	if last := got["last_delivery"].(map[string]any); last["id"] != "d-0" {
		t.Errorf("last %v", last)
	}
	if problems := got["errors"].([]any); len(problems) != 3 || problems[1].(map[string]any)["why"] != "status: is odd" {
		t.Errorf("errors %v", problems)
	} else if last := problems[0].(map[string]any); last["why"] != "refused with 401: the key is right" || last["refused"] != 7.0 || last["received_at"] == nil {
		t.Errorf("refused %v", last)
	}
	var ids []string
	for path := "/v1/deliveries?integration=prom&limit=2"; path != ""; {
		page := c.want(200, "GET", path, "").Body
		for _, item := range page["items"].([]any) {
			ids = append(ids, item.(map[string]any)["id"].(string))
		}
		path = ""
		if next, more := page["next_cursor"].(string); more {
			path = "/v1/deliveries?integration=prom&limit=2&cursor=" + next
		}
	}
	if strings.Join(ids, " ") != "d-refused d-0 d-1 d-3" {
		t.Errorf("listed %q", ids)
	}
}

func TestDeliveriesComeAgain(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.Admin)
	made := c.want(201, "POST", "/v1/integrations", `{"id":"prom","name":"Prometheus","source":"prometheus","auth":"bearer"}`).Body
	keep(t, w, ledger.Part{Delivery: "d-1", Integration: "prom", ReceivedAt: w.Now(), ContentType: "application/json"}, firing)
	keep(t, w, ledger.Part{Delivery: "d-gone", Integration: "removed", ReceivedAt: w.Now()}, firing)

	parsed := c.want(200, "POST", "/v1/deliveries/d-1/parse", "").Body["alerts"].([]any)
	if a := parsed[0].(map[string]any); len(parsed) != 2 || a["title"] != "Disk" || a["dedup_key"] != "fingerprint:f1" {
		t.Errorf("parsed %v", parsed)
	}
	if a := parsed[1].(map[string]any); a["rejected"] == nil {
		t.Errorf("parsed %v", a)
	}
	if len(w.Hooks.Sent) != 0 {
		t.Fatal("parsing sent a delivery")
	}
	for _, bad := range []struct{ path, body string }{
		{"d-1", `{"mapping":"nope"}`}, {"d-1", `{"spec":{"titel":"x"}}`}, {"d-1", `{"spec":{"title":"{a"}}`}, {"d-1", `{"mapping":"a","spec":{"title":"x"}}`},
	} {
		c.want(422, "POST", "/v1/deliveries/"+bad.path+"/parse", bad.body)
	}
	again := c.want(200, "POST", "/v1/deliveries/d-1/send-again", "").Body
	if len(w.Hooks.Sent) != 1 {
		t.Fatalf("%d deliveries", len(w.Hooks.Sent))
	}
	d := w.Hooks.Sent[0]
	if d.ID != again["delivery_id"] || d.ID == "d-1" || d.Integration != "prom" || !strings.Contains(strings.Join(d.Notes, " "), "from delivery d-1") {
		t.Errorf("sent %+v for %v", d, again)
	}
	c.want(404, "POST", "/v1/deliveries/d-gone/send-again", "")
	c.want(404, "POST", "/v1/deliveries/d-none/parse", "")
	if log := c.want(200, "GET", "/v1/audit", "").Text; !strings.Contains(log, "sent again as "+d.ID) || strings.Contains(log, made["key"].(string)) {
		t.Errorf("audit %s", log)
	}
	if got := c.want(200, "GET", "/v1/integrations/prom", "").Body; got["keys"] != 1.0 {
		t.Errorf("a lent key stays: %v", got["key_ids"])
	}
}
