package main

import (
	"fmt"
	"strings"
	"sync"
)

// texts is everything that pages say, in one language. Names and times are
// filled in by functions, because languages order them differently.
type texts struct {
	Lang string // BCP 47

	// Words.
	Owner, Service, AssignedTo, Opened, Description, Labels, Links, Changes, Timeline, Record, Alerts, Source, Team string
	Nobody, Test, Required, Optional, Tocsin                                                                        string
	States                                                                                                          map[string]string
	CauseClasses                                                                                                    map[string]string

	// Times. clock is "03:12", day "12 Mar".
	At      func(day, clock string) string
	Ago     func(n int, unit byte) string // unit: m, h, d; n 0: just now
	Months  [12]string
	Day     func(day int, month string) string
	ZoneIs  func(zone string) string
	SinceAt func(when, ago string) string

	// Buttons.
	Acknowledge, Renew, Resolve, Escalate, Promote, AddNote, SaveRecord, SaveAndClose, GiveBack, Wake, Reopen, SendLink, TryAgain, More string
	SnoozeFor                                                                                                                           func(name string) string
	SnoozeTo                                                                                                                            func(clock string) string

	// What buttons do, beside them.
	SnoozeTitle, EscalateOwnedHint, PromoteHint, GiveBackHint, WakeHint, ReopenHint, NoteHint, RecordHint, RecordNeeded string

	// The form.
	CauseClass, ChooseCause, Cause, CauseHint, Solution, SolutionHint, Reasoning, ReasoningHint, Tags, TagsHint, Note string

	// Who did it. who is "You" or a name.
	You               string
	ActsAs            func(who string) string
	StateSince        func(state, when string) string
	StateBy           func(state, who, when string) string
	StateAt           func(state, who, when string) string
	SnoozedUntil      func(who, until string) string
	Did               map[string]func(who, when string) string // by action
	DidBefore         func(sentence string) string             // somebody else did it
	PagingStopped     string
	RecordNext        string
	Accepted          string
	Changed           string
	AskedFor          map[string]string // the second line of a result, by action
	SlotTaken         func(holder string) string
	MergedFrom        func(id string) string
	PartOfIncident    func(id string) string
	IncidentRequested string
	AllRecovered      func(when string) string
	LastTime          func(id, when string) string

	// Incidents.
	IncidentStates                                                                                                                                  map[string]string
	Commander, Events, CancelledBecause, Update, UpdateLabel, UpdateHint, PostUpdate, LastUpdate, UpdateOverdue, Mitigate                           string
	Review, ReviewHint, ReviewNeeded, Summary, SummaryHint, RootCause, RootCauseHint, MissingReview, ReviewChanged, ActionItems, ReopenIncidentHint string
	UpdateDue                                                                                                                                       func(when string) string
	DueAt                                                                                                                                           func(when string) string

	// What happens if nobody acts.
	IfNobody                                                   string
	NextPage                                                   func(who, when string) string
	NextRepeat                                                 func(who, when string) string
	NextLastResort                                             func(who, when string) string
	NextUnknown, AckExpires, Wakes, ResolvesItself, ClosesSelf func(when string) string
	ClockStands, NothingMore, RecordReminder, PagesSoon        string

	// Timeline.
	Facts     map[string]func(data map[string]string) string
	Because   map[string]string // reasons that the program writes itself
	NoItems   string
	RuleNamed func(name string) string
	TokenNamd func(name string) string
	OlderItem func(n int) string

	// Other pages.
	ExpiredTitle, ExpiredShows, ForgedTitle, ForgedBody, OldTitle, GoneTitle, GoneBody, StrangerTitle, StrangerBody string
	ExpiredBody                                                                                                     func(id string) string
	OldBody                                                                                                         func(id string) string
	ForbiddenTitle, ForbiddenBody, CrossTitle, CrossBody, LargeTitle, LargeBody, OddTitle, OddBody                  string
	DownTitle, DownBody, BrokenTitle                                                                                string
	BrokenBody                                                                                                      func(requestID string) string
	SendLinkHint, LinkSent, LinkSentBefore, NoContact                                                               string

	// Problems beside fields.
	Problems, Missing, UnknownClass, BadText, RecordChanged, NoteEmpty string
	TooLong                                                            func(most int) string
	TooManyTags                                                        func(most int) string
}

// languages are those that pages speak, by the words of a member's language.
func languageOf(word string) *texts {
	if word == "zh" {
		return chinese()
	}
	return english()
}

