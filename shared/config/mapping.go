package config

import (
	"encoding/json"
	"errors"

	"tocsin/shared/fault"
	"tocsin/shared/source/preset"
	"tocsin/shared/source/shipped"
)

// Mapping returns a mapping, compiled at its first use; false if there is none
// of that name, or if this code cannot compile what other code has checked.
func (c *Config) Mapping(name string) (*preset.Preset, bool) {
	if p, done := c.compiled.Load(name); done {
		return p.(*preset.Preset), true
	}
	spec, known := c.Mappings[name]
	if !known {
		return nil, false
	}
	p, err := preset.Compile(name, spec)
	if err != nil {
		return nil, false
	}
	c.compiled.Store(name, p)
	return p, true
}

// ReadMapping reads and checks the spec of a mapping that is not published.
// The error is of kind Invalid and names every bad field.
func ReadMapping(name string, raw json.RawMessage) (preset.Spec, error) {
	var spec preset.Spec
	var found fault.Problems
	decodeStrict(raw, &spec, &found)
	if len(found) == 0 {
		checkMapping(name, spec, &found)
	}
	return spec, found.Err("the mapping is not valid")
}

func checkMapping(name string, m preset.Spec, found *fault.Problems) {
	err := preset.Check(name, m)
	if e, ok := errors.AsType[*fault.Error](err); ok {
		for _, f := range e.Fields {
			found.Add(f.Path, "%s", f.Problem)
		}
	}
	titled := len(m.Title) > 0
	for _, v := range m.Variants {
		titled = titled || len(v.Title) > 0
	}
	if !titled {
		found.Add("title", "missing")
	}
}

// checkShadow refuses a mapping by the name of a source that ships: nobody
// could tell which of the two an alert is of.
func checkShadow(name string, found *fault.Problems) {
	if s, taken := shipped.Named(name); taken {
		found.Add("name", "%q is a source that ships (%s); choose another name", name, s.Guide.Product)
	}
}
