package email

import (
	"slices"
	"strings"

	"tocsin/shared/source"
)

// Marks of answers and of mails that were passed on, in lower case, as mail
// programs write them in their users' languages.
var (
	answers  = []string{"re", "aw", "sv", "antw", "ref", "回复", "答复"}
	forwards = []string{"fwd", "fw", "wg", "tr", "rv", "转发"}
	external = []string{"external", "ext", "external email", "extern", "spam", "suspected spam", "caution", "warning: external"}
)

// bare is a subject without the marks before it.
func bare(subject string) string {
	for {
		mark, rest, found := cutMark(subject)
		if !found || !slices.Contains(answers, mark) && !slices.Contains(forwards, mark) {
			return strings.TrimSpace(subject)
		}
		subject = rest
	}
}

func isAnswer(subject string) bool {
	mark, _, found := cutMark(subject)
	return found && slices.Contains(answers, mark)
}

// cutMark parts a subject at its first colon: "Re[2]: disk" is of the mark re.
func cutMark(subject string) (mark, rest string, found bool) {
	mark, rest, found = strings.Cut(strings.Replace(subject, "：", ":", 1), ":")
	mark, _, _ = strings.Cut(mark, "[")
	return strings.ToLower(strings.TrimSpace(mark)), rest, found
}

// leadingTag parts "[tag] rest".
func leadingTag(s string) (tag, rest string) {
	if after, found := strings.CutPrefix(s, "["); found {
		if tag, rest, found := strings.Cut(after, "]"); found {
			return strings.TrimSpace(tag), strings.TrimSpace(rest)
		}
	}
	return "", s
}

// told is a subject without the marks and tags before it that say nothing of
// what is wrong.
func told(subject string) string {
	return without(subject, func(tag string) bool { return slices.Contains(external, strings.ToLower(tag)) })
}

// title is what was told without the tags that say what the alert's fields say.
func title(subject string) string {
	return without(told(subject), func(tag string) bool {
		word, _, _ := strings.Cut(tag, ":")
		return source.StatusOf(word) != "" || source.SeverityOf(word) != ""
	})
}

// without takes marks and tags away from the beginning, and leaves what would
// be nothing then.
func without(subject string, noise func(tag string) bool) string {
	subject = bare(subject)
	for {
		tag, rest := leadingTag(subject)
		if tag == "" || rest == "" || !noise(tag) {
			return subject
		}
		subject = bare(rest)
	}
}
