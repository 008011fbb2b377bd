package structure

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// permission is one action on one resource.
type permission struct{ action, on string }

func (p permission) String() string { return p.action + " on " + p.on }

func comparePermissions(a, b permission) int { return strings.Compare(a.String(), b.String()) }

// tables says in which table a package keeps what it writes. Each entity is
// read and written in one store (STYLE §8), so the package tells the table.
var tables = map[string][]string{
	"shared/alert":       {"EventsTable"},
	"shared/change":      {"EventsTable"},
	"shared/event":       {"EventsTable"},
	"shared/incident":    {"EventsTable"},
	"shared/execution":   {"EventsTable"},
	"shared/heartbeat":   {"EventsTable"},
	"shared/config":      {"ConfigTable"},
	"shared/catalog":     {"ConfigTable"},
	"shared/integration": {"ConfigTable"},
	"shared/apitoken":    {"ConfigTable"},
	"shared/ops":         {"ConfigTable"}, // audit entries and kept answers
	"shared/ledger":      {"LedgerTable"},
	"shared/outbox":      {"LedgerTable"},
	"functions/sweeper":  {"EventsTable", "LedgerTable"}, // what is due in either
}

// indexOf is the index that a function of shared/ddb reads by the name that it
// is given.
var indexOf = map[string]string{"Below": "list"}

// parameters says which parameters a package reads and writes.
var parameters = map[string]string{
	"shared/actionlink":  "parameter/tocsin/${AWS::StackName}/link-keys",
	"shared/integration": "parameter/tocsin/${AWS::StackName}/integrations/*",
}

const (
	deliveries = "${DeliveriesBucket.Arn}/deliveries/*"
	mails      = "${DeliveriesBucket.Arn}/mail/*"
)

// TestRolesAllowWhatIsCalled compares what the code of each function can come
// to call with what its role allows, by action and resource, both ways. It
// takes every branch as possible and tables from the package that calls, so it
// may ask for more than is ever used; it cannot see keys, values or a client
// that is given another table than its package's.
func TestRolesAllowWhatIsCalled(t *testing.T) {
	s := readStack(t)
	all := reaches(t)
	needed, users := map[string][]permission{}, map[string][]string{}
	for _, f := range s.functions() {
		role := f.id
		if shared := refers(f.properties.at("Role")); shared != "" {
			role = shared
		}
		needed[role] = append(needed[role], needs(t, f, all[f.name])...)
		users[role] = append(users[role], f.name)
	}
	for _, role := range names(needed) {
		t.Run(role, func(t *testing.T) {
			want := sortedSet(needed[role])
			allowed := allows(t, s, role)
			for _, p := range want {
				if !slices.Contains(allowed, p) {
					t.Errorf("%s calls %s, which the role does not allow", users[role], p)
				}
			}
			for _, p := range allowed {
				if !slices.Contains(want, p) {
					t.Errorf("the role allows %s, which %s never calls", p, users[role])
				}
			}
		})
	}
}

func sortedSet(all []permission) []permission {
	slices.SortFunc(all, comparePermissions)
	return slices.Compact(all)
}

// needs are the permissions that a function's calls and event sources need.
func needs(t *testing.T, f function, r reached) (all []permission) {
	t.Helper()
	transacts := slices.ContainsFunc(r.Calls, func(c call) bool { return c.Method == "TransactWriteItems" })
	for _, c := range r.Calls {
		if strings.HasPrefix(c.Method, "TransactWriteItems.") && !transacts {
			continue // made, but never written in a transaction
		}
		p, err := permissionsOf(f, r, c)
		if err != nil {
			t.Errorf("%s: %s.%s by %s: %v", f.name, c.Service, c.Method, c.From, err)
		}
		all = append(all, p...)
	}
	if q := f.onFailure(); q != "" {
		all = append(all, permission{"sqs:SendMessage", "${" + q + ".Arn}"})
	}
	for _, q := range f.queues() {
		for _, a := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} {
			all = append(all, permission{a, "${" + q + ".Arn}"})
		}
	}
	return all
}

// onFailure is the queue to which Lambda itself, in the function's role, sends
// an invocation that failed.
func (f function) onFailure() string {
	return refers(f.properties.at("EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination"))
}

