package email

import (
	"slices"
	"strings"

	"tocsin/shared/source"
)

// maxHops is how many servers a mail may have passed: more is a loop (RFC
// 5321, section 6.3, asks for 100 at least; SES itself adds a few).
const maxHops = 50

// absent are beginnings of the subjects of automatic replies, in lower case.
var absent = []string{"automatic reply", "auto reply", "autoreply", "auto-reply", "out of office", "out-of-office", "autosvar", "automatische antwort", "abwesenheit",
	"automatisch antwoord", "automatiskt svar", "réponse automatique", "respuesta automática", "resposta automática", "risposta automatica", "автоматический ответ",
	"自動応答", "自動回覆", "자동 회신", "out of the office", "returned mail: see transcript", "unzustellbar:", "non remis", "delivery delayed:", "undeliverable:", "undelivered mail", "delivery status notification", "mail delivery failed", "自动回复", "自动答复"}

// automatic says why a mail is an answer that nobody wrote, or one of ours that
// came back. "auto-generated" is no reason: cron and others mark their mails so
// (RFC 3834, section 5.2), as they should.
func (m *message) automatic(r *source.Request) string {
	own := addressOf(r.Header.Get(Own))
	_, domain, _ := strings.Cut(own, "@")
	kind, _, _ := strings.Cut(strings.ToLower(m.field("Auto-Submitted")), ";")
	kind, _, _ = strings.Cut(strings.TrimSpace(kind), " ")
	switch {
	case own != "" && m.from == own:
		return "it is one of our own"
	case own != "" && strings.Contains(strings.ToLower(m.field("X-Loop")), own), m.hops() > maxHops:
		return "it goes in a loop"
	case domain != "" && slices.ContainsFunc(m.refs, func(id string) bool { return ours(id, domain) }) && (kind != "" && kind != "no" || m.bulk()):
		return "it answers one of our own by itself"
	case kind == "auto-replied", m.field("X-Autoreply") != "", m.field("X-Autorespond") != "", m.field("Precedence") == "auto_reply":
		return "it is an automatic reply"
	case r.Header.Get(Envelope) == "<>", m.isReport():
		return "it is a bounce or a report of delivery"
	case slices.ContainsFunc(absent, func(s string) bool { return strings.HasPrefix(strings.ToLower(m.subject), s) }):
		return "its subject is that of an automatic reply"
	case strings.EqualFold(m.field("Precedence"), "junk"), m.bulk() && isAnswer(m.subject):
		return "it is a bulk answer"
	}
	return ""
}

func (m *message) bulk() bool { return strings.EqualFold(m.field("Precedence"), "bulk") }

// ours reports an id that our mails are given: of pages and of their threads.
func ours(id, domain string) bool {
	return strings.HasSuffix(strings.ToLower(id), "@"+domain)
}

func (m *message) isReport() bool {
	media, _, err := m.header.ContentType()
	return err == nil && strings.EqualFold(media, "multipart/report")
}

func (m *message) hops() int {
	n := 0
	for f := m.header.FieldsByKey("Received"); f.Next(); {
		n++
	}
	return n
}
