package aws

import (
	"fmt"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// kind says how the events of one detail-type are read. Paths begin at the
// event.
type kind struct {
	noun     string   // what it is about: "Canary"
	id       []string // paths whose texts together are its identity
	or       []string // paths of the identity where id leads nowhere
	name     string   // path of what a person calls it; "" is the first of id
	state    string   // path of its state
	states   map[string]turn
	why      []string       // paths of what a responder must read
	start    string         // path of the start; "" is the time of the event
	severity alert.Severity // of a firing; "" is error
	change   bool           // its good end is a change
}

// turn is what a state means.
type turn uint8

const (
	unclear turn = iota
	begins
	ended
	passes // on the way from one state to another: told in a note
)

// kinds are the events with a state and an identity that are read as more than
// what all events have (Amazon EventBridge events reference, and the user
// guides of the services).
var kinds = map[string]kind{
	"Synthetics Canary TestRun Failure":    canary,
	"Synthetics Canary TestRun Successful": canary,
	"Synthetics Canary Status Change": {noun: "Canary", id: []string{"detail.canary-id"}, name: "detail.canary-name", state: "detail.current-state",
		why: []string{"detail.state-reason", "detail.message"}, states: map[string]turn{"READY": ended, "STOPPED": ended, "RUNNING": passes}}, // it runs: how, its test runs say
	"EC2 Instance State-change Notification": {noun: "Instance", id: []string{"detail.instance-id"}, state: "detail.state", severity: alert.Warning,
		states: map[string]turn{"stopped": begins, "terminated": ended, "running": ended, "stopping": passes, "shutting-down": passes}},
	"ECS Service Action":          {noun: "Service", id: []string{"resources.0"}, state: "detail.eventName", why: []string{"detail.reason"}, states: serviceActions},
	"ECS Deployment State Change": {noun: "Deployment of", id: []string{"resources.0"}, state: "detail.eventName", why: []string{"detail.reason"}, change: true, states: serviceActions},
	"Batch Job State Change":      {noun: "Batch job", id: []string{"detail.jobQueue", "detail.jobName"}, name: "detail.jobName", state: "detail.status", why: []string{"detail.statusReason"}, states: runs},
	"CodePipeline Pipeline Execution State Change": {noun: "Pipeline", id: []string{"account", "region", "detail.pipeline"}, name: "detail.pipeline", state: "detail.state",
		why: []string{"detail.additional-information"}, change: true, states: pipelines},
	"CodePipeline Stage Execution State Change": {noun: "Pipeline stage", id: []string{"account", "region", "detail.pipeline", "detail.stage"}, name: "detail.stage", state: "detail.state", states: pipelines},
	"CodePipeline Action Execution State Change": {noun: "Pipeline action", id: []string{"account", "region", "detail.pipeline", "detail.stage", "detail.action"}, name: "detail.action", state: "detail.state",
		why: []string{"detail.execution-result.external-execution-summary", "detail.execution-result.error-code"}, states: pipelines},
	"CodeBuild Build State Change": {noun: "Build of", id: []string{"account", "region", "detail.project-name"}, name: "detail.project-name", state: "detail.build-status",
		why: []string{"detail.additional-information.initiator", "detail.additional-information.source-version"}, states: map[string]turn{"STOPPED": passes}},
	"CodeDeploy Deployment State-change Notification": {noun: "Deployment of", id: []string{"account", "region", "detail.application", "detail.deploymentGroup"}, name: "detail.application", state: "detail.state",
		why: []string{"detail.errorInformation"}, change: true, states: deployments},
	"CodeDeploy Instance State-change Notification": {noun: "Deployment to", id: []string{"detail.instanceId", "detail.deploymentGroup"}, name: "detail.instanceId", state: "detail.state", states: deployments},
	"EC2 Auto Scaling Instance Refresh Failed":      refresh,
	"EC2 Auto Scaling Instance Refresh Succeeded":   refresh,
	"EC2 Auto Scaling Instance Refresh Cancelled":   refresh,
	"Trusted Advisor Check Item Refresh Notification": {noun: "Trusted Advisor:", id: []string{"account", "detail.check-name", "detail.resource_id"}, or: []string{"account", "detail.check-name", "detail.uuid"}, name: "detail.check-name", state: "detail.status", severity: alert.Warning,
		why: []string{"detail.resource_id", "detail.check-item-detail"}, states: map[string]turn{"WARN": begins, "INFO": ended}},
	"Backup Job State Change":  {noun: "Backup job of", id: []string{"detail.backupJobId"}, name: "detail.resourceArn", state: "detail.state", why: []string{"detail.statusMessage"}, start: "detail.creationDate", states: runs},
	"Restore Job State Change": {noun: "Restore job", id: []string{"detail.restoreJobId"}, state: "detail.status", why: []string{"detail.statusMessage"}, start: "detail.creationDate", states: runs},
	"Copy Job State Change":    {noun: "Backup copy", id: []string{"detail.copyJobId"}, state: "detail.state", why: []string{"detail.statusMessage"}, start: "detail.creationDate", states: runs},
	"Step Functions Execution Status Change": {noun: "State machine", id: []string{"detail.stateMachineArn"}, state: "detail.status", why: []string{"detail.error", "detail.cause", "detail.executionArn"},
		states: map[string]turn{"PENDING_REDRIVE": passes, "RUNNING": passes}},
	"Glue Job State Change": {noun: "Glue job", id: []string{"account", "region", "detail.jobName"}, name: "detail.jobName", state: "detail.state", why: []string{"detail.message"}, states: map[string]turn{"STOPPED": passes, "RUNNING": passes}},
	"Glue Job Run Status": {noun: "Glue job", id: []string{"account", "region", "detail.jobName"}, name: "detail.jobName", state: "detail.state", severity: alert.Warning,
		why: []string{"detail.message", "detail.notificationCondition"}, start: "detail.startedOn", states: map[string]turn{"STARTING": begins, "RUNNING": begins, "STOPPING": begins}}, // sent of runs that take too long
	"Glue Crawler State Change": {noun: "Glue crawler", id: []string{"account", "region", "detail.crawlerName"}, name: "detail.crawlerName", state: "detail.state", why: []string{"detail.message", "detail.errorMessage"}},
	"Config Rules Compliance Change": {noun: "Config rule", id: []string{"detail.awsAccountId", "detail.awsRegion", "detail.configRuleName", "detail.resourceId"}, name: "detail.configRuleName",
		state: "detail.newEvaluationResult.complianceType", severity: alert.Warning, why: []string{"detail.resourceType", "detail.resourceId", "detail.newEvaluationResult.annotation"}, states: map[string]turn{"NOT_APPLICABLE": ended}},
	"CloudFormation Stack Status Change": {noun: "Stack", id: []string{"detail.stack-id"}, state: "detail.status-details.status", why: []string{"detail.status-details.status-reason"}, change: true},
	"CloudFormation Drift Detection Status Change": {noun: "Drift of stack", id: []string{"detail.stack-id"}, state: "detail.status-details.stack-drift-status", severity: alert.Warning,
		states: map[string]turn{"DRIFTED": begins, "IN_SYNC": ended, "UNKNOWN": passes, "NOT_CHECKED": passes}},
	"Access Analyzer Finding":                     accessFinding,
	"Unused Access Finding for IAM entities":      accessFinding,
	"EBS Volume Notification":                     {noun: "EBS volume", id: []string{"resources.0"}, state: "detail.result", why: []string{"detail.event", "detail.cause"}, states: map[string]turn{"deleted": ended}},
	"EBS Snapshot Notification":                   {noun: "EBS snapshot", id: []string{"resources.0"}, state: "detail.result", why: []string{"detail.event", "detail.cause", "detail.source"}, states: map[string]turn{"deleted": ended}},
	"ACM Certificate Approaching Expiration":      certificate(alert.Warning),
	"ACM Certificate Renewal Action Required":     certificate(alert.Warning),
	"ACM Certificate Expired":                     certificate(alert.Error),
	"ACM Certificate Available":                   certificate(""),
	"Autoshift In Progress":                       autoshift,
	"Autoshift Completed":                         autoshift,
	"Lambda Function Invocation Result - Failure": invocation,
	"Lambda Function Invocation Result - Success": invocation,
	"OpsItem Create":                              opsItem,
	"OpsItem Update":                              opsItem,
	"DMS Replication Task State Change": {noun: "Replication task", id: []string{"resources.0"}, state: "detail.eventType", why: []string{"detail.detailMessage"},
		states: map[string]turn{"REPLICATION_TASK_STARTED": ended, "REPLICATION_TASK_DELETED": ended, "REPLICATION_TASK_CREATED": passes, "REPLICATION_TASK_MODIFIED": passes}},
	"MediaLive Channel Alert": {noun: "MediaLive alarm", id: []string{"resources.0", "detail.alarm_id"}, name: "detail.alert_type", state: "detail.alarm_state", why: []string{"detail.message"},
		states: map[string]turn{"SET": begins, "CLEARED": ended}},
}

var (
	canary = kind{noun: "Canary", id: []string{"detail.canary-id"}, name: "detail.canary-name", state: "detail.test-run-status", why: []string{"detail.state-reason", "detail.message", "detail.artifact-location"}}

	refresh = kind{noun: "Instance refresh of", id: []string{"detail.AutoScalingGroupName"}, state: "detail-type", change: true,
		states: map[string]turn{"EC2 Auto Scaling Instance Refresh Failed": begins, "EC2 Auto Scaling Instance Refresh Succeeded": ended,
			"EC2 Auto Scaling Instance Refresh Cancelled": passes}}

	// accessFinding is one of IAM Access Analyzer (IAM user guide, "Monitoring IAM
	// Access Analyzer with Amazon EventBridge").
	accessFinding = kind{noun: "Access Analyzer finding:", id: []string{"detail.id"}, name: "detail.resource", state: "detail.status", start: "detail.createdAt", severity: alert.Warning,
		why: []string{"detail.resourceType", "detail.resource", "detail.principal", "detail.action", "detail.error"}, states: map[string]turn{"ACTIVE": begins, "ARCHIVED": ended}}

	// autoshift: AWS moves traffic away from an Availability Zone that is impaired.
	autoshift = kind{noun: "Autoshift of", id: []string{"resources.0"}, state: "detail-type", why: []string{"detail.metadata.awayFrom", "detail.metadata.notes"},
		states: map[string]turn{"Autoshift In Progress": begins, "Autoshift Completed": ended}}

	// invocation is the result of an asynchronous one (AWS Lambda developer guide,
	// "Capturing records of Lambda asynchronous invocations"), by EventBridge or alone.
	invocation = kind{noun: "Function", id: []string{"detail.requestContext.functionArn"}, state: "detail.requestContext.condition", states: map[string]turn{"RetriesExhausted": begins, "EventAgeExceeded": begins},
		why: []string{"detail.responsePayload.errorType", "detail.responsePayload.errorMessage", "detail.requestPayload"}}

	opsItem = kind{noun: "OpsItem", id: []string{"account", "region", "detail.ops-item-id"}, name: "detail.title", state: "detail.status", why: []string{"detail.description"}}

	runs = map[string]turn{"RUNNING": passes}

	serviceActions = map[string]turn{
		"SERVICE_STEADY_STATE": ended, "SERVICE_DEPLOYMENT_COMPLETED": ended, "SERVICE_DEPLOYMENT_IN_PROGRESS": passes, "SERVICE_DESIRED_COUNT_UPDATED": passes,
		"TASKSET_STEADY_STATE": ended, "TASKSET_SCALE_IN": passes, "TASKSET_SCALE_OUT": passes, "CAPACITY_PROVIDER_STEADY_STATE": ended,
		"SERVICE_DEPLOYMENT_FAILED": begins, "SERVICE_TASK_START_IMPAIRED": begins, "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY": begins, "SERVICE_DAEMON_PLACEMENT_CONSTRAINT_VIOLATED": begins,
		"VPC_LATTICE_TARGET_UNHEALTHY": begins, "VPC_LATTICE_TARGET_HEALTHY": ended, "ECS_OPERATION_THROTTLED": begins, "SERVICE_DISCOVERY_OPERATION_THROTTLED": begins, "SERVICE_TASK_PLACEMENT_FAILURE": begins, "SERVICE_TASK_CONFIGURATION_FAILURE": begins,
		"SERVICE_HEALTH_UNKNOWN": passes,
	}
	pipelines   = map[string]turn{"SUPERSEDED": passes, "RESUMED": passes, "STOPPED": passes, "STOPPING": passes, "ABANDONED": passes}
	deployments = map[string]turn{"START": passes, "READY": passes, "STOP": passes}
)

// certificate is one of ACM, whose alerts end when it was renewed.
func certificate(severity alert.Severity) kind {
	return kind{noun: "Certificate", id: []string{"resources.0"}, name: "detail.CommonName", state: "detail-type", severity: severity,
		states: map[string]turn{"ACM Certificate Approaching Expiration": begins, "ACM Certificate Renewal Action Required": begins, "ACM Certificate Expired": begins, "ACM Certificate Available": ended}}
}

// event reads an event of EventBridge.
func (in *reader) event(v doc.Value) {
	if v.Kind() != doc.Object {
		in.reject("detail: is nested too deep")
		return
	}
	switch name := v.Get("detail-type").Text(); name {
	case "CloudWatch Alarm State Change", "CloudWatch Alarm Contributor State Change":
		in.add(in.alarm(ofEvent(v)))
	case "CloudWatch Alarm Configuration Change":
		in.configured(v)
	case "Scheduled Event":
		in.note("a schedule of EventBridge fired; that is no alert")
	case "EC2 Instance-launch Lifecycle Action", "EC2 Instance-terminate Lifecycle Action", "EC2 Auto Scaling Instance Refresh Started", "EC2 Auto Scaling Instance Refresh Checkpoint Reached",
		"CodeBuild Build Phase Change", "CloudFormation Resource Status Change", "Calendar State Change":
		in.note(name + " of " + lastOf(v.At("resources.0").Text()) + ": a step on the way, no alert")
	case "Tag Change on Resource", "Parameter Store Change", "CodeCommit Repository State Change":
		in.configuration(v, name)
	case "AWS Health Event", "AWS Health Abuse Event":
		in.health(v)
	case "GuardDuty Finding":
		in.guardDuty(v)
	case "Security Hub Findings - Imported", "Security Hub Findings - Custom Action", "Findings Imported V2":
		in.securityHub(v)
	case "Inspector2 Finding":
		in.inspector(v)
	case "Macie Finding":
		in.macie(v)
	case "ECR Image Scan", "Inspector2 Scan":
		in.imageScan(v)
	case "GuardDuty Malware Protection Object Scan Result":
		in.malwareScan(v)
	case "Anomaly Detected":
		in.anomaly(v.Get("detail"), v.First("detail.accountId", "account"))
	case "ECS Task State Change":
		in.task(v)
	case "EC2 Instance Launch Unsuccessful", "EC2 Instance Launch Successful", "EC2 Instance Terminate Unsuccessful", "EC2 Instance Terminate Successful":
		in.scaled(v, name)
	default:
		in.other(v, name)
	}
}

// other reads by the table, else by what all events have.
func (in *reader) other(v doc.Value, name string) {
	switch {
	case strings.HasPrefix(name, "RDS ") && strings.HasSuffix(name, "Event"):
		in.rds(v)
	case strings.HasSuffix(name, " via CloudTrail"):
		in.trail(v, name)
	case strings.HasPrefix(name, "Config ") && v.At("detail.messageType").Present() && kinds[name].noun == "":
		in.config(message{id: v.Get("id").Text(), body: v.Get("detail"), at: source.Instant(v.Get("time").Text())}, eventLabels(v))
	case v.Get("source").Text() == "aws.elasticbeanstalk" && v.At("detail.EnvironmentName").Present():
		in.environment(environment{application: v.At("detail.ApplicationName").Text(), name: v.At("detail.EnvironmentName").Text(), told: v.At("detail.Message").Text(), id: v.Get("id").Text(), at: source.Instant(v.Get("time").Text())}, eventLabels(v))
	case v.Get("source").Text() == "aws.s3" && v.At("detail.bucket.name").Present():
		in.object(v, name)
	case strings.HasPrefix(name, "CodeCommit "):
		in.note(join(": ", name, v.First("detail.title", "detail.notificationBody")))
	case kinds[name].noun != "" && kinds[name].identity(v) != "":
		in.known(v, kinds[name])
	default:
		in.generic(v, name)
	}
}

func (k kind) identity(v doc.Value) string {
	if id := idOf(v, k.id); id != "" {
		return id
	}
	return idOf(v, k.or)
}

// idOf is "" unless all paths lead to something.
func idOf(v doc.Value, paths []string) string {
	id := ""
	for _, p := range paths {
		text := v.At(p).Text()
		if text == "" {
			return ""
		}
		id = join("/", id, text)
	}
	return id
}

func (in *reader) known(v doc.Value, k kind) {
	state, id, at := v.At(k.state).Text(), k.identity(v), source.Instant(v.Get("time").Text())
	name := lastOf(v.At(k.id[len(k.id)-1]).Text())
	if k.name != "" {
		name = source.FirstText(lastOf(v.At(k.name).Text()), name)
	}
	a := alert.Alert{
		DedupKey: alert.SenderKey(keyWord(k.noun), id), Episode: keyWord(k.noun), Title: join(" ", k.noun, name, shown(state)), Group: v.Get("detail-type").Text(), Description: texts(v, k.why),
		Labels: eventLabels(v), Links: eventLinks(v), StartedAt: at,
	}
	if k.start != "" {
		a.StartedAt = source.Instant(v.At(k.start).Text())
	}
	set(a.Labels, "state", state)
	turned := meaning(state, k.states)
	if turned == unclear && v.At("detail.eventType").Text() == "INFO" { // of Amazon ECS
		turned = passes
	}
	switch turned {
	case ended:
		a.Status, a.EndedAt = alert.Resolved, at
		if k.start == "" {
			a.StartedAt = source.Instant("")
		}
		if k.change {
			in.changed(source.Change{ID: v.Get("id").Text(), Title: a.Title, At: at, Labels: a.Labels, Links: a.Links})
		}
	case passes:
		in.note(a.Title)
		return
	default:
		a.Status, a.Severity = alert.Firing, k.severity
		if a.Severity == "" {
			a.Severity = alert.Error
		}
	}
	in.fire(a)
}

// shown is a state without what stands before it where the name of the event
// is the state.
func shown(state string) string {
	for _, before := range [...]string{"EC2 Auto Scaling Instance Refresh ", "ACM Certificate ", "Autoshift "} {
		state = strings.TrimPrefix(state, before)
	}
	return state
}

// configuration takes what somebody changed: no alert, but context of those
// that follow.
func (in *reader) configuration(v doc.Value, name string) {
	detail := v.Get("detail")
	what := source.FirstText(detail.First("name", "repositoryName"), lastOf(v.At("resources.0").Text()))
	labels := eventLabels(v)
	set(labels, scalars(detail)...)
	in.changed(source.Change{ID: v.Get("id").Text(), Title: join(" ", join(": ", name, what), join(" ", detail.First("operation", "event"), detail.First("referenceName"))), At: source.Instant(v.Get("time").Text()),
		Labels: labels})
}

// changed takes a deployment that came to a good end.
func (in *reader) changed(c source.Change) {
	c.Source = in.name
	in.out.Changes = append(in.out.Changes, source.Changed(c))
}

// keyWord makes a word for keys of a noun: "Batch job" is batch_job.
func keyWord(noun string) string {
	noun = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(noun), ":"), " of"), " to")
	return strings.ReplaceAll(noun, " ", "_")
}

