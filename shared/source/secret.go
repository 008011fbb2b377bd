package source

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
)

// Hidden stands where a secret stood.
const Hidden = "[redacted]"

// secretWords are the one list of names of secrets, which is one of words that such
// names end with. X-Api-Key and dbPassword hold secrets, X-Event-Key and
// password_age do not.
var secretWords = sync.OnceValue(wordList)

// ending is what a word at the end of a name tells.
type ending struct {
	after     map[string]bool // it ends names of secrets after these alone; nil: after all
	except    map[string]bool // but not after these
	alone     bool            // and where it is the whole name
	qualifier bool            // it tells how a secret is written, not what it is: X-Hub-Signature-256
}

func wordList() map[string]ending {
	all := map[string]ending{
		"key":    {after: setOf(`api access private secret routing service integration encryption signing shared auth subscription webhook functions app application account storage master session ssh`)},
		"keys":   {after: setOf(`api access private secret signing ssh`)},
		"string": {after: setOf(`connection conn`)},
		"pass":   {except: setOf(`test tests check checks by first last second`)},
		"auth":   {except: setOf(`no requires require`)},
		"tokens": {except: setOf(`max min total prompt completion input output used cached remaining available burst num`), alone: true},
	}
	for word := range setOf(`token secret secrets password passwords passwd pwd passphrase passcode authorization credential credentials cookie cookies jwt bearer signature hmac
		apikey apikeys apitoken userpwd dbpwd dbpass`) {
		all[word] = ending{alone: true}
	}
	for word := range setOf(`sha md ed v value hash hex`) {
		all[word] = ending{qualifier: true}
	}
	return all
}

// joined are the ends of words that were written as one, by their last byte:
// authtoken, 数据库密码.
var joined = sync.OnceValue(func() *[256][]string {
	by := new([256][]string)
	for word := range setOf(`token secret password passwd passphrase authorization credential credentials cookie signature apikey accesskey privatekey secretkey connectionstring
		passwort kennwort contraseña пароль 密码 口令 密钥 令牌 密碼 密鑰 パスワード 비밀번호`) {
		last := word[len(word)-1]
		by[last] = append(by[last], word)
	}
	return by
})

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// HoldsSecret reports whether a field, label or header of that name holds a
// secret: an alert is shown, mailed and kept for long, so such a value has no
// place in it, nor in what is kept of a request's headers.
func HoldsSecret(name string) bool {
	for {
		before, word := cutWord(name)
		if word == "" {
			return false
		}
		word = strings.ToLower(withoutDigits(word))
		if is, known := secretWords()[word]; known && !is.qualifier {
			return is.secret(before)
		} else if word != "" && !known {
			return slices.ContainsFunc(joined()[word[len(word)-1]], func(end string) bool { return strings.HasSuffix(word, end) })
		}
		name = before
	}
}

func withoutDigits(word string) string {
	for word != "" && word[len(word)-1] >= '0' && word[len(word)-1] <= '9' {
		word = word[:len(word)-1]
	}
	return word
}

// secret reports whether a name is one of a secret, with before in front of
// the word.
func (e ending) secret(before string) bool {
	_, last := cutWord(before)
	last = strings.ToLower(last)
	switch {
	case last == "":
		return e.alone
	case e.after != nil:
		return e.after[last]
	}
	return !e.except[last]
}

// cutWord cuts the last word off a name of letters and digits, where signs
// and capitals part words: "access_" and "token", "api" and "Key".
func cutWord(name string) (before, word string) {
	end := len(name)
	for end > 0 {
		c, size := lastRune(name[:end])
		if inWord(c) {
			break
		}
		end -= size
	}
	at, after := end, rune(0)
	for at > 0 {
		c, size := lastRune(name[:at])
		if isLower(c) && isUpper(after) || !isLower(c) && !inWord(c) { // api|Key
			break
		}
		at -= size
		if isUpper(c) && isLower(after) { // API|Key
			break
		}
		after = c
	}
	return name[:at], name[at:end]
}

// lastRune, isLower and isUpper are fast where a name is ASCII, as most are.
func lastRune(s string) (rune, int) {
	if c := s[len(s)-1]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	return utf8.DecodeLastRuneInString(s)
}

func isLower(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= utf8.RuneSelf && unicode.IsLower(c)
}

func isUpper(c rune) bool {
	return c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf && unicode.IsUpper(c)
}

