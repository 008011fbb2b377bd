package source

import (
	"strings"
	"testing"

	"tocsin/shared/alert"
)

func TestSecretsAreHidden(t *testing.T) {
	item := Fired(alert.Alert{
		Title: `{"token":"x1","a":"b"}`, Labels: map[string]string{"API_KEY": "x2", "x.auth_token": "x3", "key": "kept", "tokens": "7"},
		Description: `seen {"password" : 1, "Secret":  "x4\"x5", "b":{"Authorization":"x6"}} and "token":"x7`,
	})
	a := item.Alert
	if want := `seen {"password" : 1, "Secret":"[redacted]", "b":{"Authorization":"[redacted]"}} and "token":"[redacted]"`; a.Description != want {
		t.Errorf("%s\nwant\n%s", a.Description, want)
	}
	if a.Title != `{"token":"[redacted]","a":"b"}` || a.Labels["API_KEY"] != hidden || a.Labels["x.auth_token"] != hidden || a.Labels["key"] != "kept" || a.Labels["tokens"] != "7" {
		t.Errorf("%q, %q", a.Title, a.Labels)
	}
	if long := withoutSecrets(strings.Repeat(`"a":`, 1<<18)); len(long) > maxLine {
		t.Errorf("%d bytes", len(long))
	}
}
