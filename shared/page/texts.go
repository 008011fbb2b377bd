package page

import (
	"fmt"
	"strings"
	"time"
)

// phrase names one text of a message. Verbs stand for what its comment says,
// in that order.
type phrase uint8

const (
	sayAcknowledge  phrase = iota // button
	sayView                       // button
	sayViewOnly                   // button of a link that may be passed on
	sayRecord                     // button
	sayPage                       // headline
	sayLastResort                 // headline
	sayResolvedBy                 // headline: who, when, how long
	sayRecovered                  // headline: when, how long
	sayClosedBy                   // headline: who, when, how long
	sayRecordOwed                 // headline
	sayUpdateOwed                 // headline
	sayNewLink                    // headline
	sayAcknowledged               // headline: who, when
	sayReopened                   // headline: who, when
	sayPromoted                   // headline: who, when, incident
	sayMerged                     // headline: who, when, event
	sayArchived                   // headline: who, when
	sayDead                       // headline: event
	sayEnded                      // before the title of an all-clear: title
	sayRecordTitle                // before the title of a reminder: title
	sayTest                       // notice
	sayNoLinks                    // notice: event
	sayFooter                     //
	sayPriority                   // names of facts
	saySince                      //
	sayService                    //
	sayOwner                      //
	sayAlerts                     //
	saySource                     //
	sayLabels                     //
	sayLinks                      //
	sayHelped                     //
	sayChange                     //
	sayBefore                     // change: how long before the event, its title
	sayAfter                      // change: how long after it opened, its title
	sayMore                       // change: what is said of one, how many more
	sayIfNobody                   //
	sayNobody                     // as the owner
	sayAssigned                   // as the owner: whom it is meant for
	sayTeam                       // as the owner: team
	sayNoTitle                    // in place of a title
	sayFiring                     // of the alerts
	sayAllRecovered               // of the alerts
	sayNextStep                   // forecast: whom, when
	sayNextRound                  // forecast: whom, when
	sayNextLast                   // forecast: whom, when
	sayNobodyElse                 // whom, when there is nobody
	sayAndMore                    // names: those shown, how many more
	sayAgo                        // duration
	sayMoment                     // a duration under a minute
	sayMinutes                    // number
	sayHours                      // hours, minutes
	sayDays                       // days, hours
	sayColon                      // fact and value, joined
	phrases
)

// language is one language's texts. Every phrase has one; a test says so.
type language struct {
	tag   string
	texts [phrases]string
}

var english = language{tag: "en", texts: [phrases]string{
	sayAcknowledge:  "Acknowledge",
	sayView:         "Open the event",
	sayViewOnly:     "View only",
	sayRecord:       "Complete the record",
	sayPage:         "Nobody has answered yet. Please acknowledge.",
	sayLastResort:   "The whole plan was paged and nobody answered. You are the last resort.",
	sayResolvedBy:   "Resolved by %[1]s at %[2]s, after %[3]s.",
	sayRecovered:    "All alerts recovered. Resolved at %[1]s, after %[2]s.",
	sayClosedBy:     "Closed by %[1]s at %[2]s, after %[3]s.",
	sayRecordOwed:   "Resolved, but the record is missing. Please say what was wrong and what fixed it.",
	sayUpdateOwed:   "The incident owes an update.",
	sayNewLink:      "Here is the new link that you asked for.",
	sayAcknowledged: "Acknowledged by %[1]s at %[2]s.",
	sayReopened:     "Reopened by %[1]s at %[2]s.",
	sayPromoted:     "Raised to incident %[3]s by %[1]s at %[2]s.",
	sayMerged:       "Merged into %[3]s by %[1]s at %[2]s.",
	sayArchived:     "Closed by %[1]s at %[2]s.",
	sayDead:         "The escalation of %[1]s cannot be kept running. Look at it now: nobody may be paged for it by itself.",
	sayEnded:        "Resolved: %[1]s",
	sayRecordTitle:  "Record missing: %[1]s",
	sayTest:         "TEST: this is a test. It counts nowhere.",
	sayNoLinks:      "The links could not be made this time. Look for %[1]s in Tocsin.",
	sayFooter:       "Sent by Tocsin. The links act in your name: please do not forward this message.",
	sayPriority:     "Priority",
	saySince:        "Since",
	sayService:      "Service",
	sayOwner:        "Owner",
	sayAlerts:       "Alerts",
	saySource:       "Source",
	sayLabels:       "Labels",
	sayLinks:        "Links",
	sayHelped:       "Last time",
	sayChange:       "Change",
	sayBefore:       "%[1]s before: %[2]s",
	sayAfter:        "%[1]s after it opened: %[2]s",
	sayMore:         "%[1]s (and %[2]d more)",
	sayIfNobody:     "If nobody acts",
	sayNobody:       "nobody yet",
	sayAssigned:     "nobody yet, meant for %[1]s",
	sayTeam:         "nobody yet, meant for team %[1]s",
	sayNoTitle:      "(no title)",
	sayFiring:       "%[1]d",
	sayAllRecovered: "%[1]d, all recovered",
	sayNextStep:     "next: %[1]s at %[2]s",
	sayNextRound:    "the plan begins again: %[1]s at %[2]s",
	sayNextLast:     "last resort: %[1]s at %[2]s",
	sayNobodyElse:   "nobody else",
	sayAndMore:      "%[1]s and %[2]d more",
	sayAgo:          "%[1]s ago",
	sayMoment:       "less than a minute",
	sayMinutes:      "%[1]d min",
	sayHours:        "%[1]d h %[2]d min",
	sayDays:         "%[1]d d %[2]d h",
	sayColon:        "%[1]s: %[2]s",
}}

