package aws

import (
	"fmt"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/doc"
)

// kind says how the events of one detail-type are read. Paths begin at the
// event.
type kind struct {
	noun     string   // what it is about: "Canary"
	id       []string // paths whose texts together are its identity
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
		why: []string{"detail.state-reason", "detail.message"}, states: map[string]turn{"READY": ended, "STOPPED": ended}},
	"EC2 Instance State-change Notification": {noun: "Instance", id: []string{"detail.instance-id"}, state: "detail.state", severity: alert.Warning,
		states: map[string]turn{"stopped": begins, "terminated": ended, "running": ended, "stopping": passes, "shutting-down": passes}},
	"ECS Service Action":          {noun: "Service", id: []string{"resources.0"}, state: "detail.eventName", why: []string{"detail.reason"}, states: serviceActions},
	"ECS Deployment State Change": {noun: "Deployment of", id: []string{"resources.0"}, state: "detail.eventName", why: []string{"detail.reason"}, change: true, states: serviceActions},
	"Batch Job State Change":      {noun: "Batch job", id: []string{"detail.jobQueue", "detail.jobName"}, name: "detail.jobName", state: "detail.status", why: []string{"detail.statusReason"}},
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
	"Trusted Advisor Check Item Refresh Notification": {noun: "Trusted Advisor:", id: []string{"detail.uuid"}, name: "detail.check-name", state: "detail.status", severity: alert.Warning,
		why: []string{"detail.resource_id", "detail.check-item-detail"}, states: map[string]turn{"WARN": begins, "INFO": ended}},
	"Backup Job State Change":  {noun: "Backup job of", id: []string{"detail.backupJobId"}, name: "detail.resourceArn", state: "detail.state", why: []string{"detail.statusMessage"}, start: "detail.creationDate"},
	"Restore Job State Change": {noun: "Restore job", id: []string{"detail.restoreJobId"}, state: "detail.status", why: []string{"detail.statusMessage"}, start: "detail.creationDate"},
	"Copy Job State Change":    {noun: "Backup copy", id: []string{"detail.copyJobId"}, state: "detail.state", why: []string{"detail.statusMessage"}, start: "detail.creationDate"},
	"Step Functions Execution Status Change": {noun: "State machine", id: []string{"detail.stateMachineArn"}, state: "detail.status", why: []string{"detail.error", "detail.cause", "detail.executionArn"},
		states: map[string]turn{"PENDING_REDRIVE": passes}},
	"Glue Job State Change": {noun: "Glue job", id: []string{"account", "region", "detail.jobName"}, name: "detail.jobName", state: "detail.state", why: []string{"detail.message"}, states: map[string]turn{"STOPPED": passes}},
	"Config Rules Compliance Change": {noun: "Config rule", id: []string{"detail.awsAccountId", "detail.awsRegion", "detail.configRuleName", "detail.resourceId"}, name: "detail.configRuleName",
		state: "detail.newEvaluationResult.complianceType", severity: alert.Warning, why: []string{"detail.resourceType", "detail.resourceId", "detail.newEvaluationResult.annotation"}, states: map[string]turn{"NOT_APPLICABLE": ended}},
	"CloudFormation Stack Status Change": {noun: "Stack", id: []string{"detail.stack-id"}, state: "detail.status-details.status", why: []string{"detail.status-details.status-reason"}, change: true},
}

