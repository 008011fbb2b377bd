package aws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/source"
)

var received = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// read parses a body and says in a line each what it holds.
func read(t testing.TB, body string, headers ...string) (source.Parsed, []string) {
	t.Helper()
	r := &source.Request{Body: []byte(body), At: received, Header: http.Header{}}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	parsed, err := Parse("x", r)
	if err != nil {
		return parsed, []string{"error: " + err.Error()}
	}
	var lines []string
	for _, item := range parsed.Items {
		if item.Alert == nil {
			lines = append(lines, "rejected: "+item.Rejected)
			continue
		}
		lines = append(lines, fmt.Sprintf("%s %s %q", item.Alert.Status, item.Alert.Priority, item.Alert.Title))
	}
	for _, c := range parsed.Changes {
		lines = append(lines, "change: "+c.Title)
	}
	return parsed, lines
}

// event is one of EventBridge with a detail.
func event(name, detail string) string {
	return `{"version":"0","id":"e-1","detail-type":"` + name + `","source":"aws.x","account":"123456789012","time":"2026-03-01T08:59:30Z","region":"eu-west-1","resources":["arn:aws:x:eu-west-1:123456789012:thing/one"],"detail":` + detail + `}`
}

// notification is a message of SNS.
func notification(message string) string {
	text, _ := json.Marshal(message)
	return `{"Type":"Notification","MessageId":"m-1","TopicArn":"arn:aws:sns:eu-west-1:123456789012:topic","Message":` + string(text) + `,"Timestamp":"2026-03-01T08:59:58.412Z"}`
}

const budget = "AWS Budget Notification March 01, 2026\nAWS Account 123456789012\n\nDear AWS Customer,\n\nYou requested that we alert you.\n\nBudget Name: monthly\nBudget Type: Cost\nBudgeted Amount: $100.00\nAlert Type: ACTUAL\nAlert Threshold: > $80.00\nACTUAL Amount: $83.12\n"

