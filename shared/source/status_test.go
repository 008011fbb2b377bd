package source

import (
	"strings"
	"testing"

	"tocsin/shared/alert"
)

func TestStatusOfWordsAndPhrases(t *testing.T) {
	for phrase, want := range map[string]alert.Status{
		"firing": alert.Firing, "OK": alert.Resolved, "Resolved": alert.Resolved, "alert.resolved": alert.Resolved, "incident_closed": alert.Resolved,
		"alertTriggered": alert.Firing, "Down ended (now: Up)": alert.Resolved, "not resolved": alert.Firing, "unresolved": alert.Firing, "incident.unacknowledged": alert.Firing, "in_progress": alert.Acknowledged,
		"ACKNOWLEDGED": alert.Acknowledged, "NO DATA": alert.Firing, "已恢复": alert.Resolved, "告警": alert.Firing, "blue": "", "": "", "17": "",
		"OK -> CRITICAL": alert.Firing, "critical → ok": alert.Resolved, "OK to ALARM": alert.Firing, "failed to recover": alert.Firing, "->": "", "POLICY_CLOSE_CRITICAL": alert.Resolved, "POLICY_OPEN_WARNING": alert.Firing, "disk critical": alert.Firing, "monitor.down": alert.Firing, "monitor_up": alert.Resolved, "problem opened": alert.Firing,
		"recovery failed": alert.Firing, "close failed": alert.Firing, "reset failure": alert.Firing, "completed with errors": alert.Firing, "COMPLETED_WITH_FAILURES": alert.Firing, "SucceededWithIssues": alert.Firing,
		"ended abnormally": alert.Firing, "stopped unexpectedly": "", "success: false": alert.Firing, "isn't ok": alert.Firing, "not yet resolved": alert.Firing, "not been resolved": alert.Firing,
		"no longer firing": alert.Resolved, "not firing": alert.Resolved, "no problem": alert.Resolved, "no alarm": alert.Resolved, "alarm: false": alert.Resolved, "not critical": "", "POLICY_CLOSE_ERROR": alert.Resolved, "error resolved": alert.Resolved,
		"WebsiteDdosStop": alert.Resolved, "WebsiteDdosStart": alert.Firing, "attack stopped": alert.Resolved, "agent stopped": "", "stopped": "", "Reporting Error": alert.Firing, "snitch.reporting": alert.Resolved,
		"certificate.expiring": alert.Firing, "certificate.renewed": alert.Resolved, "not connected": alert.Firing, "agent.disconnected": alert.Firing, "Deactivated": alert.Resolved,
		"FIRING:2, RESOLVED:1": alert.Firing, "FIRING:0, RESOLVED:1": alert.Resolved, "firing, now resolved": alert.Resolved,
	} {
		if got := StatusOf(phrase); got != want {
			t.Errorf("%q is %q, want %q", phrase, got, want)
		}
	}
}

