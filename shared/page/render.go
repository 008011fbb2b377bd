package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/event"
	"tocsin/shared/notify"
	"tocsin/shared/outbox"
)

// Letter is everything that one rendered message is made of.
type Letter struct {
	Message outbox.Message
	Event   event.Event    // the zero Event where the reason reads none
	Reader  catalog.Member // whose language and zone are used
	Service string         // as shown; "" for the event's own word
	Names   Names          // of other members; nil shows them as they are stored
	Act     string         // address of the signed link by which the reader acts; "" none
	View    string         // address of one that only shows; "" none
	Helped  string         // what helped last time; "" not known
	Changes []change.Filed // what may have caused the event, newest first
	At      time.Time      // now
}

// Names returns how a member is shown to others.
type Names func(member string) string

// Sizes in bytes of what a message shows.
const (
	maxTitle       = 200
	maxValue       = 300
	maxDescription = 2000
	maxBriefText   = 600
	maxLabels      = 20
)

// Render returns the message for one reader. It is pure and never fails: what
// is missing is left out.
func Render(l Letter) notify.Content {
	w := writer{Letter: l, lang: languageOf(l.Reader.Language), zone: zoneOf(l.Reader.TimeZone)}
	s := w.sheet()
	return notify.Content{
		ID:       l.Message.ID(),
		Thread:   fmt.Sprintf("%s.%d", l.Message.Event, l.Message.Opening),
		Language: w.lang.tag,
		Subject:  s.subject,
		Title:    s.title,
		Brief:    s.brief(w.lang),
		Text:     s.text(w.lang),
		HTML:     s.html(w.lang),
		Urgency:  w.urgency(),
		Links:    s.buttons,
		Tags:     w.tags(),
		Test:     l.Message.Test,
	}
}

// sheet is a message before it takes a form. Its texts are clean lines.
type sheet struct {
	subject  string
	title    string
	colour   string // of a mail
	test     string
	headline string
	facts    []fact
	detail   string // what the source says, of several lines
	labels   [][2]string
	links    []alert.Link
	buttons  []notify.Link
	notice   string
	footer   string
}

type fact struct {
	name, value string
	always      bool // on a phone too
}

// writer writes one sheet.
type writer struct {
	Letter
	lang *language
	zone *time.Location
}

func (w *writer) sheet() sheet {
	s := sheet{footer: w.lang.say(sayFooter), headline: w.headline(), buttons: w.buttons(), colour: w.colour()}
	s.subject, s.title = w.titles()
	if w.Message.Test {
		s.test = w.lang.say(sayTest)
	}
	if len(s.buttons) == 0 {
		s.notice, s.footer = w.lang.say(sayNoLinks, w.Message.Event), ""
	}
	if Reads(w.Message.Reason) {
		s.facts = w.facts()
	}
	if w.Message.Reason.Pages() || w.Message.Reason == outbox.Record {
		s.detail = notify.Lines(w.Event.Description, maxDescription)
		s.labels, s.links = w.labels(), safeLinks(w.Event.Links)
	}
	return s
}

// titles returns the subject, which all messages of an event share, so that
// mail programs keep them together, and the title, which says what this one is.
func (w *writer) titles() (subject, title string) {
	switch {
	case Reads(w.Message.Reason):
		name := cmp.Or(notify.Line(w.Event.Title, maxTitle), w.lang.say(sayNoTitle))
		subject = fmt.Sprintf("[%s] %s %s", w.Event.Priority, w.Message.Event, name)
	default:
		subject = cmp.Or(notify.Line(w.Message.Subject, maxTitle), w.Message.Event)
	}
	title = subject
	switch w.Message.Reason {
	case outbox.Ended:
		title = w.lang.say(sayEnded, subject)
	case outbox.Record:
		title = w.lang.say(sayRecordTitle, subject)
	}
	if w.Message.Test {
		return "TEST " + subject, "TEST " + title
	}
	return subject, title
}

