package actionlink

import (
	"fmt"
	"strings"
)

// Actions is a set of things that a link may do. Viewing is always among
// them; the empty set does nothing else.
type Actions uint16

// The actions. A bit keeps its meaning for ever: links outlive releases.
const (
	Acknowledge Actions = 1 << iota
	Resolve
	Escalate
	Snooze
	Promote
	Note
	Record // fill in and save the record
	Close
	Unacknowledge
	Reopen
	Mitigate // incidents only
	Update   // incidents only
)

// What links usually carry. The page offers those that fit the state.
const (
	EventActions    = Acknowledge | Resolve | Escalate | Snooze | Promote | Note | Record | Close | Unacknowledge | Reopen
	IncidentActions = Resolve | Note | Record | Close | Reopen | Mitigate | Update
)

var actionWords = [...]string{
	"acknowledge", "resolve", "escalate", "snooze", "promote", "note", "record", "close", "unacknowledge", "reopen", "mitigate", "update",
}

// Has reports whether every action of b is in a.
func (a Actions) Has(b Actions) bool { return a&b == b }

// String returns the words of the actions, joined by commas; "view" when there
// are none.
func (a Actions) String() string {
	var words []string
	for i, w := range actionWords {
		if a&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	if len(words) == 0 {
		return "view"
	}
	return strings.Join(words, ",")
}

// ParseActions is the inverse of [Actions.String]. Its error names the word
// that is no action.
func ParseActions(text string) (Actions, error) {
	var a Actions
	for word := range strings.SplitSeq(text, ",") {
		bit, ok := actionOf(word)
		if !ok {
			return 0, fmt.Errorf("action %q is not one of view, %s", word, strings.Join(actionWords[:], ", "))
		}
		a |= bit
	}
	return a, nil
}

func actionOf(word string) (Actions, bool) {
	for i, w := range actionWords {
		if w == word {
			return 1 << i, true
		}
	}
	return 0, word == "view"
}
