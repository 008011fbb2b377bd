// Package statuscake reads the webhooks of StatusCake: forms about uptime
// tests.
package statuscake

import (
	"crypto/md5" // StatusCake's choice; the secret is what proves
	"encoding/hex"
	"fmt"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/proof"
)

// Name is the word of this source.
const Name = "statuscake"

// Source is StatusCake.
var Source = source.Source{
	Name: Name, Verify: verify, Media: []string{source.FormMedia, "text/plain"}, Parse: Parse,
	Marks: []string{
		"Token Status StatusCode TestID",
		"Token Status=Up|Down StatusCode",
		"TestID Status=Up|Down Checkrate",
		"TestID Status=Up|Down URL Name",
		"Name Status=Up|Down URL StatusCode ContactGroup",
		"header:User-Agent=StatusCake*",
	},
	Guide: source.Guide{
		Product: "StatusCake", Page: "https://www.statuscake.com/kb/knowledge-base/how-to-use-the-web-hook-url/",
		Setup: []string{
			"Alerting, Contact Groups, New Contact Group: Webhook URL {url}, method POST.",
			"Choose the contact group in each uptime test.",
		},
		Proof:      "The key in the address; or the field Token, which is the MD5 of user name and API key (auth vendor). The secret is \"user name:API key\", or the token itself.",
		Understood: "Status Down and Up of uptime tests.",
		Repeats:    "Not published.",
	},
}

// verify checks the field Token: the MD5, in hex, of the account's user name
// and API key (StatusCake knowledge base, "How to use the web hook URL"). A
// secret is both with a colon between them, or the token as it is sent.
func verify(r *source.Request, secrets []string) error {
	root, err := r.Root()
	if err != nil {
		return proof.ErrRefused
	}
	var tokens []string
	for _, secret := range secrets {
		if user, key, ok := strings.Cut(secret, ":"); ok {
			sum := md5.Sum([]byte(user + key))
			tokens = append(tokens, hex.EncodeToString(sum[:]))
		} else {
			tokens = append(tokens, strings.ToLower(secret))
		}
	}
	if !proof.Known(strings.ToLower(root.Get("Token").Text()), tokens) {
		return proof.ErrRefused
	}
	return nil
}

// Parse reads the change of a test. It has no time.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := source.Object(r)
	if err != nil {
		return source.Parsed{}, err
	}
	f := source.FieldsOf(root)
	id, name, status := f.Text("testid", "id"), f.Text("name", "testname", "websitename"), f.Text("status")
	if status == "" || id == "" && name == "" && f.Text("url") == "" {
		return source.Parsed{}, fault.New(fault.Invalid, "the body has no Status of a TestID, Name or URL")
	}
	a := alert.Alert{
		Source: Name, DedupKey: keyOf(id, name, f.Text("url")), Severity: alert.Error,
		Title:       fmt.Sprintf("%s is %s", source.FirstText(name, f.Text("url"), "Test "+id), strings.ToLower(status)),
		Description: source.Lines(source.Said("URL", f.Text("url")), source.Said("Status code", f.Text("statuscode")), source.Said("Checked every (s)", f.Text("checkrate"))),
		Group:       name, Links: source.Links("Tested", f.Text("url")),
		Labels: source.Labels("test", name, "url", f.Text("url"), "ip", f.Text("ip"), "method", f.Text("method"), "status_code", f.Text("statuscode")),
	}
	source.AddTags(a.Labels, f.Get("tags"))
	switch strings.ToLower(status) {
	case "down":
		a.Status = alert.Firing
	case "up":
		a.Status = alert.Resolved
	default:
		return source.Parsed{Items: []source.Item{{Rejected: fmt.Sprintf("Status: is %.40q, expected Down or Up", status)}}}, nil
	}
	return source.One(a), nil
}

func keyOf(id, name, url string) string {
	if id == "" {
		return alert.HashKey(map[string]string{"name": name, "url": url})
	}
	return alert.SenderKey("test", id)
}