var chinese = language{tag: "zh", texts: [phrases]string{
	sayAcknowledge:  "确认",
	sayView:         "打开事件",
	sayViewOnly:     "仅查看",
	sayRecord:       "填写记录",
	sayPage:         "尚无人响应，请确认。",
	sayLastResort:   "升级计划已全部通知完毕，仍无人响应。您是最后的联系人。",
	sayResolvedBy:   "%[1]s 于 %[2]s 解决，历时%[3]s。",
	sayRecovered:    "所有告警均已恢复，于 %[1]s 解决，历时%[2]s。",
	sayClosedBy:     "%[1]s 于 %[2]s 关闭，历时%[3]s。",
	sayRecordOwed:   "事件已解决，但缺少处理记录。请填写原因和解决办法。",
	sayUpdateOwed:   "该重大事件需要更新进展。",
	sayNewLink:      "这是您索取的新链接。",
	sayAcknowledged: "%[1]s 于 %[2]s 确认。",
	sayReopened:     "%[1]s 于 %[2]s 重新打开。",
	sayPromoted:     "%[1]s 于 %[2]s 将其升级为重大事件 %[3]s。",
	sayMerged:       "%[1]s 于 %[2]s 将其合并到 %[3]s。",
	sayArchived:     "%[1]s 于 %[2]s 关闭。",
	sayDead:         "%[1]s 的升级流程无法继续运行。请立即查看：系统可能不会再自动通知任何人。",
	sayEnded:        "已解决：%[1]s",
	sayRecordTitle:  "缺少记录：%[1]s",
	sayTest:         "TEST：这是一条测试通知，不计入任何统计。",
	sayNoLinks:      "本次未能生成链接。请在 Tocsin 中查找 %[1]s。",
	sayFooter:       "由 Tocsin 发送。链接将以您的名义操作，请勿转发本消息。",
	sayPriority:     "优先级",
	saySince:        "开始时间",
	sayService:      "服务",
	sayOwner:        "负责人",
	sayAlerts:       "告警数",
	saySource:       "来源",
	sayLabels:       "标签",
	sayLinks:        "链接",
	sayHelped:       "上次的解决办法",
	sayChange:       "变更",
	sayBefore:       "%[1]s前：%[2]s",
	sayAfter:        "事件开始%[1]s后：%[2]s",
	sayMore:         "%[1]s（另有 %[2]d 项）",
	sayIfNobody:     "若无人处理",
	sayNobody:       "暂无",
	sayAssigned:     "暂无，指派给 %[1]s",
	sayTeam:         "暂无，指派给团队 %[1]s",
	sayNoTitle:      "（无标题）",
	sayFiring:       "%[1]d",
	sayAllRecovered: "%[1]d，均已恢复",
	sayNextStep:     "下一步：%[2]s 通知 %[1]s",
	sayNextRound:    "%[2]s 重新执行升级计划，通知 %[1]s",
	sayNextLast:     "%[2]s 通知最后的联系人 %[1]s",
	sayNobodyElse:   "无其他人",
	sayAndMore:      "%[1]s 等另外 %[2]d 人",
	sayAgo:          "%[1]s前",
	sayMoment:       "不到 1 分钟",
	sayMinutes:      " %[1]d 分钟",
	sayHours:        " %[1]d 小时 %[2]d 分钟",
	sayDays:         " %[1]d 天 %[2]d 小时",
	sayColon:        "%[1]s：%[2]s",
}}

// languageOf returns the texts for a member's language, English for one that
// there is none of.
func languageOf(tag string) *language {
	if base, _, _ := strings.Cut(tag, "-"); strings.EqualFold(base, chinese.tag) {
		return &chinese
	}
	return &english
}

func (l *language) say(p phrase, args ...any) string {
	if len(args) == 0 {
		return l.texts[p]
	}
	return fmt.Sprintf(l.texts[p], args...)
}

// took says how long something lasted, to the minute.
func (l *language) took(d time.Duration) string {
	minutes := int(max(d, 0) / time.Minute)
	switch hours := minutes / 60; {
	case minutes == 0:
		return l.say(sayMoment)
	case hours == 0:
		return l.say(sayMinutes, minutes)
	case hours < 24:
		return l.say(sayHours, hours, minutes%60)
	default:
		return l.say(sayDays, hours/24, hours%24)
	}
}

// maxNames bounds how many people a line names.
const maxNames = 3

func (l *language) names(who []string) string {
	switch {
	case len(who) == 0:
		return l.say(sayNobodyElse)
	case len(who) > maxNames+1:
		return l.say(sayAndMore, strings.Join(who[:maxNames], ", "), len(who)-maxNames)
	}
	return strings.Join(who, ", ")
}

// stamp says when something is, in a reader's zone: the time alone on the
// reader's present day.
func stamp(t, now time.Time, zone *time.Location) string {
	t, now = t.In(zone), now.In(zone)
	layout := "2006-01-02 15:04"
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		layout = "15:04"
	}
	return t.Format(layout) + " (" + offsetOf(t) + ")"
}

// offsetOf names a zone by its distance from UTC, which needs no list of
// abbreviations: "UTC+8", "UTC-3:30".
func offsetOf(t time.Time) string {
	_, seconds := t.Zone()
	sign := "+"
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	switch hours, minutes := seconds/3600, seconds/60%60; {
	case hours == 0 && minutes == 0:
		return "UTC"
	case minutes == 0:
		return fmt.Sprintf("UTC%s%d", sign, hours)
	default:
		return fmt.Sprintf("UTC%s%d:%02d", sign, hours, minutes)
	}
}

// zoneOf returns a member's zone; UTC for one that is not known.
func zoneOf(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return time.UTC
	}
	return zone
}