func (w *writer) headline() string {
	switch w.Message.Reason {
	case outbox.LastResort:
		return w.lang.say(sayLastResort)
	case outbox.Ended:
		return w.ending()
	case outbox.Record:
		return w.lang.say(sayRecordOwed)
	case outbox.Update:
		return w.lang.say(sayUpdateOwed)
	case outbox.News:
		return w.news()
	case outbox.Link:
		return w.lang.say(sayNewLink)
	case outbox.Dead:
		return w.lang.say(sayDead, w.Message.Event)
	}
	return w.lang.say(sayPage)
}

// ending says who ended the event, when, and how long it took.
func (w *writer) ending() string {
	e := &w.Event
	if e.ResolvedAt.IsZero() {
		return w.lang.say(sayClosedBy, w.actor(e.ClosedBy), w.when(e.ClosedAt), w.lang.took(e.ClosedAt.Sub(e.OpenedAt)))
	}
	took := w.lang.took(e.ResolvedAt.Sub(e.OpenedAt))
	if e.ResolvedBy == event.Self {
		return w.lang.say(sayRecovered, w.when(e.ResolvedAt), took)
	}
	return w.lang.say(sayResolvedBy, w.actor(e.ResolvedBy), w.when(e.ResolvedAt), took)
}

// news says what changed, by whom and when.
func (w *writer) news() string {
	about := w.Message.About
	who, at := w.actor(event.Actor(about.By)), w.when(about.At)
	switch about.What {
	case event.NewsReopened:
		return w.lang.say(sayReopened, who, at)
	case event.NewsPromoted:
		return w.lang.say(sayPromoted, who, at, w.Event.Incident)
	case event.NewsMerged:
		return w.lang.say(sayMerged, who, at, w.Event.MergedInto)
	case event.NewsClosed:
		return w.lang.say(sayArchived, who, at)
	}
	return w.lang.say(sayAcknowledged, who, at)
}

func (w *writer) facts() []fact {
	e := &w.Event
	var facts []fact
	add := func(name phrase, value string, always bool) {
		if value = notify.Line(value, maxValue); value != "" {
			facts = append(facts, fact{w.lang.say(name), value, always})
		}
	}
	add(sayPriority, string(e.Priority), false)
	add(saySince, w.since(), true)
	add(sayService, cmp.Or(w.Service, e.Service), true)
	add(sayOwner, w.owner(), w.Message.Reason != outbox.Page)
	add(sayAlerts, w.alerts(), e.AlertCount > 1)
	add(saySource, e.Source, false)
	if w.Message.Reason.Pages() {
		add(sayChange, w.change(), false)
		add(sayHelped, w.Helped, true)
		add(sayIfNobody, w.forecast(w.Message.Next), true)
	}
	return facts
}

// change names one change: the last before the event, else the newest since.
func (w *writer) change() string {
	if len(w.Changes) == 0 {
		return ""
	}
	say, of := sayAfter, w.Changes[0]
	for _, c := range w.Changes {
		if !c.At.After(w.Event.OpenedAt) {
			say, of = sayBefore, c
			break
		}
	}
	apart := strings.TrimSpace(w.lang.took(w.Event.OpenedAt.Sub(of.At).Abs()))
	line := w.lang.say(say, apart, notify.Line(of.Title, maxTitle))
	if more := len(w.Changes) - 1; more > 0 {
		line = w.lang.say(sayMore, line, more)
	}
	return line
}

func (w *writer) since() string {
	since := w.when(w.Event.OpenedAt)
	if w.Event.State.Open() {
		since += ", " + strings.TrimSpace(w.lang.say(sayAgo, w.lang.took(w.At.Sub(w.Event.OpenedAt))))
	}
	return since
}

func (w *writer) owner() string {
	e := &w.Event
	switch {
	case e.Owner != "":
		return w.name(e.Owner)
	case e.Assignee.Member != "":
		return w.lang.say(sayAssigned, w.name(e.Assignee.Member))
	case e.Assignee.Team != "":
		return w.lang.say(sayTeam, e.Assignee.Team)
	}
	return w.lang.say(sayNobody)
}