func TestStatusToldByATitle(t *testing.T) {
	for text, want := range map[string]alert.Status{
		"[RESOLVED] CPU of web-1 is high": alert.Resolved, "RECOVERY: disk of db-1": alert.Resolved, "web-1 is back to normal": alert.Resolved, "Not resolved: web-1": "",
		"CPU of web-1 is high": "", "web-1 is up\nsince 09:00": alert.Resolved, "Backup completed with errors": "", "web-1 is down\nlast resolved 08:00": alert.Firing, "[恢复] 主机 web-1": alert.Resolved,
		"OK: disk of db-1": alert.Resolved, "<b>UP</b>: api": alert.Resolved, "🟢 api": alert.Resolved, ":white_check_mark: api": alert.Resolved, "❌ api is down": alert.Firing, "** ACKNOWLEDGED: web-1": alert.Acknowledged, "** ACKNOWLEDGEMENT Service Alert: web-1/HTTP is CRITICAL **": alert.Acknowledged, "** RECOVERY Service Alert: web-1/HTTP is OK **": alert.Resolved,
		"web-1 is updating": "", "web-1 is uploading": "", "[FIRING] api recovered too often": alert.Firing, "Alert: api recovered": alert.Resolved, "disk < 10 > 5": "",
		"【障害復旧】web-1": alert.Resolved, "【障害発生】web-1": alert.Firing, "数据恢复失败": "", "告警恢复：北京": alert.Resolved, "未恢复：北京": alert.Firing,
		"Host web-1 wieder erreichbar": alert.Resolved, "Host web-1 nicht erreichbar": "", "Host ist nicht wieder erreichbar": "", "RECUPERADO: servidor": alert.Resolved, "Connection succeeded nginx": alert.Resolved,
		"Failed to resolve hostname db-1": "", "Cannot resolve host": "", "[CRITICAL] failed to resolve host": alert.Firing, "CRITICAL: DNS resolve failed": alert.Firing, "Database failed to recover": "", "Recovery point missed for db-1": "", "Backup: recovery testing failed": alert.Firing,
		"Disk usage on db-1 is up to 97%": "", "Error rate is up 300%": "", "The outage is back on db-1": "", "db-1 is down, is up to date otherwise": "", "db-1 has not been resolved": "", "It could not be resolved": "", "db-1 is not yet cleared": "",
		"This alert will be resolved automatically": "", "Notify until it is resolved": "", "db-1 is high, last resolved 08:00": "", "Sync succeeded with errors": "", "db-1 无法恢复": "", "db-1 没有恢复": "", "db-1 恢复任务": "", "db-1 恢复中": "", "Please resolve this soon": "",
		"10.0.0.1 up": alert.Resolved, "10.0.0.1 down": alert.Firing, "eth0 up": alert.Resolved, "Sign up": "", "Belt 0 stopped": "", "RECOVERY web-1": alert.Resolved, "OK web-1 disk": alert.Resolved, "RECOVERY POINT MISSED": "", "Recovery web": "", "web-1 is up (200 OK)": alert.Resolved, "web-1 is up again": alert.Resolved, "web-1 is back to normal now": alert.Resolved, "web-1 is up since 09:00": alert.Resolved,
		"ERROR: 0 rows cleared": alert.Firing, "Resolved conflict missing": "", "Problem resolved: db-1": alert.Resolved, "CRITICAL -> resolved": alert.Resolved, "Restored volume is offline": alert.Firing, "db-1 recovered from critical": alert.Resolved, "[CRITICAL] db-1 recovered": alert.Resolved,
		"Recovery of database failed": alert.Firing, "Cannot recover database": "", "name cannot be resolved": "", "WARNING: raid recovery in progress": alert.Firing, "CRITICAL replication lag on recovery-db": alert.Firing, "Service is online but degraded": "", "Error: host is up but port 22 is closed": alert.Firing,
		"Resolved in 5m 0s: nginx is down": alert.Resolved, "Resolved in 5m: eth0: link down": alert.Resolved, "Resolved in staging: prod is down": alert.Firing, "Closed in 2025 is down": alert.Firing,
		"State changed to resolved": alert.Resolved, "api not reachable - RESOLVED": alert.Resolved, "Backup failed: resolved": alert.Resolved, "No data alert recovered": alert.Resolved, "Incident auto-resolved: CPU": alert.Resolved, "non-critical alert resolved": alert.Resolved,
		"backup of nas-1: backup successful": alert.Resolved, "Backup failed": alert.Firing, "Backup was not successful": "", "[FIRING:2, RESOLVED:1] HighCPU": alert.Firing, "[FIRING:2] 1 of 3 resolved": alert.Firing, "[RESOLVED] HighCPU": alert.Resolved, "CPU of web-1 returned to normal": alert.Resolved, "CPU of web-1 has not returned to normal": "", "Nightly count finished successfully on cron-1": alert.Resolved,
		"Disk 3 returned to normal operation": alert.Resolved, "Disk 3 has not returned to normal": "",
		"UPS: No longer on battery power.": alert.Resolved, "UPS: on battery power": "", "nas-1 Power has returned": alert.Resolved, "[PRTG (mon)] db-1 Disk Warning ended (now: Up) (38 %)": alert.Resolved, "[PRTG (mon)] db-1 Disk Warning ended (now: Down)": alert.Firing,
		"Host esx-1 CPU usage changed from Red to Green": alert.Resolved, "Host esx-1 CPU usage changed from Green to Red": "", "Bacula: Backup OK of db Incremental": alert.Resolved, "Duplicati Success, Backup report for nas": alert.Resolved, "Duplicati Warning, Backup report for nas": "",
		"Admin acknowledged problem at 09:00": alert.Acknowledged, "Nobody has not acknowledged problem": "", "Resolved in 5m 3s: High CPU": alert.Resolved,
		"The interface eth1 has entered the DOWN state.": alert.Firing, "The interface eth1 has entered the UP state.": alert.Resolved, "eth1 is in up state": alert.Resolved, "eth1 did not enter the UP state": "", "eth1 has left the UP state": "", "eth1 is not in the UP state": "",
		"eth1 failed to return to up state": "", "eth1 never reached the UP state": "", "Up state": "", "Link of b0/1, changed state to up": alert.Resolved, "Link of b0/1, changed state to down": alert.Firing, "Alarm Ended Checkout latency at 08:30": alert.Resolved, "Alert closed with errors": "", "Alert closed-loop test": "", "Alarm end of shift": "", "Node has returned to service": alert.Resolved, "Node has not returned to service": "", "The error has returned": "", "Heat is normal": alert.Resolved, "Heat is not normal": "",
		"api is back with errors": "", "api is ok with unexpected delay": "",
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
		{"DOWN: 10.0.0.1", "UP: 10.0.0.1"},
		{"17 down", "17 up"},
		{"CRITICAL: disk full on db-1 at 09:00:12", "OK: disk full on db-1 at 09:05:44"},
		{"【告警】订单服务超时", "【恢复】订单服务超时"},
		{"【P1告警】支付成功率下降", "【P1恢复】支付成功率下降"},
		{"The disk nsd7 failed", "The disk nsd7 is OK"}, {"nas-1 power failure !!!", "nas-1 power has returned"}, {"Flood of gate 2", "Flood of gate 2 has ended"}, {"窑温过高告警", "窑温过高告警恢复"},
		{"[Incident] web-1 CPU high", "[Resolved] web-1 CPU high"},
		{"[FIRING:12, RESOLVED:1] HighCPU (web-1 prod)", "[RESOLVED] HighCPU (web-1 prod)"},
		{"Coal: budget.exceeded", "Coal: budget.recovered"},
		{"Problem: CPU of web-1 is high (over 90% for 5m)", "Resolved in 1h 5m 3s: CPU of web-1 is high (over 90% for 5m)"},
		{"Fired:Sev3 Alert CPU on vm-1 at 3/1/2026 11:55:09 AM", "Resolved:Sev3 Alert CPU on vm-1 at 3/1/2026 12:05:09 PM"},
		{"[Alert] Triggered: disk of db-1", "[Alert] Re-Triggered: disk of db-1"},
		{"[PRTG Network Monitor (mon)] web-1 Ping (Ping) Down (timeout (error # 11010))", "[PRTG Network Monitor (mon)] web-1 Ping (Ping) Down ended (now: Up) (12 msec)"},
		{"[web] [🔴 Down] timeout of 48000ms", "[web] [✅ Up] 200 - OK"},
		{"UPS ups@nas-1 on battery", "UPS ups@nas-1 on line power"},
		{"nas-1 Power Failure !!!", "nas-1 Power has returned"},
		{"web-1 is down", "web-1 has recovered"},
		{"db-1 is unreachable", "db-1 is reachable again"},
		{"monit alert -- Resource limit matched web-1", "monit alert -- Resource limit succeeded web-1"},
		{"Problem: nginx is down on web-1", "Resolved in 5m 0s: nginx is down on web-1"},
		{"告警：db-1 连接数(330.00)<6000(监控项) 2026-03-01T08:00:00Z", "告警恢复：db-1 连接数(7330.00)<6000(监控项) 2026-03-01T08:30:00Z"},
	} {
		if a, b := Stem(c[0]), Stem(c[1]); a != b || a == "" {
			t.Errorf("%q and %q: %q, %q", c[0], c[1], a, b)
		}
	}
	for _, c := range [][2]string{
		{"10.0.0.1 is down", "10.0.0.2 is down"}, {"Ping to 2001:db8::1 lost", "Ping to 2001:db8::2 lost"}, {"VM 101 is down", "VM 102 is down"}, {"Server #12 is down", "Server #13 is down"},
		{"Port: 443 closed", "Port: 80 closed"}, {"4xx errors of api", "5xx errors of api"}, {"10.0.0.1:80 is down", "10.0.0.1:81 is down"}, {"12 is down", "13 is down"},
		{"Problem in rack: disk", "Problem in room: disk"}, {"Down 10.0.0.1: ping", "Down 10.0.0.2: ping"}, {"web-1 Ping (a) Down (x)", "web-2 Ping (a) Down (x)"}, {"Cell on battery 1 is hot", "Cell on line power is hot"},
		{"Pressure lost in district 4", "Pressure lost in district 5"},
	} {
		if Stem(c[0]) == Stem(c[1]) {
			t.Errorf("%q and %q are both %q", c[0], c[1], Stem(c[0]))
		}
	}
	if Stem("web-1 is down") == Stem("web-2 is down") || Stem("port 80 of web is down") == Stem("port 443 of web is down") || Stem("disk 91 % full") != Stem("disk 95 % full") || Stem("DOWN") != "DOWN" {
		t.Error("different alerts have one stem")
	}
}

