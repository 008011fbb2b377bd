package source

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"tocsin/shared/alert"
)

// Words of status, in lower case.
var (
	resolvedWords = strings.Fields(`resolved resolve ok recovered recovery recover closed close cleared clear normal up success successful succeeded passed pass passing inactive healthy ended end fixed
		completed complete done green online good restored available backtonormal unfiring operational expired solved reset reporting reachable cancel canceled cancelled deactivated renewed valid connected reconnected established reestablished resumed remediated unblocked
		恢复 已恢复 恢复告警 告警恢复 正常 已解决 解决 关闭 已关闭 已解除 解除 恢復 已恢復 復旧 障害復旧 回復 解消 復帰 해소 해제 복구 정상
		behoben gelöst erledigt wiederhergestellt geschlossen beendet résolu résolue rétabli rétablie clos fermé fermée resuelto resuelta recuperado recuperada cerrado cerrada
		resolvido resolvida normalizado risolto risolta ripristinato решено восстановлено закрыто`)
	firingWords = strings.Fields(`firing alerting alert alarm triggered trigger problem open opened down critical crit warning warn error err failed failure fail errored active new created create start started degraded
		unhealthy bad red offline outage major minor fatal emergency breached breach violated violation unavailable unreachable nodata no_data insufficient_data activated raised raise fired occurred
		detected exceeded in_alarm partial_outage major_outage reopened renotify timeout abnormal anomalous anomaly missing ongoing danger critical_alert begin began lost disconnected disconnect expiring overdue missed unresponsive flapping blocked reminder unresolved unacknowledged unacked
		告警 报警 触发 异常 故障 发生 未恢复 告警触发 告警中 警报 触发告警 障害 障害発生 発生 異常 検知 アラート 警報 발생 장애 경보
		ausgelöst gestört störung ausgefallen offen déclenché déclenchée ouvert ouverte panne alerte activado activada abierto abierta caído caída alerta ativado disparado проблема авария`)
	acknowledgedWords = strings.Fields(`acknowledged acknowledge acknowledgement acknowledgment ack acked assigned investigating identified in_progress 已确认 处理中 已认领 確認済み 対応中 bestätigt`)
)

// statuses are the words above without what joins them.
var statuses = sync.OnceValue(func() map[string]alert.Status {
	all := map[string]alert.Status{}
	for _, w := range firingWords {
		all[Plain(w)] = alert.Firing
	}
	for _, w := range acknowledgedWords {
		all[Plain(w)] = alert.Acknowledged
	}
	for _, w := range resolvedWords {
		all[Plain(w)] = alert.Resolved
	}
	return all
})

// Plain is a name or word in lower case without what joins it: "alertName",
// "alert_name" and "Alert Name" are the same.
func Plain(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToLower(c)
		}
		return -1
	}, s)
}

// maxPhrase bounds what is read as a word of status: a longer text only tells.
const maxPhrase = 64

// StatusOf sorts a word or phrase that names a status: "" says nothing. A
// phrase counts by the words in it, the last first, because "alert.resolved"
// and "Down ended" say at the end what holds, and words of severity last of
// all. What is negated is its opposite, and an end that failed is none. Of a
// change, "OK -> CRITICAL", what holds is where it leads.
func StatusOf(phrase string) alert.Status {
	if len(phrase) > maxPhrase {
		return ""
	}
	phrase = afterArrow(phrase)
	if s := statuses()[Plain(phrase)]; s != "" {
		return s
	}
	parts := wordsOf(strings.ToLower(SplitCase(phrase)))
	if stillFire(parts) {
		return alert.Firing
	}
	failed := slices.ContainsFunc(parts, fails)
	var bad alert.Status
	for i := len(parts) - 1; i >= 0; i-- {
		s, negated := statuses()[parts[i]], negates(parts[:i]) || slices.Contains(parts[i+1:], "false")
		if i > 0 && slices.Contains(stops, parts[i]) && slices.Contains(troubles, parts[i-1]) {
			s = alert.Resolved
		}
		switch {
		case i < len(parts)-1 && parts[i] == "reporting":
			// it reports something: that may be an error
		case s == alert.Firing && namesSeverity(parts[i]):
			if !negated {
				bad = s // "CLOSE_CRITICAL" tells the status before
			}
		case s == alert.Firing && negated:
			return alert.Resolved
		case s == alert.Resolved && (negated || failed):
			return alert.Firing
		case s != "":
			return s
		}
	}
	return bad
}

// arrows lead from a status to the next.
var arrows = []string{"->", "=>", "→", "⇒", "➜"}

func afterArrow(phrase string) string {
	for _, arrow := range arrows {
		if at := strings.LastIndex(phrase, arrow); at >= 0 && strings.TrimSpace(phrase[at+len(arrow):]) != "" {
			return phrase[at+len(arrow):]
		}
	}
	from, to, found := strings.Cut(strings.ToLower(phrase), " to ")
	if found && statuses()[Plain(from)] == alert.Resolved && statuses()[Plain(to)] == alert.Firing {
		return to
	}
	return phrase
}

// stillFire reports "firing:2", which holds whatever else has ended:
// "[FIRING:2, RESOLVED:1]".
func stillFire(parts []string) bool {
	at := slices.Index(parts, "firing") + 1
	return at > 0 && at < len(parts) && strings.Trim(parts[at], "0123456789") == "" && strings.Trim(parts[at], "0") != ""
}

// stops end troubles, and are trouble in anything else.
var (
	stops    = []string{"stop", "stops", "stopped"}
	troubles = strings.Fields("alert alarm attack ddos event fault flood incident outage problem storm violation")
)

// negates reports whether words end in one that takes the next from what holds:
// "not", "not yet", "no longer", "could not have been", "will be", "last".
func negates(words []string) bool {
	for n := len(words); n > 0; n-- {
		switch word := words[n-1]; {
		case slices.Contains(negations, word):
			return true
		case !slices.Contains(fillers, word):
			return false
		}
	}
	return false
}

var (
	negations = strings.Fields(`not un non no never isn wasn hasn haven aren cannot couldn will would should must may might last previously nicht 未`)
	fillers   = strings.Fields(`yet longer more t be been have fully completely automatically`)
)

func wordsOf(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
}

// SplitCase parts the words of camelCase by spaces.
func SplitCase(s string) string {
	var b strings.Builder
	lower := false
	for _, c := range s {
		if unicode.IsUpper(c) && lower {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(c)
		b.WriteRune(c)
	}
	return b.String()
}
