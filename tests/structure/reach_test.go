package structure

import (
	"encoding/json"
	"sync"
	"testing"
)

// reached is what tests/tools/reach says of one function.
type reached struct {
	Calls []call   `json:"calls"`
	Words []string `json:"words"`
	Reads []string `json:"reads"`
}

type call struct {
	Service, Method, Index, From, Via string
}

var reach struct {
	once sync.Once
	all  map[string]reached
}

// reaches walks the code of all functions, once per test binary: some ten
// seconds. What it can and cannot see stands at the head of tests/tools/reach.
func reaches(t *testing.T) map[string]reached {
	t.Helper()
	reach.once.Do(func() {
		text := run(t, "tests/tools", "go", "run", "./reach", "-C", "../..")
		if err := json.Unmarshal([]byte(text), &reach.all); err != nil {
			t.Error(err)
		}
	})
	if len(reach.all) == 0 {
		t.Fatal("tests/tools/reach said nothing")
	}
	return reach.all
}
