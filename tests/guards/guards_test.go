package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGuardsStand: what is to be taken out is there, so that a change of the
// code does not go by the guards unseen.
func TestGuardsStand(t *testing.T) {
	for _, g := range guards {
		text, err := os.ReadFile(filepath.Join("../..", g.File))
		if n := strings.Count(string(text), g.Code); err != nil || n != 1 {
			t.Errorf("%s: stands %d times in %s, %v", g.Why, n, g.File, err)
		}
	}
}
