// Command ingest-zabbix is the Lambda function that accepts what media
// types of Zabbix post.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/zabbix"
)

func main() { function.Serve(intake.Function(zabbix.Source)) }
