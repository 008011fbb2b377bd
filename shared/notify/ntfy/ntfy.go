// Package ntfy sends messages as push notifications through an ntfy server.
// An address is the name of a topic on the server that the deployer chose, or
// the https address of a topic elsewhere. A topic's name is as good as a
// password: it appears in no result.
package ntfy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tocsin/shared/cloud"
	"tocsin/shared/fault"
	"tocsin/shared/notify"
	"tocsin/shared/outgoing"
)

// BaseVariable names the environment variable of the server where topics are
// that name none.
const (
	BaseVariable = "NTFY_BASE_URL"
	defaultBase  = "https://ntfy.sh"
)

// Token tells the access token of that server. An error of kind NotFound means
// that there is none where one should be; nil stands for a server that asks
// for none.
type Token func(ctx context.Context) (string, error)

// Limits of ntfy v2.13: server/config.go (DefaultMessageSizeLimit),
// server/server.go (transformBodyJSON reads twice that), server/actions.go
// (actionsMax). A longer message would become an attachment. maxTitle is ours:
// phones show less.
const (
	maxMessage = 4096
	maxBody    = 2 * maxMessage
	maxTitle   = 200
	maxActions = 3
)

// timeout bounds a request; maxAnswer its answer.
const (
	timeout   = 10 * time.Second
	maxAnswer = 16 << 10
)

// Channel sends push notifications. It is safe for concurrent use.
type Channel struct {
	base    *url.URL // without a slash at its end
	token   Token
	trusted *http.Client // to base, wherever that is
	guarded *http.Client // to servers that members name
}

var _ notify.Channel = (*Channel)(nil)

// Open returns the channel that the environment describes.
func Open(env cloud.Lookup, token Token) (*Channel, error) {
	base, _ := env(BaseVariable)
	return New(base, token, outgoing.Client(outgoing.Options{Timeout: timeout, MaxAnswer: maxAnswer}))
}

// New returns a channel to the server at base ("" for ntfy.sh). guarded is
// used for servers that members name.
func New(base string, token Token, guarded *http.Client) (*Channel, error) {
	if base == "" {
		base = defaultBase
	}
	u, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%s is no address like %s", BaseVariable, defaultBase)
	}
	trusted := outgoing.Client(outgoing.Options{Timeout: timeout, MaxAnswer: maxAnswer, AllowHTTP: true, Allow: outgoing.Anywhere})
	return &Channel{base: u, token: token, trusted: trusted, guarded: guarded}, nil
}

// publication is what ntfy publishes (ntfy documentation, "Publish as JSON").
type publication struct {
	Topic    string   `json:"topic"`
	Title    string   `json:"title,omitempty"`
	Message  string   `json:"message"`
	Priority int      `json:"priority"`
	Tags     []string `json:"tags,omitempty"`
	Click    string   `json:"click,omitempty"`
	Actions  []action `json:"actions,omitempty"`
}

// action is always of the kind "view": following it changes nothing.
type action struct {
	Action string `json:"action"`
	Label  string `json:"label"`
	URL    string `json:"url"`
}

// Send publishes one notification.
func (c *Channel) Send(ctx context.Context, address string, content notify.Content) notify.Result {
	server, topic, err := c.locate(address)
	if err != nil {
		return notify.Result{Kind: notify.RejectedAddress, Detail: err.Error()}
	}
	body, err := encode(publicationOf(topic, content))
	if err != nil {
		return notify.Result{Kind: notify.RejectedMessage, Detail: err.Error()}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.String()+"/", bytes.NewReader(body))
	if err != nil {
		return notify.Result{Kind: notify.RejectedAddress, Detail: "it is no address"}
	}
	r.Header.Set("Content-Type", "application/json")
	// With this header net/http sends again by itself when a connection that
	// was idle turns out to be gone (net/http, Transport).
	r.Header.Set("Idempotency-Key", content.ID)
	client := c.guarded
	if server == c.base {
		client = c.trusted
		if refused, ok := c.authorize(ctx, r); !ok {
			return refused
		}
	}
	return do(client, r)
}

