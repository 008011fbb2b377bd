// Package conformance compares local/stepfunctions with moto's interpreter of
// the Amazon States Language (PyPI, tests/validate/moto.txt) on timeouts, retries,
// catches and callbacks in time: status, output, error, kinds of events and
// seconds taken. moto's late tokens and StartExecution are wrong and not
// compared; where one of the cases differs, cases.json says why.
//
//	CONFORMANCE_PYTHON=venv/bin/python go test -tags conformance ./local/stepfunctions/conformance
//
// CONFORMANCE_PYTHON is a Python that has the requirements; "python3" if it is
// not set; `make validate` makes one and calls this. It takes some 15 seconds,
// as moto runs in real time.
package conformance
