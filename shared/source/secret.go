package source

import (
	"strings"

	"tocsin/shared/alert"
)

// secretEndings are the ends of names of fields that hold secrets.
var secretEndings = [...]string{
	"token", "secret", "password", "passwd", "authorization", "credential", "credentials",
	"api_key", "api-key", "apikey", "access_key", "access-key", "accesskey", "private_key", "private-key", "privatekey", "secret_key", "secretkey",
}

// HoldsSecret reports whether a field of that name holds a secret: an alert is
// shown, mailed and kept for long, so such a field has no place in it.
func HoldsSecret(name string) bool {
	for _, ending := range secretEndings {
		if at := len(name) - len(ending); at >= 0 && strings.EqualFold(name[at:], ending) {
			return true
		}
	}
	return false
}

// hidden stands where a secret stood.
const hidden = "[redacted]"

// hideSecrets takes secrets out of labels, and out of JSON in texts.
func hideSecrets(a *alert.Alert) {
	for name, value := range a.Labels {
		if HoldsSecret(name) {
			a.Labels[name] = hidden
		} else if strings.Contains(value, `":`) {
			a.Labels[name] = withoutSecrets(value)
		}
	}
	a.Title, a.Description = withoutSecrets(a.Title), withoutSecrets(a.Description)
}

// withoutSecrets hides the texts of fields in JSON whose names tell of secrets.
func withoutSecrets(text string) string {
	if !strings.Contains(text, `":`) {
		return text
	}
	var b strings.Builder
	for rest := bounded(text); ; {
		at := strings.Index(rest, `":`)
		if at < 0 {
			b.WriteString(rest)
			return b.String()
		}
		name := rest[strings.LastIndexByte(rest[:at], '"')+1 : at]
		b.WriteString(rest[:at+len(`":`)])
		rest = rest[at+len(`":`):]
		if quote := strings.TrimLeft(rest, " "); HoldsSecret(name) && strings.HasPrefix(quote, `"`) {
			b.WriteString(`"` + hidden + `"`)
			rest = afterText(quote[1:])
		}
	}
}

// afterText returns what follows the end of a JSON text.
func afterText(s string) string {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[i+1:]
		}
	}
	return ""
}
