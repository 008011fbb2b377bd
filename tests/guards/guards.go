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
		2, "an event is split as it was read", "shared/event/split.go",
		"	c.SameMembers = true\n", "",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		3, "a part of the ledger is put once", "shared/ledger/store.go",
		"aws.String(\"attribute_not_exists(pk)\"),", "aws.String(\"attribute_not_exists(never)\"),",
		"./shared/ledger", "TestStoreOnDynamoDBLocal",
	},
	{
		3, "a replay is the delivery that it replays", "shared/source/proof/proof.go",
		"	r.Once = stamp\n", "",
		"./shared/intake", "TestReplayIsTheSameDelivery",
	},
	{
		3, "an alert remembers what was done for a delivery", "functions/router/round.go",
		"rep.state.TakenFrom(rep.delivery.ID, rep.position); ok {", "rep.state.TakenFrom(rep.delivery.ID, rep.position); ok && false {",
		"./functions/router", "TestInvariant03RedeliveryHalfway",
	},
	{
		3, "a miss counts only if the heartbeat is overdue when it is read again", "shared/heartbeat/heartbeat.go",
		"!h.Deadline.IsZero() && !at.Before(h.Deadline)\n", "!h.Deadline.IsZero()\n",
		"./functions/sweeper", "TestInvariant03AMissIsReadAgain",
	},
	{
		3, "a miss is written on condition of what was read", "shared/heartbeat/store.go",
		"	u.Require(attrSeq, ddb.N(before.Seq))\n", "",
		"./shared/heartbeat", "TestStoreOnDynamoDBLocal",
	},
	{
		3, "a ping is written on condition of the definition that it used", "shared/heartbeat/store.go",
		"	u.Require(attrRev, ddb.N(h.Rev))\n", "",
		"./shared/heartbeat", "TestStoreOnDynamoDBLocal",
	},
	{
		4, "a mass expiry is counted before anything fans out", "functions/sweeper/heartbeats.go",
		"			held[h.ID] = true\n		}\n		err = s.pathBroken", "			held[h.ID] = false\n		}\n		err = s.pathBroken",
		"./functions/sweeper", "TestInvariant04AMassExpiryIsOneAlert",
	},
	{
		4, "misses are held back for a bounded time", "shared/heartbeat/path.go",
		"	case at.Before(p.Since.Add(HoldFor)):\n", "	case at.After(p.Since):\n",
		"./functions/sweeper", "TestInvariant04TheGuardHoldsForABoundedTime",
	},
	{
		4, "a path that loses more is told again", "shared/heartbeat/path.go",
		"	case 2*c.Lost >= 3*p.Lost && at.After(p.At):\n", "	case false:\n",
		"./functions/sweeper", "TestInvariant04WhatFallsSilentLaterIsToldToo",
	},
	{
		4, "what the guard spared once is told", "shared/heartbeat/path.go",
		" || !h.Spared.IsZero()", "",
		"./functions/sweeper", "TestInvariant04HalfOfThemStayDead",
	},
	{
		4, "a run that goes on keeps its end", "shared/heartbeat/store.go",
		"	u.SetOr(attrDeadline, attrRunBy, by)\n	u.SetOr(ddb.DueAt, attrRunBy, by)\n", "	u.Set(attrDeadline, by)\n	u.Set(ddb.DueAt, by)\n",
		"./shared/heartbeat", "TestStoreOnDynamoDBLocal",
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
		"	if why != \"\" {\n", "	if why != \"\" && false {\n",
		"./functions/notifier", "Test",
	},
	{
		5, "a recovery needs no rule", "functions/router/round.go",
		"	case alert.Recovers, alert.StaysOver:\n", "	case alert.StaysOver:\n",
		"./functions/router", "TestInvariant05",
	},
	{
		5, "a firing that is kept updates its alert", "functions/router/round.go",
		"	if r.write(ctx, rep, ledger.Kept, \"\") {\n", "	if true {\n",
		"./functions/router", "TestInvariant05",
	},
	{
		5, "a rule that opens nothing raises nothing", "functions/router/round.go",
		"		if rep.decision.Outcome != rule.Open {\n", "		if false {\n",
		"./functions/router", "TestInvariant05",
	},
	{
		6, "a commit is refused after another", "shared/execution/store.go",
		"	u.Require(attrRev, ddb.N(before.Rev))\n", "",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		6, "a token is not stored after a wake", "shared/execution/store.go",
		"	u.Require(attrWakeSeq, ddb.N(x.WakeSeq))\n", "",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		6, "a token is not stored by a replaced execution", "shared/execution/store.go",
		"	u.Require(attrGeneration, ddb.N(x.Generation))\n", "",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		6, "a resolution by recovery is refused when an alert joined", "shared/event/store.go",
		"		u.Require(attrMemberSeq, ddb.N(c.Before.MemberSeq))\n", "",
		"./shared/event", "TestStoreOnDynamoDBLocal",
	},
	{
		7, "whatever wakes the machine sets a deadline", "shared/execution/execution.go",
		"	x.Due = at.Add(dueAfterWake)\n", "",
		"./shared/event", "TestCycleRisesWhenPagingBeginsAnew",
	},
	{
		7, "the sweeper does what is overdue itself", "functions/sweeper/repair.go",
		"	_, err = d.Repair(ctx) // the execution is only a timer\n", "",
		"./tests", "TestInvariant13ADeadExecutionIsRepaired",
	},
	{
		7, "an execution that is not replaced yet delays no deadline", "functions/sweeper/repair.go",
		"	case s.now().Before(x.ReplaceAt()):\n		return s.repaired(ctx, \"timer\", d.LookBy(ctx, x.ReplaceAt().Add(-overdue)))\n",
		"	case s.now().Before(x.ReplaceAt()):\n		return s.repaired(ctx, \"timer\", d.SetDue(ctx, d.ID, x.Execution, x.ReplaceAt().Add(-overdue)))\n",
		"./functions/sweeper", "TestInvariant07",
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
		12, "what a job sends along is kept without its secrets", "shared/heartbeat/store.go",
		"	output, err := h.redacted(p.Output)\n", "	output, err := p.Output, error(nil)\n",
		"./functions/ingest-heartbeat", "TestASecretInAnOutputIsNotKept",
	},
	{
		12, "what is redacted is taken out before a body is read", "shared/intake/read.go",
		"	req, redacted, more := found.Redact.Request(req, src.Rewrite)\n", "	redacted, more := 0, []string(nil)\n",
		"./shared/intake", "TestWhatIsRedactedIsNowhere",
	},
	{
		12, "what cannot be read is kept without its body, where something is to be taken out", "shared/intake/read.go",
		"	if found.Redact.Empty() {\n", "	if found.Redact.Empty() || true {\n",
		"./shared/intake", "TestRefusedRequestsAreToldToTheOwner",
	},
	{
		12, "what only a source could decode is redacted once it is read", "shared/intake/read.go",
		"	parsed, again := found.Redact.Parsed(parsed)\n", "	again := 0\n",
		"./shared/intake", "TestWhatOnlyTheSourceCanDecodeIsRedacted",
	},
	{
		12, "names tell of secrets", "shared/source/secret.go",
		"			return is.secret(before)\n", "			return is.secret(before) && false\n",
		"./shared/source", "TestSecrets",
	},
	{
		12, "a log line holds the route and not the path", "shared/httpapi/serve.go",
		`cmp.Or(r.Pattern, "none")`, `cmp.Or(r.URL.Path, "none")`,
		"./tests", "TestInvariant12NoSecretInALog",
	},
	{
		13, "an execution that is over is replaced", "functions/sweeper/repair.go",
		"	err := d.Replace(ctx, over, how)\n", "	err := error(nil)\n",
		"./functions/sweeper", "TestInvariant13",
	},
	{
		13, "a generation that hands over before it waited has failed", "shared/lifecycle/life.go",
		"Because: \"the execution is handed over\", Failed: !s.Waited()}", "Because: \"the execution is handed over\"}",
		"./functions/lifecycle", "TestInvariant13",
	},
	{
		13, "an execution of another generation does nothing", "shared/lifecycle/life.go",
		"if t.Generation != generation || t.Do != w.State {", "if t.Do != w.State {",
		"./functions/lifecycle", "Test",
	},
}
