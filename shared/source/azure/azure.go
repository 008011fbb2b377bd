// Package azure reads what Azure Monitor's action groups post to a webhook:
// the common alert schema of every monitoring service, and the older schemas
// of metric, log, activity log and budget alerts and of autoscale.
//
//	parsed, err := azure.Source.Parse(&source.Request{Body: body, At: received})
package azure

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "azure"

// Source is Azure Monitor. A webhook of it proves nothing by itself; the token
// of a secure webhook is a JWT of Entra ID, which is not checked here.
var Source = source.Source{
	Name: Name, Aliases: []string{"azure_monitor"}, Parse: Parse,
	Marks: []string{
		"schemaId=azureMonitorCommonAlertSchema data",
		"data.essentials.alertId data.essentials.monitorCondition",
		"essentials.alertId essentials.monitorCondition essentials.monitoringService",
		"schemaId=AzureMonitorMetricAlert data",
		"schemaId=Microsoft.Insights/* data",
		`schemaId="AIP Budget Notification" data`,
		"status=Activated|Resolved|Deactivated context.resourceId context.conditionType context.condition",
		"operation context.oldCapacity context.newCapacity",
		"object.properties.incidentNumber object.properties.status object.id=*SecurityInsights*", "properties.incidentNumber properties.status id=*SecurityInsights*",
		"0.eventType=Microsoft.* 0.eventTime 0.data 0.subject", "eventType=Microsoft.* eventTime data subject", "specversion type=Microsoft.* source data",
		"SystemAlertId AlertDisplayName Severity", "SystemAlertId AlertDisplayName AlertSeverity",
		"data.AlertRuleName data.SearchQuery",
		"AlertRuleName SearchQuery WorkspaceId",
	},
	Guide: source.Guide{
		Product: "Azure Monitor", Page: "https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema",
		Setup: []string{
			"In Azure Monitor open Alerts, Action groups, and add an action of the type Webhook with the URI {url}.",
			"Turn on the common alert schema for it.",
			"Add the action group to the alert rules, budgets and service health alerts that should page.",
			"Test the action group: the sample alert appears, and is titled as a test.",
			"Event Grid: an event subscription with the endpoint type Web Hook and the endpoint {url}.",
			"Microsoft Sentinel: let a playbook with the incident trigger post its trigger body to {url}, and automation rules run it when an incident is created and when its status changes.",
		},
		Proof: "The key in the address. With a proxy that adds `Authorization: Bearer <secret>`, choose bearer: that secret is compared. " +
			"The Entra ID token of a secure webhook is not verified.",
		Understood: "The common alert schema of Platform, Log Alerts V1 and V2, Application Insights, Activity Log, Service Health, Resource Health, Smart Detector, " +
			"Prometheus rule groups and cost alerts (Fired, Resolved); AzureMonitorMetricAlert (Activated, Deactivated), classic metric alerts, LogAlert, activityLogs and budgets. " +
			"An autoscale notification is a change. Service Health recovers when its issue is resolved, Resource Health when the resource is available; " +
			"other Activity Log, budget and stateless log alerts never recover, and all but the last expire. " +
			"All alerts on the activity log are Sev4 to Azure; here they are as bad as what they tell: an incident of a service or an unavailable resource is P2, degradation, required action and security are P3 or worse, " +
			"planned maintenance and what a user did himself are P4, others follow the level of the event. " +
			"Also incidents of Microsoft Sentinel and alerts of Defender for Cloud, as a Logic App is given them; events of Event Grid in both schemas, whose validation is answered: resources that are unavailable until they are available, keys and secrets near their expiry until they have a new version, others expire.",
		Repeats: "408, 429, 503, 504 and timeouts, up to 5 times within 75 seconds; after that the endpoint is left alone for 15 minutes.",
	},
}