func stack(resource, id, state string) string {
	return "StackId='arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1'\nTimestamp='2026-03-01T08:59:00.000Z'\nEventId='ev-1'\nLogicalResourceId='" + id + "'\nPhysicalResourceId='arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1'\n" +
		"ResourceStatus='" + state + "'\nResourceStatusReason='because'\nResourceType='" + resource + "'\nStackName='shop'\n"
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		// Alarms.
		{"unknown state", `{"AlarmName":"A","NewStateValue":"BROKEN"}`, []string{`rejected: state: is "BROKEN", expected ALARM, OK or INSUFFICIENT_DATA`}},
		{"state of another type", `{"AlarmName":"A","NewStateValue":{"a":1}}`, []string{`rejected: state: is "{\"a\":1}", expected ALARM, OK or INSUFFICIENT_DATA`}},
		{"severity in the name", `{"AlarmName":"prod/db [P1] cpu","NewStateValue":"ALARM"}`, []string{`firing P1 "prod/db [P1] cpu"`}},
		{"high is no severity", `{"AlarmName":"CPU-high-error-rate","NewStateValue":"ALARM"}`, []string{`firing P2 "CPU-high-error-rate"`}},
		{"warning in the name", `{"AlarmName":"orders_warning_cpu","NewStateValue":"ALARM"}`, []string{`firing P3 "orders_warning_cpu"`}},
		{"alarm was deleted", event("CloudWatch Alarm Configuration Change", `{"alarmName":"A","operation":"delete"}`), []string{`resolved P3 "A"`}},
		{"alarm was created", event("CloudWatch Alarm Configuration Change", `{"alarmName":"A","operation":"create"}`), nil},
		{"a list", "[" + event("CloudWatch Alarm State Change", `{"alarmName":"A","state":{"value":"ALARM"}}`) + `,7]`, []string{`firing P2 "A"`, "rejected: " + unknown}},
		// Findings.
		{"GuardDuty archived", event("GuardDuty Finding", `{"id":"f","title":"T","severity":"7.5","service":{"archived":true}}`), []string{`resolved P2 "T"`}},
		{"GuardDuty without an id", event("GuardDuty Finding", `{"title":"T"}`), []string{"rejected: detail.id: missing"}},
		{"GuardDuty medium", event("GuardDuty Finding", `{"id":"f","title":"T","severity":4}`), []string{`firing P3 "T"`}},
		{"GuardDuty critical", event("GuardDuty Finding", `{"id":"f","title":"T","severity":9.1}`), []string{`firing P1 "T"`}},
		{"Health, change ahead", event("AWS Health Event", `{"eventArn":"a","eventTypeCode":"C","eventTypeCategory":"scheduledChange","startTime":"Mon, 2 Mar 2026 08:00:00 GMT","endTime":"Mon, 2 Mar 2026 10:00:00 GMT"}`), []string{`firing P3 "AWS Health scheduledChange: C in eu-west-1"`}},
		{"Health, ended", event("AWS Health Event", `{"eventArn":"a","eventTypeCode":"C","eventTypeCategory":"issue","endTime":"Sun, 1 Mar 2026 08:00:00 GMT"}`), []string{`resolved P2 "AWS Health issue: C in eu-west-1"`}},
		{"Health, notification", event("AWS Health Event", `{"eventArn":"a","eventTypeCode":"C","eventTypeCategory":"accountNotification","statusCode":"open"}`), []string{`firing P4 "AWS Health accountNotification: C in eu-west-1"`}},
		{"Security Hub, archived", event("Security Hub Findings - Imported", `{"findings":[{"Id":"1","Title":"T","Severity":{"Normalized":90},"RecordState":"ARCHIVED"},{"Title":"no id"}]}`), []string{`resolved P1 "T"`, "rejected: Id: missing"}},
		{"Security Hub, passed", event("Security Hub Findings - Imported", `{"findings":[{"Id":"1","Title":"T","Severity":{"Label":"INFORMATIONAL"},"Compliance":{"Status":"PASSED"}}]}`), []string{`resolved P4 "T"`}},
		{"Security Hub, OCSF", event("Findings Imported V2", `{"findings":[{"finding_info":{"uid":"u","title":"T"},"severity":"High","status_id":1},{"finding_info":{"uid":"v","title":"V"},"severity":"Low","status_id":4}]}`), []string{`firing P2 "T"`, `resolved P4 "V"`}},
		{"Security Hub, nothing", event("Security Hub Findings - Imported", `{}`), []string{"rejected: detail.findings: missing; expected an array of findings"}},
		{"Inspector", event("Inspector2 Finding", `{"findingArn":"a","title":"CVE-1","severity":"CRITICAL","status":"ACTIVE"}`), []string{`firing P1 "CVE-1"`}},
		{"Inspector, closed", event("Inspector2 Finding", `{"findingArn":"a","title":"CVE-1","severity":"MEDIUM","status":"CLOSED"}`), []string{`resolved P3 "CVE-1"`}},
		{"Inspector, odd", event("Inspector2 Finding", `{"findingArn":"a","status":"SOMEHOW"}`), []string{`rejected: detail.status: is "SOMEHOW", expected ACTIVE, CLOSED or SUPPRESSED`}},
		// States of services.
		{"canary runs", event("Synthetics Canary Status Change", `{"canary-id":"c","canary-name":"n","current-state":"RUNNING"}`), nil},
		{"canary is broken", event("Synthetics Canary Status Change", `{"canary-id":"c","canary-name":"n","current-state":"ERROR"}`), []string{`firing P2 "Canary n ERROR"`}},
		{"instance stopped", event("EC2 Instance State-change Notification", `{"instance-id":"i-1","state":"stopped"}`), []string{`firing P3 "Instance i-1 stopped"`}},
		{"instance runs", event("EC2 Instance State-change Notification", `{"instance-id":"i-1","state":"running"}`), []string{`resolved P3 "Instance i-1 running"`}},
		{"instance on its way", event("EC2 Instance State-change Notification", `{"instance-id":"i-1","state":"pending"}`), nil},
		{"task runs", event("ECS Task State Change", `{"group":"service:a","lastStatus":"RUNNING","desiredStatus":"RUNNING"}`), []string{`resolved P3 "Task of service:a is RUNNING"`}},
		{"task was stopped", event("ECS Task State Change", `{"group":"service:a","lastStatus":"STOPPED","stopCode":"ServiceSchedulerInitiated"}`), nil},
		{"task is done", event("ECS Task State Change", `{"group":"family:a","lastStatus":"STOPPED","stopCode":"EssentialContainerExited","containers":[{"exitCode":0}]}`), nil},
		{"task did not start", event("ECS Task State Change", `{"group":"service:a","lastStatus":"STOPPED","stopCode":"TaskFailedToStart"}`), []string{`firing P2 "Task of service:a is STOPPED: TaskFailedToStart"`}},
		{"service is steady", event("ECS Service Action", `{"eventName":"SERVICE_STEADY_STATE"}`), []string{`resolved P3 "Service one SERVICE_STEADY_STATE"`}},
		{"service cannot place", event("ECS Service Action", `{"eventName":"SERVICE_TASK_PLACEMENT_FAILURE","reason":"RESOURCE:MEMORY"}`), []string{`firing P2 "Service one SERVICE_TASK_PLACEMENT_FAILURE"`}},
		{"deployment failed", event("ECS Deployment State Change", `{"eventName":"SERVICE_DEPLOYMENT_FAILED"}`), []string{`firing P2 "Deployment of one SERVICE_DEPLOYMENT_FAILED"`}},
		{"deployment goes on", event("ECS Deployment State Change", `{"eventName":"SERVICE_DEPLOYMENT_IN_PROGRESS"}`), nil},
		{"batch job failed", event("Batch Job State Change", `{"jobName":"j","jobQueue":"q","status":"FAILED"}`), []string{`firing P2 "Batch job j FAILED"`}},
		{"batch job waits", event("Batch Job State Change", `{"jobName":"j","jobQueue":"q","status":"RUNNABLE"}`), nil},
		{"pipeline failed", event("CodePipeline Pipeline Execution State Change", `{"pipeline":"p","state":"FAILED"}`), []string{`firing P2 "Pipeline p FAILED"`}},
		{"pipeline succeeded", event("CodePipeline Pipeline Execution State Change", `{"pipeline":"p","state":"SUCCEEDED"}`), []string{`resolved P3 "Pipeline p SUCCEEDED"`, "change: Pipeline p SUCCEEDED"}},
		{"pipeline superseded", event("CodePipeline Pipeline Execution State Change", `{"pipeline":"p","state":"SUPERSEDED"}`), nil},
		{"build failed", event("CodeBuild Build State Change", `{"project-name":"b","build-status":"FAILED"}`), []string{`firing P2 "Build of b FAILED"`}},
		{"deployment by CodeDeploy failed", event("CodeDeploy Deployment State-change Notification", `{"application":"a","deploymentGroup":"g","state":"FAILURE"}`), []string{`firing P2 "Deployment of a FAILURE"`}},
		{"advice", event("Trusted Advisor Check Item Refresh Notification", `{"check-name":"Service Limits","status":"WARN","uuid":"u"}`), []string{`firing P3 "Trusted Advisor: Service Limits WARN"`}},
		{"advice taken", event("Trusted Advisor Check Item Refresh Notification", `{"check-name":"Service Limits","status":"OK","uuid":"u"}`), []string{`resolved P3 "Trusted Advisor: Service Limits OK"`}},
		{"cost", event("Anomaly Detected", `{"anomalyId":"a","dimensionValue":"Amazon S3","impact":{"totalImpact":1001}}`), []string{`firing P3 "Cost anomaly: Amazon S3 is 1001 USD above what was expected"`}},
		{"launch failed", event("EC2 Instance Launch Unsuccessful", `{"AutoScalingGroupName":"g"}`), []string{`firing P2 "g: EC2 Instance Launch Unsuccessful"`}},
		{"launch succeeded", event("EC2 Instance Launch Successful", `{"AutoScalingGroupName":"g"}`), []string{`resolved P3 "g: EC2 Instance Launch Successful"`}},
		{"database fails over", event("RDS DB Instance Event", `{"EventCategories":["failover"],"SourceIdentifier":"db","Message":"failover started","EventID":"RDS-EVENT-0013"}`), []string{`firing P3 "db: failover started"`}},
		{"database is full", event("RDS DB Instance Event", `{"EventCategories":["low storage"],"SourceIdentifier":"db","Message":"storage has been exhausted","EventID":"RDS-EVENT-0007"}`), []string{`firing P2 "db: storage has been exhausted"`}},
		{"database backup", event("RDS DB Instance Event", `{"EventCategories":["backup"],"SourceIdentifier":"db","Message":"Finished DB Instance backup"}`), []string{`firing P4 "db: Finished DB Instance backup"`}},
		{"workflow timed out", event("Step Functions Execution Status Change", `{"stateMachineArn":"arn:aws:states:eu-west-1:123456789012:stateMachine:m","status":"TIMED_OUT"}`), []string{`firing P2 "State machine m TIMED_OUT"`}},
		{"not compliant", event("Config Rules Compliance Change", `{"awsAccountId":"1","awsRegion":"r","configRuleName":"n","resourceId":"b","newEvaluationResult":{"complianceType":"NON_COMPLIANT"}}`), []string{`firing P3 "Config rule n NON_COMPLIANT"`}},
		{"stack", event("CloudFormation Stack Status Change", `{"stack-id":"arn:aws:cloudformation:eu-west-1:1:stack/shop/1","status-details":{"status":"UPDATE_ROLLBACK_COMPLETE"}}`), []string{`firing P2 "Stack shop/1 UPDATE_ROLLBACK_COMPLETE"`}},
		{"function failed", event("Lambda Function Invocation Result - Failure", `{"requestContext":{"functionArn":"arn:aws:lambda:eu-west-1:1:function:bill","condition":"RetriesExhausted"}}`), []string{`firing P2 "Function bill RetriesExhausted"`}},
		{"target is ill", event("ECS Service Action", `{"eventType":"WARN","eventName":"VPC_LATTICE_TARGET_UNHEALTHY"}`), []string{`firing P2 "Service one VPC_LATTICE_TARGET_UNHEALTHY"`}},
		{"service is balanced again", event("ECS Service Action", `{"eventType":"INFO","eventName":"SERVICE_REBALANCING_STARTED"}`), nil},
		{"what ECS may tell one day", event("ECS Service Action", `{"eventType":"ERROR","eventName":"SERVICE_LOST"}`), []string{`firing P2 "Service one SERVICE_LOST"`}},
		{"replication failed", event("DMS Replication Task State Change", `{"eventType":"REPLICATION_TASK_FAILED","detailMessage":"no log"}`), []string{`firing P2 "Replication task one REPLICATION_TASK_FAILED"`}},
		{"certificate expires", event("ACM Certificate Approaching Expiration", `{"DaysToExpiry":31,"CommonName":"example.com"}`), []string{`firing P3 "Certificate example.com Approaching Expiration"`}},
		{"deployment of a database failed", event("RDS Blue Green Deployment Event", `{"EventCategories":["failure"],"SourceIdentifier":"bgd-1","Message":"Switchover failed","EventID":"RDS-EVENT-0252"}`), []string{`firing P2 "bgd-1: Switchover failed"`}},
		{"freeze of changes", event("Calendar State Change", `{"state":"OPEN"}`), nil},
		{"configuration changed, by EventBridge", event("Config Configuration Item Change", `{"messageType":"ConfigurationItemChangeNotification","configurationItem":{"resourceType":"AWS::EC2::Instance","resourceId":"i-1"},"configurationItemDiff":{"changeType":"UPDATE"}}`), []string{"change: AWS::EC2::Instance i-1 UPDATE"}},
		{"history is not delivered", event("Config Configuration History Delivery Status", `{"messageType":"ConfigurationHistoryDeliveryFailed"}`), []string{`firing P3 "AWS Config: ConfigurationHistoryDeliveryFailed"`}},
		{"unusual calls", event("AWS Insight via CloudTrail", `{"sharedEventID":"s","insightDetails":{"state":"Start","eventSource":"ssm.amazonaws.com","eventName":"PutParameter","insightType":"ApiCallRateInsight"}}`), []string{`firing P3 "Unusual ApiCallRateInsight: PutParameter of ssm.amazonaws.com"`}},
		// Anything else.
		{"state in one word", event("SageMaker Training Job State Change", `{"TrainingJobStatus":"InProgress"}`), nil},
		{"state in two words", event("EC2 Command Invocation Status-change Notification", `{"status":"Delivery Timed Out"}`), []string{`firing P2 "EC2 Command Invocation Status-change Notification: one Delivery Timed Out"`}},
		{"in service", event("SageMaker Endpoint State Change", `{"EndpointStatus":"InService"}`), []string{`resolved P3 "SageMaker Endpoint State Change: one InService"`}},
		{"state in an object", event("FIS Experiment State Change", `{"new-state":{"status":"failed"},"old-state":{"status":"running"}}`), []string{`firing P2 "FIS Experiment State Change: one failed"`}},
		{"an active event is not well", event("Internet Monitor Health Event", `{"status":"ACTIVE"}`), []string{`firing P2 "Internet Monitor Health Event: one ACTIVE"`}},
		{"an active thing is", event("Savings Plans State Change", `{"currentState":"active"}`), []string{`resolved P3 "Savings Plans State Change: one active"`}},
		{"failed by its name", event("Practice Run Failed", `{}`), []string{`firing P2 "Practice Run Failed: one"`}},
		{"known kind without an identity", event("Batch Job State Change", `{"status":"FAILED"}`), []string{`firing P2 "Batch Job State Change: one FAILED"`}},
		{"unknown, with a good state", event("Thing Changed", `{"state":"AVAILABLE"}`), []string{`resolved P3 "Thing Changed: one AVAILABLE"`}},
		{"unknown, on its way", event("Thing Changed", `{"status":"IN_PROGRESS"}`), nil},
		{"unknown, by its name", event("DevOps Guru Insight Closed", `{"insightId":"i"}`), []string{`resolved P3 "DevOps Guru Insight Closed: one"`}},
		{"unknown state", event("Thing Changed", `{"status":"PURPLE","severity":"high"}`), []string{`firing P2 "Thing Changed: one PURPLE"`}},
		{"unknown, wrong types", event("Thing Changed", `{"status":[],"state":7,"severity":{},"message":["a"],"name":{"b":1}}`), []string{`firing P3 "Thing Changed: {\"b\":1} 7"`}},
		{"job runs", event("Train Job State Change", `{"TrainingJobStatus":"RUNNING"}`), nil},
		{"job failed, by a longer name", event("Train Job State Change", `{"TrainingJobName":"j","TrainingJobStatus":"Failed"}`), []string{`firing P2 "Train Job State Change: one Failed"`}},
		{"compliance", event("Configuration Compliance State Change", `{"compliance-status":"compliant"}`), []string{`resolved P3 "Configuration Compliance State Change: one compliant"`}},
		{"an active finding is not well", event("Some Finding", `{"status":"ACTIVE"}`), []string{`firing P2 "Some Finding: one ACTIVE"`}},
		{"text that is an object", event("Thing Alert", `{"summary":{"a":1},"description":"D"}`), []string{`firing P3 "Thing Alert: one: D"`}},
		{"workflow runs again", event("Step Functions Execution Status Change", `{"stateMachineArn":"arn:aws:states:eu-west-1:123456789012:stateMachine:m","status":"RUNNING"}`), nil},
		{"batch job runs", event("Batch Job State Change", `{"jobName":"j","jobQueue":"q","status":"RUNNING"}`), nil},
		{"crawler failed", event("Glue Crawler State Change", `{"crawlerName":"c","state":"Failed","message":"no access"}`), []string{`firing P2 "Glue crawler c Failed"`}},
		{"job takes too long", event("Glue Job Run Status", `{"jobName":"j","state":"RUNNING"}`), []string{`firing P3 "Glue job j RUNNING"`}},
		{"instance refresh", event("EC2 Auto Scaling Instance Refresh Failed", `{"AutoScalingGroupName":"g"}`), []string{`firing P2 "Instance refresh of g Failed"`}},
		{"instance refresh cancelled", event("EC2 Auto Scaling Instance Refresh Cancelled", `{"AutoScalingGroupName":"g"}`), nil},
		{"lifecycle action", event("EC2 Instance-launch Lifecycle Action", `{"AutoScalingGroupName":"g"}`), nil},
		{"group by its ARN", event("EC2 Instance Launch Successful", `{}`), []string{`resolved P3 "one: EC2 Instance Launch Successful"`}},
		{"access", event("Access Analyzer Finding", `{"id":"f","status":"ACTIVE","resource":"arn:aws:s3:::photos","isPublic":true,"createdAt":"2026-03-01T08:00:00Z"}`), []string{`firing P3 "Access Analyzer finding: photos ACTIVE"`}},
		{"access taken away", event("Access Analyzer Finding", `{"id":"f","status":"RESOLVED","resource":"arn:aws:s3:::photos"}`), []string{`resolved P3 "Access Analyzer finding: photos RESOLVED"`}},
		{"access archived", event("Unused Access Finding for IAM entities", `{"id":"f","status":"ARCHIVED","resource":"arn:aws:iam::1:role/r"}`), []string{`resolved P3 "Access Analyzer finding: r ARCHIVED"`}},
		{"Macie", event("Macie Finding", `{"id":"f","title":"The S3 object contains credentials","severity":{"score":3,"description":"High"},"resourcesAffected":{"s3Bucket":{"name":"photos"}}}`), []string{`firing P2 "The S3 object contains credentials: photos"`}},
		{"Macie, archived", event("Macie Finding", `{"id":"f","title":"T","archived":true}`), []string{`resolved P3 "T"`}},
		{"Macie without an id", event("Macie Finding", `{}`), []string{"rejected: detail.id: missing"}},
		{"image with holes", event("ECR Image Scan", `{"scan-status":"COMPLETE","repository-name":"shop","finding-severity-counts":{"CRITICAL":2,"LOW":9},"image-tags":["v1","latest"]}`), []string{`firing P1 "Scan of shop:v1, latest found CRITICAL=2, LOW=9"`}},
		{"image without", event("Inspector2 Scan", `{"scan-status":"INITIAL_SCAN_COMPLETE","repository-name":"arn:aws:ecr:eu-west-1:1:repository/shop","finding-severity-counts":{"HIGH":0,"LOW":9},"image-tags":["v1"]}`), []string{`resolved P3 "Scan of shop:v1 found HIGH=0, LOW=9"`}},
		{"image could not be read", event("ECR Image Scan", `{"scan-status":"FAILED","repository-name":"shop"}`), []string{`firing P3 "Scan of shop FAILED"`}},
		{"malware", event("GuardDuty Malware Protection Object Scan Result", `{"s3ObjectDetails":{"bucketName":"b","objectKey":"k.zip"},"scanResultDetails":{"scanResultStatus":"THREATS_FOUND","threats":[{"name":"EICAR"}]}}`), []string{`firing P2 "Malware scan of b/k.zip THREATS_FOUND: EICAR"`}},
		{"no malware", event("GuardDuty Malware Protection Object Scan Result", `{"s3ObjectDetails":{"bucketName":"b","objectKey":"k.zip"},"scanResultDetails":{"scanResultStatus":"NO_THREATS_FOUND"}}`), nil},
		{"insight", event("DevOps Guru New Insight Open", `{"insightId":"i","insightSeverity":"high","insightDescription":"Latency is up"}`), []string{`firing P2 "DevOps Guru New Insight Open: one: Latency is up"`}},
		{"sign in", event("AWS Console Sign In via CloudTrail", `{"eventName":"ConsoleLogin","userIdentity":{"type":"Root","arn":"arn:aws:iam::123456789012:root"},"responseElements":{"ConsoleLogin":"Failure"}}`), []string{`firing P3 "AWS Console Sign In via CloudTrail: ConsoleLogin by root: Failure"`}},
		{"call", event("AWS API Call via CloudTrail", `{"eventName":"DeleteTrail","userIdentity":{"userName":"ann"},"errorCode":"AccessDenied"}`), []string{`firing P3 "AWS API Call via CloudTrail: DeleteTrail by ann: AccessDenied"`}},
		{"push", event("CodeCommit Repository State Change", `{"event":"referenceUpdated","repositoryName":"shop","referenceName":"main"}`), []string{"change: CodeCommit Repository State Change: shop referenceUpdated main"}},
		{"comment", event("CodeCommit Comment on Commit", `{"notificationBody":"said"}`), nil},
		{"parameter", event("Parameter Store Change", `{"operation":"Update","name":"limit"}`), []string{"change: Parameter Store Change: limit Update"}},
		{"drift", event("CloudFormation Drift Detection Status Change", `{"stack-id":"arn:aws:cloudformation:eu-west-1:1:stack/shop/1","status-details":{"stack-drift-status":"DRIFTED"}}`), []string{`firing P3 "Drift of stack shop/1 DRIFTED"`}},
		{"volume", event("EBS Volume Notification", `{"event":"reattachVolume","result":"failed","cause":"no key"}`), []string{`firing P2 "EBS volume one failed"`}},
		{"channel", event("MediaLive Channel Alert", `{"alarm_state":"CLEARED","alarm_id":"a","alert_type":"Stopped Receiving Input"}`), []string{`resolved P3 "MediaLive alarm Stopped Receiving Input CLEARED"`}},
		{"spot", strings.Replace(event("EC2 Spot Instance Interruption Warning", `{"instance-id":"i-1","instance-action":"terminate"}`), "arn:aws:x:eu-west-1:123456789012:thing/one", "arn:aws:ec2:eu-west-1a:instance/i-1", 1), []string{`firing P3 "EC2 Spot Instance Interruption Warning: i-1"`}},
		{"an update is there", event("Software Update Notification", `{"status":"Available","severity":"Informational"}`), []string{`firing P4 "Software Update Notification: one Available"`}},
		// Messages of SNS.
		{"notification of developer tools", notification(`{"detailType":"CodeBuild Build State Change","account":"123456789012","region":"eu-west-1","detail":{"project-name":"b","build-status":"FAILED"}}`), []string{`firing P2 "Build of b FAILED"`}},
		{"approval", notification(`{"region":"eu-west-1","consoleLink":"https://x.example.com","approval":{"pipelineName":"p","stageName":"s","actionName":"a","token":"t","expires":"2026-03-08T09:00Z"}}`), []string{`firing P4 "Pipeline p waits for approval of s/a"`}},
		{"deployment succeeded", notification(`{"applicationName":"a","deploymentId":"d","deploymentGroupName":"g","status":"SUCCEEDED"}`), []string{`resolved P3 "Deployment of a SUCCEEDED"`, "change: Deployment of a SUCCEEDED"}},
		{"deployment failed, told by SNS", notification(`{"applicationName":"a","deploymentId":"d","deploymentGroupName":"g","status":"FAILED","errorInformation":"{\"ErrorCode\":\"HEALTH\"}"}`), []string{`firing P2 "Deployment of a FAILED"`}},
		{"rule is broken", notification(`{"messageType":"ComplianceChangeNotification","awsAccountId":"1","awsRegion":"r","configRuleName":"n","resourceId":"b","newEvaluationResult":{"complianceType":"NON_COMPLIANT"}}`), []string{`firing P3 "Config rule n NON_COMPLIANT"`}},
		{"configuration changed", notification(`{"messageType":"ConfigurationItemChangeNotification","configurationItem":{"resourceType":"AWS::EC2::Instance","resourceId":"i-1"},"configurationItemDiff":{"changeType":"UPDATE"}}`), []string{"change: AWS::EC2::Instance i-1 UPDATE"}},
		{"configuration is told", notification(`{"messageType":"ConfigurationSnapshotDeliveryCompleted","configSnapshotId":"1"}`), nil},
		{"insight is closed", notification(`{"AccountId":"1","Region":"r","MessageType":"CLOSED_INSIGHT","InsightId":"i","InsightDescription":"D","InsightSeverity":"low"}`), []string{`resolved P4 "DevOps Guru Insight Closed: D"`}},
		{"bounce", notification(`{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"bob@example.com"}]},"mail":{"source":"shop@example.com"}}`), []string{`firing P3 "Bounce of mail to bob@example.com"`}},
		{"complaint", notification(`{"eventType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"bob@example.com"}]},"mail":{"source":"shop@example.com"}}`), []string{`firing P3 "Complaint of mail to bob@example.com"`}},
		{"mail was not sent", notification(`{"eventType":"Rendering Failure","failure":{"errorMessage":"no name"},"mail":{"destination":["bob@example.com"]}}`), []string{`firing P2 "Rendering Failure of mail to bob@example.com"`}},
		{"mail arrived", notification(`{"notificationType":"Delivery","delivery":{},"mail":{"destination":["bob@example.com"]}}`), nil},
		{"mails are tried", notification("Successfully validated SNS topic for Amazon SES event publishing."), nil},
		{"cache failed over", notification(`{"ElastiCache:FailoverComplete":"sessions"}`), []string{`firing P3 "ElastiCache sessions: FailoverComplete"`}},
		{"cache failed", notification(`{"ElastiCache:CacheClusterProvisioningFailed":"sessions"}`), []string{`firing P2 "ElastiCache sessions: CacheClusterProvisioningFailed"`}},
		{"cache is complete", notification(`{"ElastiCache:SnapshotComplete":"sessions"}`), []string{`firing P4 "ElastiCache sessions: SnapshotComplete"`}},
		{"warehouse", notification(`{"Event Source":"Cluster","Resource":"wh","Severity":"ERROR","Event ID":"x#REDSHIFT-EVENT-3000","Event Message":"was rebooted"}`), []string{`firing P2 "wh: was rebooted"`}},
		{"lifecycle hook", notification(`{"LifecycleTransition":"autoscaling:EC2_INSTANCE_TERMINATING","AutoScalingGroupName":"g"}`), nil},
		{"environment is ill", notification(beanstalk("Environment health has transitioned from Ok to Severe. 100.0 % of the requests are failing with HTTP 5xx.")), []string{`firing P1 "shop-live: Environment health has transitioned from Ok to Severe. 100.0 % of the requests are failing with HTTP 5xx."`}},
		{"environment is well", notification(beanstalk("Environment health has transitioned from Severe to Ok.")), []string{`resolved P3 "shop-live: Environment health has transitioned from Severe to Ok."`}},
		{"version is deployed", notification(beanstalk("New application version was deployed to running EC2 instances.")), []string{"change: shop-live: New application version was deployed to running EC2 instances."}},
		{"version is not deployed", notification(beanstalk("Failed to deploy application.")), []string{`firing P2 "shop-live: Failed to deploy application."`}},
		{"environment grows", notification(beanstalk("Added instance [i-1] to your environment.")), nil},
		{"event in a message", notification(event("EC2 Instance State-change Notification", `{"instance-id":"i-1","state":"stopped"}`)), []string{`firing P3 "Instance i-1 stopped"`}},
		{"own JSON", notification(`{"title":"Queue is long","severity":"critical","id":"q"}`), []string{`firing P1 "Queue is long"`}},
		{"own JSON, resolved", notification(`{"title":"Queue is long","state":"resolved","id":"q"}`), []string{`resolved P3 "Queue is long"`}},
		{"chat message", notification(`{"version":"1.0","source":"custom","content":{"title":"Nightly job","description":"was late"}}`), []string{`firing P3 "Nightly job"`}},
		{"alerts of Alertmanager", notification(`{"receiver":"r","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"HighCPU","severity":"critical"}},{"status":"resolved","labels":{"alertname":"Disk"}},{"status":"odd","labels":{"a":"b"}}]}`),
			[]string{`firing P1 "HighCPU"`, `resolved P3 "Disk"`, `rejected: status: is "odd", expected firing or resolved`}},
		{"record of a function", notification(`{"timestamp":"2026-03-01T08:59:00Z","requestContext":{"functionArn":"arn:aws:lambda:eu-west-1:1:function:bill","condition":"EventAgeExceeded"},"responsePayload":{"errorMessage":"boom"}}`), []string{`firing P2 "Function bill EventAgeExceeded"`}},
		{"text with a state", notification("[CRITICAL] disk of nas is full"), []string{`firing P1 "[CRITICAL] disk of nas is full"`}},
		{"text that ends", notification("RESOLVED: disk of nas is full"), []string{`resolved P3 "RESOLVED: disk of nas is full"`}},
		{"text of a person", notification("ACKNOWLEDGED: disk of nas is full"), []string{`acknowledged P3 "ACKNOWLEDGED: disk of nas is full"`}},
		{"text of which some fire", notification("[FIRING:1, RESOLVED:1] HighCPU"), []string{`firing P3 "[FIRING:1, RESOLVED:1] HighCPU"`}},
		{"text in quotes", notification(`"The pipeline shop went on."`), []string{`firing P3 "The pipeline shop went on."`}},
		{"own JSON by its kind and name", notification(`{"event":"FINDING_REPORTED","thingName":"sensor-1"}`), []string{`firing P3 "FINDING_REPORTED: sensor-1"`}},
		{"own JSON fires", notification(`{"title":"Queue is long","status":"triggered"}`), []string{`firing P2 "Queue is long"`}},
		{"JSON of no meaning", notification(`{"a":1}`), []string{`firing P3 "Message of topic arn:aws:sns:eu-west-1:123456789012:topic"`}},
		{"empty text", notification(" \n"), []string{"rejected: Message: is empty"}},
		{"a number", notification("17"), []string{`firing P3 "17"`}},
		{"budget", notification(budget), []string{`firing P3 "Budget monthly is at actual $83.12 of $100.00"`}},
		{"cost anomaly", notification(`{"accountId":"1","anomalyId":"a","dimensionalValue":"Amazon S3","impact":{"totalImpact":12}}`), []string{`firing P3 "Cost anomaly: Amazon S3 is 12 USD above what was expected"`}},
		{"scaling failed", notification(`{"Event":"autoscaling:EC2_INSTANCE_LAUNCH_ERROR","AutoScalingGroupName":"g"}`), []string{`firing P2 "g: EC2_INSTANCE_LAUNCH_ERROR"`}},
		{"scaling succeeded", notification(`{"Event":"autoscaling:EC2_INSTANCE_LAUNCH","AutoScalingGroupName":"g"}`), []string{`resolved P3 "g: EC2_INSTANCE_LAUNCH"`}},
		{"scaling test", notification(`{"Event":"autoscaling:TEST_NOTIFICATION","AutoScalingGroupName":"g"}`), nil},
		{"bucket test", notification(`{"Service":"Amazon S3","Event":"s3:TestEvent"}`), nil},
		{"stack is up", notification(stack("AWS::CloudFormation::Stack", "shop", "UPDATE_COMPLETE")), []string{`resolved P3 "Stack shop: UPDATE_COMPLETE"`, "change: Stack shop: UPDATE_COMPLETE"}},
		{"stack went back", notification(stack("AWS::CloudFormation::Stack", "shop", "UPDATE_ROLLBACK_COMPLETE")), []string{`firing P2 "Stack shop: UPDATE_ROLLBACK_COMPLETE"`}},
		{"resource of a stack", notification(stack("AWS::SQS::Queue", "Queue", "UPDATE_COMPLETE")), nil},
		{"stack goes on", notification(stack("AWS::CloudFormation::Stack", "shop", "UPDATE_IN_PROGRESS")), nil},
		{"record without a message", `{"Records":[{"eventSource":"aws:s3"}]}`, []string{"rejected: Sns, body, s3, ses: missing; expected a record of SNS, SQS, S3 or SES"}},
		// Records and messages of queues.
		{"topic to queue", queue(notification("a line")), []string{`firing P3 "a line"`}},
		{"topic to queue, without the queue's own fields", `{"Records":[{"body":` + quoted(notification(`{"AlarmName":"A","NewStateValue":"OK"}`)) + `}]}`, []string{`resolved P3 "A"`}},
		{"raw alarm in a queue", queue(`{"AlarmName":"A","NewStateValue":"ALARM"}`), []string{`firing P2 "A"`}},
		{"event in a queue", queue(event("EC2 Instance State-change Notification", `{"instance-id":"i-1","state":"stopped"}`)), []string{`firing P3 "Instance i-1 stopped"`}},
		{"text in a queue", queue("the disk is full"), []string{`firing P3 "the disk is full"`}},
		{"own JSON in a queue", queue(`{"title":"Queue is long","severity":"critical","id":"q"}`), []string{`firing P1 "Queue is long"`}},
		{"confirmation in a queue", queue(`{"Type":"SubscriptionConfirmation","MessageId":"m","Message":"x","TopicArn":"arn:aws:sns:eu-west-1:1:t","SubscribeURL":"https://sns.eu-west-1.amazonaws.com/?a"}`), nil},
		{"received of a queue", `{"Messages":[{"MessageId":"q-1","ReceiptHandle":"r","MD5OfBody":"0","Body":"late"}]}`, []string{`firing P3 "late"`}},
		{"a pipe", `[{"messageId":"q-1","receiptHandle":"r","body":"late","eventSource":"aws:sqs"}]`, []string{`firing P3 "late"`}},
		{"bucket", stored("ObjectCreated:Put", ""), []string{`firing P4 "S3 ObjectCreated:Put: photos/a b.jpg"`}},
		{"bucket, topic, queue", queue(notification(stored("ObjectRemoved:Delete", ""))), []string{`firing P4 "S3 ObjectRemoved:Delete: photos/a b.jpg"`}},
		{"bucket, by EventBridge", strings.Replace(event("Object Deleted", `{"bucket":{"name":"photos"},"object":{"key":"a.jpg"},"reason":"DeleteObject"}`), "aws.x", "aws.s3", 1), []string{`firing P4 "S3 Object Deleted: photos/a.jpg"`}},
		{"replication failed", stored("Replication:OperationFailedReplication", `,"replicationEventData":{"failureReason":"DstPutObjNotPermitted"}`), []string{`firing P2 "S3 Replication:OperationFailedReplication: photos/a b.jpg"`}},
		{"replication is done, by its newer name", stored("s3:Replication:OperationReplicatedAfterThreshold", ""), []string{`resolved P3 "S3 Replication:OperationReplicatedAfterThreshold: photos/a b.jpg"`}},
		{"replication is done", stored("Replication:OperationReplicatedAfterThreshold", ""), []string{`resolved P3 "S3 Replication:OperationReplicatedAfterThreshold: photos/a b.jpg"`}},
		{"mail by a receipt rule", posted("[CRITICAL] backup failed", "PASS"), []string{`firing P1 "[CRITICAL] backup failed"`}},
		{"mail that ends it", posted("RESOLVED: backup failed", "PASS"), []string{`resolved P3 "RESOLVED: backup failed"`}},
		{"spam", posted("buy", "FAIL"), nil},
		// Nothing.
		{"no object", `7`, []string{"error: " + unknown}},
		{"empty object", `{}`, []string{"error: " + unknown}},
		{"no JSON", `hello`, []string{"error: the body is not valid JSON at byte 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			parsed, got := read(t, c.body)
			if !slices.EqualFunc(got, c.want, func(g, w string) bool { return g == w || strings.HasPrefix(w, "error") && strings.HasPrefix(g, w) }) {
				t.Errorf("read\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if len(c.want) == 0 && len(parsed.Notes) == 0 {
				t.Error("nothing says what it was")
			}
		})
	}
}

