// Package execution owns how executions of a state machine drive an event or
// incident: which generation drives it, whether it was started, where it is
// parked, when somebody must look again, and when one that is over is replaced.
// It holds that part of the entity ([Execution], pure), its attributes in the
// entity's item ([Store]) and what tells the machine ([Driver]). It knows no
// entity beyond a [Kind].
//
//	type Event struct {
//		ID ID `json:"id"`
//		execution.Execution
//		...
//	}
package execution

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tocsin/shared/ddb"
)

// Phase is how far the execution of the present generation got.
type Phase string

// An execution is pending until it was started, started until it parked for
// the first time, running from then on, dead when the service said so.
const (
	Pending Phase = "pending"
	Started Phase = "started"
	Running Phase = "running"
	Dead    Phase = "dead"
)

const (
	// dueAfterWake is when the sweeper looks at what should have been woken or
	// started; evaluation replaces it by the real deadline.
	dueAfterWake = 30 * time.Second
	// deadAfter is how many generations in a row may fail before they reach a
	// wait until the last resort is told; others follow every deadEvery.
	deadAfter = 3
	deadEvery = 10 * time.Minute
)

// Execution is what an entity keeps of the executions that drive it.
// Generation numbers them and fences what they write; WakeSeq rises with
// whatever alters the machine's next step.
type Execution struct {
	Generation   int       `json:"generation"`
	GenerationAt time.Time `json:"generation_at"` // when the present generation began

	// Attributes of their own, because writers other than the entity's commit
	// change them. Rev is the revision of the whole item.
	Rev      int64     `json:"-"`
	WakeSeq  int       `json:"-"`
	Exec     Phase     `json:"-"`
	Wakes    int       `json:"-"` // of the present generation
	Failures int       `json:"-"` // consecutive generations that failed before a wait
	Token    string    `json:"-"`
	Due      time.Time `json:"-"`
}

// First is the execution of an entity that begins at an instant.
func First(at time.Time) Execution {
	return Execution{Generation: 1, GenerationAt: at, Exec: Pending}
}

// Opened is x as the entity is stored for the first time.
func (x Execution) Opened(at time.Time) Execution {
	x.Rev, x.WakeSeq, x.Exec, x.Due = 1, 1, Pending, at.Add(dueAfterWake)
	return x
}

// Altered notes that the machine's next step is another: whoever waits is
// woken, and the sweeper looks if that fails.
func (x *Execution) Altered(at time.Time) {
	x.WakeSeq++
	x.Due = at.Add(dueAfterWake)
}

// HandOver begins the next generation. failed: the present one ended before it
// reached a wait.
func (x *Execution) HandOver(at time.Time, failed bool) {
	x.Generation++
	x.GenerationAt = at
	if failed {
		x.Failures++
	}
	x.Exec, x.Token, x.Wakes = Pending, "", 0
}

// Waited reports whether the present generation ever reached a wait.
func (x *Execution) Waited() bool { return x.Wakes > 0 }

// Hopeless reports whether the entity cannot be kept alive, should the present
// generation be over: it is at least the third in a row that ended before it
// reached a wait.
func (x *Execution) Hopeless() bool { return !x.Waited() && x.Failures >= deadAfter-1 }

// ReplaceAt is when a generation that is over may be replaced: at once, or
// after three that failed in a row ten minutes after it began. Deadlines are
// kept meanwhile: what is over is only a timer.
func (x *Execution) ReplaceAt() time.Time {
	if x.Failures < deadAfter || x.Waited() {
		return x.GenerationAt
	}
	return x.GenerationAt.Add(deadEvery)
}

// Kind is a kind of entity that executions drive.
type Kind struct {
	Name string                   // "event": in the index of deadlines and, as event_id, in inputs and logs
	Key  func(id string) ddb.Item // of the entity's item
}

// Name names the execution of a generation.
func Name(id string, generation int) string { return fmt.Sprintf("%s-g%d", id, generation) }

// ParseName reads what [Name] wrote; false: it is no such name.
func ParseName(name string) (id string, generation int, ok bool) {
	i := strings.LastIndex(name, "-g")
	if i < 0 {
		return "", 0, false
	}
	generation, err := strconv.Atoi(name[i+2:])
	return name[:i], generation, err == nil
}