// Parse reads one alert of any schema.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	if root.Kind() == doc.Array && isGrid(root.Index(0)) {
		if err := source.TooMany(root.Len()); err != nil {
			return source.Parsed{}, err
		}
		return grid(slices.Collect(root.Items())), nil
	}
	if root.Kind() != doc.Object {
		return source.Parsed{}, fault.New(fault.Invalid, "the body is %s, expected an object of Azure Monitor", root.Kind())
	}
	if isGrid(root) {
		return grid([]doc.Value{root}), nil
	}
	data := root.Get("data")
	switch {
	case data.Get("essentials").Kind() == doc.Object:
		return parseCommon(data)
	case root.Get("essentials").Kind() == doc.Object:
		return parseCommon(root)
	case root.At("object.properties").Kind() == doc.Object:
		return one(sentinel(root.Get("object"), root.Get("incidentUpdates")))
	case root.At("properties.incidentNumber").Present():
		return one(sentinel(root, doc.Value{}))
	case root.Get("SystemAlertId").Present():
		return one(defender(root))
	case root.At("context.oldCapacity").Present() || root.At("context.newCapacity").Present():
		return source.Parsed{Changes: []source.Change{scaled(root)}}, nil
	case data.At("context.activityLog").Kind() == doc.Object:
		parsed, err := one(activity(data.At("context.activityLog")))
		parsed.NeverEnds = neverEnds(data.At("context.activityLog.eventSource").Text())
		return parsed, err
	case data.Get("context").Kind() == doc.Object:
		return one(metric(data))
	case root.Get("context").Kind() == doc.Object:
		return one(metric(root))
	case data.Get("BudgetName").Present():
		return once(budget(data)), nil
	case data.Get("AlertRuleName").Present():
		return once(logs(data)), nil
	case root.Get("AlertRuleName").Present():
		return once(logs(root)), nil
	}
	return source.Parsed{}, fault.New(fault.Invalid, "data.essentials: missing; schemaId is %.60q, expected azureMonitorCommonAlertSchema or an older schema of Azure Monitor", root.Get("schemaId").Text())
}

// once is the whole of a request whose alert nothing ends.
func once(a alert.Alert) source.Parsed {
	parsed := source.One(a)
	parsed.NeverEnds = true
	return parsed
}

func parseCommon(data doc.Value) (source.Parsed, error) {
	parsed, err := one(common(data))
	parsed.NeverEnds = neverEnds(data.At("essentials.monitoringService").Text())
	return parsed, err
}

func one(a alert.Alert, problem string) (source.Parsed, error) {
	if problem != "" {
		return source.Parsed{Items: []source.Item{{Rejected: problem}}}, nil
	}
	return source.One(a), nil
}

// severities are the words of essentials.severity, and of older schemas as
// a number (Azure Monitor documentation, "Common alert schema").
var severities = map[string]alert.Severity{
	"sev0": alert.Critical, "sev1": alert.Error, "sev2": alert.Warning, "sev3": alert.Info, "sev4": alert.Info,
	"0": alert.Critical, "1": alert.Error, "2": alert.Warning, "3": alert.Info, "4": alert.Info,
}

func severityOf(word string) alert.Severity {
	if s, ok := severities[strings.ToLower(strings.TrimSpace(word))]; ok {
		return s
	}
	return source.SeverityOf(word)
}

// statusOf sorts the words of all schemas; none means fired, because rules
// without a state and cost alerts send null.
func statusOf(word string) (alert.Status, string) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "fired", "activated", "active", "":
		return alert.Firing, ""
	case "resolved", "deactivated":
		return alert.Resolved, ""
	}
	return "", fmt.Sprintf("status: is %.40q, expected Fired or Resolved (older: Activated, Deactivated)", word)
}

