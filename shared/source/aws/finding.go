package aws

import (
	"strconv"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// health reads an event of AWS Health (AWS Health user guide, "AWS Health
// events Amazon EventBridge schema"). An ARN names one incident, in several
// accounts at once where it concerns each of them on its own.
func (in *reader) health(v doc.Value) {
	detail := v.Get("detail")
	id, code, category := detail.Get("eventArn").Text(), detail.Get("eventTypeCode").Text(), detail.Get("eventTypeCategory").Text()
	if id == "" {
		in.reject("detail.eventArn: missing")
		return
	}
	key := id
	if detail.Get("eventScopeCode").Text() == "ACCOUNT_SPECIFIC" {
		key = join("@", id, detail.Get("affectedAccount").Text())
	}
	region := source.FirstText(detail.Get("eventRegion").Text(), v.Get("region").Text())
	labels := eventLabels(v)
	set(labels, "service", detail.Get("service").Text(), "category", category, "region", region, "event_type", code, "affected_account", detail.Get("affectedAccount").Text(), "entities", entities(detail))
	a := alert.Alert{
		DedupKey: alert.SenderKey("health_event", key), Episode: "incident", Title: join(" ", "AWS Health", category+":", code, "in", region), Group: code,
		Description: join("\n", healthText(detail), "Affected: "+source.FirstText(entities(detail), "not told")), Labels: labels, Status: alert.Firing, StartedAt: source.Instant(detail.Get("startTime").Text()),
		Links: source.Links("AWS Health", "https://health.aws.amazon.com/health/home#/event-log?eventID="+id+"&eventTab=details"),
	}
	switch category {
	case "issue", "investigation":
		a.Severity = alert.Error
	case "scheduledChange":
		a.Severity = alert.Warning
	case "accountNotification":
		a.Severity = alert.Info
	}
	if ends := source.Instant(detail.Get("endTime").Text()); closed(detail.Get("statusCode").Text(), ends, in.received) {
		a.Status, a.EndedAt = alert.Resolved, ends
	}
	in.fire(a)
}

// closed: the end of a scheduled change is told ahead of it.
func closed(status string, ends, received time.Time) bool {
	switch status {
	case "closed":
		return true
	case "open", "upcoming":
		return false
	}
	return !ends.IsZero() && !ends.After(received)
}

func healthText(detail doc.Value) string {
	for d := range detail.Get("eventDescription").Items() {
		if strings.HasPrefix(d.Get("language").Text(), "en") {
			return d.Get("latestDescription").Text()
		}
	}
	return detail.At("eventDescription.0.latestDescription").Text()
}

func entities(detail doc.Value) string {
	out := ""
	for e := range detail.Get("affectedEntities").Items() {
		if out = join(", ", out, e.Get("entityValue").Text()); len(out) > 400 {
			break
		}
	}
	return out
}

// guardDuty reads a finding. It has no recovery but that it is archived
// (Amazon GuardDuty user guide, "Finding details" and "Severity levels").
func (in *reader) guardDuty(v doc.Value) {
	detail := v.Get("detail")
	id := detail.First("id", "Id")
	if id == "" {
		in.reject("detail.id: missing")
		return
	}
	region := source.FirstText(detail.Get("region").Text(), v.Get("region").Text())
	labels := eventLabels(v)
	set(labels, "type", detail.First("type", "Type"), "account", source.FirstText(detail.Get("accountId").Text(), v.Get("account").Text()), "region", region,
		"resource_type", detail.At("resource.resourceType").Text(), "instance", detail.At("resource.instanceDetails.instanceId").Text(),
		"user", detail.At("resource.accessKeyDetails.userName").Text(), "bucket", detail.At("resource.s3BucketDetails.0.name").Text(),
		"cluster", detail.At("resource.eksClusterDetails.name").Text(), "action", detail.At("service.action.actionType").Text(), "count", detail.At("service.count").Text())
	a := alert.Alert{
		DedupKey: alert.SenderKey("guardduty_finding", id), Episode: id, Title: source.FirstText(detail.First("title", "Title", "type"), "GuardDuty finding "+id), Group: labels["type"],
		Description: join("\n", detail.First("description", "Description"), "Type: "+labels["type"]), Severity: numbered(detail.First("severity", "Severity")), Labels: labels, Status: alert.Firing,
		StartedAt: source.Instant(detail.First("service.eventFirstSeen", "createdAt")), Links: source.Links("GuardDuty", console(region, "/guardduty/home?region="+region+"#/findings?macros=current&fId="+id)),
	}
	if detail.At("service.archived").True() {
		a.Status, a.EndedAt = alert.Resolved, source.Instant(detail.Get("updatedAt").Text())
	}
	in.fire(a)
}

// numbered sorts GuardDuty's numbers: critical from 9, high from 7, medium from
// 4. A word is taken as one.
func numbered(s string) alert.Severity {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	switch {
	case err != nil:
		return source.SeverityOf(s)
	case n >= 9:
		return alert.Critical
	case n >= 7:
		return alert.Error
	case n >= 4:
		return alert.Warning
	}
	return alert.Info
}

// securityHub reads findings of many products: in ASFF, or in OCSF as newer
// events hold them.
func (in *reader) securityHub(v doc.Value) {
	findings := v.At("detail.findings")
	if findings.Len() == 0 {
		in.reject("detail.findings: missing; expected an array of findings")
		return
	}
	if source.TooMany(findings.Len()+len(in.out.Items)) != nil {
		in.reject("detail.findings: too many")
		return
	}
	for f := range findings.Items() {
		if f.Get("finding_info").Kind() == doc.Object {
			in.ocsf(v, f)
		} else {
			in.asff(v, f)
		}
	}
}

// asff reads a finding in the AWS Security Finding Format (AWS Security Hub
// user guide).
func (in *reader) asff(v, f doc.Value) {
	id := f.Get("Id").Text()
	if id == "" {
		in.reject("Id: missing")
		return
	}
	labels := eventLabels(v)
	set(labels, "product", source.FirstText(f.First("ProductName", "ProductFields.aws/securityhub/ProductName"), lastOf(f.Get("ProductArn").Text())), "account", f.Get("AwsAccountId").Text(),
		"region", f.Get("Region").Text(), "resource", f.At("Resources.0.Id").Text(), "resource_type", f.At("Resources.0.Type").Text(), "type", f.At("Types.0").Text(),
		"compliance", f.At("Compliance.Status").Text(), "control", f.At("Compliance.SecurityControlId").Text(), "workflow", f.At("Workflow.Status").Text(), "record", f.Get("RecordState").Text())
	a := alert.Alert{
		DedupKey: alert.SenderKey("security_finding", id), Episode: "finding", Title: source.FirstText(f.Get("Title").Text(), id), Group: source.FirstText(labels["control"], f.Get("GeneratorId").Text()),
		Description: join("\n", f.Get("Description").Text(), f.At("Remediation.Recommendation.Text").Text()), Severity: asffSeverity(f.Get("Severity")), Labels: labels, Status: alert.Firing,
		StartedAt: source.Instant(f.First("FirstObservedAt", "CreatedAt")), Links: source.Links("Finding", f.Get("SourceUrl").Text(), "Remediation", f.At("Remediation.Recommendation.Url").Text()),
	}
	workflow := labels["workflow"]
	if labels["record"] == "ARCHIVED" || workflow == "RESOLVED" || workflow == "SUPPRESSED" || labels["compliance"] == "PASSED" {
		a.Status, a.EndedAt = alert.Resolved, source.Instant(f.First("UpdatedAt", "LastObservedAt"))
	}
	in.fire(a)
}

func asffSeverity(v doc.Value) alert.Severity {
	if s := source.SeverityOf(v.First("Label", "Original")); s != "" {
		return s
	}
	n, err := strconv.ParseFloat(v.Get("Normalized").Text(), 64)
	switch {
	case err != nil:
		return ""
	case n >= 90:
		return alert.Critical
	case n >= 70:
		return alert.Error
	case n >= 40:
		return alert.Warning
	}
	return alert.Info
}

// ocsf reads a finding in the Open Cybersecurity Schema Framework (schema 1.5,
// class Finding: status_id 3 is suppressed, 4 resolved, 5 archived).
func (in *reader) ocsf(v, f doc.Value) {
	info, labels := f.Get("finding_info"), eventLabels(v)
	id := info.First("uid", "title")
	if id == "" {
		in.reject("finding_info.uid: missing")
		return
	}
	set(labels, "product", f.At("metadata.product.name").Text(), "account", f.At("cloud.account.uid").Text(), "region", f.At("cloud.region").Text(),
		"resource", f.At("resources.0.uid").Text(), "resource_type", f.At("resources.0.type").Text(), "type", info.At("types.0").Text(), "state", f.Get("status").Text())
	a := alert.Alert{
		DedupKey: alert.SenderKey("security_finding", id), Episode: "finding", Title: source.FirstText(info.Get("title").Text(), id), Description: join("\n", info.Get("desc").Text(), f.At("remediation.desc").Text()),
		Severity: source.SeverityOf(f.Get("severity").Text()), Labels: labels, Status: alert.Firing, StartedAt: source.Instant(info.First("first_seen_time_dt", "created_time_dt", "created_time")),
		Links: source.Links("Finding", info.Get("src_url").Text(), "Remediation", f.At("remediation.references.0").Text()),
	}
	switch f.Get("status_id").Text() {
	case "3", "4", "5":
		a.Status, a.EndedAt = alert.Resolved, source.Instant(info.First("modified_time_dt", "modified_time"))
	}
	in.fire(a)
}

// inspector reads a finding of Amazon Inspector (Amazon Inspector user guide,
// "Amazon EventBridge event schema for Amazon Inspector events").
func (in *reader) inspector(v doc.Value) {
	detail, labels := v.Get("detail"), eventLabels(v)
	id := detail.Get("findingArn").Text()
	if id == "" {
		in.reject("detail.findingArn: missing")
		return
	}
	status := detail.Get("status").Text()
	set(labels, "account", source.FirstText(detail.Get("awsAccountId").Text(), v.Get("account").Text()), "resource", detail.At("resources.0.id").Text(), "resource_type", detail.At("resources.0.type").Text(),
		"type", detail.Get("type").Text(), "vulnerability", detail.At("packageVulnerabilityDetails.vulnerabilityId").Text(), "score", detail.Get("inspectorScore").Text(), "state", status)
	a := alert.Alert{
		DedupKey: alert.SenderKey("inspector_finding", id), Episode: "finding", Title: source.FirstText(detail.Get("title").Text(), id), Group: labels["type"], Labels: labels, Status: alert.Firing,
		Description: join("\n", detail.Get("description").Text(), detail.At("remediation.recommendation.text").Text()), Severity: source.SeverityOf(detail.Get("severity").Text()),
		StartedAt: source.Instant(detail.Get("firstObservedAt").Text()), Links: source.Links("Vulnerability", detail.At("packageVulnerabilityDetails.sourceUrl").Text()),
	}
	switch status {
	case "CLOSED", "SUPPRESSED":
		a.Status, a.EndedAt = alert.Resolved, source.Instant(detail.First("updatedAt", "lastObservedAt"))
	case "ACTIVE", "":
	default:
		in.reject("detail.status: is \"" + status[:min(len(status), 40)] + "\", expected ACTIVE, CLOSED or SUPPRESSED")
		return
	}
	in.fire(a)
}

// macie reads a finding of Amazon Macie (Amazon Macie user guide, "Amazon
// EventBridge event schema for Macie findings"). It ends by being archived.
func (in *reader) macie(v doc.Value) {
	detail, labels := v.Get("detail"), eventLabels(v)
	id := detail.Get("id").Text()
	if id == "" {
		in.reject("detail.id: missing")
		return
	}
	set(labels, "account", source.FirstText(detail.Get("accountId").Text(), v.Get("account").Text()), "type", detail.Get("type").Text(), "category", detail.Get("category").Text(),
		"bucket", detail.At("resourcesAffected.s3Bucket.name").Text(), "object", detail.At("resourcesAffected.s3Object.key").Text(), "count", detail.Get("count").Text())
	a := alert.Alert{
		DedupKey: alert.SenderKey("macie_finding", id), Episode: "finding", Title: source.FirstText(join(": ", detail.Get("title").Text(), labels["bucket"]), id), Group: labels["type"], Labels: labels,
		Description: join("\n", detail.Get("description").Text(), sized("Type: %s", labels["type"]), sized("Object: %s", detail.At("resourcesAffected.s3Object.path").Text())), Status: alert.Firing,
		Severity: source.SeverityOf(detail.First("severity.description", "severity")), StartedAt: source.Instant(detail.Get("createdAt").Text()),
	}
	if detail.Get("archived").True() {
		a.Status, a.EndedAt = alert.Resolved, source.Instant(detail.Get("updatedAt").Text())
	}
	in.fire(a)
}

// imageScan reads how the scan of an image of Amazon ECR ended: with findings
// that are critical or high, without, or not at all (Amazon ECR user guide,
// "Amazon ECR events and EventBridge").
func (in *reader) imageScan(v doc.Value) {
	detail, labels := v.Get("detail"), eventLabels(v)
	counts, state, at := detail.Get("finding-severity-counts"), detail.Get("scan-status").Text(), source.Instant(v.Get("time").Text())
	image := join(":", lastOf(source.FirstText(detail.Get("repository-name").Text(), detail.Get("instance-id").Text(), v.At("resources.0").Text())), source.Listed(detail.Get("image-tags")))
	set(labels, "image", image, "digest", detail.Get("image-digest").Text(), "state", state)
	a := alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"account": v.Get("account").Text(), "region": v.Get("region").Text(), "image": image}), Episode: "scan", Group: v.Get("detail-type").Text(),
		Title: join(" ", "Scan of", image, state), Description: flat(counts), Labels: labels, Status: alert.Firing, StartedAt: at,
	}
	switch {
	case counted(counts, "CRITICAL"):
		a.Severity = alert.Critical
	case counted(counts, "HIGH"):
		a.Severity = alert.Error
	case strings.HasSuffix(state, "FAILED"):
		a.Severity = alert.Warning
	default:
		a.Status, a.StartedAt, a.EndedAt = alert.Resolved, time.Time{}, at
	}
	if found := flat(counts); found != "" {
		a.Title = "Scan of " + image + " found " + found
	}
	in.fire(a)
}

