package detect

import (
	"slices"
	"strings"

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
	roleTitle: words(`title alerttitle summary subject headline heading alertmessage alarmmessage alertname alertrule alarmname rulename ruletitle alarmtitle problemtitle incidenttitle issuetitle
		eventtitle messagetitle 标题 告警标题 告警名称 报警名称 规则名称 策略名称 件名 タイトル アラート名 監視名 제목 알림명 titel überschrift betreff titre sujet objet título titulo asunto заголовок тема
		monitorname monitorfriendlyname checkname policyname conditionname testname searchname jobname job triggername problem problemname incidentname alert alarm
		shortmessage shortdescription shortdesc briefdescription displayname friendlyname entitydisplayname label eventname logmsg logdesc 名称 名前 이름 name nom nombre bezeichnung
		message msg lastmessage lasterror lasterrormessage summarymessage meldung nachricht mensaje mensagem messaggio 消息 メッセージ 메시지 сообщение exception 告警信息 报警信息 故障信息 告警内容 报警内容 内容 内容説明 text content 内容描述 event description 描述 説明 beschreibung descripción
		logentry pretext statemessage finding symptom threat trigger reason cause failurereason errordescription errormessage output serviceoutput hostoutput note info body monitor scenario what condition signal details eventdetails detail alerttype rule policy eventtype type kind category fallback`),
	roleDescription: words(`description details detail message msg body content alertmessage longmessage longdescription detaileddescription reason failurereason output error errormessage text info comment note cause summary serviceoutput hostoutput
		statemessage additionalinfo 告警内容 报警内容 内容 描述 详情 消息 説明 詳細 メッセージ 내용 beschreibung descripción description`),
	roleStatus: words(`conclusion resultstate buildresult parsedresult statuschange statechange changetype monitorcondition notificationtype result status statevalue alertstatus alarmstatus state alertstate alarmstate currentstate newstate newstatus newstatevalue current new tostate monitorstatus monitorstate incidentstatus eventstatus problemstatus checkstatus statusname statename resolutionstate alerttypefriendlyname
		状态 告警状态 报警状态 通知类型 事件状态 状態 ステータス 상태 zustand état etat statut estado stato статус состояние
		actiongroup actiongroupname statuscode transition alerttransition eventaction alertaction alerttype messagetype msgtype action eventtype triggertype notificationstatus notificationevent event type triggerstatus trigger eventname condition outcome phase progress lifecycle stage isok ok to evt resolved
		recovered isresolved isrecovered cleared iscleared closed isclosed backtonormal isactive active isopen open isfiring firing isalarm isalerting isproblem inalarm raised violated isviolated triggered passing success failing up isup down online healthy fixed isfixed restored solved clear alive reachable available isdown offline breached color template msgid alert alarm`),
	roleSeverity: words(`severity alertseverity alarmseverity severitylabel severitystring severitylevel severityname sev level alertlevel alarmlevel loglevel levelname lvl priority prio alertpriority criticality urgency impact importance risk grade
		级别 告警级别 报警级别 等级 告警等级 严重程度 严重性 优先级 紧急程度 重要度 深刻度 重大度 優先度 レベル 심각도 등급 schweregrad dringlichkeit priorität stufe gravité gravite sévérité severite priorité niveau gravedad severidad prioridad nivel gravidade gravità уровень важность серьезность приоритет`),
	roleKey: slices.Concat(words(`dedupkey dedupekey deduplicationkey deduplicationid dedupid dedupeid incidentkey fingerprint alias aggregationkey aggregkey correlationkey correlationuuid alertkey eventkey
		alertid alertuid alertuuid alarmid alarmuid alarmuuid incidentid incidentuuid incidentnumber issueid problemid faultid violationid findingid caseid seriesuid seriesid 告警id 报警id 告警编号 告警唯一标识 事件id 事件编号 故障id
		correlationid`), aboutMonitors, words(`pid alarmarn ticketid snitchtoken`), aboutRules, words(`externalid kennung reference key id uid uuid`)),
	roleStarted: slices.Concat(words(`statestarttime startat starttimestamp firingsince downsince since firstseen firstoccurrence firstoccurred firstoccurredat firsttimestamp downat 开始时间 首次触发时间 発生日時 発生時刻 開始時刻 開始日時 beginn seit`), created),
	roleEnded: words(`to endts clearts
		恢复时间 结束时间 恢复于 復旧日時 復旧時刻 終了時刻 ende`),
	roleAt: words(`timestamp eventtime eventdatetime occurredat occurrencetime datetime time date ts at eventtimestamp lastupdated updatedat updated lastseen sentat emittedat detectedat detectedtime modtime when 时间 日時 時刻 시간 zeitpunkt zeit uhrzeit fecha`),
	roleResource: words(`host hostname hostdisplayname 主机 主机名 主机名称 告警主机 恢复主机 ホスト ホスト名 監視対象 スコープ 機器名 ノード名 호스트 rechner hôte hote servidor хост servicedesc servicedescription servicedisplayname instance instanceid instancename node nodename server servername 服务器 サーバ サーバー 서버 device deviceid devicename target resource resourceid resourcename
		clientname client monitoredobject objectname 实例 对象 监控对象 资源 设备 機器 対象 pod container component interface entity entityname asset probe volume disk mount mountpoint filesystem vm vmname dev worker function table bucket broker gateway router switch process peer neighbor neighbour endpoint dhost shost dvchost dvc devname destination domain domainname website site sensor check monitor metric metricname
		service servicename application app program component 服务 应用 サービス 서비스 dienst originatorname nodelabel device ip ipaddress hostaddress src dst database projectname repositoryname pipelinename workflowname cluster clustername namespace queue topic job workspace project environment env port ifname interfacename groupkey groupname group series region zone room area building plant station unit scope source where url`),
}