// hideSecrets takes secrets out of an alert: labels by their names, and what
// its texts and addresses name as one.
func hideSecrets(a *alert.Alert) {
	for name, value := range a.Labels {
		if value != "" && HoldsSecret(name) {
			a.Labels[name] = Hidden
		} else if clean := WithoutSecrets(value); clean != value {
			a.Labels[name] = clean
		}
	}
	for _, text := range []*string{&a.Title, &a.Description, &a.Group} {
		*text = WithoutSecrets(*text)
	}
	a.DedupKey = withoutPasswords(a.DedupKey)
	for i := range a.Links {
		a.Links[i].URL = withoutUser(a.Links[i].URL)
	}
}

// HideSecrets takes secrets out of what quotes a sender beside its alerts: why
// one was rejected, notes, and the error of a request.
func HideSecrets(p Parsed, err error) (Parsed, error) {
	for i := range p.Items {
		p.Items[i].Rejected = WithoutSecrets(p.Items[i].Rejected)
	}
	for i := range p.Notes {
		p.Notes[i] = WithoutSecrets(p.Notes[i])
	}
	if err != nil {
		err = fault.Reworded(err, WithoutSecrets)
	}
	return p, err
}

// WithoutSecrets hides the values in a text whose names tell of secrets, in
// JSON as in lines that say "name: value" or name=value, and the passwords in
// addresses.
func WithoutSecrets(text string) string {
	if !mayName(text) {
		return text
	}
	text = bounded(text)
	var b strings.Builder
	done := 0
	for i := 0; i < len(text); i++ {
		if !isSign(text[i]) {
			continue
		}
		if from, to, by := secretAt(text, i); from >= done && to > from {
			b.WriteString(text[done:from])
			b.WriteString(by)
			done, i = to, to-1
		}
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

// wideColon is the sign after names in Chinese and Japanese texts.
const wideColon = "："

func isSign(c byte) bool { return c == ':' || c == '=' || c == wideColon[0] }

// mayName tells most texts that name nothing, before they are copied.
func mayName(text string) bool {
	for i := range len(text) {
		if isSign(text[i]) {
			return true
		}
	}
	return false
}

// secretAt returns where the secret stands that the sign at a position of a
// text leads to, and what is to stand there; nowhere, if to is not above from.
func secretAt(text string, at int) (from, to int, by string) {
	sign := text[at : at+1]
	if sign[0] == wideColon[0] {
		if sign = wideColon; !strings.HasPrefix(text[at:], sign) {
			return 0, 0, ""
		}
	}
	after := at + len(sign)
	if strings.HasPrefix(text[at:], "=>") {
		after++
	}
	if strings.HasPrefix(text[after:], "//") {
		return passwordIn(text, after+len("//"))
	}
	name, quote, start := nameBefore(text[:at])
	if !HoldsSecret(name) {
		return 0, 0, ""
	}
	spaced := isSpace(text[at-1]) || after < len(text) && isSpace(text[after]) || sign == wideColon
	if from, to = Value(text, after); from == to || strings.HasPrefix(text[from:], Hidden) {
		return 0, 0, ""
	}
	before := strings.TrimRight(text[:start], "*_`~")
	quoted := text[from-1] == '"' || text[from-1] == '\''
	switch value := text[from:to]; {
	case quote == "" && spaced && endsInWord(before), // "unexpected token: <" names nothing
		quote == "" && sign == ":" && endsInAny(before, ":/"), // nor does "arn:aws:secretsmanager:eu-west-1:1:secret:db"
		!quoted && (value == "null" || value == "true" || value == "false"):
		return 0, 0, ""
	case quote == "" && spaced && !quoted:
		to = from + secretLine(text[from:])
	case quote != "" && !quoted:
		return from, to, quote + Hidden + quote
	}
	return from, to, Hidden
}

// endsInWord reports whether a text ends with a word and a space.
func endsInWord(s string) bool {
	word := strings.TrimRight(s, " \t*_`~")
	c, _ := utf8.DecodeLastRuneInString(word)
	return len(word) < len(s) && inWord(c)
}

func endsInAny(s, chars string) bool { return s != "" && strings.IndexByte(chars, s[len(s)-1]) >= 0 }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// maxSecretName is longer than the name of any secret.
const maxSecretName = 100

// nameBefore returns the name that a text ends with, the quote around it as it
// is written, and where it begins.
func nameBefore(text string) (name, quote string, start int) {
	bare := strings.TrimRight(text, " \t\r\n")
	tail := bare[max(0, len(bare)-maxSecretName):]
	start = len(bare) - len(tail)
	if endsInAny(tail, `"'`) {
		open := strings.TrimRight(tail[:len(tail)-1], `\`)
		at := strings.LastIndexByte(open, tail[len(tail)-1]) + 1
		return open[at:], tail[len(open):], start + at
	}
	tail = strings.TrimRight(tail, "*_`~")
	at := strings.LastIndexFunc(tail, func(c rune) bool { return !inWord(c) && c != '_' && c != '-' && c != '.' })
	if at >= 0 {
		_, size := utf8.DecodeRuneInString(tail[at:])
		at += size
	}
	at = max(at, 0)
	return tail[at:], "", start + at
}

// Value returns where the value stands that begins after white space at a
// position of a text: without its quotes, also escaped ones; a list or object
// whole; else one word.
func Value(text string, at int) (from, to int) {
	from = len(text) - len(strings.TrimLeft(text[at:], " \t\r\n"))
	rest := text[from:]
	slashes := len(rest) - len(strings.TrimLeft(rest, `\`))
	switch {
	case slashes < len(rest) && (rest[slashes] == '"' || rest[slashes] == '\''):
		from += slashes + 1
		return from, from + quotedEnd(text[from:], rest[slashes], slashes)
	case rest != "" && (rest[0] == '{' || rest[0] == '['):
		return from, from + bracketsEnd(rest)
	}
	if end := strings.IndexAny(rest, " \t\r\n,;&<>\"'}])|，；"); end >= 0 {
		return from, from + end
	}
	return from, len(text)
}

// quotedEnd returns where a text in quotes ends, each of which stands behind
// so many backslashes; one more level of them is a quote within.
func quotedEnd(s string, quote byte, slashes int) int {
	run := 0
	for i := range len(s) {
		switch {
		case s[i] == '\\':
			run++
			continue
		case s[i] == quote && run%(2*(slashes+1)) == slashes:
			return i - slashes
		}
		run = 0
	}
	return len(s)
}

// bracketsEnd returns the end of the list or object that s begins with.
func bracketsEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			slashes := i - len(strings.TrimRight(s[:i], `\`))
			i += 1 + quotedEnd(s[i+1:], '"', slashes) + slashes
		}
	}
	return len(s)
}

// secretLine returns the length of the secret that a line begins with: one
// word, credentials behind their scheme, or names and values, as in cookies.
// More words are a sentence: "reset failed".
func secretLine(s string) int {
	end := strings.IndexAny(s, " \t\r\n,;|")
	if end < 0 {
		end = len(s)
	}
	first := s[:end]
	switch strings.ToLower(first) {
	case "bearer", "basic", "token", "digest", "apikey":
		return lineEnd(s)
	}
	switch {
	case strings.Contains(first, "="):
		return lineEnd(s)
	case end < len(s) && (s[end] == ' ' || s[end] == '\t') && strings.Trim(s[end:lineEnd(s)], " \t") != "":
		return 0
	}
	return len(strings.TrimRight(first, "\"'`)}]"))
}

func lineEnd(s string) int {
	if end := strings.IndexAny(s, "\r\n"); end >= 0 {
		return end
	}
	return len(s)
}

// passwordIn returns where the password stands in the address whose host
// begins at a position, or the user of one that has no password, where that
// is long enough to be a token.
func passwordIn(text string, at int) (from, to int, by string) {
	host := text[at:]
	if end := strings.IndexAny(host, "/?#\\ \t\r\n\"'<>`"); end >= 0 {
		host = host[:end]
	}
	user := host[:max(0, strings.LastIndexByte(host, '@'))]
	colon := strings.IndexByte(user, ':')
	switch {
	case strings.HasSuffix(user, Hidden):
		return 0, 0, ""
	case colon >= 0:
		return at + colon + 1, at + len(user), Hidden
	case len(user) < shortestToken:
		return 0, 0, ""
	}
	return at, at + len(user), Hidden
}

// withoutPasswords takes out of a text nothing but the passwords in addresses:
// it names an alert, and must stay different from others.
func withoutPasswords(text string) string {
	var b strings.Builder
	for at, done := 0, 0; ; {
		next := strings.Index(text[at:], "://")
		if next < 0 {
			if done == 0 {
				return text
			}
			b.WriteString(text[done:])
			return b.String()
		}
		at += next + len("://")
		if from, to, by := passwordIn(text, at); to > from { // none lies in another: a host ends at the next slash
			b.WriteString(text[done:from] + by)
			done = to
		}
	}
}

// shortestToken is longer than most names of users.
const shortestToken = 16

// withoutUser takes user and password out of an address. What it leads to asks
// for them; a reader who may see it has his own.
func withoutUser(address string) string {
	if !strings.Contains(address, "@") {
		return address
	}
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address
	}
	u.User = nil
	return u.String()
}