func TestSeverityOfWordsAndPhrases(t *testing.T) {
	for phrase, want := range map[string]alert.Severity{
		"critical": alert.Critical, " P2 ": alert.Error, "Sev 1": alert.Critical, "Very High": alert.Critical, "ALERT_CRITICALITY_LEVEL_WARNING": alert.Warning, "HIGH_SEVERITY": alert.Error, "2 - Critical": alert.Critical,
		"kritisch": alert.Critical, "élevée": alert.Error, "media": alert.Warning, "严重": alert.Critical, "警告": alert.Warning, "重大": alert.Critical, "高": alert.Error,
		"critical or warning": "", "error alert": alert.Error, "no alert": "", "blue": "", "": "", "7": "", strings.Repeat("critical ", 20): "",
	} {
		if got := SeverityOf(phrase); got != want {
			t.Errorf("%q is %q, want %q", phrase, got, want)
		}
	}
	for text, want := range map[string]alert.Severity{"CRITICAL: disk": alert.Critical, "Fired:Sev1 CPU on vm-1": alert.Critical, "[mon-1] CRITICAL: disk": alert.Critical, "[mon-1] disk": "", "Problem: High load": "", "[P2] disk": alert.Error, "media server is down": "", "【警告】disk": alert.Warning, "disk": "",
		"Alert summary weekly": "", "Emergency contact list": "", "Urgent maintenance completed": "", "ALERT db-1": alert.Critical, "Urgent: db-1": alert.Critical, "Critical disk usage": alert.Critical, "** PROBLEM Service Alert: web/HTTP is CRITICAL **": alert.Critical, "db-1 is critical for us": "", "Heat is high": "", "High load": "", "Page load is slow": "", "Info panel broken": "", "Page: db-1": alert.Critical} {
		if got := SeverityTold(text); got != want {
			t.Errorf("%q tells %q, want %q", text, got, want)
		}
	}
}