// lastOf is what a person calls the thing of an ARN.
func lastOf(id string) string {
	a, ok := parseARN(id)
	if !ok && strings.HasPrefix(id, "arn:") { // without an account, as that of a spot instance
		return id[strings.LastIndexAny(id, "/:")+1:]
	}
	if !ok {
		return id
	}
	if _, rest, found := strings.Cut(a.resource, "/"); found {
		return rest
	}
	if _, rest, found := strings.Cut(a.resource, ":"); found {
		return rest
	}
	return a.resource
}

func texts(v doc.Value, paths []string) string {
	out := ""
	for _, p := range paths {
		out = join("\n", out, unless(strings.Trim(v.At(p).Text(), `" `), "null"))
	}
	return out
}

// meaning sorts a state by the words of its kind, then by those that AWS uses
// everywhere.
func meaning(state string, own map[string]turn) turn {
	if t, ok := own[state]; ok {
		return t
	}
	switch word := strings.ToUpper(strings.NewReplacer("-", "_", " ", "_").Replace(source.SplitCase(strings.TrimSpace(state)))); word {
	case "FAILED", "FAILURE", "FAIL", "ERROR", "TIMED_OUT", "TIMEOUT", "ABORTED", "EXPIRED", "FAULT", "NON_COMPLIANT", "UNHEALTHY", "IMPAIRED", "DEGRADED", "ALARM", "PARTIAL", "OPEN", "TERMINATED_WITH_ERRORS",
		"OUT_OF_SERVICE", "NOT_READY":
		return begins
	case "SUCCEEDED", "SUCCESS", "SUCCESSFUL", "COMPLETED", "COMPLETE", "OK", "PASSED", "RESOLVED", "CLOSED", "HEALTHY", "COMPLIANT", "AVAILABLE", "RUNNING", "ACTIVE", "DELETED", "TERMINATED", "IN_SERVICE", "READY", "FINISHED",
		"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE", "IMPORT_COMPLETE":
		return ended
	case "STARTED", "STARTING", "IN_PROGRESS", "PENDING", "CREATED", "CREATING", "SUBMITTED", "RUNNABLE", "QUEUED", "CANCELED", "CANCELLED", "STOPPING", "DELETING", "UPDATING", "WAITING",
		"SCHEDULED", "LAUNCHING", "PREPARING", "PROCESSING", "PROGRESSING", "TRANSFERRING", "VERIFYING", "STATUS_UPDATE":
		return passes
	default:
		switch {
		case strings.Contains(word, "ROLLBACK") && !strings.HasSuffix(word, "_IN_PROGRESS"), strings.HasSuffix(word, "_FAILED"), strings.HasSuffix(word, "_TIMED_OUT"):
			return begins
		case strings.HasSuffix(word, "_IN_PROGRESS"):
			return passes
		}
	}
	return unclear
}