// common reads the common alert schema.
func common(data doc.Value) (alert.Alert, string) {
	is, context := data.Get("essentials"), data.Get("alertContext")
	status, problem := statusOf(is.Get("monitorCondition").Text())
	if problem != "" {
		return alert.Alert{}, "monitorCondition: " + problem
	}
	a := alert.Alert{
		Source: Name, Status: status, DedupKey: keyOf(is, context.Get("AlertData")), Severity: severityOf(is.Get("severity").Text()),
		Group: is.First("alertRule", "monitoringService"), StartedAt: source.Instant(is.Get("firedDateTime").Text()),
		Title: titleOf(is, context), Description: source.Lines(is.Get("description").Text(), aboutOf(context)),
		Labels: labelsOf(is, context, data.Get("customProperties")), Links: linksOf(is, context),
	}
	if status == alert.Resolved {
		a.EndedAt = source.Instant(is.Get("resolvedDateTime").Text())
	}
	if isConstant(is.Get("severity").Text()) {
		a.Severity = meant(a.Severity, is.Get("monitoringService").Text(), context)
	}
	health(&a, is, context)
	return a, ""
}

// keyOf: a budget has an alert for each of its thresholds, and those of a test
// all bear one id.
func keyOf(is, budget doc.Value) string {
	if id := budget.First("BudgetId", "BudgetName"); id != "" {
		return alert.HashKey(map[string]string{"budget": id, "threshold": budget.Get("NotificationThresholdAmount").Text(), "type": budget.Get("ThresholdType").Text(), "start": budget.Get("BudgetStartDate").Text()})
	}
	if id := is.Get("alertId").Text(); id != "" {
		return alert.SenderKey("alert", id)
	}
	if id := is.Get("originAlertId").Text(); id != "" {
		return alert.SenderKey("origin_alert", id)
	}
	return alert.HashKey(map[string]string{"rule": is.Get("alertRule").Text(), "target": is.Get("alertTargetIDs").Text(), "service": is.Get("monitoringService").Text()})
}

// overStages are the stages of an issue of Service Health after its end; RCA is
// the report on what caused it.
var overStages = []string{"resolved", "complete", "canceled", "rca"}

// health reads the two services whose every update is an alert of its own,
// always Fired: what holds from firing to recovery is the tracking id of an
// issue, and the resource. Their state stands in the context.
func health(a *alert.Alert, is, context doc.Value) {
	tracking, current := context.At("properties.trackingId").Text(), context.At("properties.currentHealthStatus").Text()
	over := strings.EqualFold(context.Get("status").Text(), "Resolved") || slices.Contains(overStages, strings.ToLower(context.At("properties.stage").Text()))
	switch service := serviceOf(is.Get("monitoringService").Text()); {
	case service == serviceHealth && tracking != "":
		a.DedupKey = alert.SenderKey("service_health", tracking)
	case service == resourceHealth && is.At("alertTargetIDs.0").Text() != "":
		a.DedupKey = alert.SenderKey("resource_health", strings.ToLower(is.At("alertTargetIDs.0").Text()))
		over = over || strings.EqualFold(current, "Available")
	default:
		return
	}
	a.Episode = a.DedupKey
	if over {
		a.Status, a.EndedAt, a.StartedAt = alert.Resolved, a.StartedAt, source.Instant(context.At("properties.impactStartTime").Text())
	}
}

func titleOf(is, context doc.Value) string {
	rule, item := is.Get("alertRule").Text(), is.First("configurationItems.0")
	if item == "" {
		item = context.First("AffectedConfigurationItems.0", "Dimensions.0.value")
	}
	data, told := context.Get("AlertData"), context.First("properties.title", "properties.recommendationName")
	if serviceOf(is.Get("monitoringService").Text()) == resourceHealth {
		told = on(told, item)
	}
	switch {
	case data.Get("BudgetName").Present():
		return "Budget " + data.Get("BudgetName").Text() + ": " + spent(data)
	case rule == "":
		return source.FirstText(told, is.Get("description").Text(), is.Get("monitoringService").Text())
	case told != "":
		return rule + ": " + told
	}
	return on(rule, item)
}

