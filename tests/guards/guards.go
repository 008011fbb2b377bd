package main

// guards are those of the invariants, in their order. A change of the code
// around one moves its entry here.
var guards = []Guard{
	{
		1, "a message counts as failed until it is handled", "shared/queue/handle.go",
		"	o.response.BatchItemFailures = append(o.response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.ID})\n", "",
		"./shared/queue", "Test",
	},
	{
		1, "a report without a disposition keeps its part out of the ledger", "functions/router/router.go",
		"		if rep.done == nil {\n			return cmp.Or", "		if rep.done == nil {\n			continue\n		}\n		if rep.done == nil {\n			return cmp.Or",
		"./functions/router", "Test",
	},
	{
		2, "a slot is taken by one event", "shared/event/store.go",
		"	condition := \"attribute_not_exists(pk)\"\n", "	condition := \"\"\n",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		2, "an alert is attached as it was read", "shared/alert/store.go",
		"		p.ConditionExpression = aws.String(\"attribute_not_exists(pk)\")\n", "",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		3, "a part of the ledger is put once", "shared/ledger/ledger.go",
		"ConditionExpression: aws.String(\"attribute_not_exists(pk)\"),", "",
		"./shared/ledger", "TestStoreOnDynamoDBLocal",
	},
	{
		3, "an alert remembers what was done for a delivery", "functions/router/round.go",
		"rep.state.TakenFrom(rep.delivery.ID, rep.position); ok {", "rep.state.TakenFrom(rep.delivery.ID, rep.position); ok && false {",
		"./functions/router", "Test",
	},
	{
		4, "a message is written once for its key", "shared/outbox/store.go",
		"		TableName: &s.Table.Name, Item: item,\n		ConditionExpression: aws.String(\"attribute_not_exists(pk)\"),\n",
		"		TableName: &s.Table.Name, Item: item,\n",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		4, "a message is claimed by one sender", "shared/outbox/store.go",
		"		ConditionExpression:       aws.String(\"#rev = :rev\"),\n", "		ConditionExpression:       aws.String(\"#rev = :rev OR #rev <> :rev\"),\n",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		4, "a page is dropped when its reason has ended", "functions/notifier/handler.go",
		"if over, why := page.Ends(m, e); over {", "if over, why := page.Ends(m, e); over && false {",
		"./functions/notifier", "Test",
	},
	{
		6, "a commit is refused after another", "shared/event/store.go",
		"\"#c_rev = :c_rev\"", "\"#c_rev = :c_rev OR #c_rev <> :c_rev\"",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		6, "a token is not stored after a wake", "shared/event/store.go",
		"aws.String(\"#wake = :wake AND #gen = :gen\")", "aws.String(\"(#wake = :wake OR #wake <> :wake) AND #gen = :gen\")",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		6, "a token is not stored by a replaced execution", "shared/event/store.go",
		"aws.String(\"#wake = :wake AND #gen = :gen\")", "aws.String(\"#wake = :wake AND (#gen = :gen OR #gen <> :gen)\")",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		7, "whatever wakes the machine sets a deadline", "shared/event/apply.go",
		"		c.Event.Due = at.Add(dueAfterWake)\n", "",
		"./shared/event", "TestCycleRisesWhenPagingBeginsAnew",
	},
	{
		11, "a rule that cannot be evaluated leads to the catch-all", "shared/rule/set.go",
		"	case found.err != nil:\n", "	case found.err != nil && false:\n",
		"./shared/rule", "Test",
	},
}
