"""Runs ministack 1.5.33 as one part of the local stack.

Everything that this version lacks for Tocsin is added here, at the seams that
its source offers; nothing of it is copied. Each function below names what it
works around. The process that started this one keeps our standard input open:
its end means "stop cleanly".
"""

import contextvars
import json
import os
import signal
import socketserver
import sys
import threading
import time

# A warm call otherwise waits 40 ms for a delayed acknowledgement.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True

from ministack import app as server  # noqa: E402
from ministack.core import lambda_runtime  # noqa: E402
from ministack.services import apigateway, dynamodb, eventbridge, lambda_svc, scheduler, sqs  # noqa: E402
from ministack.services.cloudformation import custom_resource, provisioners  # noqa: E402

DRAIN_SECONDS = 10.0
METHODS = {"get", "put", "post", "delete", "options", "head", "patch"}
ANY_METHOD = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"


def write_function_logs(path):
    """Sends what functions print to one file, a line each, after their name.

    ministack keeps the lines in memory instead, with a stream per call, and
    waits 50 ms for a first line before it answers.
    """
    log = open(path, "a", buffering=1, encoding="utf-8", errors="replace")

    def pump(worker, stream, _lines):
        name = worker.config.get("FunctionName", "?")
        with stream:
            for raw in iter(stream.readline, b""):
                log.write(f"{name} {raw.decode('utf-8', 'replace').rstrip()}\n")

    lambda_runtime.ProvidedWorker._pump_output = pump
    lambda_runtime.ProvidedWorker._drain_stderr_bounded = lambda worker, **_: ""
    lambda_svc._emit_lambda_logs = lambda *_, **__: None
    lambda_svc._emit_lambda_metrics = lambda *_, **__: None


# What functions take over of this process's own variables.
INHERITED = {"PATH", "HOME", "TMPDIR", "AWS_ENDPOINT_URL"}


def set_variables(given):
    """Gives every function some variables, over those of the template, and keeps ours from it."""
    build = lambda_svc._provided_worker_env

    def environment(config, code_dir, port):
        own = os.environ.keys() - INHERITED - lambda_svc._runtime_env_vars(config).keys()
        built = build(config, code_dir, port)
        return {name: value for name, value in built.items() if name not in own} | given

    lambda_svc._provided_worker_env = environment


def operations(body):
    """Yields (route key, integration) of an HTTP API's OpenAPI document."""
    for path, methods in (body.get("paths") or {}).items():
        for method, operation in methods.items():
            if INTEGRATION not in (operation or {}):
                continue
            if path in ("$default", "/$default"):
                yield "$default", operation[INTEGRATION]
            elif method == ANY_METHOD:
                yield f"ANY {path}", operation[INTEGRATION]
            elif method in METHODS:
                yield f"{method.upper()} {path}", operation[INTEGRATION]


def import_routes(api_id, properties):
    """Makes the routes that AWS::ApiGatewayV2::Api.Body names, which ministack ignores."""
    body = properties.get("Body")
    if not body:
        return
    apigateway._routes[api_id] = {}
    apigateway._integrations[api_id] = {}
    for key, integration in operations(body):
        created = apigateway._create_integration(api_id, {
            "integrationType": integration.get("type", "aws_proxy").upper(),
            "integrationUri": integration.get("uri", ""),
            "payloadFormatVersion": integration.get("payloadFormatVersion", "2.0"),
        })
        target = json.loads(created[2])["integrationId"]
        apigateway._create_route(api_id, {"routeKey": key, "target": f"integrations/{target}"})


def set_expiry(table, properties):
    """Applies TimeToLiveSpecification of a table, which ministack ignores."""
    expiry = properties.get("TimeToLiveSpecification")
    if expiry:
        dynamodb._update_ttl({"TableName": table, "TimeToLiveSpecification": expiry})


def complete(resource_type, finish):
    """Calls finish(physical id, properties) after each create or update of a resource type."""
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    create, update = handlers["create"], handlers["update"]

    def completed_create(logical_id, properties, *rest, **options):
        result = create(logical_id, properties, *rest, **options)
        finish(result[0], properties)
        return result

    def completed_update(physical_id, old, new, *rest, **options):
        result = update(physical_id, old, new, *rest, **options)
        finish(result[0], new)
        return result

    handlers["create"], handlers["update"] = completed_create, completed_update