// on says where something is, unless its name does.
func on(name, item string) string {
	if name == "" || item == "" || strings.Contains(strings.ToLower(name), strings.ToLower(item)) {
		return name
	}
	return name + " on " + item
}

func spent(data doc.Value) string {
	limit := data.First("Budget", "NotificationThresholdAmount", "BudgetThreshold") // beside Budget, the threshold is a part of it
	if forecast := data.Get("ForecastedTotalForPeriod").Text(); forecast != "" {
		return forecast + " forecast of " + limit
	}
	return data.First("SpentAmount", "SpendingAmount") + " spent of " + limit
}

// aboutOf says what the context of each service says in short.
func aboutOf(context doc.Value) string {
	var lines []string
	for c := range source.Some(context.At("condition.allOf")) {
		lines = append(lines, criterion(c, context.At("condition.windowSize").Text()))
	}
	told, data := context.Get("properties"), context.Get("AlertData")
	lines = append(lines,
		countOf(context, context.Get("Threshold").Text(), context.Get("Operator").Text()), source.Said("Query", context.Get("SearchQuery").Text()),
		source.Said("Expression", context.Get("expression").Text()), source.Said("Value", context.Get("expressionValue").Text()),
		context.At("annotations.summary").Text(), context.First("annotations.description", "annotations.message"),
		context.Get("DetectionSummary").Text(), source.Said("Detected", context.Get("DetectedValue").Text()), source.Said("Normal", context.Get("NormalValue").Text()),
		source.Said("Operation", context.Get("operationName").Text()), source.Said("Status", context.Get("status").Text()), source.Said("Caller", context.Get("caller").Text()),
		source.Said("Health", told.Get("currentHealthStatus").Text()), source.Said("Cause", told.Get("cause").Text()), source.Said("Service", told.Get("service").Text()),
		source.Said("Region", told.Get("region").Text()), source.Said("Stage", told.Get("stage").Text()), source.Said("Threat", told.Get("threatStatus").Text()),
		plain(told.First("defaultLanguageContent", "communication", "details", "description", "statusMessage")),
		source.Said("Spent", data.Get("SpentAmount").Text()), source.Said("Forecast", data.Get("ForecastedTotalForPeriod").Text()),
		source.Said("Threshold", data.Get("NotificationThresholdAmount").Text()), source.Said("Budget", data.Get("BudgetThreshold").Text()))
	return source.Lines(lines...)
}

// criterion is one condition of a metric or log rule: "Average of Percentage
// CPU is 97, GreaterThan 90 (PT5M)".
func criterion(c doc.Value, window string) string {
	what := c.First("metricName", "metricMeasureColumn", "searchQuery", "webTestName")
	if by := c.Get("timeAggregation").Text(); by != "" {
		what = by + " of " + what
	}
	if window != "" {
		window = " (" + window + ")"
	}
	return fmt.Sprintf("%s is %s, %s %s%s", what, cmp.Or(c.Get("metricValue").Text(), "unknown"), c.Get("operator").Text(), c.Get("threshold").Text(), window)
}

// countOf is the condition of a log rule of version 1.
func countOf(v doc.Value, threshold, operator string) string {
	if !v.Get("ResultCount").Present() {
		return ""
	}
	return strings.TrimSpace(v.Get("ResultCount").Text() + " results; " + operator + " " + threshold)
}

var tag = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`<[^<>]*>`) })

// plain takes the tags out of the HTML of Service Health.
func plain(s string) string {
	if !strings.Contains(s, "</") {
		return s
	}
	s = strings.NewReplacer("<br>", "\n", "</p>", "\n", "&nbsp;", " ", "&amp;", "&").Replace(s)
	return strings.TrimSpace(tag().ReplaceAllString(s, ""))
}

