package main

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tocsin/shared/event"
	"tocsin/shared/incident"
)

// Sizes of what a reader may write, in characters. The whole form stays below
// maxForm in every language.
const (
	maxText = 2500
	maxTag  = 40
	maxTags = 20
)

// form is what a reader sent, and what is wrong with it. The zero form is of a
// page that was not sent yet.
type form struct {
	action string
	wait   string // of a snooze
	seen   string // marks of what the reader saw; "" a program's form
	step   string
	saw    string // the mark of the record
	note   string
	record event.Record
	review incident.Findings
	tags   string // as entered

	problems map[string]string // by field
	problem  string            // of the form as a whole
}

// ofRecord reports whether the form is that of the record.
func (f *form) ofRecord() bool { return f.action == doRecord || f.action == doClose }

// formError returns a form to its reader.
type formError struct{ form form }

func (e *formError) Error() string { return "the form has problems" }

// readForm reads a form of at most maxForm bytes in either encoding.
func readForm(r *http.Request, t *texts) (form, error) {
	err := r.ParseForm()
	if err == nil {
		err = r.ParseMultipartForm(maxForm)
	}
	if errors.Is(err, http.ErrNotMultipart) {
		err = nil
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return form{}, &refusal{http.StatusRequestEntityTooLarge, t.LargeTitle, t.LargeBody, "too_large"}
	}
	if err != nil {
		return form{}, &refusal{http.StatusBadRequest, t.OddTitle, t.OddBody, "malformed_form"}
	}
	field := func(name string) string {
		return strings.TrimSpace(strings.ReplaceAll(r.PostFormValue(name), "\r\n", "\n"))
	}
	f := form{
		action: word(field("action")), wait: field("for"), seen: field("seen"), step: field("step"), saw: field("saw"),
		note: field("note"), tags: field("tags"),
		review: incident.Findings{Summary: field("summary"), RootCause: field("root_cause")},
		record: event.Record{CauseClass: field("cause_class"), Cause: field("cause"), Solution: field("solution"), Reasoning: field("reasoning")},
	}
	return f, nil
}

// word is the action as it may stand in a log line.
func word(s string) string {
	_, event := actionOf(s)
	_, incident := incidentActionOf(s)
	if event || incident || s == doLink {
		return s
	}
	return "unknown"
}

func (f *form) add(field, problem string) {
	if f.problems == nil {
		f.problems = map[string]string{}
	}
	if f.problems[field] == "" {
		f.problems[field] = problem
	}
}

func (f *form) checkText(field, s string, t *texts) {
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unreadable):
		f.add(field, t.BadText)
	case utf8.RuneCountInString(s) > maxText:
		f.add(field, t.TooLong(maxText))
	}
}

func unreadable(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

func (f *form) checkNote(t *texts) bool {
	if f.note == "" {
		f.add("note", t.NoteEmpty)
	}
	f.checkText("note", f.note, t)
	return len(f.problems) == 0
}

func (f *form) checkRecord(t *texts, classes []string) bool {
	r := &f.record
	if r.CauseClass != "" && !slices.Contains(classes, r.CauseClass) {
		f.add("cause_class", t.UnknownClass)
	}
	f.checkText("cause", r.Cause, t)
	f.checkText("solution", r.Solution, t)
	f.checkText("reasoning", r.Reasoning, t)
	f.checkText("tags", f.tags, t)
	r.Tags = splitTags(f.tags)
	if len(r.Tags) > maxTags {
		f.add("tags", t.TooManyTags(maxTags))
	}
	for _, tag := range r.Tags {
		if utf8.RuneCountInString(tag) > maxTag {
			f.add("tags", t.TooLong(maxTag))
		}
	}
	return len(f.problems) == 0
}

// splitTags takes the commas of Latin and Chinese writing.
func splitTags(s string) []string {
	var tags []string
	for tag := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == '，' || r == '、' || r == '\n' }) {
		if tag = strings.TrimSpace(tag); tag != "" && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags
}

// overtaken notes when somebody else saved something else since the reader
// saw it. saved is its mark. The next attempt replaces it, knowingly.
func (f *form) overtaken(saved, problem string) bool {
	if !stale(f.saw, saved) {
		return false
	}
	f.saw, f.problem = saved, problem
	return true
}

// miss notes the fields without which it does not close.
func (f *form) miss(fields []string, problem string) {
	for _, field := range fields {
		f.add(field, problem)
	}
}