def accept_metric_math():
    """Accepts alarms on expressions, which ministack refuses; they never ring."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
    for operation in ("create", "update"):
        act = handlers[operation]

        def accepting(identifier, *rest, act=act, **options):
            if any("Metrics" in properties for properties in rest if isinstance(properties, dict)):
                return identifier, {"Arn": f"arn:aws:cloudwatch:::alarm:{identifier}"}
            return act(identifier, *rest, **options)

        handlers[operation] = accepting


def accept_receipt_rules():
    """Accepts the rules by which SES receives mail, which ministack does not know; local/stack does what they say."""
    for kind in ("AWS::SES::ReceiptRuleSet", "AWS::SES::ReceiptRule"):
        provisioners._RESOURCE_HANDLERS[kind] = {
            "create": lambda logical_id, properties, stack: (f"{stack}-{logical_id}", {}),
            "update": lambda physical_id, old, new, *_: (physical_id, {}),
            "delete": lambda physical_id, properties: None,
        }


started = 0


def count_executions():
    """Counts every function call that begins, so that an observer sees work between two looks."""
    acquire = lambda_svc._acquire_execution_slot

    def counted(*args):
        global started
        started += 1
        return acquire(*args)

    lambda_svc._acquire_execution_slot = counted


def asynchronous_calls():
    """Counts asynchronous calls that run or wait for their next try.

    A rule of EventBridge calls a function by a thread of its own.
    """
    name = "invoke_async_with_retry.<locals>._run"
    return sum(
        1 for thread in threading.enumerate()
        if any(getattr(arg, "__qualname__", "") == name for arg in getattr(thread, "_args", ()))
        or getattr(thread, "_target", None) is lambda_svc._execute_function_with_config_scope
    )


def queue_activity():
    """Returns the messages of each queue and whether a function consumes it."""
    consumed = {esm.get("EventSourceArn") for _, _, esm in lambda_svc._iter_all_esms() if esm.get("Enabled", True)}
    found = {}
    with sqs._queues_lock:
        for queue in sqs._queues._data.values():
            sqs._refresh_counts(queue)
            attributes = queue["attributes"]
            found[attributes["QueueArn"].rsplit(":", 1)[-1]] = {
                "visible": int(attributes["ApproximateNumberOfMessages"]),
                "in_flight": int(attributes["ApproximateNumberOfMessagesNotVisible"]),
                "delayed": int(attributes["ApproximateNumberOfMessagesDelayed"]),
                "consumed": attributes["QueueArn"] in consumed,
            }
    return found


def failed_messages(event, answer):
    """Returns the batchItemFailures that AWS would understand.

    Source: Lambda Developer Guide, "Using Lambda with Amazon SQS", "Success
    and failure conditions": a null list is a success, and an empty or unknown
    identifier fails the whole batch. ministack loses the batch over the first
    and takes the second for a success.
    """
    failures = answer["batchItemFailures"] or []
    ids = {record.get("messageId") for record in event["Records"]}
    if all((failure or {}).get("itemIdentifier") in ids for failure in failures):
        return failures
    return [{"itemIdentifier": one} for one in ids]


def correct_batch_answers():
    """Puts failed_messages between functions and the pollers of queues."""
    execute = lambda_svc._execute_function

    def corrected(function, event):
        result = execute(function, event)
        answer = result.get("body")
        if isinstance(answer, dict) and "batchItemFailures" in answer and "Records" in event:
            answer["batchItemFailures"] = failed_messages(event, answer)
        return result

    lambda_svc._execute_function = corrected


def function_processes():
    """Returns the process ids of each function, by name."""
    with lambda_runtime._lock:
        return {
            key.split(":")[2]: [worker._proc.pid for worker in workers if worker._proc]
            for key, workers in lambda_runtime._workers.items()
        }


def activity():
    """Describes what is in flight.

    Calls are counted before queues: what a call sends before it ends is seen.
    """
    return {
        "asynchronous": asynchronous_calls(),
        "executions": lambda_svc.executions_in_flight()[0],
        "queues": queue_activity(),
        "processes": function_processes(),
        "started": started,
    }


api_request = contextvars.ContextVar("api_request", default=False)


def keep_encoded_bodies():
    """Passes compressed bodies on to functions as they came, which is what signatures cover."""
    inflate = server._decompress_request_body
    server._decompress_request_body = lambda body, headers: body if api_request.get() else inflate(body, headers)


def serve_activity():
    """Answers GET /_local/activity beside the AWS services."""
    inner = server.app

    async def outer(scope, receive, send):
        api_request.set(scope.get("path", "").startswith("/_aws/execute-api/"))
        if scope["type"] != "http" or scope["path"] != "/_local/activity":
            await inner(scope, receive, send)
            return
        body = json.dumps(activity()).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    server.app = outer


def accept_service_events():
    """Takes events of aws.* sources, which AWS keeps for its services: Step Functions is another process here."""
    put = eventbridge._put_events
    eventbridge._put_events = lambda data, allow_aws_source=False: put(data, allow_aws_source=True)


def tick_each_second():
    """Fires schedules at most a second late instead of ten."""
    scheduler._SCHEDULE_TICK_INTERVAL = 1
    eventbridge._SCHEDULER_TICK_INTERVAL = 1


def drain():
    """Begins no more work and waits for what runs, so that the saved services agree with each other."""
    lambda_svc._poll_sqs = lambda: False
    scheduler._tick_schedules = lambda: None
    eventbridge._tick_scheduled_rules = lambda: None
    deadline = time.monotonic() + DRAIN_SECONDS
    while lambda_svc.executions_in_flight()[0] and time.monotonic() < deadline:
        time.sleep(0.02)
    lambda_runtime.reset()


def stop_with_parent():
    """Stops this process, state saved, when standard input ends."""
    sys.stdin.buffer.read()
    drain()
    os.kill(os.getpid(), signal.SIGTERM)


def listen_on(port):
    """Listens on a port other than GATEWAY_PORT.

    That one is part of stored queue addresses, so it must stay the same when
    a state directory is opened again, while the real one may be any free port.
    """
    server._resolve_port = lambda: port
    custom_resource._PORT = port


def main():
    listen_on(os.environ["LISTEN_PORT"])
    write_function_logs(os.environ["FUNCTION_LOG"])
    set_variables(json.loads(os.environ["FUNCTION_VARIABLES"]) or {})
    complete("AWS::ApiGatewayV2::Api", import_routes)
    complete("AWS::DynamoDB::Table", set_expiry)
    accept_metric_math()
    accept_receipt_rules()
    count_executions()
    correct_batch_answers()
    keep_encoded_bodies()
    serve_activity()
    accept_service_events()
    tick_each_second()
    threading.Thread(target=stop_with_parent, daemon=True).start()
    sys.argv = ["ministack"]
    server.main()


if __name__ == "__main__":
    main()