func counted(counts doc.Value, level string) bool {
	n := counts.Get(level).Text()
	return n != "" && n != "0"
}

// malwareScan reads how the scan of an object of S3 ended (Amazon GuardDuty
// user guide, "Monitoring S3 object scans with Amazon EventBridge").
func (in *reader) malwareScan(v doc.Value) {
	detail, labels := v.Get("detail"), eventLabels(v)
	bucket, object, result := detail.At("s3ObjectDetails.bucketName").Text(), detail.At("s3ObjectDetails.objectKey").Text(), detail.First("scanResultDetails.scanResultStatus", "scanStatus")
	title := join(" ", "Malware scan of", join("/", bucket, object), result)
	if result == "NO_THREATS_FOUND" || result == "UNSUPPORTED" {
		in.note(title)
		return
	}
	var threats []string
	for t := range source.Some(detail.At("scanResultDetails.threats")) {
		threats = append(threats, t.Get("name").Text())
	}
	set(labels, "bucket", bucket, "object", object, "state", result)
	a := alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"bucket": bucket, "object": object, "version": detail.At("s3ObjectDetails.versionId").Text(), "etag": detail.At("s3ObjectDetails.eTag").Text()}), Episode: "scan", Title: join(": ", title, join(", ", threats...)),
		Group: v.Get("detail-type").Text(), Labels: labels, Status: alert.Firing, Severity: alert.Warning, StartedAt: source.Instant(v.Get("time").Text()),
	}
	if result == "THREATS_FOUND" {
		a.Severity = alert.Error
	}
	in.happened(a)
}