func (w *writer) alerts() string {
	switch n := w.Event.AlertCount; {
	case n == 0:
		return ""
	case w.Event.RecoveredAt.IsZero():
		return w.lang.say(sayFiring, n)
	default:
		return w.lang.say(sayAllRecovered, n)
	}
}

// forecast says what happens if nobody acts: "next: Bob at 03:27 (UTC+8)".
func (w *writer) forecast(f outbox.Forecast) string {
	if f.At.IsZero() {
		return ""
	}
	say := sayNextStep
	switch f.What {
	case "repeat":
		say = sayNextRound
	case "last_resort":
		say = sayNextLast
	}
	return w.lang.say(say, w.lang.names(f.Who), w.when(f.At))
}

func (w *writer) when(t time.Time) string { return stamp(t, w.At, w.zone) }

func (w *writer) name(member string) string {
	if w.Names == nil {
		return member
	}
	return cmp.Or(notify.Line(w.Names(member), maxValue), member)
}

// actor shows who did something: a person by name, anything else by its word.
func (w *writer) actor(a event.Actor) string {
	if member, ok := a.Member(); ok {
		return w.name(member)
	}
	if a == event.Self {
		return "Tocsin"
	}
	_, word, _ := strings.Cut(string(a), ":")
	return cmp.Or(notify.Line(word, maxValue), string(a))
}

// labels returns the labels in order of their names.
func (w *writer) labels() [][2]string {
	var shown [][2]string
	for _, name := range slices.Sorted(maps.Keys(w.Event.Labels)) {
		if len(shown) == maxLabels {
			break
		}
		shown = append(shown, [2]string{notify.Line(name, maxValue), notify.Line(w.Event.Labels[name], maxValue)})
	}
	return shown
}

// safeLinks returns those links of the source that a reader may be offered.
func safeLinks(links []alert.Link) []alert.Link {
	var safe []alert.Link
	for _, l := range links {
		if !strings.HasPrefix(l.URL, "https://") && !strings.HasPrefix(l.URL, "http://") || strings.ContainsAny(l.URL, " \r\n\t<>\"") {
			continue
		}
		safe = append(safe, alert.Link{URL: l.URL, Text: notify.Line(l.Text, maxValue)})
	}
	return safe
}

// buttons returns the signed links that fit the reason.
func (w *writer) buttons() []notify.Link {
	act := sayView
	switch w.Message.Reason {
	case outbox.Page, outbox.LastResort:
		act = sayAcknowledge
	case outbox.Record:
		act = sayRecord
	}
	var links []notify.Link
	for _, l := range []struct {
		say phrase
		url string
	}{{act, w.Act}, {sayViewOnly, w.View}} {
		if l.url != "" {
			links = append(links, notify.Link{Label: w.lang.say(l.say), URL: l.url})
		}
	}
	return links
}

// urgency is the event's for a page; what only tells must wake nobody.
func (w *writer) urgency() notify.Urgency {
	switch {
	case w.Message.Reason == outbox.Dead:
		return notify.Urgent
	case w.Message.Reason == outbox.Update:
		return notify.High
	case !w.Message.Reason.Pages():
		return notify.Low
	}
	switch w.Event.Priority {
	case alert.P1:
		return notify.Urgent
	case alert.P2:
		return notify.High
	case alert.P4:
		return notify.Low
	}
	return notify.Normal
}

func (w *writer) colour() string {
	switch w.Message.Reason {
	case outbox.Ended:
		return green
	case outbox.Dead:
		return red
	}
	return colourOf(w.Event.Priority)
}

// tags are names of emoji, which channels that know them put before the title.
func (w *writer) tags() []string {
	tag := "warning"
	switch {
	case w.Message.Reason == outbox.Ended:
		tag = "white_check_mark"
	case w.Message.Reason == outbox.Record:
		tag = "memo"
	case w.Message.Reason == outbox.Link:
		tag = "link"
	case w.Message.Reason == outbox.News:
		tag = "information_source"
	case w.Message.Reason == outbox.Dead:
		tag = "sos"
	case w.urgency() <= notify.High:
		tag = "rotating_light"
	}
	if w.Message.Test {
		return []string{"test_tube", tag}
	}
	return []string{tag}
}
