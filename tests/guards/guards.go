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
		"./functions/router", "TestInvariant03RedeliveryHalfway",
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
		2, "a reopened event keeps its slot", "shared/event/store.go",
		"OR #e = :over AND #o = :opening\"", "OR #e = :over AND (#o = :opening OR #o <> :opening)\"",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		2, "a merge needs an open survivor", "shared/event/store.go",
		"		tx.grow(e.MergedInto)\n", "",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		3, "a part of the ledger is put once", "shared/ledger/store.go",
		"aws.String(\"attribute_not_exists(pk)\"),", "aws.String(\"attribute_not_exists(never)\"),",
		"./shared/ledger", "TestStoreOnDynamoDBLocal",
	},
	{
		3, "an alert remembers what was done for a delivery", "functions/router/round.go",
		"rep.state.TakenFrom(rep.delivery.ID, rep.position); ok {", "rep.state.TakenFrom(rep.delivery.ID, rep.position); ok && false {",
		"./functions/router", "TestInvariant03RedeliveryHalfway",
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
		"	u.Require(attrRev, ddb.N(c.Before.Rev))\n", "",
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
		6, "a resolution by recovery is refused when an alert joined", "shared/event/store.go",
		"		u.Require(attrMemberSeq, ddb.N(c.Before.MemberSeq))\n", "",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		7, "whatever wakes the machine sets a deadline", "shared/event/apply.go",
		"		c.Event.Due = at.Add(dueAfterWake)\n", "",
		"./shared/event", "TestCycleRisesWhenPagingBeginsAnew",
	},
	{
		7, "the sweeper does what is overdue itself", "functions/sweeper/repair.go",
		"	if _, err := s.engine.Repair(ctx, e.ID); err != nil {\n", "	if err := error(nil); err != nil {\n",
		"./tests", "TestInvariant13ADeadExecutionIsRepaired",
	},
	{
		8, "only a POST acts", "functions/action/handler.go",
		"mux.Handle(\"GET \"+actionlink.Path+\"{token}\", page(h.show))", "mux.Handle(\"GET \"+actionlink.Path+\"{token}\", page(h.act))",
		"./tests", "TestInvariant08GetAndHeadChangeNothing",
	},
	{
		9, "a decision says why", "shared/decide/decide.go",
		"	d.Reasons = append(d.Reasons, fmt.Sprintf(format, args...))\n", "	_ = fmt.Sprintf(format, args...)\n",
		"./tests", "TestInvariant09EveryPageIsExplained",
	},
	{
		10, "an open event keeps its plan's version", "shared/lifecycle/config.go",
		"v.Cache.At(ctx, version)", "v.Cache.Current(ctx)",
		"./tests", "TestInvariant10AnOpenEventKeepsItsPlan",
	},
	{
		11, "a rule that cannot be evaluated leads to the catch-all", "shared/rule/set.go",
		"	case found.err != nil:\n", "	case found.err != nil && false:\n",
		"./shared/rule", "Test",
	},
	{
		12, "a log line holds the route and not the path", "shared/httpapi/serve.go",
		"	return r.Pattern\n", "	return r.URL.Path\n",
		"./tests", "TestInvariant12NoSecretInALog",
	},
	{
		13, "an execution that is over is replaced", "functions/sweeper/repair.go",
		"		return event.NextGeneration{Because: how, Failed: failed}, nil\n", "		return nil, nil\n",
		"./functions/sweeper", "TestInvariant13",
	},
	{
		13, "an execution of another generation does nothing", "shared/lifecycle/engine.go",
		"if e.Generation != generation || step.Do != w.State {", "if step.Do != w.State {",
		"./functions/lifecycle", "Test",
	},
}