// weakResources are names of what alerts are often alike in, or which changes
// from one report of an alert to the next: they count where nothing else does.
// Scopes are those in which all else may be alike: they count beside it too.
var (
	weakResources = slices.Concat(scopes, words(`instanceid url ip ipaddress hostaddress src dst topic job`))
	scopes        = words(`namespace cluster clustername workspace project environment env region zone room area building plant station unit scope source where probe check monitor`)
)

func words(s string) []string { return strings.Fields(s) }

// endings are what names end with that play a role, beside those in the lists.
var endings = map[role][]string{
	roleTitle:    words(`title subject headline alertname alarmname rulename issuename incidentname problemname issuedetails 标题 告警名称`),
	roleStatus:   words(`status state phase statusstring statename statusname alertevent result outcome 状态 状態 상태`),
	roleSeverity: words(`severity priority criticality severitylabel severitystring severityname levelname level 级别 等级 重要度`),
	roleKey:      words(`alertid alertuid alarmid incidentid issueid problemid faultid violationid dedupkey dedupekey fingerprint seriesuid monitorid monitorguid checkid checkerid ruleid policyid`),
	roleStarted:  words(`startedat startsat starttime openedat triggeredat 开始时间`),
	roleEnded:    words(`resolvedat recoveredat closedat clearedat 恢复时间 结束时间`),
	roleAt:       words(`time timestamp date datetime timeutc timeiso 时间`),
	roleResource: words(`host hostname instance instanceid device deviceid devicename node server servername resourceid resourcename entityname servicename displayname objectname podname asset assetname 主机 实例`),
}

// watching are names of what watches, or runs, one thing, and so are enough to
// know it by; called are those and the names of what watches several. Classes
// are names of errors, things are those of them, and of what is watched, that
// are no condition, so that what was seen says more; telling are names of texts
// that tell what was seen, and faint of those that hardly tell.
var (
	watching = words(`monitorname monitorfriendlyname checkname testname jobname job pipelinename workflowdisplayname workflowname taskname backupname probename servicedesc servicedisplayname 監視名`)
	called   = slices.Concat(words(`alertname alertrule rulename alarmname policyname conditionname searchname triggername servicedescription metricname 告警名称 规则名称 策略名称 アラート名`), watching)
	things   = slices.Concat(watching, words(`friendlyname servicename displayname entitydisplayname rule check monitor service scenario program 服务 サービス 서비스`))
	services = words(`servicename service 服务 サービス 서비스`)
	telling  = words(`summary subject message msg alertmessage alarmmessage text description reason cause output event shortmessage shortdescription serviceoutput hostoutput statemessage failurereason errordescription errormessage content body info logmsg exception
		告警内容 内容 消息 メッセージ`)
	classes = words(`exception exceptionclass exceptiontype errorclass errortype`)
	seen    = words(`message msg reason failurereason errordescription errormessage error statemessage output serviceoutput content text summary 告警内容 内容 メッセージ`)
	faint   = words(`info type kind category eventtype alerttype detail details rule policy scenario note body`)
)

