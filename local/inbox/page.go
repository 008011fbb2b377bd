package inbox

import (
	_ "embed"
	"html"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// shown is how many messages the page has.
const shown = 100

//go:embed page.html
var pageText string

//go:embed refresh.js
var script []byte

var pageTemplate = template.Must(template.New("inbox").Funcs(template.FuncMap{"pieces": pieces}).Parse(pageText))

func (in *Inbox) page(w http.ResponseWriter, _ *http.Request) {
	messages, total := in.newest(shown)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'")
	last := ""
	if len(messages) > 0 {
		last = messages[0].ID
	}
	_ = pageTemplate.Execute(w, map[string]any{"Messages": messages, "Total": total, "Last": last})
}

// newest returns the last messages, newest first, and how many there are.
func (in *Inbox) newest(most int) ([]Message, int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	last := slices.Clone(in.messages[max(0, len(in.messages)-most):])
	slices.Reverse(last)
	return last, len(in.messages)
}

// html serves a mail's HTML part for a frame: without scripts, forms or a
// common origin; its links open beside it.
func (in *Inbox) html(w http.ResponseWriter, r *http.Request) {
	m, ok := in.Message(r.PathValue("id"))
	if !ok || m.HTML == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy",
		"sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: https:; frame-ancestors 'self'")
	w.Header().Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write([]byte(`<base target="_blank">` + m.HTML))
}

func serveScript(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript")
	_, _ = w.Write(script)
}

// Piece is a stretch of text; URL is set where it is a link.
type Piece struct{ Text, URL string }

var (
	address   = regexp.MustCompile(`https?://[^\s<>"']+`)
	reference = regexp.MustCompile(`(?i)href\s*=\s*(?:"([^"]*)"|'([^']*)')`)
)

// pieces splits a text at its addresses, as mail programs do.
func pieces(text string) []Piece {
	var found []Piece
	end := 0
	for _, at := range address.FindAllStringIndex(text, -1) {
		link := strings.TrimRight(text[at[0]:at[1]], ".,;:!?)]")
		found = append(found, Piece{Text: text[end:at[0]]}, Piece{Text: link, URL: link})
		end = at[0] + len(link)
	}
	return append(found, Piece{Text: text[end:]})
}

// links lists where a message leads, each address once.
func links(m *Message) []string {
	var found []string
	for _, p := range pieces(m.Text) {
		found = append(found, p.URL)
	}
	for _, match := range reference.FindAllStringSubmatch(m.HTML, -1) {
		found = append(found, html.UnescapeString(match[1]+match[2]))
	}
	found = append(found, m.Headers["Click"])
	for _, a := range m.Actions {
		found = append(found, a.URL)
	}
	var unique []string
	for _, link := range found {
		if (strings.HasPrefix(link, "http://") || strings.HasPrefix(link, "https://")) && !slices.Contains(unique, link) {
			unique = append(unique, link)
		}
	}
	return unique
}
