"""Plays the machines of cases.json in moto and prints what came of each.

moto runs in real time, so all machines run at once. Its Lambda needs Docker;
two functions take its place, which conformance_test.go has too:

throw   fails the nth call of the execution "id" with the nth name in "errors"
        (the last one again and again); an empty name answers the payload
report  sends "output", or "error" and "cause", for "token" after "after"
        seconds; nothing without "after"
"""

import json
import logging
import os
import sys
import threading
import time

os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")

import boto3  # noqa: E402
from moto import mock_aws  # noqa: E402
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils  # noqa: E402

ROLE = "arn:aws:iam::123456789012:role/r"
LIMIT_SECONDS = 60


def invoke(parameters, region, state_credentials):
    payload = json.loads(parameters["Payload"])
    answer = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": payload}
    if parameters["FunctionName"] == "report":
        threading.Thread(target=report, args=(payload,), daemon=True).start()
        return answer
    error = next_error(payload["id"], payload["errors"])
    if error:
        answer |= {"FunctionError": "Unhandled", "Payload": {"errorType": error}}
    return answer


calls = {}


def next_error(execution, errors):
    n = calls.get(execution, 0)
    calls[execution] = n + 1
    return errors[min(n, len(errors) - 1)]


def report(payload):
    if "after" not in payload:
        return
    time.sleep(payload["after"])
    client = boto3.client("stepfunctions")
    if "error" in payload:
        client.send_task_failure(taskToken=payload["token"], error=payload["error"], cause=payload["cause"])
    else:
        client.send_task_success(taskToken=payload["token"], output=json.dumps(payload["output"]))


def start(client, case):
    machine = client.create_state_machine(name=case["name"], definition=json.dumps(case["definition"]), roleArn=ROLE)
    started = client.start_execution(
        stateMachineArn=machine["stateMachineArn"], name=case["name"], input=json.dumps(case["input"])
    )
    return started["executionArn"]


def ended(client, arn):
    deadline = time.time() + LIMIT_SECONDS
    while time.time() < deadline:
        found = client.describe_execution(executionArn=arn)
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.1)
    raise TimeoutError(arn)


def outcome(client, name, arn):
    found = ended(client, arn)
    events = client.get_execution_history(executionArn=arn)["events"]
    seconds = (events[-1]["timestamp"] - events[0]["timestamp"]).total_seconds()
    return {
        "name": name,
        "status": found["status"],
        "output": json.loads(found.get("output", "null")),
        "error": found.get("error", ""),
        "events": [event["type"] for event in events],
        "seconds": round(seconds),
    }


def main():
    logging.disable()  # moto logs every failure that it plays
    lambda_eval_utils._invoke_lambda_function = invoke
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        client = boto3.client("stepfunctions")
        running = [(case["name"], start(client, case)) for case in cases]
        json.dump([outcome(client, name, arn) for name, arn in running], sys.stdout, indent=1)


if __name__ == "__main__":
    main()
