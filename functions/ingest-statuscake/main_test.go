package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/statuscake"
)

func TestEvents(t *testing.T) {
	intaketest.Run(t, statuscake.Source, []intaketest.Case{
		{File: "down.json", Alerts: []string{`firing P2 error test:6081234 - "Shop is down"`}},
		{File: "up.json", Alerts: []string{`resolved P2 error test:6081234 - "Shop is up"`}},
		{File: "signed.json", Secrets: []string{"shop-ops:key-of-before", "shop-ops:k3yForTheApi"}, Alerts: []string{`firing P2 error test:6081234 - "Shop is down"`}},
		{File: "signed.json", Secrets: []string{"shop-ops:another"}, Status: 401},
		{File: "json.json", Alerts: []string{`firing P2 error test:6081234 - "Shop is down"`}},
		{File: "without-id.json", Alerts: []string{`firing P2 error hash1:3dd74624b7840d326939bf618590eed9 - "Shop is down"`}},
		{File: "json-without-id.json", Alerts: []string{`firing P2 error hash1:3dd74624b7840d326939bf618590eed9 - "Shop is down"`}},
	})
}