// scalars lists the short values at the top of an object as labels.
func scalars(v doc.Value) []string {
	var out []string
	for name, value := range source.Named(v) {
		switch value.Kind() {
		case doc.String, doc.Number, doc.Bool:
			if text := value.Text(); len(text) <= 128 && len(name) <= 64 && len(out) < 32 {
				out = append(out, name, text)
			}
		}
	}
	return out
}

// eventLabels are those of every event.
func eventLabels(v doc.Value) map[string]string {
	labels := map[string]string{}
	set(labels, "aws_source", v.Get("source").Text(), "detail_type", v.Get("detail-type").Text(), "account", v.Get("account").Text(), "region", v.Get("region").Text(),
		"resource", v.At("resources.0").Text())
	return labels
}

// eventLinks are the addresses that details hold.
func eventLinks(v doc.Value) []alert.Link {
	return source.Links(
		"Details", v.First("detail.anomalyDetailsLink", "detail.insightUrl", "detail.url", "detail.SourceUrl"),
		"Logs", v.At("detail.additional-information.logs.deep-link").Text(),
		"Execution", v.At("detail.execution-result.external-execution-url").Text())
}

// rds reads an event of a database: something happened. It has no recovery.
func (in *reader) rds(v doc.Value) {
	detail := v.Get("detail")
	var categories []string
	for c := range source.Some(detail.Get("EventCategories")) {
		categories = append(categories, c.Text())
	}
	told, id := detail.Get("Message").Text(), source.FirstText(detail.Get("SourceArn").Text(), v.At("resources.0").Text(), detail.Get("SourceIdentifier").Text())
	labels := eventLabels(v)
	set(labels, "source_id", detail.Get("SourceIdentifier").Text(), "source_type", detail.Get("SourceType").Text(), "event_id", detail.Get("EventID").Text(), "categories", strings.Join(categories, ", "))
	in.happened(alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"source": id, "event": detail.Get("EventID").Text()}), Group: labels["event_id"], Labels: labels,
		Title: join(": ", source.FirstText(detail.Get("SourceIdentifier").Text(), lastOf(id)), told), Description: told, Status: alert.Firing, Severity: toldSeverity(told, categories),
		StartedAt: source.Instant(detail.First("Date")), Links: source.Links(),
	})
}

