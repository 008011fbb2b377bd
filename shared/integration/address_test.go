package integration

import (
	"strings"
	"testing"
)

func TestKeyInAnAddress(t *testing.T) {
	key := NewKey()
	for text, want := range map[string]string{
		key: key, strings.ToLower(key): key, strings.ToUpper(key): key, "db-team+" + strings.ToLower(key): key, key + "+disk": key,
		"": "", "postmaster": "", "tk_short": "", "tk": "", "+": "", "a+b": "", "xtk_" + key[3:]: "", "tk_" + strings.Repeat("a", 200): "",
	} {
		if got := KeyIn(text); got != want {
			t.Errorf("%q holds %q, want %q", text, got, want)
		}
	}
}
