// Package defaults holds every number that applies where a configuration says
// nothing, and the bounds of what it may say. The docs are printed from here;
// no other file holds a default. It imports nothing but time.
package defaults

import "time"

// Paging.
const (
	StepWait        = 5 * time.Minute // for an acknowledgement, before the next step
	Repeats         = 3               // rounds of a plan after the first
	LastResortEvery = time.Hour       // between two pages of the last resort
	MinWait         = time.Second     // shortest wait of a step, quiet time or reopen period
	MaxWait         = 7 * 24 * time.Hour
	MaxRepeats      = 100
)

// Life of an event.
const (
	Quiet  = 5 * time.Minute  // without a firing alert, before recovery resolves
	Reopen = 30 * time.Minute // after resolving, while a new firing reopens

	TestLife    = time.Hour      // of a test page that nobody ends
	RecordAgain = 24 * time.Hour // between two reminders of a missing record
	UpdateEvery = time.Hour      // an open incident owes an update so often
)

// AckExpiry is how long an acknowledgement of an event of this priority holds
// before paging begins anew. 0: it never expires.
func AckExpiry[P ~string](priority P) time.Duration {
	switch priority {
	case "P1":
		return 30 * time.Minute
	case "P2":
		return 2 * time.Hour
	}
	return 0
}

// AutoClose is how long after resolving an event of this priority closes with
// what is known. 0: it never does, its record needs a person.
func AutoClose[P ~string](priority P) time.Duration {
	switch priority {
	case "P3", "P4":
		return 3 * 24 * time.Hour
	}
	return 0
}

// Snooze is one choice of how long an event may sleep. Either For is set, or
// the sleep ends at the next Hour o'clock in the reader's time zone.
type Snooze struct {
	Name string // as shown and as sent
	For  time.Duration
	Hour int
}

// SnoozeChoices returns the choices in the order in which they are offered.
func SnoozeChoices() []Snooze {
	return []Snooze{
		{Name: "1h", For: time.Hour},
		{Name: "4h", For: 4 * time.Hour},
		{Name: "09:00", Hour: 9},
	}
}

// Integrations, which may say otherwise.
const (
	RequestsPerMinute    = 6000           // that an integration takes
	MaxRequestsPerMinute = 600_000        //
	ExpiresAfter         = 24 * time.Hour // without a repeat, of alerts whose source never tells of their end
	MinExpiresAfter      = time.Minute
	MaxExpiresAfter      = 30 * 24 * time.Hour
)

// Noise.
const (
	Hold            = 0 // before a firing alert opens an event
	FlappingChanges = 4 // changes within FlappingWithin mark an alert
	FlappingWithin  = time.Hour
)

// HeartbeatGrace is by how much a ping may be late.
const HeartbeatGrace = 5 * time.Minute

// PingsPerMinute is how many pings of one heartbeat a process takes: some for
// each of several workers that share it, and too few for a loop gone wild to
// fill an event.
const PingsPerMinute = 30

// StormLevels returns the counts of joined alerts at which an event tells again.
func StormLevels() []int { return []int{10, 100, 1000} }

// Changes shown with an event.
const (
	ChangesBefore = 2 * time.Hour // those of so long before it opened, and since
	ChangesShown  = 20            // the newest of them
)

// Signed links and what is kept.
const (
	LinkActs  = 24 * time.Hour      // a link may act for so long after it was made
	LinkShows = 7 * 24 * time.Hour  // and shows the event for so long
	LedgerTTL = 30 * 24 * time.Hour // deliveries, dispositions and messages
	ChangeTTL = 30 * 24 * time.Hour // changes that were told of
)

// Configuration.
const (
	ConfigCheckEvery = 5 * time.Second // at most this often a function asks for a newer version
	Language         = "en"
	TimeZone         = "UTC"
)

// Names that always exist in the configuration.
const (
	Service       = "default"
	Plan          = "default"
	Administrator = "administrator"
	CatchAll      = "catch-all"
)

// CauseClasses ship with the product; a team may add its own.
var CauseClasses = []string{
	"false_positive", "business_fluctuation", "code_defect", "config_change", "capacity", "dependency",
	"infrastructure", "security", "human_error", "unknown",
}