// task reads a change of an ECS task. One that failed counts for the service
// or family that it belongs to, because a task never comes back; another one
// that runs ends it (Amazon ECS developer guide, "Task state change events").
func (in *reader) task(v doc.Value) {
	detail, at := v.Get("detail"), source.Instant(v.Get("time").Text())
	group, state, code := source.FirstText(detail.Get("group").Text(), detail.Get("taskDefinitionArn").Text(), detail.Get("taskArn").Text()), detail.Get("lastStatus").Text(), detail.Get("stopCode").Text()
	labels := eventLabels(v)
	set(labels, "group", group, "cluster", lastOf(detail.Get("clusterArn").Text()), "task", detail.Get("taskArn").Text(), "stop_code", code)
	a := alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"cluster": detail.Get("clusterArn").Text(), "group": group}), Episode: "task", Group: group, Labels: labels,
		Title: fmt.Sprintf("Task of %s is %s", group, state), Description: join("\n", detail.Get("stoppedReason").Text(), exits(detail)),
	}
	switch {
	case state == "RUNNING" && detail.Get("desiredStatus").Text() != "STOPPED":
		a.Status, a.EndedAt = alert.Resolved, at
	case state == "STOPPED" && (code == "TaskFailedToStart" || code == "EssentialContainerExited" && failed(detail)):
		a.Status, a.Severity, a.StartedAt, a.Title = alert.Firing, alert.Error, at, a.Title+": "+code
	default:
		in.note(a.Title)
		return
	}
	in.fire(a)
}