var (
	canary = kind{noun: "Canary", id: []string{"detail.canary-id"}, name: "detail.canary-name", state: "detail.test-run-status", why: []string{"detail.state-reason", "detail.message", "detail.artifact-location"}}

	refresh = kind{noun: "Instance refresh of", id: []string{"detail.AutoScalingGroupName"}, state: "detail-type", change: true,
		states: map[string]turn{"EC2 Auto Scaling Instance Refresh Failed": begins, "EC2 Auto Scaling Instance Refresh Succeeded": ended}}

	serviceActions = map[string]turn{
		"SERVICE_STEADY_STATE": ended, "SERVICE_DEPLOYMENT_COMPLETED": ended, "SERVICE_DEPLOYMENT_IN_PROGRESS": passes, "SERVICE_DESIRED_COUNT_UPDATED": passes,
		"TASKSET_STEADY_STATE": ended, "TASKSET_SCALE_IN": passes, "TASKSET_SCALE_OUT": passes, "CAPACITY_PROVIDER_STEADY_STATE": ended,
		"SERVICE_DEPLOYMENT_FAILED": begins, "SERVICE_TASK_START_IMPAIRED": begins, "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY": begins, "SERVICE_DAEMON_PLACEMENT_CONSTRAINT_VIOLATED": begins,
		"ECS_OPERATION_THROTTLED": begins, "SERVICE_DISCOVERY_OPERATION_THROTTLED": begins, "SERVICE_TASK_PLACEMENT_FAILURE": begins, "SERVICE_TASK_CONFIGURATION_FAILURE": begins,
		"SERVICE_HEALTH_UNKNOWN": passes,
	}
	pipelines   = map[string]turn{"SUPERSEDED": passes, "RESUMED": passes, "STOPPED": passes, "STOPPING": passes, "ABANDONED": passes}
	deployments = map[string]turn{"START": passes, "READY": passes, "STOP": passes}
)

// event reads an event of EventBridge.
func (in *reader) event(v doc.Value) {
	switch name := v.Get("detail-type").Text(); name {
	case "CloudWatch Alarm State Change", "CloudWatch Alarm Contributor State Change":
		in.add(in.alarm(ofEvent(v)))
	case "CloudWatch Alarm Configuration Change":
		in.configured(v)
	case "Scheduled Event":
		in.note("a schedule of EventBridge fired; that is no alert")
	case "AWS Health Event", "AWS Health Abuse Event":
		in.health(v)
	case "GuardDuty Finding":
		in.guardDuty(v)
	case "Security Hub Findings - Imported", "Security Hub Findings - Custom Action", "Findings Imported V2":
		in.securityHub(v)
	case "Inspector2 Finding":
		in.inspector(v)
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
	case strings.HasPrefix(name, "RDS DB ") && strings.HasSuffix(name, "Event"):
		in.rds(v)
	case kinds[name].noun != "" && idOf(v, kinds[name].id) != "":
		in.known(v, kinds[name])
	default:
		in.generic(v, name)
	}
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
	state, id, at := v.At(k.state).Text(), idOf(v, k.id), source.Instant(v.Get("time").Text())
	name := lastOf(v.At(k.id[len(k.id)-1]).Text())
	if k.name != "" {
		name = source.FirstText(lastOf(v.At(k.name).Text()), name)
	}
	a := alert.Alert{
		DedupKey: alert.SenderKey(keyWord(k.noun), id), Episode: keyWord(k.noun), Title: join(" ", k.noun, name, state), Group: v.Get("detail-type").Text(), Description: texts(v, k.why),
		Labels: eventLabels(v), Links: eventLinks(v), StartedAt: at,
	}
	if k.start != "" {
		a.StartedAt = source.Instant(v.At(k.start).Text())
	}
	set(a.Labels, "state", state)
	switch meaning(state, k.states) {
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
	switch word := strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(state), "-", "_")); word {
	case "FAILED", "FAILURE", "FAIL", "ERROR", "TIMED_OUT", "TIMEOUT", "ABORTED", "EXPIRED", "FAULT", "NON_COMPLIANT", "UNHEALTHY", "IMPAIRED", "DEGRADED", "ALARM", "PARTIAL", "DELETE_FAILED", "OPEN":
		return begins
	case "SUCCEEDED", "SUCCESS", "SUCCESSFUL", "COMPLETED", "COMPLETE", "OK", "PASSED", "RESOLVED", "CLOSED", "HEALTHY", "COMPLIANT", "AVAILABLE", "RUNNING", "ACTIVE",
		"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE", "IMPORT_COMPLETE":
		return ended
	case "STARTED", "STARTING", "IN_PROGRESS", "PENDING", "CREATED", "CREATING", "SUBMITTED", "RUNNABLE", "QUEUED", "CANCELED", "CANCELLED", "STOPPING", "DELETING", "UPDATING", "WAITING":
		return passes
	default:
		switch {
		case strings.Contains(word, "ROLLBACK") && !strings.HasSuffix(word, "_IN_PROGRESS"), strings.HasSuffix(word, "_FAILED"):
			return begins
		case strings.HasSuffix(word, "_IN_PROGRESS"):
			return passes
		}
	}
	return unclear
}

