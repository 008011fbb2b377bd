package detect

import (
	"maps"
	"strconv"
	"strings"
	"unicode"

	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// severities of syslog, by number (RFC 5424, section 6.2.1).
var syslogSeverities = [...]string{"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"}

// syslog reads a line as programs write it, <34>..., with or without a version
// (RFC 5424 and RFC 3164), whose message may be CEF, LEEF or logfmt.
func syslog(line string) (map[string]any, bool) {
	number, rest, ok := strings.Cut(strings.TrimPrefix(line, "<"), ">")
	priority, err := strconv.Atoi(number)
	if !ok || line[0] != '<' || err != nil || priority < 0 || priority > 191 || rest == "" {
		return nil, false
	}
	fields := map[string]any{"severity": syslogSeverities[priority%8]}
	message, ok := header5424(rest, fields)
	if !ok {
		if message, ok = mnemonic(rest, fields); !ok {
			message = header3164(rest, fields)
		}
	}
	if inner, ok := structured(message); ok {
		maps.Copy(fields, inner)
	} else {
		fields["message"] = message
	}
	return fields, true
}

// header5424 reads "1 TIMESTAMP HOST APP PROCID MSGID [DATA] MSG".
func header5424(s string, fields map[string]any) (message string, ok bool) {
	parts := strings.SplitN(s, " ", 7)
	if len(parts) < 7 || parts[0] != "1" {
		return "", false
	}
	for i, name := range [...]string{1: "timestamp", 2: "host", 3: "app", 5: "msgid"} {
		if name != "" && parts[i] != "-" {
			fields[name] = parts[i]
		}
	}
	return strings.TrimSpace(strings.TrimPrefix(withoutData(parts[6]), "\ufeff")), true
}

// withoutData cuts structured data off: "-" or elements in brackets.
func withoutData(s string) string {
	if rest, none := strings.CutPrefix(s, "-"); none {
		return strings.TrimSpace(rest)
	}
	quoted, within := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && c == '[':
			within = true
		case !quoted && c == ']':
			within = false
		case !quoted && !within:
			return strings.TrimPrefix(strings.TrimSpace(s[i:]), "\ufeff")
		}
	}
	return ""
}

// mnemonic reads a message as Cisco and its likes write it, "NUMBER: HOST: TIME:
// %LINK-3-UPDOWN: MSG", of which the number and the time are others each time.
func mnemonic(s string, fields map[string]any) (message string, ok bool) {
	before, rest, ok := strings.Cut(s, "%")
	name, message, told := strings.Cut(rest, ": ")
	parts := strings.Split(name, "-")
	if !ok || !told || len(parts) < 3 || len(name) > 64 || name != strings.ToUpper(name) || strings.ContainsAny(name, " %=") {
		return "", false
	}
	fields["mnemonic"] = name
	for part := range strings.SplitSeq(before, ": ") {
		if part = strings.Trim(part, " *.:"); fields["host"] == nil && strings.ContainsFunc(part, unicode.IsLetter) && !strings.ContainsRune(part, ' ') {
			fields["host"] = part
		}
	}
	return strings.TrimSpace(message), true
}

// header3164 reads "Mar  1 08:00:00 HOST TAG[PID]: MSG"; its time has no year.
func header3164(s string, fields map[string]any) (message string) {
	if len(s) > len("Mar  1 08:00:00 ") && s[3] == ' ' && s[6] == ' ' && s[9] == ':' && s[12] == ':' && s[15] == ' ' {
		host, rest, _ := strings.Cut(s[16:], " ")
		fields["host"], s = host, rest
	}
	tag, rest, ok := strings.Cut(s, ":")
	name, _, _ := strings.Cut(tag, "[")
	if ok && tag != "CEF" && tag != "LEEF" && name != "" && len(name) <= 48 && !strings.ContainsAny(name, " =\"{") {
		fields["app"], s = name, rest
	}
	return strings.TrimSpace(s)
}

// structured reads a line of CEF, LEEF or logfmt.
func structured(s string) (map[string]any, bool) {
	if rest, ok := strings.CutPrefix(s, "CEF:"); ok {
		return cef(rest)
	}
	if rest, ok := strings.CutPrefix(s, "LEEF:"); ok {
		return leef(rest)
	}
	return logfmt(s)
}

// cef reads "0|vendor|product|version|id|name|severity|k=v k=v" (ArcSight
// Common Event Format).
func cef(s string) (map[string]any, bool) {
	var parts []string
	for len(parts) < 7 {
		part, rest, ok := cutUnescaped(s, '|')
		if !ok && len(parts) < 6 {
			return nil, false
		}
		parts, s = append(parts, part), rest
	}
	fields := map[string]any{"vendor": parts[1], "product": parts[2], "signature_id": parts[4], "name": parts[5], "severity": cefSeverity(parts[6])}
	extension(s, " ", fields)
	return fields, true
}

// leef reads "1.0|vendor|product|version|id|k=v<tab>k=v" (Log Event Extended
// Format); its second version names what parts the fields.
func leef(s string) (map[string]any, bool) {
	parts := strings.SplitN(s, "|", 6)
	if len(parts) < 6 {
		return nil, false
	}
	between, rest := "\t", parts[5]
	if delimiter, after, ok := strings.Cut(rest, "|"); ok && parts[0] == "2.0" && len(delimiter) == 1 {
		between, rest = delimiter, after
	}
	fields := map[string]any{"vendor": parts[1], "product": parts[2], "signature_id": parts[4]}
	extension(rest, between, fields)
	for short, name := range map[string]string{"sev": "severity", "devTime": "timestamp"} {
		if v, ok := fields[short].(string); ok {
			fields[name] = cefSeverity(v)
			if name == "timestamp" {
				fields[name] = v
			}
		}
	}
	return fields, true
}

// cefSeverity is the word of a number from 0 to 10.
func cefSeverity(s string) string {
	n, err := strconv.Atoi(s)
	switch {
	case err != nil:
		return s
	case n >= 9:
		return "critical"
	case n >= 7:
		return "high"
	case n >= 4:
		return "medium"
	}
	return "low"
}

// extension reads k=v, where a value goes on to the next name.
func extension(s, between string, fields map[string]any) {
	name := ""
	for _, part := range strings.Split(s, between) {
		next, value, ok := cutUnescaped(part, '=')
		switch {
		case ok && next != "" && len(next) <= 64 && !strings.ContainsFunc(next, notInName):
			if name = next; fields[name] == nil {
				fields[name] = value
			}
		case name != "":
			if before, ok := fields[name].(string); ok {
				fields[name] = before + between + part
			}
		}
	}
	if at, ok := fields["rt"].(string); ok && !source.Instant(at).IsZero() {
		fields["timestamp"] = at
	}
}

// cutUnescaped cuts s at the first mark that has no backslash before it, and
// takes backslashes away from what is before.
func cutUnescaped(s string, mark byte) (before, after string, found bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == mark:
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), "", false
}

// lines reads a text of lines that are each one of syslog, CEF or LEEF.
func lines(text string) (doc.Value, bool) {
	var all []any
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		fields, ok := syslog(line)
		if !ok && (strings.HasPrefix(line, "CEF:") || strings.HasPrefix(line, "LEEF:")) {
			fields, ok = structured(line)
		}
		if !ok || len(all) == source.MaxItems {
			return doc.Value{}, false
		}
		all = append(all, fields)
	}
	switch len(all) {
	case 0:
		return doc.Value{}, false
	case 1:
		return doc.Of(all[0]), true
	}
	return doc.Of(all), true
}
