// Package fault sorts errors into the few kinds that callers treat
// differently: who is to blame and whether trying again can help. It knows
// nothing of HTTP, queues or AWS; those map kinds to their own answers.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what a caller can do about an error.
type Kind uint8

// The zero Kind is Internal: an error that nobody sorted is a defect of ours.
const (
	Internal        Kind = iota // a defect or an unknown failure
	Invalid                     // the request can never succeed as it is
	NotFound                    // what the request names does not exist
	Conflict                    // the state found forbids it; reading again may help
	Unauthenticated             // the caller did not prove who it is
	Forbidden                   // the caller is known and may not
	TooMany                     // a limit was hit; worth a retry later
	Unavailable                 // a dependency failed; worth a retry
)

var names = [...]string{"internal", "invalid", "not_found", "conflict", "unauthenticated", "forbidden", "too_many", "unavailable"}

// String returns the stored word of the kind.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return names[Internal]
}

// Retryable reports whether the same request may succeed later by itself.
func (k Kind) Retryable() bool { return k == TooMany || k == Unavailable }

// Error is an error with a kind and a text that may be shown to the caller.
type Error struct {
	Kind   Kind
	Text   string
	Fields []Field // for Invalid: every bad field at once
	Cause  error   // for the log only; never shown
}

// Field names one bad field and says what was expected of it.
type Field struct {
	Path    string `json:"field"`  // as the caller wrote it: "spec.steps[0].wait", "alerts[3].status"
	Problem string `json:"detail"` // what was found and what was expected
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Text)
	for i, f := range e.Fields {
		b.WriteString(sep(i))
		b.WriteString(f.Path)
		b.WriteString(": ")
		b.WriteString(f.Problem)
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, ": %v", e.Cause)
	}
	return b.String()
}

func sep(i int) string {
	if i == 0 {
		return ": "
	}
	return "; "
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New returns an error of a kind whose text may be shown to the caller.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...)}
}

// Wrap is New with a cause that stays in the log.
func Wrap(k Kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...), Cause: cause}
}

// Reworded returns err with clean's version of every text in it, where it is
// an *Error; what it wraps is then a text alone.
func Reworded(err error, clean func(string) string) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	out := &Error{Kind: e.Kind, Text: clean(e.Text)}
	for _, f := range e.Fields {
		out.Fields = append(out.Fields, Field{clean(f.Path), clean(f.Problem)})
	}
	if e.Cause != nil {
		out.Cause = errors.New(clean(e.Cause.Error()))
	}
	return out
}

// KindOf returns the kind of the first *Error in err's chain, else Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of kind k. A nil error is of no kind.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// Problems collects bad fields, so that a caller learns of all of them at
// once. The zero value is ready to use; it is not safe for concurrent use.
type Problems []Field

// Add notes that the field at path is not what was expected.
func (p *Problems) Add(path, format string, args ...any) {
	*p = append(*p, Field{Path: path, Problem: fmt.Sprintf(format, args...)})
}

// Err returns nil when nothing was noted, else an Invalid *Error.
func (p Problems) Err(text string) error {
	if len(p) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Text: text, Fields: p}
}