// typing are names of types, styling those of what a message looks like, and
// prose those of what it says.
var (
	typing  = words(`type eventtype eventname alerttype messagetype triggertype kind category event action trigger status state result`)
	styling = words(`type tag style emoji size weight wrap version schema width iconemoji contenttype contenturl iconurl footer footericon username channel msgtype`)
	prose   = words(`text content markdown title summary pretext fallback body message description`)
)

// troubles are names of what is wrong, or of a word of status for it.
var troubles = words(`alert alarm trigger`)

// results are words of how something that ran ended, and runs what happened at
// the time that tells of its end.
var (
	results = words(`failed failure fail errored broken success successful succeeded passed`)
	runs    = words(`finish finished completion completed complete`)
)

// exits are names of the code with which a job ended.
var exits = words(`exitcode exitstatus returncode retcode rc`)

// watched are names of what a title can be made of where there is none.
var watched = words(`service servicedesc check monitor test job metric metricname item sensor scenario rule alarm event type eventtype subtype`)

// over are words that say that something ended, not how; slight are those that
// say that something is, not that it holds.
var (
	over   = words(`complete completed done finished finish`)
	slight = words(`alert alarm event created create new start started detected occurred 告警 报警 アラート`)
)

// urgency are names of how soon something wants to be looked at.
var urgency = words(`priority prio urgency importance impact 优先级 紧急程度 優先度 dringlichkeit priorität priorité prioridad prioridade приоритет`)

// early are words of acknowledgement that systems write before any person has
// seen what happened.
var early = words(`investigating identified`)

// measured are names of what is measured of a host, which with its name is
// enough to know an alert by.
var measured = words(`metric metricname sensor sensorname item check checkname test testname`)

// dimensions are names of objects of what tells the alerts of one rule apart.
var dimensions = words(`labels dimensions`)

// outputs are names of what a plugin says of one of the services of a host.
var outputs = words(`output serviceoutput pluginoutput checkoutput`)

// affected are names of lists of what an alert is about.
var affected = words(`sources devices hosts servers nodes targets resources objects entities assets affectedresources impactedresources affectedentities impactedentities`)

// plainly are words that can mean nothing but a status.
var plainly = words(`firing alerting triggered resolved recovered recovery cleared 已恢复 恢复 已解决 告警触发 告警恢复`)

// envelopes are names of objects in which a request carries what it is about,
// so that an id beside them is the request's.
var envelopes = words(`data payload resource detail body workflow alert alarm incident issue problem`)

// volatile names are of ids that each request has anew.
var volatile = words(`eventid eventuuid eventguid messageid requestid deliveryid notificationid traceid spanid webhookid transactionid nonce sessionid runid executionid buildid buildnumber invocationid historyid logid resultid checkresultid
	testrunid jobrunid receiveid lastreceiveid occurrenceid activityid idempotency idempotencykey guid`)

// unstable are what names end with of what another alert of the same thing may
// have another of.
var unstable = words(`id uuid guid key hash sha sha256 commit version release tag token user username email build run branch ref number code date time value type kind category unit source sender expr expression query threshold limit revision action phase timezone locale currency method`)

// aboutRules are names of ids of what watches several; aboutMonitors of what
// watches one, except where hosts is what stands beside them.
var (
	aboutRules    = words(`ruleid ruleuid policyid conditionid strategyid alertdefineid alertdefinitionid checkerid detectorid signatureid thresholdid entityid 规则id 策略id`)
	aboutMonitors = words(`monitorid monitoruid monitoruuid monitorguid checkid checkuuid triggerid sensorid testid`)
	hosts         = words(`host hostname instance instancename node nodename server servername device devicename pod container resource 主机 主机名 ホスト rechner`)
)

// enclosing names are of objects that hold an alert, so that a bare "id" or
// "name" in them is the alert's; of holding ones it is so whatever else stands
// there.
var (
	enclosing = words(`alert alarm incident issue problem event check monitor condition rule trigger case notification data payload body detail details attributes object policy test sensor finding violation snitch control`)
	holding   = words(`alert alarm incident issue problem check monitor case finding violation test sensor snitch`)
)

