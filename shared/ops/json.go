package ops

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"tocsin/shared/fault"
)

// maxDepth is how deep arrays and objects of a body may be nested.
const maxDepth = 64

// checkDepth refuses a JSON body that nests deeper than maxDepth. It reads the
// body once and leaves all other errors to the decoder.
func checkDepth(body []byte) error {
	depth, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return fault.New(fault.Invalid, "the body nests deeper than %d levels at byte %d", maxDepth, i)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// jsonError sorts an error of encoding/json: where the body stops being JSON,
// or which field is of another type than expected.
func jsonError(err error) error {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fault.New(fault.Invalid, "the body is not valid JSON at byte %d: %s", e.Offset, e.Error())
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &fault.Error{Kind: fault.Invalid, Text: "the body has a field of the wrong type", Fields: []fault.Field{
			{Path: e.Field, Problem: wrongType(e)},
		}}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.New(fault.Invalid, "the body is not valid JSON: it ends early")
	}
	return fault.Wrap(fault.Invalid, err, "the body is not valid JSON")
}

// wrongType says what was found in place of what was expected, in words of
// JSON.
func wrongType(e *json.UnmarshalTypeError) string {
	return fmt.Sprintf("is a JSON %.20s, expected %s", e.Value, expected(e.Type))
}

func expected(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Pointer:
		return expected(t.Elem())
	}
	return "a number"
}