func labelsOf(is, context, custom doc.Value) map[string]string {
	target := is.At("alertTargetIDs.0").Text()
	labels := source.Labels("rule", is.Get("alertRule").Text(), "monitoring_service", is.Get("monitoringService").Text(), "signal_type", is.Get("signalType").Text(),
		"resource", is.At("configurationItems.0").Text(), "resource_id", target, "alert_id", is.Get("alertId").Text(),
		"metric", context.At("condition.allOf.0.metricName").Text(), "region", context.At("properties.region").Text(), "tracking_id", context.At("properties.trackingId").Text(),
		"incident_type", context.At("properties.incidentType").Text(), "operation", context.Get("operationName").Text(), "caller", context.Get("caller").Text(),
		"budget", context.At("AlertData.BudgetName").Text(), "detector", context.Get("SmartDetectorName").Text())
	addTarget(labels, target)
	for c := range source.Some(context.At("condition.allOf")) {
		addDimensions(labels, c.Get("dimensions"))
	}
	addDimensions(labels, context.Get("Dimensions"))
	source.AddFields(labels, context.Get("labels"))
	source.AddFields(labels, custom)
	if context.Get("condition").Present() { // the properties of other services are their event
		source.AddFields(labels, context.Get("properties"))
	}
	return labels
}

// addTarget takes an id of Azure Resource Manager apart:
// /subscriptions/<id>/resourceGroups/<name>/providers/<type>/<name>.
func addTarget(labels map[string]string, id string) {
	parts := strings.SplitN(strings.Trim(id, "/"), "/", maxParts)
	for i := 0; i+1 < len(parts); i += 2 {
		switch strings.ToLower(parts[i]) {
		case "subscriptions":
			labels["subscription"] = parts[i+1]
		case "resourcegroups":
			labels["resource_group"] = parts[i+1]
		case "providers":
			if i+2 < len(parts) {
				labels["resource_type"] = parts[i+1] + "/" + parts[i+2]
			}
		}
	}
}

