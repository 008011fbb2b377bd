package source

import (
	"testing"

	"tocsin/shared/alert"
)

func TestStatusOfWordsAndPhrases(t *testing.T) {
	for phrase, want := range map[string]alert.Status{
		"firing": alert.Firing, "OK": alert.Resolved, "Resolved": alert.Resolved, "alert.resolved": alert.Resolved, "incident_closed": alert.Resolved,
		"alertTriggered": alert.Firing, "Down ended (now: Up)": alert.Resolved, "not resolved": alert.Firing, "unresolved": "", "in_progress": alert.Acknowledged,
		"ACKNOWLEDGED": alert.Acknowledged, "NO DATA": alert.Firing, "已恢复": alert.Resolved, "告警": alert.Firing, "blue": "", "": "", "17": "",
		"monitor.down": alert.Firing, "monitor_up": alert.Resolved, "problem opened": alert.Firing,
	} {
		if got := StatusOf(phrase); got != want {
			t.Errorf("%q is %q, want %q", phrase, got, want)
		}
	}
}

func TestStatusToldByATitle(t *testing.T) {
	for text, want := range map[string]alert.Status{
		"[RESOLVED] CPU of web-1 is high": alert.Resolved, "RECOVERY: disk of db-1": alert.Resolved, "web-1 is back to normal": alert.Resolved, "Not resolved: web-1": "",
		"CPU of web-1 is high": "", "web-1 is up\nsince 09:00": alert.Resolved, "Backup completed with errors": "", "web-1 is down\nlast resolved 08:00": "", "[恢复] 主机 web-1": alert.Resolved,
	} {
		if got := StatusTold(text); got != want {
			t.Errorf("%q tells %q, want %q", text, got, want)
		}
	}
}

func TestStemIsTheSameFromFiringToRecovery(t *testing.T) {
	for _, c := range [][2]string{
		{"[FIRING] CPU of web-1 is 97.5%", "[RESOLVED] CPU of web-1 is 12.0%"},
		{"web-1 is DOWN", "web-1 is UP"},
		{"CRITICAL: disk full on db-1 at 09:00:12", "OK: disk full on db-1 at 09:05:44"},
	} {
		if a, b := Stem(c[0]), Stem(c[1]); a != b || a == "" {
			t.Errorf("%q and %q: %q, %q", c[0], c[1], a, b)
		}
	}
	if Stem("web-1 is down") == Stem("web-2 is down") || Stem("DOWN") != "DOWN" {
		t.Error("different alerts have one stem")
	}
}