func quoted(text string) string {
	raw, _ := json.Marshal(text)
	return string(raw)
}

// queue is what SQS hands to a function.
func queue(body string) string {
	return `{"Records":[{"messageId":"q-1","receiptHandle":"r","body":` + quoted(body) + `,"attributes":{"SentTimestamp":"1772355598412"},"messageAttributes":{},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:alarms","awsRegion":"eu-west-1"}]}`
}

// stored is what S3 says of an object.
func stored(event, more string) string {
	return `{"Records":[{"eventVersion":"2.3","eventSource":"aws:s3","awsRegion":"eu-west-1","eventTime":"2026-03-01T08:59:00.000Z","eventName":"` + event + `","s3":{"configurationId":"all","bucket":{"name":"photos"},"object":{"key":"a+b.jpg","size":17}}` + more + `}]}`
}

// posted is what SES hands to a function of a receipt rule.
func posted(subject, spam string) string {
	return `{"Records":[{"eventSource":"aws:ses","eventVersion":"1.0","ses":{"mail":{"messageId":"s-1","timestamp":"2026-03-01T08:59:00.000Z","source":"nas@example.com","destination":["ops@example.com"],"commonHeaders":{"from":["NAS <nas@example.com>"],"subject":` + quoted(subject) + `}},"receipt":{"spamVerdict":{"status":"` + spam + `"},"virusVerdict":{"status":"PASS"}}}}]}`
}

