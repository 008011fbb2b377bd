// Package email reads mails of systems that can send nothing else: subject and
// text become an alert, words tell of its end. What answers by itself, and
// what the mail server does not trust, is no alert; a note says why.
//
// Character sets other than UTF-8 are decoded where the program imports
// github.com/emersion/go-message/charset, whose tables take 1 MB of a binary.
//
//	parsed, err := email.Source.Parse(&source.Request{Header: header, Body: mail, At: received})
package email

import (
	"cmp"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "email"

// Media is the media type of a request whose body is a mail (RFC 2046, 5.2.1).
const Media = "message/rfc822"

// What the function that received a mail says of it, as headers of the
// request: never those of the mail, which are the sender's.
const (
	Spam     = "Mail-Spam"     // PASS, FAIL, GRAY or PROCESSING_FAILED, as SES says
	Virus    = "Mail-Virus"    //
	DMARC    = "Mail-Dmarc"    //
	Policy   = "Mail-Policy"   // what the domain of the sender asks for where DMARC fails: none, quarantine, reject
	Envelope = "Mail-Envelope" // the sender of the envelope; "<>" is nobody
	Own      = "Mail-Own"      // the address that our own mails come from
)

const (
	failed = "FAIL"
	passed = "PASS"
)

// Source is e-mail.
var Source = source.Source{
	Name:    Name,
	Aliases: []string{"mail", "smtp"},
	Marks:   []string{`header:Content-Type=message/rfc822`},
	Media:   []string{Media},
	Auths:   []string{"vendor"}, // mails have no headers of a request
	Headers: []string{Spam, Virus, DMARC, Policy, Envelope, Own},
	Verify:  verify,
	Parse:   parse,
	Rewrite: rewrite,
	Guide: source.Guide{
		Product: "E-mail of any system",
		Page:    "https://docs.aws.amazon.com/ses/latest/dg/receiving-email.html",
		Setup: []string{
			"Deploy with the parameter MailDomain, point the MX record of that domain to SES in the stack's region, and make the receipt rule set that the stack prints the active one.",
			"Let the system send its mails to {address}. Before the @ stands the key of the integration, in upper or lower case; a name and a plus sign may stand before it.",
		},
		Proof:      "The key in the address. Mails that SES finds to be spam or to hold a virus, and those that fail DMARC where the sender's domain asks to reject them, are never alerts. With auth vendor the mail must also pass DMARC, and its From must be one of the addresses or domains that are the integration's secrets.",
		Understood: "One alert of a mail. Title is the subject without Re:, Fwd: and tags that tell of status, severity or an external sender; description is the text, or the HTML as text. Words at the beginning or end of the subject, else of the first line, tell of status and severity, else a line like \"Severity: High\" of severity. Mails of one thread are one alert; others are by sender, subject without numbers and words of status, and a line like \"Host: web-1\" where the subject does not name that host. Attachments are not read, and of a large mail its first MiB. Bounces, automatic replies and our own mails are dropped, with a note.",
		Repeats:    "Sending mail servers try for days. A mail that is delivered twice, by its Message-ID and content, is taken once.",
	},
}

// verify asks for more than the key: that the sender is who it says, and one
// of those that the integration names.
func verify(r *source.Request, secrets []string) error {
	m, err := read(r.Body)
	if err == nil && r.Header.Get(DMARC) == passed && slices.ContainsFunc(secrets, m.isFrom) {
		return nil
	}
	return fault.New(fault.Unauthenticated, "the mail is not proven to be of a sender that may write")
}

// isFrom reports whether the mail is from an address, or from a domain.
func (m *message) isFrom(who string) bool {
	who, from := strings.ToLower(strings.TrimSpace(who)), m.author()
	_, domain, _ := strings.Cut(from, "@")
	return who != "" && domain != "" && (who == from || strings.TrimPrefix(who, "@") == domain)
}

// author is the one address that DMARC judged, "" where there may be doubt:
// several From fields or addresses, and addresses inside of encoded words, are
// read differently by different readers (RFC 7489, section 6.6.1).
func (m *message) author() string {
	fields := m.header.Values("From")
	if len(fields) != 1 {
		return ""
	}
	all, err := mail.ParseAddressList(fields[0])
	if err != nil || len(all) != 1 {
		return ""
	}
	return strings.ToLower(all[0].Address)
}

func parse(r *source.Request) (source.Parsed, error) {
	m, out, err := trusted(r)
	if err == nil && Dropped(out) == "" {
		out.Items = []source.Item{source.Told(m.alert(r))}
	}
	return out, err
}

// By returns the source of mails that other reads, as a mapping does, from what
// [Decode] makes of them. What is no alert of anybody is dropped all the same.
func By(other source.Source) source.Source {
	s := Source
	s.Parse = func(r *source.Request) (source.Parsed, error) {
		m, out, err := trusted(r)
		if err != nil || Dropped(out) != "" {
			return out, err
		}
		parsed, err := other.Parse(r)
		parsed.SenderID = cmp.Or(parsed.SenderID, m.id)
		parsed.Notes = append(out.Notes, parsed.Notes...)
		return parsed, err
	}
	return s
}

// trusted reads a mail and begins what it says with why it is dropped, if it is.
func trusted(r *source.Request) (*message, source.Parsed, error) {
	m, err := read(r.Body)
	if err != nil {
		return nil, source.Parsed{}, err
	}
	out := source.Parsed{SenderID: m.id, Notes: m.notes}
	if why := cmp.Or(distrusted(r), m.automatic(r)); why != "" {
		out.Notes = append(out.Notes, "dropped: "+why)
	}
	return m, out, nil
}

// Dropped returns why a mail was no alert, "" where it was one.
func Dropped(p source.Parsed) string {
	for _, note := range p.Notes {
		if why, dropped := strings.CutPrefix(note, "dropped: "); dropped {
			return why
		}
	}
	return ""
}

// distrusted says what the mail server found.
func distrusted(r *source.Request) string {
	switch {
	case r.Header.Get(Virus) == failed:
		return "it holds a virus"
	case r.Header.Get(Spam) == failed:
		return "it is spam"
	case r.Header.Get(DMARC) == failed && strings.EqualFold(r.Header.Get(Policy), "reject"):
		return "its sender is forged: DMARC fails, and the domain asks to reject it"
	}
	return ""
}

func (m *message) alert(r *source.Request) alert.Alert {
	status, host := cmp.Or(statusOf(m.subject), statusOf(firstLine(m.text)), alert.Firing), m.said(hosts)
	a := alert.Alert{
		Source: Name, DedupKey: m.key(host), Status: status,
		Title:       source.FirstText(title(m.subject), firstLine(m.text), "mail from "+m.from),
		Description: m.text, Labels: source.Labels("from", m.from, "host", host), Links: []alert.Link{},
	}
	if status == alert.Firing {
		a.Severity = cmp.Or(source.SeverityTold(told(m.subject)), source.SeverityTold(firstLine(m.text)), source.SeverityOf(m.said(severities)))
	}
	if verdict := r.Header.Get(DMARC); verdict != "" && verdict != passed {
		a.Labels["dmarc"] = strings.ToLower(verdict)
	}
	return a
}

// key is the thread, where the mail stands in one without answering: senders
// that thread name the same root in each mail. The first mail that is answered
// names none, so an answer is known as that one is: by sender and subject.
func (m *message) key(host string) string {
	if len(m.refs) > 0 && !isAnswer(m.subject) {
		return alert.SenderKey("thread", m.refs[0])
	}
	parts := map[string]string{"from": m.from, "subject": source.Stem(source.FirstText(title(m.subject), firstLine(m.text)))}
	if host = strings.ToLower(host); !strings.Contains(strings.ToLower(m.subject), host) {
		parts["host"] = host
	}
	return alert.HashKey(parts)
}

// Names of lines that say what a mail is about and how bad it is, without what
// joins them: Zabbix and others say it only there.
var (
	hosts      = strings.Fields(`host hostname device devicename node nodename server servername system systemname instance machine computer computername nasname resource monitor name`)
	severities = strings.Fields(`severity triggerseverity alertseverity alarmseverity priority`)
)

const maxSaid = 100

// said is what the first line of one of these names says, as "Host: web-1"
// does.
func (m *message) said(names []string) string {
	for line := range strings.SplitSeq(m.text, "\n") {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if n := len(strings.Fields(value)); n > 0 && n <= 3 && len(value) <= maxSaid && slices.Contains(names, source.Plain(name)) {
			return value
		}
	}
	return ""
}

// statusOf reads what a line says of the status.
func statusOf(line string) alert.Status { return source.StatusTold(told(line)) }

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}

// addressOf is the address of a field in lower case, what is written where it
// is none.
func addressOf(field string) string {
	if a, err := mail.ParseAddress(field); err == nil {
		return strings.ToLower(a.Address)
	}
	_, after, found := strings.Cut(field, "<")
	if address, _, ended := strings.Cut(after, ">"); found && ended {
		field = address
	}
	return strings.ToLower(strings.TrimSpace(field))
}

func noteTooLong(n int) string {
	return fmt.Sprintf("only the first %d KiB of the mail were read", n>>10)
}