// lastOf is the name at the end of an id.
func lastOf(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// maxParts is more than an id has.
const maxParts = 50

func addDimensions(labels map[string]string, dimensions doc.Value) {
	for d := range source.Some(dimensions) {
		if name, value := d.Get("name").Text(), d.Get("value").Text(); name != "" && value != "" && labels[name] == "" {
			labels[name] = value
		}
	}
}

func linksOf(is, context doc.Value) []alert.Link {
	rule := context.At("condition.allOf.0")
	links := source.Links("Investigate", is.Get("investigationLink").Text(), "Runbook", context.First("annotations.runbook_url", "annotations.runbookUrl"),
		"Search results", rule.Get("linkToFilteredSearchResultsUI").Text(), "All search results", rule.Get("linkToSearchResultsUI").Text(),
		"Search results", context.Get("LinkToFilteredSearchResultsUI").Text(), "All search results", context.Get("LinkToSearchResults").Text())
	if id := is.At("alertTargetIDs.0").Text(); strings.HasPrefix(id, "/subscriptions/") && !strings.ContainsAny(id, "<> ") {
		links = source.AppendLink(links, "Resource", "https://portal.azure.com/#resource"+id)
	}
	return links
}

// metric reads AzureMonitorMetricAlert and the classic metric alert, whose
// only time is that of the message ("Noncommon alert schema definitions"), so
// it names no firing period.
func metric(v doc.Value) (alert.Alert, string) {
	is := v.Get("context")
	status, problem := statusOf(v.Get("status").Text())
	if problem != "" {
		return alert.Alert{}, problem
	}
	condition := is.Get("condition")
	a := alert.Alert{
		Source: Name, Status: status, Severity: severityOf(is.Get("severity").Text()), Group: is.Get("name").Text(),
		DedupKey: alert.HashKey(seriesOf(is)), Episode: "metric",
		Title: on(is.Get("name").Text(), is.Get("resourceName").Text()), Links: source.Links("Resource", is.Get("portalLink").Text()),
		Labels: source.Labels("rule", is.Get("name").Text(), "resource", is.Get("resourceName").Text(), "resource_id", is.Get("resourceId").Text(),
			"resource_type", is.Get("resourceType").Text(), "resource_group", is.Get("resourceGroupName").Text(), "subscription", is.Get("subscriptionId").Text(),
			"region", is.Get("resourceRegion").Text(), "metric", condition.First("metricName", "allOf.0.metricName")),
	}
	lines := []string{is.Get("description").Text()}
	for c := range source.Some(condition.Get("allOf")) {
		lines = append(lines, criterion(c, condition.Get("windowSize").Text()))
		addDimensions(a.Labels, c.Get("dimensions"))
	}
	if condition.Get("metricName").Present() {
		lines = append(lines, criterion(condition, condition.Get("windowSize").Text()))
	}
	a.Description = source.Lines(append(lines, condition.Get("failureDetails").Text())...)
	source.AddFields(a.Labels, v.Get("properties"))
	at(&a, source.Instant(is.Get("timestamp").Text()))
	return a, ""
}

// seriesOf tells the time series of a metric alert: one rule watches many.
func seriesOf(is doc.Value) map[string]string {
	series := map[string]string{"rule": is.Get("id").Text(), "resource": is.Get("resourceId").Text(), "name": is.Get("name").Text()}
	for c := range source.Some(is.At("condition.allOf")) {
		for d := range source.Some(c.Get("dimensions")) {
			series["dimension "+d.Get("name").Text()] = d.Get("value").Text()
		}
	}
	return series
}

// activity reads Microsoft.Insights/activityLogs, which never recovers but for
// the two health services.
func activity(is doc.Value) (alert.Alert, string) {
	id, where := is.First("resourceId", "properties.entity", "correlationId"), lastOf(is.Get("resourceId").Text())
	if serviceOf(is.Get("eventSource").Text()) == serviceHealth { // it concerns the subscription
		where = ""
	}
	a := alert.Alert{
		Source: Name, Status: alert.Firing, DedupKey: alert.SenderKey("activity_event", is.First("eventDataId", "correlationId", "operationId")),
		Severity: levelOf(is.Get("level").Text()), Group: is.Get("operationName").Text(), StartedAt: source.Instant(is.First("eventTimestamp", "submissionTimestamp")),
		Title:       source.FirstText(on(is.First("properties.title", "properties.recommendationName"), where), is.Get("description").Text(), on(strings.TrimSpace(is.Get("operationName").Text()+" "+is.Get("status").Text()), where)),
		Description: source.Lines(is.Get("description").Text(), aboutOf(is)),
		Labels: source.Labels("resource_id", is.Get("resourceId").Text(), "resource_group", is.Get("resourceGroupName").Text(), "subscription", is.Get("subscriptionId").Text(),
			"operation", is.Get("operationName").Text(), "caller", is.Get("caller").Text(), "event_source", is.Get("eventSource").Text(),
			"region", is.At("properties.region").Text(), "tracking_id", is.At("properties.trackingId").Text()),
	}
	essentials := doc.Of(map[string]any{"monitoringService": is.Get("eventSource").Head(alert.MaxLabelValue), "alertTargetIDs": []string{id}})
	a.Severity = meant(a.Severity, is.Get("eventSource").Text(), is)
	health(&a, essentials, is)
	return a, ""
}

// levelOf sorts the levels of activity log events; Informational is what an
// alert on one says when nothing is wrong.
func levelOf(word string) alert.Severity {
	switch strings.ToLower(word) {
	case "1":
		return alert.Critical
	case "2":
		return alert.Error
	case "3":
		return alert.Warning
	case "4":
		return alert.Info
	}
	return source.SeverityOf(word)
}

// logs reads the log alert of version 1 without the common schema, which is
// sent at each evaluation that exceeds the threshold and never recovers.
func logs(is doc.Value) alert.Alert {
	about := is.First("Description", "description")
	labels := source.Labels("rule", is.Get("AlertRuleName").Text(), "workspace_id", is.Get("WorkspaceId").Text(), "application_id", is.Get("ApplicationId").Text(),
		"subscription", is.Get("SubscriptionId").Text(), "resource", is.At("AffectedConfigurationItems.0").Text(), "alert_type", is.Get("AlertType").Text())
	addDimensions(labels, is.Get("Dimensions"))
	return alert.Alert{
		Source: Name, Status: alert.Firing, Severity: severityOf(is.Get("Severity").Text()), Title: on(is.Get("AlertRuleName").Text(), is.First("AffectedConfigurationItems.0", "Dimensions.0.value")), Group: is.Get("AlertRuleName").Text(),
		DedupKey: alert.HashKey(map[string]string{"rule": is.Get("AlertRuleName").Text(), "subscription": is.Get("SubscriptionId").Text(),
			"workspace": is.First("WorkspaceId", "ApplicationId"), "dimensions": is.Get("Dimensions").Text()}),
		Description: source.Lines(about, countOf(is, is.First("AlertThresholdValue", "Threshold"), is.First("AlertThresholdOperator", "Operator")), source.Said("Query", is.Get("SearchQuery").Text())),
		Labels:      labels, StartedAt: source.Instant(is.First("SearchIntervalEndtimeUtc", "SearchIntervalEndTimeUtc")), Episode: "exceeded",
		Links: source.Links("Search results", is.Get("LinkToFilteredSearchResultsUI").Text(), "All search results", is.Get("LinkToSearchResults").Text()),
	}
}

// budget reads a budget's own schema, which has no time of its own.
func budget(is doc.Value) alert.Alert {
	name := is.Get("BudgetName").Text()
	return alert.Alert{
		Source: Name, Status: alert.Firing, Title: "Budget " + name + ": " + spent(is), Group: name,
		DedupKey: alert.HashKey(map[string]string{"budget": name, "subscription": is.Get("SubscriptionId").Text(), "group": is.Get("ResourceGroup").Text(),
			"threshold": is.Get("NotificationThresholdAmount").Text(), "start": is.Get("BudgetStartDate").Text()}),
		Description: source.Lines(source.Said("Spent", is.Get("SpendingAmount").Text()+" "+is.Get("Unit").Text()),
			source.Said("Threshold", is.Get("NotificationThresholdAmount").Text()), source.Said("Budget", is.Get("Budget").Text())),
		Labels: source.Labels("budget", name, "subscription", is.Get("SubscriptionId").Text(), "subscription_name", is.Get("SubscriptionName").Text(),
			"resource_group", is.Get("ResourceGroup").Text(), "creator", is.Get("BudgetCreator").Text(), "unit", is.Get("Unit").Text()),
	}
}

// at sets the one time of a message: of the firing, or of the recovery.
func at(a *alert.Alert, t time.Time) {
	if a.Status == alert.Resolved {
		a.EndedAt = t
		return
	}
	a.StartedAt = t
}

// scaled reads a notification of autoscale: it scaled, so it is no alert.
func scaled(root doc.Value) source.Change {
	is := root.Get("context")
	title := fmt.Sprintf("%s of %s from %s to %s", cmp.Or(root.Get("operation").Text(), "Scaling"), is.First("resourceName", "name"), is.Get("oldCapacity").Text(), is.Get("newCapacity").Text())
	labels := source.Labels("resource", is.Get("resourceName").Text(), "resource_id", is.Get("resourceId").Text(), "resource_type", is.Get("resourceType").Text(),
		"resource_group", is.Get("resourceGroupName").Text(), "subscription", is.Get("subscriptionId").Text(), "details", is.Get("details").Text())
	source.AddFields(labels, root.Get("properties"))
	return source.Changed(source.Change{Source: Name, Title: title, At: source.Instant(is.Get("timestamp").Text()), Labels: labels,
		Links: source.Links("Resource", is.Get("portalLink").Text())})
}