// accepted picks the language that a browser prefers among those spoken (RFC
// 9110, section 12.5.4). "" when it asks for none of them.
func accepted(header string) string {
	best, bestQ := "", 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			if _, err := fmt.Sscanf(v, "%f", &q); err != nil {
				q = 0
			}
		}
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if (primary == "en" || primary == "zh") && q > bestQ {
			best, bestQ = primary, q
		}
	}
	return best
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// english is made at the first page that needs it.
var english = sync.OnceValue(func() *texts {
	return &texts{
		Lang:  "en",
		Owner: "Owner", Service: "Service", AssignedTo: "Meant for", Opened: "Opened", Description: "Description",
		Labels: "Labels", Links: "Links", Changes: "Changes", Timeline: "Timeline", Record: "Record", Alerts: "Alerts", Source: "Source", Team: "team",
		Nobody: "nobody yet", Test: "TEST", Required: " (required)", Optional: " (optional)", Tocsin: "Tocsin",
		States: map[string]string{
			"triggered": "Triggered", "acknowledged": "Acknowledged", "snoozed": "Snoozed", "resolved": "Resolved", "closed": "Closed",
		},
		CauseClasses: map[string]string{
			"false_positive": "False positive", "business_fluctuation": "Business fluctuation", "code_defect": "Code defect",
			"config_change": "Configuration change", "capacity": "Capacity", "dependency": "Dependency", "infrastructure": "Infrastructure",
			"security": "Security", "human_error": "Human error", "unknown": "Unknown",
		},

		At:      func(day, clock string) string { return day + ", " + clock },
		Ago:     func(n int, unit byte) string { return enDuration(n, unit, "just now", "%s ago") },
		Months:  [12]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
		Day:     func(day int, month string) string { return fmt.Sprintf("%d %s", day, month) },
		ZoneIs:  func(zone string) string { return "Times are those of " + zone + "." },
		SinceAt: func(when, ago string) string { return when + " (" + ago + ")" },

		Acknowledge: "Acknowledge", Renew: "Keep working on it", Resolve: "Resolve", Escalate: "Escalate now", Promote: "Make it an incident",
		AddNote: "Add note", SaveRecord: "Save", SaveAndClose: "Save and close", GiveBack: "Give it back", Wake: "End the snooze",
		Reopen: "Reopen", SendLink: "Send me a new link", TryAgain: "Try again", More: "More",
		SnoozeFor: func(name string) string { return name },
		SnoozeTo:  func(clock string) string { return "until " + clock },

		SnoozeTitle: "Snooze",

		EscalateOwnedHint: "Ends the acknowledgement and runs the plan from its first step.",
		PromoteHint:       "For major business impact: opens an incident with its own roles and updates.",
		GiveBackHint:      "You no longer own it, and paging begins anew.",
		WakeHint:          "Paging begins anew, now.",
		ReopenHint:        "It is not fixed after all: paging begins anew.",
		NoteHint:          "For whoever reads the timeline after you.",
		RecordHint:        "What was wrong, and what fixed it. It is shown when the same thing happens again.",
		RecordNeeded:      "A P1 or P2 closes only with cause class, cause and solution.",

		CauseClass: "Cause class", ChooseCause: "Choose one", Cause: "Cause", CauseHint: "What was wrong?", Solution: "Solution", SolutionHint: "What fixed it?",
		Reasoning: "Reasoning", ReasoningHint: "How was it found?", Tags: "Tags", TagsHint: "Words to find it by, separated by commas.", Note: "Note",

		You:          enYou,
		ActsAs:       func(who string) string { return "You act as " + who + "." },
		StateSince:   func(state, when string) string { return state + " since " + when },
		StateBy:      func(state, who, when string) string { return state + " by " + mid(who) + " since " + when },
		StateAt:      func(state, who, when string) string { return state + " by " + mid(who) + " at " + when },
		SnoozedUntil: func(who, until string) string { return "Snoozed by " + mid(who) + " until " + until },
		Did: map[string]func(who, when string) string{
			"acknowledge":   func(who, when string) string { return who + " acknowledged it at " + when + "." },
			"resolve":       func(who, when string) string { return who + " resolved it at " + when + "." },
			"escalate":      func(who, when string) string { return who + " escalated it at " + when + "." },
			"snooze":        func(who, when string) string { return who + " snoozed it at " + when + "." },
			"promote":       func(who, when string) string { return who + " made it an incident at " + when + "." },
			"note":          func(who, when string) string { return who + " added a note at " + when + "." },
			"record":        func(who, when string) string { return who + " saved the record at " + when + "." },
			"close":         func(who, when string) string { return who + " closed it at " + when + "." },
			"unacknowledge": func(who, when string) string { return who + " gave it back at " + when + "." },
			"wake":          func(who, when string) string { return who + " ended the snooze at " + when + "." },
			"reopen":        func(who, when string) string { return who + " reopened it at " + when + "." },
			"update":        func(who, when string) string { return who + " posted an update at " + when + "." },
			"mitigate":      func(who, when string) string { return who + " said at " + when + " that the impact is over." },
			"review":        func(who, when string) string { return who + " saved the review at " + when + "." },
		},
		DidBefore:     func(sentence string) string { return sentence + " Nothing more was done." },
		PagingStopped: "Nobody else is paged for it.",
		RecordNext:    "Next: say below what was wrong and what fixed it.",
		Accepted:      "It is done.",
		Changed:       "Something changed while this page was open, so nothing was done. This is how it stands now.",
		AskedFor: map[string]string{
			"escalate": "The next people are paged now.", "unacknowledge": "Paging begins anew.", "wake": "Paging begins anew.",
			"reopen": "Paging begins anew.", "promote": "The incident is opened within seconds.", "close": "It is archived with its record.",
		},
		SlotTaken: func(holder string) string {
			return "It was not reopened: " + holder + " has taken its place. Work on that one."
		},
		MergedFrom:        func(id string) string { return id + " was merged into this event." },
		PartOfIncident:    func(id string) string { return "Part of incident " + id + "." },
		IncidentRequested: "An incident is being opened for it.",
		AllRecovered:      func(when string) string { return "All its alerts have recovered since " + when + "." },
		LastTime:          func(id, when string) string { return "Last time: " + id + ", " + when },

		IncidentStates: map[string]string{"open": "Open", "mitigated": "Mitigated", "resolved": "Resolved", "closed": "Closed", "cancelled": "Cancelled"},
		Commander:      "Commander", Events: "Events", CancelledBecause: "Cancelled because", Update: "Update", UpdateLabel: "How does it stand?",
		UpdateHint: "For everyone who asks: what is broken, for whom, and what is being done.", PostUpdate: "Post update", LastUpdate: "Last update",
		UpdateOverdue: "An update is overdue.", Mitigate: "Impact is over",
		Review: "Review", ReviewHint: "What happened, and why. Nobody is to blame.", ReviewNeeded: "SEV1 and SEV2 close only with both.",
		Summary: "Summary", SummaryHint: "What happened, and for whom?", RootCause: "Root cause", RootCauseHint: "Why could it happen?",
		MissingReview: "This is needed to close a SEV1 or SEV2.", ReviewChanged: "Somebody else saved the review meanwhile. Your text is below; saving again replaces theirs.",
		ActionItems: "Action items", ReopenIncidentHint: "It is not over after all.",
		UpdateDue: func(when string) string { return "The next update is due at " + when + "." },
		DueAt:     func(when string) string { return "due " + when },

		IfNobody: "If nobody acts: ",

		NextPage:       func(who, when string) string { return who + " is paged at " + when + "." },
		NextRepeat:     func(who, when string) string { return "The plan begins again at " + when + " with " + who + "." },
		NextLastResort: func(who, when string) string { return "The last resort is paged at " + when + ": " + who + "." },
		NextUnknown:    func(when string) string { return "The next step of the plan runs at " + when + "." },
		AckExpires: func(when string) string {
			return "The acknowledgement expires at " + when + ", and paging begins anew."
		},
		Wakes:          func(when string) string { return "The snooze ends at " + when + ", and paging begins anew." },
		ResolvesItself: func(when string) string { return "It resolves by itself at " + when + " unless it fires again." },
		ClosesSelf:     func(when string) string { return "It closes by itself at " + when + "." },
		ClockStands:    "Nothing: the plan's clock stands still while all alerts are recovered.",
		NothingMore:    "Nothing more happens by itself.",
		RecordReminder: "You are reminded of the record once a day.",
		PagesSoon:      "The plan pages its people now.",

		Facts: map[string]func(map[string]string) string{
			"event.opened":                  func(d map[string]string) string { return "Opened" + because(d, ": ") },
			"event.paged":                   enPaged,
			"event.step_reached_nobody":     func(d map[string]string) string { return "A step reached nobody" + after(d, "why_not", ": ") },
			"event.step_failed":             func(map[string]string) string { return "No message of the step arrived" },
			"event.acknowledged":            func(map[string]string) string { return "Acknowledged" },
			"event.unacknowledged":          func(map[string]string) string { return "Given back" },
			"event.acknowledgement_expired": func(map[string]string) string { return "Acknowledgement expired" },
			"event.resolved":                func(d map[string]string) string { return "Resolved" + because(d, ": ") + after(d, "note", ": ") },
			"event.recovered":               func(d map[string]string) string { return "All alerts recovered" + because(d, ": ") },
			"event.fires_again":             func(map[string]string) string { return "Fires again" },
			"event.snoozed":                 func(d map[string]string) string { return "Snoozed" + after(d, "until", " until ") },
			"event.snooze_ended":            func(map[string]string) string { return "Snooze ended" },
			"event.raised": func(d map[string]string) string {
				return "Raised from " + d["from"] + " to " + d["to"] + because(d, ": ")
			},
			"event.priority_changed":    func(d map[string]string) string { return "Priority changed from " + d["from"] + " to " + d["to"] },
			"event.assigned":            func(d map[string]string) string { return "Assigned to " + d["member"] + d["team"] },
			"event.escalated":           func(map[string]string) string { return "Escalated" },
			"event.noted":               func(d map[string]string) string { return "Note" + after(d, "text", ": ") },
			"event.reopened":            func(d map[string]string) string { return "Reopened" + because(d, ": ") },
			"event.recorded":            func(map[string]string) string { return "Record saved" },
			"event.closed":              func(d map[string]string) string { return "Closed" + because(d, ": ") },
			"event.merged":              func(d map[string]string) string { return "Merged into " + d["into"] },
			"event.promoted":            func(map[string]string) string { return "Made an incident" },
			"event.joined_incident":     func(d map[string]string) string { return "Joined incident " + d["incident"] },
			"event.alerts_joined":       func(d map[string]string) string { return "Alerts joined: " + d["alerts"] + after(d, "title", ", ") },
			"event.all_clear":           func(d map[string]string) string { return "Everyone who was paged was told that it ended" },
			"event.record_asked":        func(map[string]string) string { return "Reminded of the record" },
			"event.execution_replaced":  func(map[string]string) string { return "Its execution was replaced" },
			"incident.opened":           func(d map[string]string) string { return "Opened" + after(d, "event", " for ") },
			"incident.updated":          func(d map[string]string) string { return "Update" + after(d, "text", ": ") },
			"incident.noted":            func(d map[string]string) string { return "Note" + after(d, "text", ": ") },
			"incident.mitigated":        func(d map[string]string) string { return "Impact is over" + after(d, "text", ": ") },
			"incident.resolved":         func(d map[string]string) string { return "Resolved" + after(d, "text", ": ") },
			"incident.reopened":         func(d map[string]string) string { return "Reopened" + because(d, ": ") },
			"incident.reviewed":         func(map[string]string) string { return "Review saved" },
			"incident.closed":           func(map[string]string) string { return "Closed" },
			"incident.cancelled":        func(d map[string]string) string { return "Cancelled" + after(d, "reason", ": ") },
			"incident.severity_changed": func(d map[string]string) string { return "Severity changed from " + d["from"] + " to " + d["to"] },
			"incident.event_added":      func(d map[string]string) string { return "Added " + d["event"] },
			"incident.role_assigned":    func(d map[string]string) string { return "Role " + d["role"] + after(d, "member", ": ") },
			"incident.action_added":     func(d map[string]string) string { return "Action item " + d["action"] + after(d, "text", ": ") },
			"incident.action_done":      func(d map[string]string) string { return "Action item " + d["action"] + " done" },
			"incident.update_asked": func(d map[string]string) string {
				return "Asked for an update" + after(d, "who", ": ") + after(d, "why_not", "; not reached: ")
			},
			"incident.actions_reminded": func(d map[string]string) string {
				return "Reminded of action items" + after(d, "who", ": ") + after(d, "why_not", "; not reached: ")
			},
			"incident.execution_replaced": func(map[string]string) string { return "Its execution was replaced" },
		},
		Because:   map[string]string{"an alert was not repeated and expired": "an alert was not repeated and expired", "all alerts recovered": "all alerts recovered", "nobody added to its record": "nobody added to its record"},
		NoItems:   "Nothing yet.",
		RuleNamed: func(name string) string { return "rule " + name },
		TokenNamd: func(name string) string { return "token " + name },
		OlderItem: func(n int) string { return plural(n, "older entry", "older entries") },

		ExpiredTitle:   "This link has expired",
		ExpiredBody:    func(id string) string { return "The link to " + id + " is too old to show anything." },
		ExpiredShows:   "This link is too old to act. It still shows how the event stands.",
		ForgedTitle:    "This link is not valid",
		ForgedBody:     "It may have been cut short on the way, or be very old. Open it from the newest message, or ask your team for the event.",
		OldTitle:       "This link belongs to an earlier opening",
		OldBody:        func(id string) string { return id + " was reopened since, and everyone concerned got new links." },
		GoneTitle:      "There is nothing behind this link",
		GoneBody:       "What it led to does not exist any more.",
		StrangerTitle:  "This link has no owner",
		StrangerBody:   "It was made for somebody who is no longer a member here.",
		ForbiddenTitle: "This link does not allow that",
		ForbiddenBody:  "Nothing was done.",
		CrossTitle:     "That came from another site",
		CrossBody:      "Nothing was done. Open the link itself and use its buttons.",
		LargeTitle:     "That is too much text",
		LargeBody:      "Nothing was saved. Go back, shorten it, and send it again.",
		OddTitle:       "That was not understood",
		OddBody:        "Nothing was done. Open the link again and use its buttons.",
		DownTitle:      "Tocsin cannot read the event right now",
		DownBody:       "Nothing is lost, and paging goes on. Try again in a moment.",
		BrokenTitle:    "Something is broken here",
		BrokenBody: func(id string) string {
			return "Nothing is lost, and paging goes on. Tell your administrator" + before(id, ", with this id: ") + "."
		},
		SendLinkHint:   "It goes to your verified contact, by mail if you have an address.",
		LinkSent:       "A new link is on its way to your verified contact.",
		LinkSentBefore: "A new link was sent a moment ago. If it does not arrive, ask again in five minutes.",
		NoContact:      "You have no verified contact, so no link can be sent. Ask your administrator.",

		Problems: "Please check the marked fields. Nothing was saved.", Missing: "This is needed to close a P1 or P2.", UnknownClass: "Choose one of the list.",
		BadText:       "It holds characters that cannot be saved.",
		NoteEmpty:     "Write something first.",
		RecordChanged: "Somebody else saved the record meanwhile. Your text is below; saving again replaces theirs.",
		TooLong:       func(most int) string { return fmt.Sprintf("At most %d characters.", most) },
		TooManyTags:   func(most int) string { return fmt.Sprintf("At most %d tags.", most) },
	}
})