// trail reads a call that CloudTrail recorded: who did what (AWS CloudTrail
// user guide, "CloudTrail record contents"). It has no recovery.
func (in *reader) trail(v doc.Value, name string) {
	detail, labels := v.Get("detail"), eventLabels(v)
	if detail.Get("insightDetails").Kind() == doc.Object {
		in.unusual(v, labels)
		return
	}
	action, user := detail.Get("eventName").Text(), source.FirstText(detail.First("userIdentity.userName", "userIdentity.arn", "userIdentity.type", "userIdentity.invokedBy"))
	outcome := source.FirstText(detail.Get("errorCode").Text(), detail.At("responseElements.ConsoleLogin").Text())
	set(labels, "event_name", action, "event_source", detail.Get("eventSource").Text(), "user", user, "source_ip", detail.Get("sourceIPAddress").Text(), "error_code", detail.Get("errorCode").Text(),
		"user_type", detail.At("userIdentity.type").Text())
	in.happened(alert.Alert{
		DedupKey: alert.HashKey(map[string]string{"account": v.Get("account").Text(), "region": v.Get("region").Text(), "type": name, "source": detail.Get("eventSource").Text(), "event": action, "user": user,
			"outcome": outcome, "request": detail.Get("requestParameters").JSON()}),
		Title: join(": ", name, join(" ", action, sized("by %s", lastOf(user))), outcome), Group: name, Labels: labels, Status: alert.Firing, StartedAt: source.Instant(source.FirstText(detail.Get("eventTime").Text(), v.Get("time").Text())),
		Description: join("\n", detail.Get("errorMessage").Text(), sized("User: %s", detail.At("userIdentity.arn").Text()), sized("From: %s", detail.Get("sourceIPAddress").Text()), sized("Request: %s", short(detail.Get("requestParameters")))),
	})
}