// people are names of objects that tell who, not what.
var people = words(`user author owner sender person actor creator assignee committer commit account organization org tenant customer team agent requester`)

// addresses are names of what an alert without any other name is of.
var addresses = words(`url checkurl monitorurl websiteurl website site target endpoint address link location uri`)

// bareIDs are names that do not say what it is that they identify, and bare
// those that do not say whose they are.
var (
	bareIDs = words(`id uid uuid key reference`)
	bare    = words(`name title message msg text description status state type level priority severity result content`)
)

// parts are names of the one value of an object that stands for a value.
var parts = words(`name value label text content display displayname current new`)

// neutral are names of objects that belong to what they stand in.
var neutral = words(`labels annotations commonlabels commonannotations fields facts tags metadata properties attachments embeds sections blocks card cards cardsv2 header title elements markdown content embed main text body essentials message`)

// created are names of starts that may be those of the request.
var created = words(`triggertime alerttime alarmtime createdat creationtime creationdate createdtime createtime created gmtcreate from 触发时间 发生时间 告警时间 报警时间`)

// finals are what happened at times that stand only where something ended.
var finals = words(`resolve resolved resolution recover recovered recovery restore restored close closed clear cleared fixed gone 恢复 復旧日 復旧`)

// Lists of alerts: the second only where the body has no title of its own, the
// third only where it holds no alert beside them either.
var (
	lists      = words(`alerts alarms incidents problems findings`)
	otherLists = words(`issues notifications events detections anomalies violations offenses faults`)
	weakLists  = words(`records items results data entries checks matches messages logs`)
)

// flags are names of booleans, and the status that true means.
var flags = map[string]alert.Status{
	"isok": alert.Resolved, "ok": alert.Resolved, "resolved": alert.Resolved, "recovered": alert.Resolved, "isresolved": alert.Resolved, "isrecovered": alert.Resolved, "iscleared": alert.Resolved, "isclosed": alert.Resolved,
	"up": alert.Resolved, "isup": alert.Resolved, "online": alert.Resolved, "healthy": alert.Resolved, "success": alert.Resolved, "closed": alert.Resolved, "cleared": alert.Resolved, "passing": alert.Resolved,
	"fixed": alert.Resolved, "isfixed": alert.Resolved, "restored": alert.Resolved, "solved": alert.Resolved, "clear": alert.Resolved, "backtonormal": alert.Resolved, "alive": alert.Resolved, "reachable": alert.Resolved, "available": alert.Resolved,
	"failed": alert.Firing, "isdown": alert.Firing, "offline": alert.Firing, "breached": alert.Firing, "isactive": alert.Firing, "active": alert.Firing, "isfiring": alert.Firing, "firing": alert.Firing, "isalarm": alert.Firing, "alarm": alert.Firing, "triggered": alert.Firing, "down": alert.Firing, "isopen": alert.Firing, "open": alert.Firing, "failing": alert.Firing,
	"isalerting": alert.Firing, "isproblem": alert.Firing, "inalarm": alert.Firing, "raised": alert.Firing, "violated": alert.Firing, "isviolated": alert.Firing,
}

// counts are flags whose name may be that of a number.
var counts = words(`alarm success failed failing passing available`)

// endFlags are those that decide against a word beside them.
var endFlags = words(`resolved isresolved recovered isrecovered cleared iscleared clear closed isclosed fixed isfixed solved isopen open backtonormal`)

// standing are words, and standingFlags names of flags, of how a thing itself
// stands, whatever is said of it.
var (
	standing      = words(`up down online offline alive dead reachable unreachable available unavailable`)
	standingFlags = slices.Concat(standing, words(`isup isdown healthy unhealthy`))
)

// reasons are names of why something stands as it does.
var reasons = words(`reason cause failurereason error errormessage errordescription lasterror lasterrormessage info output`)

// generic are words of which no title is made.
var generic = words(`alert alerts alarm alarms notification notifications notice message new monitoring the an a of for
	告警通知 报警通知 恢复通知 告警 报警 通知 消息 提醒 系统 监控 监控告警 告警提醒 告警信息 アラート 通知`)
