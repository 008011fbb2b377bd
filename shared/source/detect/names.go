package detect

import (
	"slices"
	"strings"
	"sync"
)

// ranks is what a name is worth for a role, by its place in the list.
var ranks = sync.OnceValue(func() map[role]map[string]int {
	all := map[role]map[string]int{}
	for r, list := range names {
		all[r] = map[string]int{}
		for i, n := range list {
			if all[r][n] == 0 {
				all[r][n] = 100 - i*60/len(list)
			}
		}
	}
	return all
})

// leastRank is less than what any name in a list is worth.
const leastRank = 35

// hardly is what the name of anything is worth: less than that of what alerts
// are known to be about.
const hardly = leastRank - 5

// past are beginnings of names of what was, is another's, or only should be.
var past = words(`old prev prior last initial from http admin desired expected`)

// rankOf is what a name is worth for a role: 0 is nothing.
func rankOf(name string, r role) int {
	if n := ranks()[r][name]; n > 0 {
		return n
	}
	if n := timeRank(name, r); n > 0 {
		return n
	}
	if r == roleKey && strings.Contains(name, "dedup") {
		return 100
	}
	if slices.ContainsFunc(past, func(w string) bool { return strings.HasPrefix(name, w) }) {
		return 0
	}
	if endsWith(name, endings[r]) {
		if r == roleTitle {
			return leastRank + 30
		}
		return leastRank
	}
	if r == roleResource && isNameOf(name) {
		return hardly
	}
	return 0
}

// endsWith reports whether a name has one of words at its end, and others
// before it.
func endsWith(name string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.HasSuffix(name, w) && name != w })
}

// A name of a time tells what happened then, that it is a time, and perhaps in
// which form: "fired", "resolvedAt", "raised_datetime", "startTimeISO".
var (
	begun   = words(`start starts started begin begins began opened open fired raised triggered trigger activated`)
	ended   = words(`end ends ended resolve resolved resolution recover recovered recovery restore restored close closed clear cleared finish finished fixed`)
	clocks  = words(`at on datetime time date timestamp ts 时间 時刻 日時`)
	formats = words(`utc gmt iso iso8601 local ms millis epoch unix rfc2822 rfc3339`)
)

func timeRank(name string, r role) int {
	happened := whatHappened(name)
	if r == roleStarted && slices.Contains(begun, happened) || r == roleEnded && slices.Contains(ended, happened) {
		return 90
	}
	return 0
}

// whatHappened is the name of a time without what says that it is one.
func whatHappened(name string) string {
	name = cutLast(name, formats)
	for _, w := range [...]string{"datetime", "time", "date"} {
		if rest, ok := strings.CutPrefix(name, w); ok && slices.Contains(slices.Concat(begun, ended), rest) {
			return rest
		}
	}
	return cutLast(name, clocks)
}

// cutLast cuts the first of words that name ends with off it.
func cutLast(name string, words []string) string {
	for _, w := range words {
		if rest, ok := strings.CutSuffix(name, w); ok && rest != "" {
			return rest
		}
	}
	return name
}

// isNameOf reports the name of a thing, of which it says what it is: "budgetName",
// "deviceLabel".
func isNameOf(name string) bool {
	of := cutLast(name, []string{"name", "label"})
	return of != name && of != "" && !slices.ContainsFunc(notThings, func(w string) bool { return strings.HasSuffix(of, w) })
}

// notThings are what names are of that are no things which can be in trouble.
var notThings = words(`build run execution user owner org organization organisation company customer tenant account team author creator first last full nick login business group file type class status state severity level event source provider vendor product
	company city country region zone display alert alarm rule policy condition metric field dimension channel template signature host hostdisplay workspace`)

// isFinal reports the name of a time that stands only where something ended. A
// number that is none is zero; a text may be when it is expected to end, unless
// the name says that it did.
func isFinal(name string, number bool) bool {
	happened := whatHappened(name)
	tells := number || happened == "clear" || happened == "gone" || strings.HasSuffix(happened, "ed")
	return slices.Contains(finals, happened) && tells && (happened != name || !number)
}
