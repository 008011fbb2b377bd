package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time of whole seconds, written with the units d, h,
// m and s from large to small, each at most once: "5m", "1h30m", "2d". A day
// is 24 hours. The zero value is written "0s".
type Duration time.Duration

// maxDuration keeps arithmetic on durations and instants far from overflow.
const maxDuration = 10 * 365 * 24 * time.Hour

var units = [...]struct {
	name   string
	length time.Duration
}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

// ParseDuration reads what [Duration.String] writes, and sums that are not
// in lowest terms ("90m"). It accepts no sign, fraction or space, and at most
// ten years.
func ParseDuration(text string) (Duration, error) {
	var total time.Duration
	rest := text
	for _, u := range units {
		before, after, found := strings.Cut(rest, u.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(before, 10, 32)
		if err != nil || time.Duration(n) > (maxDuration-total)/u.length {
			return 0, notDuration(text)
		}
		total += time.Duration(n) * u.length
		rest = after
	}
	if rest != "" || text == "" {
		return 0, notDuration(text)
	}
	return Duration(total), nil
}

func notDuration(text string) error {
	const most = 40
	if len(text) > most {
		text = text[:most] + "..."
	}
	return fmt.Errorf("%q is no length of time; write it like 30s, 5m, 1h30m or 2d", text)
}

// String writes d in lowest terms. Parts of a second are not shown.
func (d Duration) String() string {
	rest := time.Duration(d).Truncate(time.Second)
	if rest == 0 {
		return "0s"
	}
	var b strings.Builder
	if rest < 0 {
		b.WriteByte('-')
		rest = -rest
	}
	for _, u := range units {
		if n := rest / u.length; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			rest -= n * u.length
		}
	}
	return b.String()
}

// MarshalText is [Duration.String]; it refuses what could not be read back.
func (d Duration) MarshalText() ([]byte, error) {
	if t := time.Duration(d); t < 0 || t > maxDuration || t%time.Second != 0 {
		return nil, fmt.Errorf("%v is not a length of time in whole seconds up to ten years", t)
	}
	return []byte(d.String()), nil
}

// UnmarshalText is [ParseDuration].
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Or returns d, or other where d is zero.
func (d Duration) Or(other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return time.Duration(d)
}