const enYou = "You"

const zhYou = "你"

// zhWho is who before a Chinese verb: names that may be Latin stand apart.
func zhWho(who string) string {
	if who == zhYou {
		return who
	}
	return who + " "
}

// mid is who in the middle of an English sentence.
func mid(who string) string {
	if who == enYou {
		return "you"
	}
	return who
}

func enDuration(n int, unit byte, none, form string) string {
	if n == 0 {
		return none
	}
	words := map[byte]string{'m': "min", 'h': "h", 'd': "d"}
	return fmt.Sprintf(form, fmt.Sprintf("%d %s", n, words[unit]))
}

func enPaged(d map[string]string) string {
	switch d["stage"] {
	case "assignee":
		return "Paged the assignee: " + d["who"]
	case "last_resort":
		return "Paged the last resort: " + d["who"]
	}
	s := "Paged, step " + d["step"]
	if d["round"] != "1" && d["round"] != "" {
		s += " of round " + d["round"]
	}
	return s + ": " + d["who"] + after(d, "why_not", "; not reached: ")
}

func because(d map[string]string, sep string) string { return after(d, "because", sep) }

// after is a value behind its separator, nothing when there is no value.
func after(d map[string]string, key, sep string) string { return before(d[key], sep) }

func before(value, sep string) string {
	if value == "" {
		return ""
	}
	return sep + value
}

