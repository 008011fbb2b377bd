// Command ingest-custom is the Lambda function that accepts the webhooks of
// every source that is data: shipped presets, users' mappings, and what nobody
// described. It serves /in/<source>/{key} for all of them, with POST, PUT and
// GET; where there is no body, the query is it.
package main

import "tocsin/shared/function"

func main() { function.Serve(open) }