// TestAlarmWithoutData: after ALARM an alarm that has no data is as bad as it
// was, in the same firing period where that is told.
func TestAlarmWithoutData(t *testing.T) {
	state := func(before string) string {
		return event("CloudWatch Alarm State Change", `{"alarmName":"A-p1","state":{"value":"INSUFFICIENT_DATA","timestamp":"2026-03-01T08:55:00.000+0000"},"previousState":{"value":"`+before+`","timestamp":"2026-03-01T08:00:00.000+0000"}}`)
	}
	for _, c := range []struct{ name, body, want, start string }{
		{"of nothing", state("OK"), `firing P4 "A-p1: insufficient data"`, "08:55:00"},
		{"after an alarm", state("ALARM"), `firing P1 "A-p1: insufficient data"`, "08:00:00"},
		{"after an alarm, by SNS", notification(`{"AlarmName":"A-p1","NewStateValue":"INSUFFICIENT_DATA","OldStateValue":"ALARM","StateChangeTime":"2026-03-01T08:55:00.000+0000"}`), `firing P1 "A-p1: insufficient data"`, "08:55:00"},
		{"of nothing, by SNS", notification(`{"AlarmName":"A-p1","NewStateValue":"INSUFFICIENT_DATA","OldStateValue":"OK","StateChangeTime":"2026-03-01T08:55:00.000+0000"}`), `firing P4 "A-p1: insufficient data"`, "08:55:00"},
	} {
		parsed, got := read(t, c.body)
		if at := parsed.Items[0].Alert.StartedAt.Format(time.TimeOnly); got[0] != c.want || at != c.start {
			t.Errorf("%s: %s at %s, want %s at %s", c.name, got[0], at, c.want, c.start)
		}
	}
}

