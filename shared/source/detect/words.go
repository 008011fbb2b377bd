package detect

import (
	"strings"
	"sync"

	"tocsin/shared/alert"
)

// role is a part that an alert needs.
type role string

const (
	roleTitle       role = "title"
	roleDescription role = "description"
	roleStatus      role = "status"
	roleSeverity    role = "severity"
	roleKey         role = "key"
	roleStarted     role = "started_at"
	roleEnded       role = "ended_at"
	roleAt          role = "at"
	roleResource    role = "resource"
)

// names are the names that monitoring systems give to the parts of an alert,
// best first, in lower case and without what joins their words.
var names = map[role][]string{
	roleTitle: words(`title alerttitle summary subject headline alertname alertrule alarmname rulename ruletitle alarmtitle problemtitle incidenttitle issuetitle
		eventtitle monitorname checkname policyname conditionname alert shortmessage shortdescription displayname eventname name message msg text event description reason output`),
	roleDescription: words(`description details detail message msg body content alertmessage longmessage reason output error errormessage text info comment note cause summary serviceoutput hostoutput`),
	roleStatus: words(`conclusion resultstate buildresult monitorcondition notificationtype result status statevalue alertstatus alarmstatus state alertstate alarmstate currentstate newstate newstatus newstatevalue monitorstatus incidentstatus eventstatus problemstatus checkstatus statusname statename resolutionstate alerttypefriendlyname
		transition alerttransition eventaction alertaction alerttype action eventtype triggertype notificationstatus event type trigger triggerstatus eventname condition outcome phase isok ok resolved
		recovered isresolved isrecovered isactive active isfiring firing up isup online healthy`),
	roleSeverity: words(`severity alertseverity alarmseverity severitylevel sev level alertlevel alarmlevel loglevel priority alertpriority criticality urgency impact importance risk grade`),
	roleKey: words(`dedupkey deduplicationkey deduplicationid dedupid incidentkey fingerprint alias aggregationkey aggregkey correlationid correlationkey correlationuuid alertkey eventkey
		alertid alertuid alarmid alarmuuid incidentid incidentuuid issueid problemid pid caseid monitorid checkid triggerid ruleid ruleuid conditionid alarmarn sensorid testid ticketid
		alertuuid externalid reference key id uid uuid`),
	roleStarted: words(`startsat startedat starttime startdate startat start began beganat begintime openedat opentime opened firingsince since firstseen firstoccurrence firstoccurred firstoccurredat
		activatedat triggeredat triggertime alerttime alarmtime createdat creationtime created incidentstartedat eventstart downsince`),
	roleEnded: words(`endsat endedat endtime enddate endat end resolvedat resolvetime resolutiontime resolvedtime recoveredat recoverytime recovertime closedat closetime closed clearedat cleartime finishedat finishtime`),
	roleAt:    words(`timestamp eventtime occurredat occurrencetime datetime time date ts at eventtimestamp lastupdated updatedat updated lastseen sentat emittedat detectedat`),
	roleResource: words(`host hostname hostdisplayname servicedesc servicedescription servicedisplayname instance node server device target resource resourceid resourcename service servicename application app component entity ip ipaddress monitor check sensor
		url pod container database cluster namespace queue topic job project environment env region`),
}

func words(s string) []string { return strings.Fields(s) }

// ranks is what a name is worth for a role, by its place in the list.
var ranks = sync.OnceValue(func() map[role]map[string]int {
	all := map[role]map[string]int{}
	for r, list := range names {
		all[r] = map[string]int{}
		for i, n := range list {
			all[r][n] = 100 - i*60/len(list)
		}
	}
	return all
})

// called are names of what watches, which say more beside a title that tells
// only what was seen; telling are names of such titles.
var (
	called  = words(`alertname alertrule rulename alarmname policyname conditionname monitorname checkname servicename searchname jobname triggername displayname friendlyname`)
	telling = words(`summary subject message msg text description reason output event shortmessage shortdescription`)
)

// over are words that say that something ended, not how.
var over = words(`complete completed done finished ended finish`)

// envelopes are names of objects in which a request carries what it is about,
// so that an id beside them is the request's.
var envelopes = words(`data payload resource detail body workflow`)

// volatile names are of ids that each request has anew.
var volatile = words(`eventid eventuuid messageid requestid deliveryid notificationid traceid spanid webhookid transactionid nonce sessionid`)

// enclosing names are of objects that hold an alert, so that a bare "id" or
// "name" in them is the alert's.
var enclosing = words(`alert alarm incident issue problem event check monitor condition rule trigger case notification data payload body detail details attributes object policy test sensor finding`)

// lists are names of arrays of alerts; the second half counts only where the
// body has no title of its own.
var (
	lists     = words(`alerts alarms incidents problems issues notifications events findings`)
	weakLists = words(`records items results data entries checks matches messages logs`)
)

// flags are names of booleans, and the status that true means.
var flags = map[string]alert.Status{
	"isok": alert.Resolved, "ok": alert.Resolved, "resolved": alert.Resolved, "recovered": alert.Resolved, "isresolved": alert.Resolved, "isrecovered": alert.Resolved,
	"up": alert.Resolved, "isup": alert.Resolved, "online": alert.Resolved, "healthy": alert.Resolved, "success": alert.Resolved, "closed": alert.Resolved, "cleared": alert.Resolved,
	"isactive": alert.Firing, "active": alert.Firing, "isfiring": alert.Firing, "firing": alert.Firing, "isalarm": alert.Firing, "alarm": alert.Firing, "triggered": alert.Firing, "down": alert.Firing,
}
