package arms

import (
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// The names under which the templates of ARMS's documentation send a variable,
// in lower case and without spaces.
var (
	namedTitle   = []string{"告警名称", "报警名称", "alertname", "alarmname"}
	namedContent = []string{"告警内容", "报警内容", "alertcontent", "alarmcontent", "content"}
	namedStart   = []string{"告警时间", "告警发生时间", "报警时间", "alerttime", "alarmtime", "alerttriggeredat", "triggeredat", "starttime"}
	namedEnd     = []string{"恢复时间", "告警恢复时间", "recoverytime", "recoveredat", "resolvedat", "alertresolvedat", "clearedat", "endtime"}
	namedLevel   = []string{"告警等级", "告警级别", "级别", "等级", "level", "severity", "alertlevel"}
	namedStatus  = []string{"告警状态", "状态", "status", "alertstatus", "state"}
	namedCluster = []string{"集群名称", "集群", "clustername", "cluster"}
	namedApp     = []string{"应用名称", "应用", "applicationname", "appname", "application"}
	namedPolicy  = []string{"通知策略", "notificationpolicy", "policy", "dispatchrulename"}
)

// parseTemplate reads the object that a template of a notification makes. The
// text of $content stands in "content", or where a chat's webhook has it.
func parseTemplate(root doc.Value) (source.Parsed, error) {
	fields := map[string]string{}
	for name, value := range source.Named(root) {
		fields[plainName(name)] = strings.TrimSpace(value.Text())
	}
	if pick(fields, namedTitle) == "" {
		return parseText(root.First("content", "text.content", "markdown.text", "text"), errNoAlert())
	}
	return notice(fields), nil
}

// maxText bounds the text that is looked through, in bytes.
const maxText = 64 << 10

// parseText reads lines of name and value. otherwise is the error for a text
// that has none.
func parseText(text string, otherwise error) (source.Parsed, error) {
	fields := map[string]string{}
	for line := range strings.Lines(text[:min(len(text), maxText)]) {
		name, value, ok := strings.Cut(strings.ReplaceAll(line, "：", ":"), ":")
		if name = plainName(name); ok && fields[name] == "" {
			fields[name] = strings.TrimSpace(value)
		}
	}
	if pick(fields, namedTitle) == "" {
		return source.Parsed{}, otherwise
	}
	return notice(fields), nil
}

func errNoAlert() error {
	var bad fault.Problems
	bad.Add("alerts", "missing; expected $alertmanager_content, an event with labels, or the alert's name (告警名称)")
	return bad.Err("the body holds no alert of ARMS")
}

// decoration is what templates write around names: spaces, and Markdown's marks.
var decoration = strings.NewReplacer(" ", "", "_", "", "*", "", "-", "", ">", "")

func plainName(name string) string {
	return strings.ToLower(decoration.Replace(strings.TrimSpace(name)))
}

func pick(fields map[string]string, names []string) string {
	for _, name := range names {
		if fields[name] != "" {
			return fields[name]
		}
	}
	return ""
}

// notice is the alert of a template's fields. Without labels it is known by
// name, cluster and application.
func notice(fields map[string]string) source.Parsed {
	title, cluster, app := pick(fields, namedTitle), pick(fields, namedCluster), pick(fields, namedApp)
	a := alert.Alert{
		Source: Name, DedupKey: alert.HashKey(map[string]string{"alertname": title, "cluster": cluster, "application": app}),
		Status: alert.Firing, Severity: severityWord(pick(fields, namedLevel)), Title: title, Group: title,
		Description: pick(fields, namedContent), Labels: map[string]string{"alertname": title}, StartedAt: source.InstantIn(pick(fields, namedStart), source.China),
	}
	for name, value := range map[string]string{"cluster": cluster, "application": app, "policy": pick(fields, namedPolicy)} {
		if value != "" {
			a.Labels[name] = value
		}
	}
	end := pick(fields, namedEnd)
	switch strings.ToLower(pick(fields, namedStatus)) {
	case "firing", "正触发", "触发", "告警中", "告警", "alerting", "triggered":
	case "resolved", "已恢复", "恢复", "recovered", "cleared":
		a.Status = alert.Resolved
	default:
		if strings.ContainsAny(end, "0123456789") {
			a.Status = alert.Resolved
		}
	}
	if a.Status == alert.Resolved {
		a.EndedAt = source.InstantIn(end, source.China)
	}
	return source.One(a)
}