// chinese is made at the first page that needs it.
var chinese = sync.OnceValue(func() *texts {
	return &texts{
		Lang:  "zh-CN",
		Owner: "负责人", Service: "服务", AssignedTo: "指派给", Opened: "开始", Description: "描述",
		Labels: "标签", Links: "链接", Changes: "变更", Timeline: "时间线", Record: "处理记录", Alerts: "告警", Source: "来源", Team: "团队",
		Nobody: "尚无", Test: "测试", Required: "（必填）", Optional: "（选填）", Tocsin: "Tocsin",
		States: map[string]string{
			"triggered": "已触发", "acknowledged": "已确认", "snoozed": "已暂停提醒", "resolved": "已解决", "closed": "已关闭",
		},
		CauseClasses: map[string]string{
			"false_positive": "误报", "business_fluctuation": "业务波动", "code_defect": "代码缺陷", "config_change": "配置变更", "capacity": "容量不足",
			"dependency": "依赖故障", "infrastructure": "基础设施", "security": "安全问题", "human_error": "人为失误", "unknown": "未知",
		},

		At:      func(day, clock string) string { return day + " " + clock },
		Ago:     func(n int, unit byte) string { return zhDuration(n, unit, "刚刚", "前") },
		Months:  [12]string{"1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"},
		Day:     func(day int, month string) string { return fmt.Sprintf("%s%d日", month, day) },
		ZoneIs:  func(zone string) string { return "时间均为 " + zone + " 时区。" },
		SinceAt: func(when, ago string) string { return when + "（" + ago + "）" },

		Acknowledge: "确认", Renew: "继续处理", Resolve: "标记为已解决", Escalate: "立即升级", Promote: "升级为故障", AddNote: "添加备注",
		SaveRecord: "保存", SaveAndClose: "保存并关闭", GiveBack: "交还", Wake: "结束暂停", Reopen: "重新打开", SendLink: "给我发送新链接",
		TryAgain: "重试", More: "更多操作",
		SnoozeFor: func(name string) string { return strings.NewReplacer("h", " 小时", "m", " 分钟").Replace(name) },
		SnoozeTo:  func(clock string) string { return "到 " + clock },

		SnoozeTitle: "暂停提醒",

		EscalateOwnedHint: "取消确认，并从第一步开始执行升级计划。",
		PromoteHint:       "用于重大业务影响：新建一个故障，有自己的角色和进展通报。",
		GiveBackHint:      "你不再是负责人，并重新开始通知。",
		WakeHint:          "立即重新开始通知。",
		ReopenHint:        "问题其实没有解决：重新开始通知。",
		NoteHint:          "留给之后查看时间线的人。",
		RecordHint:        "问题是什么，怎样解决的。下次发生同样的问题时会显示出来。",
		RecordNeeded:      "P1 和 P2 必须填写原因分类、原因和解决方法才能关闭。",

		CauseClass: "原因分类", ChooseCause: "请选择", Cause: "原因", CauseHint: "问题是什么？", Solution: "解决方法", SolutionHint: "怎样解决的？",
		Reasoning: "分析过程", ReasoningHint: "怎样找到原因的？", Tags: "标记", TagsHint: "便于检索的词，用逗号分隔。", Note: "备注",

		You:          zhYou,
		ActsAs:       func(who string) string { return "你以 " + who + " 的身份操作。" },
		StateSince:   func(state, when string) string { return state + "，自 " + when },
		StateBy:      func(state, who, when string) string { return state + "：" + who + "，自 " + when },
		StateAt:      func(state, who, when string) string { return state + "：" + who + "，" + when },
		SnoozedUntil: func(who, until string) string { return zhWho(who) + "暂停提醒至 " + until },
		Did: map[string]func(who, when string) string{
			"acknowledge":   func(who, when string) string { return zhWho(who) + "已于 " + when + " 确认。" },
			"resolve":       func(who, when string) string { return zhWho(who) + "已于 " + when + " 标记为已解决。" },
			"escalate":      func(who, when string) string { return zhWho(who) + "已于 " + when + " 升级。" },
			"snooze":        func(who, when string) string { return zhWho(who) + "已于 " + when + " 暂停提醒。" },
			"promote":       func(who, when string) string { return zhWho(who) + "已于 " + when + " 升级为故障。" },
			"note":          func(who, when string) string { return zhWho(who) + "已于 " + when + " 添加备注。" },
			"record":        func(who, when string) string { return zhWho(who) + "已于 " + when + " 保存处理记录。" },
			"close":         func(who, when string) string { return zhWho(who) + "已于 " + when + " 关闭。" },
			"unacknowledge": func(who, when string) string { return zhWho(who) + "已于 " + when + " 交还。" },
			"wake":          func(who, when string) string { return zhWho(who) + "已于 " + when + " 结束暂停。" },
			"reopen":        func(who, when string) string { return zhWho(who) + "已于 " + when + " 重新打开。" },
			"update":        func(who, when string) string { return zhWho(who) + "已于 " + when + " 发布进展。" },
			"mitigate":      func(who, when string) string { return zhWho(who) + "已于 " + when + " 标记影响已消除。" },
			"review":        func(who, when string) string { return zhWho(who) + "已于 " + when + " 保存复盘。" },
		},
		DidBefore:     func(sentence string) string { return sentence + "没有再执行其他操作。" },
		PagingStopped: "不会再通知其他人。",
		RecordNext:    "下一步：请在下方填写问题原因和解决方法。",
		Accepted:      "操作已完成。",
		Changed:       "页面打开期间情况有变化，因此没有执行任何操作。以下是现在的状态。",
		AskedFor: map[string]string{
			"escalate": "正在通知下一步的人员。", "unacknowledge": "重新开始通知。", "wake": "重新开始通知。", "reopen": "重新开始通知。",
			"promote": "故障将在几秒内创建。", "close": "事件已连同处理记录归档。",
		},
		SlotTaken: func(holder string) string {
			return "没有重新打开：" + holder + " 已取代它，请处理那个事件。"
		},
		MergedFrom:        func(id string) string { return id + " 已合并到此事件。" },
		PartOfIncident:    func(id string) string { return "属于故障 " + id + "。" },
		IncidentRequested: "正在为它创建故障。",
		AllRecovered:      func(when string) string { return "所有告警已于 " + when + " 恢复。" },
		LastTime:          func(id, when string) string { return "上次：" + id + "，" + when },

		IncidentStates: map[string]string{"open": "处理中", "mitigated": "影响已消除", "resolved": "已解决", "closed": "已关闭", "cancelled": "已取消"},
		Commander:      "总指挥", Events: "事件", CancelledBecause: "取消原因", Update: "进展", UpdateLabel: "目前情况如何？",
		UpdateHint: "写给所有询问的人：什么坏了，影响谁，正在做什么。", PostUpdate: "发布进展", LastUpdate: "最新进展",
		UpdateOverdue: "进展通报已逾期。", Mitigate: "影响已消除",
		Review: "复盘", ReviewHint: "发生了什么，为什么会发生。对事不对人。", ReviewNeeded: "SEV1 和 SEV2 必须填写两项才能关闭。",
		Summary: "概述", SummaryHint: "发生了什么，影响了谁？", RootCause: "根本原因", RootCauseHint: "为什么会发生？",
		MissingReview: "关闭 SEV1 或 SEV2 时必须填写。", ReviewChanged: "其他人已在此期间保存了复盘。你的内容在下方，再次保存会覆盖他的内容。",
		ActionItems: "改进项", ReopenIncidentHint: "其实还没有结束。",
		UpdateDue: func(when string) string { return "下一次进展通报应在 " + when + " 之前发布。" },
		DueAt:     func(when string) string { return when + " 到期" },

		IfNobody: "如果无人处理：",

		NextPage:       func(who, when string) string { return when + " 通知 " + who + "。" },
		NextRepeat:     func(who, when string) string { return when + " 从头重复升级计划，先通知 " + who + "。" },
		NextLastResort: func(who, when string) string { return when + " 通知最后的兜底人员：" + who + "。" },
		NextUnknown:    func(when string) string { return when + " 执行升级计划的下一步。" },
		AckExpires:     func(when string) string { return "确认将于 " + when + " 过期，并重新开始通知。" },
		Wakes:          func(when string) string { return "暂停将于 " + when + " 结束，并重新开始通知。" },
		ResolvesItself: func(when string) string { return "若不再触发，将于 " + when + " 自动标记为已解决。" },
		ClosesSelf:     func(when string) string { return "将于 " + when + " 自动关闭。" },
		ClockStands:    "什么也不会发生：所有告警恢复期间，升级计划暂停计时。",
		NothingMore:    "之后不会自动发生任何事。",
		RecordReminder: "每天会提醒一次填写处理记录。",
		PagesSoon:      "升级计划正在通知人员。",

		Facts: map[string]func(map[string]string) string{
			"event.opened": func(d map[string]string) string { return "事件开始" + because(d, "：") },
			"event.paged":  zhPaged,
			"event.step_reached_nobody": func(d map[string]string) string {
				return "这一步没有通知到任何人" + after(d, "why_not", "：")
			},
			"event.step_failed":             func(map[string]string) string { return "这一步的消息都没有送达" },
			"event.acknowledged":            func(map[string]string) string { return "已确认" },
			"event.unacknowledged":          func(map[string]string) string { return "已交还" },
			"event.acknowledgement_expired": func(map[string]string) string { return "确认已过期" },
			"event.resolved":                func(d map[string]string) string { return "已解决" + because(d, "：") + after(d, "note", "：") },
			"event.recovered":               func(d map[string]string) string { return "所有告警已恢复" + because(d, "：") },
			"event.fires_again":             func(map[string]string) string { return "再次触发" },
			"event.snoozed":                 func(d map[string]string) string { return "暂停提醒" + after(d, "until", "至 ") },
			"event.snooze_ended":            func(map[string]string) string { return "暂停结束" },
			"event.raised": func(d map[string]string) string {
				return "优先级从 " + d["from"] + " 提升到 " + d["to"] + because(d, "：")
			},
			"event.priority_changed": func(d map[string]string) string { return "优先级从 " + d["from"] + " 改为 " + d["to"] },
			"event.assigned":         func(d map[string]string) string { return "指派给 " + d["member"] + d["team"] },
			"event.escalated":        func(map[string]string) string { return "已升级" },
			"event.noted":            func(d map[string]string) string { return "备注" + after(d, "text", "：") },
			"event.reopened":         func(d map[string]string) string { return "重新打开" + because(d, "：") },
			"event.recorded":         func(map[string]string) string { return "已保存处理记录" },
			"event.closed":           func(d map[string]string) string { return "已关闭" + because(d, "：") },
			"event.merged":           func(d map[string]string) string { return "已合并到 " + d["into"] },
			"event.promoted":         func(map[string]string) string { return "已升级为故障" },
			"event.joined_incident":  func(d map[string]string) string { return "已归入故障 " + d["incident"] },
			"event.alerts_joined": func(d map[string]string) string {
				return "新加入告警：" + d["alerts"] + " 条" + after(d, "title", "，")
			},
			"event.all_clear":           func(d map[string]string) string { return "已告知所有被通知过的人：事件结束" },
			"event.record_asked":        func(map[string]string) string { return "已提醒填写处理记录" },
			"event.execution_replaced":  func(map[string]string) string { return "已更换执行实例" },
			"incident.opened":           func(d map[string]string) string { return "故障开始" + after(d, "event", "，源自 ") },
			"incident.updated":          func(d map[string]string) string { return "进展" + after(d, "text", "：") },
			"incident.noted":            func(d map[string]string) string { return "备注" + after(d, "text", "：") },
			"incident.mitigated":        func(d map[string]string) string { return "影响已消除" + after(d, "text", "：") },
			"incident.resolved":         func(d map[string]string) string { return "已解决" + after(d, "text", "：") },
			"incident.reopened":         func(d map[string]string) string { return "重新打开" + because(d, "：") },
			"incident.reviewed":         func(map[string]string) string { return "已保存复盘" },
			"incident.closed":           func(map[string]string) string { return "已关闭" },
			"incident.cancelled":        func(d map[string]string) string { return "已取消" + after(d, "reason", "：") },
			"incident.severity_changed": func(d map[string]string) string { return "严重程度从 " + d["from"] + " 改为 " + d["to"] },
			"incident.event_added":      func(d map[string]string) string { return "加入 " + d["event"] },
			"incident.role_assigned":    func(d map[string]string) string { return "角色 " + d["role"] + after(d, "member", "：") },
			"incident.action_added":     func(d map[string]string) string { return "改进项 " + d["action"] + after(d, "text", "：") },
			"incident.action_done":      func(d map[string]string) string { return "改进项 " + d["action"] + " 已完成" },
			"incident.update_asked": func(d map[string]string) string {
				return "已催促发布进展" + after(d, "who", "：") + after(d, "why_not", "；未通知到：")
			},
			"incident.actions_reminded": func(d map[string]string) string {
				return "已提醒改进项" + after(d, "who", "：") + after(d, "why_not", "；未通知到：")
			},
			"incident.execution_replaced": func(map[string]string) string { return "已更换执行实例" },
		},
		Because:   map[string]string{"an alert was not repeated and expired": "告警未再次上报，已过期", "all alerts recovered": "所有告警已恢复", "nobody added to its record": "无人补充处理记录"},
		NoItems:   "暂无。",
		RuleNamed: func(name string) string { return "规则 " + name },
		TokenNamd: func(name string) string { return "令牌 " + name },
		OlderItem: func(n int) string { return fmt.Sprintf("更早的 %d 条", n) },

		ExpiredTitle:   "链接已过期",
		ExpiredBody:    func(id string) string { return id + " 的链接太旧，已不能显示任何内容。" },
		ExpiredShows:   "链接太旧，不能再执行操作，但仍可查看事件的状态。",
		ForgedTitle:    "链接无效",
		ForgedBody:     "链接可能不完整，或者太旧。请从最新的消息中打开，或向团队询问该事件。",
		OldTitle:       "链接属于事件重新打开之前",
		OldBody:        func(id string) string { return id + " 之后被重新打开，相关人员已收到新的链接。" },
		GoneTitle:      "链接指向的内容不存在",
		GoneBody:       "链接指向的事件或故障已不存在。",
		StrangerTitle:  "链接没有所有者",
		StrangerBody:   "这个链接所属的人已不再是这里的成员。",
		ForbiddenTitle: "链接不允许此操作",
		ForbiddenBody:  "没有执行任何操作。",
		CrossTitle:     "请求来自其他网站",
		CrossBody:      "没有执行任何操作。请打开链接本身，并使用页面上的按钮。",
		LargeTitle:     "文字太多",
		LargeBody:      "没有保存。请返回，缩短后再发送。",
		OddTitle:       "无法理解该请求",
		OddBody:        "没有执行任何操作。请重新打开链接，并使用页面上的按钮。",
		DownTitle:      "暂时无法读取事件",
		DownBody:       "没有丢失任何内容，通知仍在继续。请稍后重试。",
		BrokenTitle:    "这里出了问题",
		BrokenBody: func(id string) string {
			return "没有丢失任何内容，通知仍在继续。请告知管理员" + before(id, "，并提供编号：") + "。"
		},
		SendLinkHint:   "将发送到你已验证的联系方式，优先使用邮件。",
		LinkSent:       "新链接正在发送到你已验证的联系方式。",
		LinkSentBefore: "刚刚已发送过新链接。如果没有收到，请五分钟后再试。",
		NoContact:      "你没有已验证的联系方式，无法发送链接。请联系管理员。",

		Problems: "请检查标出的字段。没有保存。", Missing: "关闭 P1 或 P2 时必须填写。", UnknownClass: "请从列表中选择。",
		BadText:       "含有无法保存的字符。",
		NoteEmpty:     "请先填写内容。",
		RecordChanged: "其他人已在此期间保存了处理记录。你的内容在下方，再次保存会覆盖他的内容。",
		TooLong:       func(most int) string { return fmt.Sprintf("最多 %d 个字符。", most) },
		TooManyTags:   func(most int) string { return fmt.Sprintf("最多 %d 个标记。", most) },
	}
})

func zhDuration(n int, unit byte, none, form string) string {
	if n == 0 {
		return none
	}
	words := map[byte]string{'m': "分钟", 'h': "小时", 'd': "天"}
	return fmt.Sprintf("%d %s%s", n, words[unit], form)
}

func zhPaged(d map[string]string) string {
	switch d["stage"] {
	case "assignee":
		return "通知了指派人员：" + d["who"]
	case "last_resort":
		return "通知了最后的兜底人员：" + d["who"]
	}
	s := "第 " + d["step"] + " 步"
	if d["round"] != "1" && d["round"] != "" {
		s = "第 " + d["round"] + " 轮" + s
	}
	return s + "，通知了 " + d["who"] + after(d, "why_not", "；未通知到：")
}
