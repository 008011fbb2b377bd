// Command ingest-heartbeat is the Lambda function that takes the pings of jobs
// at /in/heartbeat/{key}, by GET, HEAD and POST. Unlike a page, a ping changes
// something whatever its method: many jobs can only GET.
package main

import "tocsin/shared/function"

func main() { function.Serve(open) }