// TestWhatHappenedExpires: of what no message ever ends, the request says so;
// what has an end does not expire.
func TestWhatHappenedExpires(t *testing.T) {
	for body, want := range map[string]bool{
		notification("a line"):                             true,
		notification(budget):                               true,
		notification(`{"title":"Queue is long","id":"q"}`): false,
		notification(`{"Event Source":"db-instance","Source ID":"db","Event ID":"x#RDS-EVENT-0013","Event Message":"failover"}`): true,
		notification(`{"Event":"autoscaling:EC2_INSTANCE_LAUNCH_ERROR","AutoScalingGroupName":"g"}`):                             false,
		stored("ObjectCreated:Put", ""): true,
		event("RDS DB Instance Event", `{"SourceIdentifier":"db","Message":"failover started"}`):                                            true,
		event("Batch Job State Change", `{"jobName":"j","jobQueue":"q","status":"FAILED"}`):                                                 false,
		"[" + event("RDS DB Instance Event", `{"Message":"m"}`) + "," + event("CodeBuild Build State Change", `{"project-name":"b"}`) + "]": false,
	} {
		if parsed, _ := read(t, body); parsed.NeverEnds != want {
			t.Errorf("%s: %v, want %v", body, parsed.NeverEnds, want)
		}
	}
	parsed, _ := read(t, notification(`{"approval":{"pipelineName":"p","expires":"2026-03-08T09:00Z"}}`))
	if at := parsed.Items[0].Alert.ExpiresAt; parsed.NeverEnds || !at.Equal(time.Date(2026, 3, 8, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("an approval expires at %v", at)
	}
}

func beanstalk(told string) string {
	return "Timestamp: Sun Mar 01 08:59:00 UTC 2026\nMessage: " + told + "\n\nEnvironment: shop-live\nApplication: shop\n\nEnvironment URL: http://shop.example.com\n"
}

// TestOneThingHasOneKey: firing and recovery, whoever tells of them.
func TestOneThingHasOneKey(t *testing.T) {
	build := `{"project-name":"b","build-status":"FAILED"}`
	for name, pair := range map[string][2]string{
		"developer tools": {event("CodeBuild Build State Change", build), notification(`{"detailType":"CodeBuild Build State Change","account":"123456789012","region":"eu-west-1","detail":` + build + `}`)},
		"deployment": {event("CodeDeploy Deployment State-change Notification", `{"application":"a","deploymentGroup":"g","state":"FAILURE"}`),
			notification(`{"accountId":"123456789012","region":"eu-west-1","applicationName":"a","deploymentId":"d","deploymentGroupName":"g","status":"SUCCEEDED"}`)},
		"rule": {event("Config Rules Compliance Change", `{"awsAccountId":"1","awsRegion":"r","configRuleName":"n","resourceId":"b","newEvaluationResult":{"complianceType":"NON_COMPLIANT"}}`),
			notification(`{"messageType":"ComplianceChangeNotification","awsAccountId":"1","awsRegion":"r","configRuleName":"n","resourceId":"b","newEvaluationResult":{"complianceType":"COMPLIANT"}}`)},
		"crawler":     {event("Glue Crawler State Change", `{"crawlerName":"c","state":"Failed"}`), event("Glue Crawler State Change", `{"crawlerName":"c","state":"Succeeded"}`)},
		"late job":    {event("Glue Job Run Status", `{"jobName":"j","state":"RUNNING"}`), event("Glue Job State Change", `{"jobName":"j","state":"SUCCEEDED"}`)},
		"advice":      {event("Trusted Advisor Check Item Refresh Notification", `{"check-name":"c","status":"WARN","resource_id":"r","uuid":"1"}`), event("Trusted Advisor Check Item Refresh Notification", `{"check-name":"c","status":"OK","resource_id":"r","uuid":"2"}`)},
		"environment": {notification(beanstalk("Environment health has transitioned from Ok to Degraded.")), notification(beanstalk("Environment health has transitioned from Degraded to Ok."))},
		"environment, by EventBridge": {notification(beanstalk("Environment health has transitioned from Ok to Degraded.")),
			strings.Replace(event("Health status change", `{"ApplicationName":"shop","EnvironmentName":"shop-live","Message":"Environment health has transitioned from Degraded to Ok."}`), "aws.x", "aws.elasticbeanstalk", 1)},
		"certificate":      {event("ACM Certificate Expired", `{"CommonName":"example.com"}`), event("ACM Certificate Available", `{"CommonName":"example.com"}`)},
		"autoshift":        {event("Autoshift In Progress", `{}`), event("Autoshift Completed", `{}`)},
		"practice":         {event("Practice Run Failed", `{}`), event("Practice Run Succeeded", `{}`)},
		"item":             {event("OpsItem Create", `{"ops-item-id":"o","status":"Open","title":"Disk"}`), event("OpsItem Update", `{"ops-item-id":"o","status":"Resolved","title":"Disk of nas"}`)},
		"unusual calls":    {event("AWS Insight via CloudTrail", `{"sharedEventID":"s","eventID":"1","insightDetails":{"state":"Start"}}`), event("AWS Insight via CloudTrail", `{"sharedEventID":"s","eventID":"2","insightDetails":{"state":"End"}}`)},
		"function":         {event("Lambda Function Invocation Result - Failure", `{"requestContext":{"functionArn":"f","condition":"RetriesExhausted"}}`), notification(`{"requestContext":{"functionArn":"f","condition":"Success"}}`)},
		"replication":      {event("DMS Replication Task State Change", `{"eventType":"REPLICATION_TASK_STOPPED"}`), event("DMS Replication Task State Change", `{"eventType":"REPLICATION_TASK_STARTED"}`)},
		"text":             {notification("[FIRING:2] HighCPU (web-1 prod)"), strings.Replace(notification("[RESOLVED] HighCPU (web-1 prod)"), "m-1", "m-2", 1)},
		"transformed":      {`{"alarm":"lag","state":"ALARM","time":"2026-03-01T08:00:00Z"}`, `{"alarm":"lag","state":"OK","time":"2026-03-01T08:30:00Z"}`},
		"own JSON's title": {notification(`{"title":"Queue is long","status":"firing"}`), strings.Replace(notification(`{"title":"Queue is long","status":"resolved"}`), "m-1", "m-2", 1)},
		"own JSON's id":    {notification(`{"message":"is late","orderId":"7","status":"firing"}`), strings.Replace(notification(`{"message":"is there","orderId":"7","status":"resolved"}`), "m-1", "m-2", 1)},
		"own JSON":         {notification(`{"jobName":"j","status":"FAILED"}`), strings.Replace(notification(`{"jobName":"j","status":"SUCCEEDED"}`), "m-1", "m-2", 1)},
	} {
		one, _ := read(t, pair[0])
		two, _ := read(t, pair[1])
		if a, b := one.Items[0].Alert, two.Items[0].Alert; a.DedupKey != b.DedupKey {
			t.Errorf("%s: %s and %s", name, a.DedupKey, b.DedupKey)
		}
		if a, b := one.Items[0].Alert.Status, two.Items[0].Alert.Status; a != alert.Firing || b != alert.Resolved && name != "developer tools" {
			t.Errorf("%s: %s, then %s", name, a, b)
		}
	}
	without := func(detail string) string {
		return strings.Replace(event("Job State Change", detail), `["arn:aws:x:eu-west-1:123456789012:thing/one"]`, "[]", 1)
	}
	for _, pair := range [][2]string{
		{`{"jobName":"a","state":"FAILED"}`, `{"jobName":"b","state":"FAILED"}`},
		{`{"case-id":"1"}`, `{"case-id":"2"}`},
		{`{"service":"search","status":"unhealthy"}`, `{"service":"payments","status":"healthy"}`},
	} {
		one, _ := read(t, without(pair[0]))
		two, _ := read(t, without(pair[1]))
		if one.Items[0].Alert.DedupKey == two.Items[0].Alert.DedupKey {
			t.Errorf("%s and %s have one key", pair[0], pair[1])
		}
	}
	if one, _ := read(t, without(`{"service":"search","status":"unhealthy"}`)); one.Items[0].Alert.Title != "Job State Change: search unhealthy" {
		t.Errorf("title %q", one.Items[0].Alert.Title)
	}
}

func TestApprovalHidesItsToken(t *testing.T) {
	parsed, _ := read(t, notification(`{"approval":{"pipelineName":"p","token":"very-secret","approvalReviewLink":"https://x.example.com/approve"}}`))
	if text, _ := json.Marshal(parsed.Items[0].Alert); strings.Contains(string(text), "very-secret") {
		t.Errorf("%s", text)
	}
}

func TestAlarmIsOneWhateverWrapsIt(t *testing.T) {
	const arn = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:A"
	data := `{"alarmName":"A","state":{"value":"ALARM","timestamp":"2026-03-01T08:55:12.402+0000","reason":"R"},"configuration":{"description":"see https://runbooks.example.com/a."}}`
	message := `{"AlarmName":"A","AlarmArn":"` + arn + `","NewStateValue":"ALARM","StateChangeTime":"2026-03-01T08:55:12.402+0000","AWSAccountId":"123456789012","Region":"EU (Ireland)","Trigger":{"Dimensions":[{"Name":"Host","Value":"h"}]}}`
	for name, body := range map[string]string{
		"message": message, "notification": notification(message),
		"event":  strings.Replace(event("CloudWatch Alarm State Change", data), "arn:aws:x:eu-west-1:123456789012:thing/one", arn, 1),
		"action": `{"source":"aws.cloudwatch","alarmArn":"` + arn + `","accountId":"123456789012","region":"eu-west-1","time":"t","alarmData":` + data + `}`,
	} {
		parsed, _ := read(t, body)
		a := parsed.Items[0].Alert
		if a.DedupKey != "alarm_arn:"+arn || a.Episode != "2026-03-01T08:55:12.402Z" || a.Labels["account"] != "123456789012" || a.Labels["region"] != "eu-west-1" ||
			a.Links[0].URL != "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/A" {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// TestRepeatsKeepTheirEpisode: senders that say "now" at every repeat must not
// begin a new firing period with each.
func TestRepeatsKeepTheirEpisode(t *testing.T) {
	for _, failed := range []string{
		event("Synthetics Canary TestRun Failure", `{"canary-id":"c","canary-name":"n","test-run-status":"FAILED"}`),
		notification(`{"title":"Queue is long","id":"q"}`), notification(`{"jobName":"j","status":"FAILED"}`),
		notification(stack("AWS::CloudFormation::Stack", "shop", "UPDATE_ROLLBACK_FAILED")), posted("CRITICAL: disk of nas", "PASS"),
	} {
		first, _ := read(t, failed)
		second, _ := read(t, strings.NewReplacer("08:59:", "09:04:", "m-1", "m-2").Replace(failed))
		if a, b := first.Items[0].Alert, second.Items[0].Alert; a.Episode != b.Episode || a.StartedAt.Equal(b.StartedAt) || a.DedupKey != b.DedupKey {
			t.Errorf("%+v\n%+v", a, b)
		}
	}
}

func TestSenderNamesTheRequest(t *testing.T) {
	for body, want := range map[string]string{
		notification("text"):         "m-1",
		event("Thing Changed", "{}"): "e-1",
		`{"alarmArn":"a","time":"t","alarmData":{"alarmName":"A","state":{"value":"OK"}}}`: "a@t",
		`{"Records":[{"Sns":{"MessageId":"r-1","Message":"x"}}]}`:                          "r-1",
		`{"AlarmName":"A","NewStateValue":"OK"}`:                                           "",
	} {
		if parsed, _ := read(t, body); parsed.SenderID != want {
			t.Errorf("%s: %q, want %q", body, parsed.SenderID, want)
		}
	}
	if parsed, got := read(t, "a line", "X-Amz-Sns-Rawdelivery", "true", "X-Amz-Sns-Message-Id", "h-1"); parsed.SenderID != "h-1" || len(got) != 1 || got[0] != `firing P3 "a line"` {
		t.Errorf("%q: %v", parsed.SenderID, got)
	}
}

func TestConfirmationIsAtTheTopicsEndpoint(t *testing.T) {
	confirmation := func(topic, address string) string {
		return `{"Type":"SubscriptionConfirmation","MessageId":"m","Message":"x","TopicArn":"` + topic + `","SubscribeURL":"` + address + `"}`
	}
	for _, c := range []struct {
		topic, address string
		want           bool
	}{
		{"arn:aws:sns:eu-west-1:1:t", "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=x", true},
		{"arn:aws-cn:sns:cn-north-1:1:t", "https://sns.cn-north-1.amazonaws.com.cn/?Action=ConfirmSubscription", true},
		{"arn:aws-us-gov:sns:us-gov-west-1:1:t", "https://sns.us-gov-west-1.amazonaws.com/?Action=ConfirmSubscription", true},
		{"arn:aws-eusc:sns:eusc-de-east-1:1:t", "https://sns.eusc-de-east-1.amazonaws.eu/?Action=ConfirmSubscription", true},
		{"arn:aws:sns:eu-west-1:1:t", "https://sns.eu-west-1.amazonaws.com/?Action=Publish", false},
		{"arn:aws:sns:eu-west-1:1:t", "https://sns.eu-west-2.amazonaws.com/?Action=ConfirmSubscription", false},
		{"arn:aws:sns:eu-west-1:1:t", "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription", false},
		{"arn:aws:sns:eu-west-1:1:t", "https://u@sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription", false},
		{"arn:aws:sns:eu-west-1:1:t", "https://sns.eu-west-1.amazonaws.com:8443/?Action=ConfirmSubscription", false},
		{"arn:aws:sns:eu-west-1:1:t", "https://example.com/?sns.eu-west-1.amazonaws.com", false},
		{"arn:aws:sns:s3-eu-west-1:1:t", "https://sns.s3-eu-west-1.amazonaws.com/?Action=ConfirmSubscription", false},
		{"arn:other:sns:eu-west-1:1:t", "https://sns.eu-west-1./?Action=ConfirmSubscription", false},
		{"t", "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription", false},
		{"arn:aws:sns:eu-west-1:1:t", "", false},
	} {
		parsed, lines := read(t, confirmation(c.topic, c.address))
		if got := parsed.Confirm != nil && parsed.Confirm.URL == c.address; got != c.want || got == (len(lines) == 1) {
			t.Errorf("%s %s: confirm %v, items %q", c.topic, c.address, parsed.Confirm, lines)
		}
	}
}

func TestNotesAreBounded(t *testing.T) {
	one := event("Scheduled Event", "{}")
	long := event("CloudWatch Alarm Configuration Change", `{"alarmName":"`+strings.Repeat("a", 5000)+`","operation":"`+strings.Repeat("b", 5000)+`"}`)
	parsed, _ := read(t, "["+long+strings.Repeat(","+one, 100)+"]")
	if len(parsed.Notes) != maxNotes+1 || len(parsed.Notes[0]) > maxNote {
		t.Errorf("%d notes, the first of %d bytes", len(parsed.Notes), len(parsed.Notes[0]))
	}
}

// FuzzParse: no panic, and every alert is one that can be kept.
func FuzzParse(f *testing.F) {
	f.Add([]byte(event("Thing Changed", `{"state":"x"}`)), false)
	f.Add([]byte(notification(budget)), true)
	f.Add([]byte(notification("[ACK] disk of nas is full")), false)
	f.Add([]byte(notification(`{"status":"firing","alerts":[{"status":"firing","labels":{"a":"b"}},{"labels":7,"status":1}]}`)), false)
	f.Add([]byte(notification(`{"requestContext":{"functionArn":[],"condition":"x"}}`)), false)
	f.Add([]byte(event("AWS Insight via CloudTrail", `{"insightDetails":{}}`)), false)
	f.Add([]byte(notification(stack("AWS::CloudFormation::Stack", "shop", "UPDATE_COMPLETE"))), false)
	f.Add([]byte(event("Security Hub Findings - Imported", `{"findings":[{"Id":"1"},{"finding_info":{"uid":"u"}},3]}`)), false)
	f.Add([]byte(event("ECS Task State Change", `{"containers":[{}],"lastStatus":"STOPPED","stopCode":"EssentialContainerExited"}`)), false)
	for _, dir := range []string{"../../../../shared/payloads", "../../../../../shared/payloads"} {
		found, _ := filepath.Glob(filepath.Join(dir, "aws_*", "*.json"))
		for _, file := range found {
			if body, err := os.ReadFile(file); err == nil {
				f.Add(body, false)
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, raw bool) {
		r := &source.Request{Body: body, At: received, Header: http.Header{}}
		if raw {
			r.Header.Set("X-Amz-Sns-Rawdelivery", "true")
		}
		parsed, err := Parse("x", r)
		if err != nil {
			return
		}
		for _, item := range parsed.Items {
			a := item.Alert
			if (a == nil) == (item.Rejected == "") {
				t.Fatalf("%+v", item)
			}
			if a != nil && (a.DedupKey == "" || a.Title == "" || a.Status != alert.Firing && a.Status != alert.Resolved && a.Status != alert.Acknowledged || !a.Severity.Valid() || !a.Priority.Valid()) {
				t.Fatalf("%+v", a)
			}
		}
	})
}

// TestInsight: what is added to an insight belongs to it, and it began when the
// insight did.
func TestInsight(t *testing.T) {
	told := func(name string) *alert.Alert {
		body := `{"version":"0","id":"e","detail-type":"` + name + `","source":"aws.devops-guru","account":"1","time":"2026-03-01T09:00:00Z","region":"r","resources":[],"detail":{"insightId":"i","insightSeverity":"high","startTimeISO":"2026-03-01T08:50:00Z"}}`
		parsed, err := Parse("x", &source.Request{Body: []byte(body)})
		if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
			t.Fatalf("%+v, %v", parsed, err)
		}
		return parsed.Items[0].Alert
	}
	opened, grown, closed := told("DevOps Guru New Insight Open"), told("DevOps Guru Insight Severity Upgraded"), told("DevOps Guru Insight Closed")
	if opened.StartedAt.Minute() != 50 || opened.Episode != grown.Episode || opened.DedupKey != grown.DedupKey || closed.DedupKey != opened.DedupKey || closed.Status != alert.Resolved || closed.EndedAt.IsZero() {
		t.Errorf("%+v\n%+v\n%+v", opened, grown, closed)
	}
}