// authorize adds the access token. false: it cannot be told, with what the
// attempt comes to.
func (c *Channel) authorize(ctx context.Context, r *http.Request) (notify.Result, bool) {
	if c.token == nil {
		return notify.Result{}, true
	}
	token, err := c.token(ctx)
	switch {
	case fault.Is(err, fault.NotFound):
		return notify.Result{Kind: notify.Misconfigured, Detail: "the parameter that should hold the server's access token holds none"}, false
	case err != nil:
		return notify.Result{Kind: notify.Retry, Detail: "the server's access token cannot be read now"}, false
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return notify.Result{}, true
}

func do(client *http.Client, r *http.Request) notify.Result {
	resp, err := client.Do(r)
	if refused, ok := errors.AsType[*outgoing.RefusedError](err); ok {
		return notify.Result{Kind: notify.RejectedAddress, Detail: refused.Error()}
	}
	if err != nil {
		return notify.Unanswered(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return answered(resp)
}

// answered reads what ntfy says: the message's id, or its error code.
func answered(resp *http.Response) notify.Result {
	var says struct {
		ID    string `json:"id"`
		Code  int    `json:"code"`
		Error string `json:"error"`
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // the status alone decides when this fails
	if json.Unmarshal(text, &says) != nil {
		return notify.Answered(resp.StatusCode, resp.Header, "")
	}
	if says.Code != 0 {
		return notify.Coded(notify.Ntfy, strconv.Itoa(says.Code), resp.StatusCode, resp.Header, says.Error)
	}
	r := notify.Answered(resp.StatusCode, resp.Header, "")
	r.ID = notify.Line(says.ID, maxTitle)
	return r
}

var errAddress = errors.New("it is neither a topic nor the https address of one")

// locate returns the server, c.base itself where it is that one, and the topic.
func (c *Channel) locate(address string) (*url.URL, string, error) {
	if validTopic(address) {
		return c.base, address, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, "", errAddress
	}
	slash := strings.LastIndexByte(u.Path, '/')
	topic := u.Path[slash+1:]
	if slash < 0 || !validTopic(topic) {
		return nil, "", errAddress
	}
	server := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path[:slash], "/")}
	if server.String() == c.base.String() {
		return c.base, topic, nil
	}
	return server, topic, nil
}

// validTopic follows ntfy v2.13, server/server.go, topicRegex.
func validTopic(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

func publicationOf(topic string, c notify.Content) publication {
	p := publication{
		Topic:    topic,
		Title:    notify.Line(c.Title, maxTitle),
		Message:  notify.Lines(c.Brief, maxMessage),
		Priority: priority(c.Urgency),
		Tags:     c.Tags,
	}
	for i, l := range c.Links {
		if i == 0 {
			p.Click = l.URL
		}
		if i < maxActions {
			p.Actions = append(p.Actions, action{Action: "view", Label: notify.Line(l.Label, maxTitle), URL: l.URL})
		}
	}
	return p
}

// priority is ntfy's: 5 rings until it is seen, 1 is not shown at all.
func priority(u notify.Urgency) int {
	switch u {
	case notify.Urgent:
		return 5
	case notify.High:
		return 4
	case notify.Low:
		return 2
	}
	return 3
}

// encode returns the body, with the message cut until it fits.
func encode(p publication) ([]byte, error) {
	for {
		var body bytes.Buffer
		e := json.NewEncoder(&body)
		e.SetEscapeHTML(false) // three bytes more for each & of a link
		if err := e.Encode(p); err != nil {
			return nil, fmt.Errorf("encode notification: %w", err)
		}
		over := body.Len() - maxBody
		if over <= 0 {
			return body.Bytes(), nil
		}
		if p.Message == "" {
			return nil, fmt.Errorf("the notification is %d bytes too long without its text", over)
		}
		p.Message = shorter(p.Message, over)
	}
}

// shorter cuts text by about n bytes, and always by some.
func shorter(text string, n int) string {
	keep := len(text) - n - len("…")
	if keep <= 0 {
		return ""
	}
	return notify.Cut(text, keep)
}
