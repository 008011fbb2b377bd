package opsgenie

import (
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source/sourcetest"
)

func body(action, fields string) string {
	return `{"action":"` + action + `","alert":{"alertId":"a","message":"T","createdAt":1772355312402,"updatedAt":1772355540000000001` + fields + `}}`
}

func TestParse(t *testing.T) {
	severity := func(a *alert.Alert) any { return a.Severity }
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "create", Body: body("Create", ``), Want: []string{`firing - alert:a 2026-03-01T08:55:12Z.. "T"`}},
		{Name: "acknowledge", Body: body("Acknowledge", ``), Want: []string{`acknowledged - alert:a 2026-03-01T08:55:12Z.. "T"`}},
		{Name: "unacknowledge", Body: body("UnAcknowledge", ``), Want: []string{`firing - alert:a 2026-03-01T08:55:12Z.. "T"`}},
		{Name: "close", Body: body("Close", ``), Want: []string{`resolved - alert:a 2026-03-01T08:55:12Z..2026-03-01T08:59:00Z "T"`}},
		{Name: "delete", Body: body("Delete", ``), Want: []string{`resolved - alert:a 2026-03-01T08:55:12Z..2026-03-01T08:59:00Z "T"`}},
		{Name: "priority", Body: body("UpdatePriority", `,"priority":"P2"`), Want: []string{`firing error alert:a 2026-03-01T08:55:12Z.. "T"`}},
		{Name: "tags", Body: body("AddTags", ``), Note: "AddTags on T: says nothing of the alert's state"},
		{Name: "owner", Body: body("TakeOwnership", ``), Note: "TakeOwnership on T"},
		{Name: "snooze", Body: body("Snooze", ``), Note: "Snooze on T"},
		{Name: "custom", Body: body("Restart it", ``), Note: "Restart it on T"},
		{Name: "no action", Body: `{"alert":{"alertId":"a"}}`, Note: "no action on a"},
		{Name: "priority 1", Body: body("Create", `,"priority":1`), Look: severity, Is: alert.Critical},
		{Name: "priority as a text", Body: body("Create", `,"priority":"3"`), Look: severity, Is: alert.Warning},
		{Name: "P5", Body: body("Create", `,"priority":"p5"`), Look: severity, Is: alert.Info},
		{Name: "unknown priority", Body: body("Create", `,"priority":[9]`), Look: severity, Is: ""},
		{Name: "details", Body: body("Create", `,"details":{"region":"eu","board":"https://b.example.com"},"tags":["x","","y"]`), Look: func(a *alert.Alert) any {
			return []any{a.Labels["region"], a.Labels["tags"], a.Links}
		}, Is: []any{"eu", "x, y", []alert.Link{{Text: "board", URL: "https://b.example.com"}}}},
		{Name: "alias alone", Body: `{"action":"Create","alert":{"alias":"k"}}`, Want: []string{`firing - alert:k .. "k"`}},
		{Name: "without an id", Body: `{"action":"Create","alert":{}}`, Want: []string{"rejected: alert.alertId: missing"}},
		{Name: "no alert", Body: `{"action":"Create","alert":[]}`, Err: "alert: is an array, expected the object"},
		{Name: "list", Body: `[]`, Err: "alert: is nothing"},
	})
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", body("Create", `,"details":[],"tags":{},"priority":{}`), `{"action":{},"alert":{"alertId":[]}}`)
}