// failed reports whether a container of a task ended with an error, or without
// saying how.
func failed(detail doc.Value) bool {
	for c := range detail.Get("containers").Items() {
		if c.Get("exitCode").Text() != "0" {
			return true
		}
	}
	return detail.Get("containers").Len() == 0
}

func exits(detail doc.Value) string {
	var told []string
	for c := range source.Some(detail.Get("containers")) {
		told = append(told, join(" ", c.Get("name").Text(), sized("exit code %s", c.Get("exitCode").Text()), c.Get("reason").Text()))
	}
	return join(", ", told...)
}

// scaled reads how a launch or termination in an Auto Scaling group ended.
func (in *reader) scaled(v doc.Value, name string) {
	detail, at := v.Get("detail"), source.Instant(v.Get("time").Text())
	verb := "launch"
	if strings.Contains(name, "Terminate") {
		verb = "terminate"
	}
	group, labels := source.FirstText(detail.Get("AutoScalingGroupName").Text(), lastOf(v.At("resources.0").Text())), eventLabels(v)
	set(labels, "auto_scaling_group", group, "instance", detail.Get("EC2InstanceId").Text(), "status", detail.Get("StatusCode").Text())
	a := alert.Alert{
		DedupKey: scalingKey(source.FirstText(v.At("resources.0").Text(), group), verb), Title: join(": ", group, name), Group: name, Labels: labels,
		Description: join("\n", detail.Get("Description").Text(), detail.Get("StatusMessage").Text(), detail.Get("Cause").Text()), Status: alert.Resolved, EndedAt: at,
	}
	if strings.HasSuffix(name, "Unsuccessful") {
		a.Status, a.Severity, a.StartedAt, a.EndedAt, a.Episode = alert.Firing, alert.Error, at, source.Instant(""), verb
	}
	in.fire(a)
}
