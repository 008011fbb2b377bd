package zabbix

import (
	"regexp"
	"strings"
	"sync"

	"tocsin/shared/source"
)

// known are the names of lines in messages, folded, and what they hold by the
// names of macros: of the default messages (Zabbix manual, "Media types",
// message templates), of those up to 3.0, and of those in common use in Chinese,
// which scripts also send as names of fields.
var known = map[string]string{
	"problemname": "problemname", "host": "host", "severity": "severity", "operationaldata": "opdata", "originalproblemid": "originalproblemid",
	"originaleventid": "originaleventid", "trigger": "triggername", "triggerstatus": "triggerstatus", "triggerseverity": "triggerseverity", "triggerurl": "triggerurl",
	"告警主机": "host", "恢复主机": "host", "告警地址": "hostip", "告警ip": "hostip", "告警主机ip": "hostip", "告警主机ip地址": "hostip", "恢复主机ip地址": "hostip", "主机ip": "hostip",
	"告警等级": "severity", "告警级别": "severity", "恢复等级": "severity", "告警信息": "problemname", "告警名称": "problemname", "恢复信息": "problemname",
	"告警时间": "eventdatetime", "恢复时间": "eventrecoverydatetime", "告警项目": "itemname", "监控项目": "itemname", "恢复项目": "itemname", "监控取值": "itemvalue", "问题详情": "opdata", "恢复问题详情": "opdata",
	"当前状态": "triggerstatus", "告警状态": "triggerstatus", "事件id": "eventid",
}

var (
	started  = regexp.MustCompile(`^Problem started at (\S+) on (\S+)`)
	resolved = regexp.MustCompile(`^Problem has been resolved (?:in .* )?at (\S+) on (\S+)`)
	updated  = regexp.MustCompile(`^(.*?) ((?:(?:un)?acknowledged|commented|closed|changed severity|(?:un)?suppressed)\b.*) problem at `)
)

// maxMessage bounds what is read of a message, in bytes.
const maxMessage = 64 << 10

// linesOf reads the lines that a message is known to have.
func linesOf(message string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(message[:min(len(message), maxMessage)]) {
		line = strings.TrimSpace(line)
		if m := started.FindStringSubmatch(line); m != nil {
			out["eventtime"], out["eventdate"] = m[1], m[2]
		} else if m := resolved.FindStringSubmatch(line); m != nil {
			out["eventrecoverytime"], out["eventrecoverydate"], out["problemstatus"] = m[1], m[2], "resolved"
		} else if m := updated.FindStringSubmatch(line); m != nil {
			out["eventupdatestatus"], out["eventupdateuser"], out["eventupdateaction"] = "1", m[1], m[2]
		} else {
			keep(out, line)
		}
	}
	return out
}

// keep takes "name: value" where the name is known; the first counts.
func keep(out map[string]string, line string) {
	name, value, ok := strings.Cut(strings.ReplaceAll(line, "：", ":"), ":")
	if len(name) > maxName || !ok {
		return
	}
	macro, value := known[source.Plain(name)], strings.TrimSpace(value)
	if macro != "" && out[macro] == "" && !strings.HasPrefix(value, "{") && value != "*UNKNOWN*" {
		out[macro] = value
	}
}

// maxName is longer than any name of a line.
const maxName = 64

// addNamed takes fields whose names are known in Chinese.
func addNamed(out map[string]string, fields source.Fields) {
	for name, macro := range known {
		if text := fields.Text(name); text != "" && name[0] > 0x7f && out[macro] == "" {
			out[macro] = text
		}
	}
}

// eventPage is the address of an event's page, also as JSON or HTML has it.
var eventPage = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`tr_events\.php\?triggerid=(\d+)(?:&|&amp;|\\u0026)eventid=(\d+)`)
})

// addLinked takes the ids out of the first address of an event's page.
func addLinked(out map[string]string, text string) {
	m := eventPage().FindStringSubmatch(text[:min(len(text), maxMessage)])
	if m == nil {
		return
	}
	for i, name := range [...]string{"triggerid", "eventid"} {
		if out[name] == "" {
			out[name] = m[i+1]
		}
	}
}
