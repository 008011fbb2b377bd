package doc

import (
	"encoding/json"
	"net/url"
)

// Form is the tree of a form: an object of its fields. A name that stands
// twice has a list of texts.
func Form(fields url.Values) Value {
	flat := make(map[string]any, len(fields))
	for name, values := range fields {
		flat[name] = values
		if len(values) == 1 {
			flat[name] = values[0]
		}
	}
	return Of(flat)
}

// Of is the tree of a Go value that encoding/json can write, nested at most
// MaxDepth deep; anything else is absent.
func Of(value any) Value {
	body, err := json.Marshal(value)
	if err != nil {
		return Value{}
	}
	v, err := JSON(body)
	if err != nil {
		return Value{}
	}
	return v
}