func permissionsOf(f function, r reached, c call) ([]permission, error) {
	switch c.Service {
	case "dynamodb":
		return tablePermissions(c)
	case "sfn":
		return executes(r, c)
	case "ssm":
		all, err := one("ssm:"+c.Method, parameters[c.From])
		if err == nil && c.Method == "GetParameter" && f.variables()["NTFY_TOKEN_PARAMETER"] != nil {
			all = append(all, permission{"ssm:GetParameter", "parameter${NtfyTokenParameter}"})
		}
		return all, err
	case "signed":
		switch {
		case c.Via == "GetStart": // of shared/object: ingest-email reads what SES put there
			return one("s3:GetObject", mails)
		case c.Via == "Put" || c.Via == "Get": // of shared/object
			return one("s3:"+c.Via+"Object", deliveries)
		case c.From == "shared/integration":
			return one("ssm:"+c.Method, parameters[c.From])
		case c.From == "shared/queue":
			return sends(f, r, c)
		}
	case "sesv2":
		if c.Method == "SendEmail" { // of raw content, which the service checks by the older name
			var all []permission
			for _, on := range []string{"identity/*", "configuration-set/${MailConfigurationSet}"} {
				all = append(all, permission{"ses:SendEmail", on}, permission{"ses:SendRawEmail", on})
			}
			return all, nil
		}
	}
	return nil, fmt.Errorf("this test does not know what the call needs")
}

func one(action, resource string) ([]permission, error) {
	if resource == "" {
		return nil, fmt.Errorf("this test does not know on what")
	}
	return []permission{{action, resource}}, nil
}

// inTransaction is the action that each kind of transaction item needs; the
// transaction itself needs none (DynamoDB developer guide, "Using IAM with
// DynamoDB transactions").
var inTransaction = map[string]string{
	"TransactWriteItems.Put": "PutItem", "TransactWriteItems.Update": "UpdateItem",
	"TransactWriteItems.Delete": "DeleteItem", "TransactWriteItems.ConditionCheck": "ConditionCheckItem",
}

func tablePermissions(c call) (all []permission, err error) {
	action := c.Method
	if action == "TransactWriteItems" {
		return nil, nil
	}
	if item, ok := inTransaction[action]; ok {
		action = item
	}
	index := c.Index
	if index == "?" {
		if index = indexOf[c.Via]; index == "" {
			return nil, fmt.Errorf("this test does not know which index %s reads", c.Via)
		}
	}
	for _, table := range tables[c.From] {
		on := "${" + table + ".Arn}"
		if index != "" {
			on += "/index/" + index
		}
		all = append(all, permission{"dynamodb:" + action, on})
	}
	if all == nil {
		err = fmt.Errorf("this test does not know the package's table")
	}
	return all, err
}

// sends: a function sends to the queues whose address it reads.
func sends(f function, r reached, c call) (all []permission, err error) {
	if c.Method != "SendMessage" && c.Method != "SendMessageBatch" {
		return nil, fmt.Errorf("this test does not know what the call needs")
	}
	for name, queue := range map[string]string{
		"ALERTS_QUEUE_URL": "AlertsQueue", "MESSAGES_QUEUE_URL": "MessagesQueue", "SWEEPS_QUEUE_URL": "SweepsQueue",
	} {
		if slices.Contains(r.Words, name) {
			all = append(all, permission{"sqs:SendMessage", "${" + queue + ".Arn}"})
		}
	}
	if all == nil {
		err = fmt.Errorf("%s reads no queue's address", f.name)
	}
	return all, err
}

// executes: a function starts executions of the machines whose ARN it reads.
func executes(r reached, c call) (all []permission, err error) {
	action := "states:" + c.Method
	switch c.Method {
	case "StartExecution":
		for name, end := range map[string]string{"EVENT_MACHINE_ARN": "events", "INCIDENT_MACHINE_ARN": "incidents"} {
			if slices.Contains(r.Words, name) {
				all = append(all, permission{action, "stateMachine:${AWS::StackName}-" + end})
			}
		}
		return all, nil
	case "SendTaskSuccess":
		return one(action, "stateMachine:${AWS::StackName}-*")
	case "DescribeExecution":
		return one(action, "execution:${AWS::StackName}-*:*")
	}
	return nil, fmt.Errorf("this test does not know what the call needs")
}

// allows are the permissions of a role or function, its logs aside: SAM gives
// those, and a shared role must name them itself.
func allows(t *testing.T, s stack, role string) (all []permission) {
	t.Helper()
	for _, p := range statements(t, s) {
		if p.of != role || p.text("Effect") != "Allow" {
			continue
		}
		for _, a := range p.words("Action") {
			for _, v := range p.list("Resource") {
				if !strings.HasPrefix(a, "logs:") {
					all = append(all, permission{a, local(resourceText(v))})
				}
			}
		}
	}
	return sortedSet(all)
}

// local cuts an ARN down to what follows the account.
func local(resource string) string {
	if _, after, ok := strings.Cut(resource, ":${AWS::AccountId}:"); ok {
		return after
	}
	return resource
}
