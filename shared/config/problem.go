package config

import (
	"cmp"
	"fmt"
	"slices"

	"tocsin/shared/fault"
)

// Problem is one thing that is wrong with a list of documents.
type Problem struct {
	Document int    // position in the list
	Kind     string // as written there
	Name     string // as written there
	Field    string // "name", "spec.steps[0].wait"
	Detail   string // what was found and what was expected
}

func (p Problem) String() string {
	return fmt.Sprintf("%.80s %.80s: %s: %s", p.Kind, p.Name, p.Field, p.Detail)
}

// Problems is every problem of a list of documents, in the order of the list.
type Problems []Problem

// Err returns nil when there is no problem, else an Invalid [fault.Error] whose
// fields begin with the position of the document: "documents[2].spec.tier".
func (ps Problems) Err() error {
	var fields fault.Problems
	for _, p := range ps {
		fields.Add(fmt.Sprintf("documents[%d].%s", p.Document, p.Field), "%.80s %.80s: %s", p.Kind, p.Name, p.Detail)
	}
	return fields.Err("the configuration is not valid")
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Compare(a.Document, b.Document) })
}
