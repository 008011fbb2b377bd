package catalog

import (
	"net/mail"
	"net/url"
	"strings"

	"tocsin/shared/fault"
)

// Limits of an address in bytes.
const (
	maxEmail = 254 // RFC 5321, section 4.5.3.1.3, less the angle brackets
	maxURL   = 512
)

// MaxName is the most characters that a name may have.
const MaxName = 63

// ValidName reports whether s may name a service, team, member, plan, rule or
// contact: a letter or digit, then letters, digits and hyphens, all lower case.
func ValidName(s string) bool {
	return len(s) <= MaxName && s != "" && s[0] != '-' &&
		only(s, func(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' })
}

// ValidWord reports whether s may name a cause class: a letter, then letters,
// digits and underscores, all lower case.
func ValidWord(s string) bool {
	return len(s) <= MaxName && s != "" && 'a' <= s[0] && s[0] <= 'z' &&
		only(s, func(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' })
}

// validTopic is what ntfy accepts (server/server.go, topicRegex).
func validTopic(s string) bool {
	const most = 64
	return len(s) <= most && s != "" && only(s, func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
	})
}

func only(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}

// Channels returns the channels that exist.
func Channels() []Channel { return []Channel{Email, Ntfy} }

// Validate returns an Invalid [fault.Error] with every bad field. It never
// repeats the address.
func (c Contact) Validate() error {
	var problems fault.Problems
	if !ValidName(c.ID) {
		problems.Add("id", "expected 1 to 63 of a-z, 0-9 and -, not beginning with -")
	}
	if !ValidName(c.Member) {
		problems.Add("member", "expected the name of a member")
	}
	switch c.Channel {
	case Email:
		if !validEmail(c.Address) {
			problems.Add("address", "expected one mail address like ann@example.com")
		}
	case Ntfy:
		if !validTopic(c.Address) && !validTopicURL(c.Address) {
			problems.Add("address", "expected an ntfy topic of 1 to 64 letters, digits, - and _, or the https URL of one")
		}
	default:
		problems.Add("channel", "found %q, expected email or ntfy", c.Channel)
	}
	return problems.Err("the contact is not valid")
}

// validEmail accepts a bare address: no display name, comment, quoted local
// part or address literal, and so nothing that could end a mail header.
func validEmail(s string) bool {
	parsed, err := mail.ParseAddress(s)
	return err == nil && len(s) <= maxEmail && parsed.Name == "" && parsed.Address == s && !strings.ContainsAny(s, "\"[]()<>\r\n\t ")
}

func validTopicURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURL || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return validTopic(u.Path[strings.LastIndexByte(u.Path, '/')+1:])
}