// generic reads an event of which only the wrapping is known: a state if it
// has one by a usual name, else it is something that happened.
func (in *reader) generic(v doc.Value, name string) {
	detail, at := v.Get("detail"), source.Instant(v.Get("time").Text())
	state := detail.First("state.value", "state", "status", "current-state", "currentState", "lifecycleState", "State", "Status")
	told := source.FirstText(detail.First("title", "Title", "summary", "message", "Message", "description", "Description", "reason", "cause", "errorMessage"))
	what := source.FirstText(detail.First("name", "Name"), lastOf(v.At("resources.0").Text()))
	if len(state) > 64 || strings.HasPrefix(state, "{") {
		state = ""
	}
	a := alert.Alert{
		DedupKey: genericKey(v, name), Title: join(": ", name, join(" ", what, state), firstLine(told)), Group: name, Description: join("\n", told, plainDetail(detail)), Labels: eventLabels(v),
		Links: eventLinks(v), Status: alert.Firing, StartedAt: at, Severity: source.SeverityOf(detail.First("severity", "severity.label", "Severity", "priority", "eventType")),
	}
	set(a.Labels, append(scalars(detail), "state", state)...)
	switch t := meaning(state, nil); {
	case t == ended, state == "" && endedByName(name):
		a.Status, a.StartedAt, a.EndedAt = alert.Resolved, source.Instant(""), at
	case t == passes:
		in.note(a.Title)
		return
	case t == begins:
		a.Episode = "state"
		if a.Severity == "" {
			a.Severity = alert.Error
		}
	}
	in.fire(a)
}

// endedByName: services that have an event for each end of something put it
// into the name ("DevOps Guru Insight Closed").
func endedByName(name string) bool {
	for _, w := range [...]string{" Closed", " Resolved", " Recovered"} {
		if strings.HasSuffix(name, w) {
			return true
		}
	}
	return false
}

// genericKey identifies what an event is about: by an id in its detail, else by
// its resources, else by its own kind.
func genericKey(v doc.Value, name string) string {
	detail := v.Get("detail")
	parts := map[string]string{"source": v.Get("source").Text(), "account": v.Get("account").Text(), "region": v.Get("region").Text()}
	switch id := detail.First("insightId", "findingArn", "findingId", "alertId", "incidentId", "arn", "id", "Id", "name", "Name"); {
	case id != "":
		parts["id"] = id
	case v.Get("resources").Len() > 0:
		parts["resources"] = v.Get("resources").JSON()
		parts["type"] = name
	default:
		parts["type"] = name
	}
	return alert.HashKey(parts)
}

// plainDetail is a detail as it is, where it is short enough to be read.
func plainDetail(detail doc.Value) string {
	text := detail.JSON()
	if len(text) > 1024 {
		return ""
	}
	return text
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
	in.fire(alert.Alert{
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
	group, labels := detail.Get("AutoScalingGroupName").Text(), eventLabels(v)
	set(labels, "auto_scaling_group", group, "instance", detail.Get("EC2InstanceId").Text(), "status", detail.Get("StatusCode").Text())
	a := alert.Alert{
		DedupKey: scalingKey(source.FirstText(v.At("resources.0").Text(), group), verb), Title: group + ": " + name, Group: name, Labels: labels,
		Description: join("\n", detail.Get("Description").Text(), detail.Get("StatusMessage").Text(), detail.Get("Cause").Text()), Status: alert.Resolved, EndedAt: at,
	}
	if strings.HasSuffix(name, "Unsuccessful") {
		a.Status, a.Severity, a.StartedAt, a.EndedAt, a.Episode = alert.Firing, alert.Error, at, source.Instant(""), verb
	}
	in.fire(a)
}