// unusual reads an insight of CloudTrail: calls are more or fewer than usual,
// from Start to End (AWS CloudTrail user guide, "CloudTrail record contents for
// Insights events").
func (in *reader) unusual(v doc.Value, labels map[string]string) {
	detail, is, at := v.Get("detail"), v.At("detail.insightDetails"), source.Instant(v.First("detail.eventTime", "time"))
	set(labels, "event_name", is.Get("eventName").Text(), "event_source", is.Get("eventSource").Text(), "insight", is.Get("insightType").Text(), "error_code", is.Get("errorCode").Text())
	a := alert.Alert{
		DedupKey: alert.SenderKey("cloudtrail_insight", detail.First("sharedEventID", "eventID")), Episode: "insight", Title: join(": ", join(" ", "Unusual", is.Get("insightType").Text()), join(" of ", is.Get("eventName").Text(), is.Get("eventSource").Text())),
		Group: v.Get("detail-type").Text(), Labels: labels, Description: short(is.Get("insightContext")), Status: alert.Firing, Severity: alert.Warning, StartedAt: at,
	}
	if is.Get("state").Text() == "End" {
		a.Status, a.StartedAt, a.EndedAt = alert.Resolved, time.Time{}, at
	}
	in.fire(a)
}

// short is a value as it is, where it is short enough to be read.
func short(v doc.Value) string {
	if text := v.JSON(); len(text) <= 1024 && v.Kind() == doc.Object {
		return text
	}
	return ""
}
