package ministack

import (
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Template is a CloudFormation template with its short forms written out:
// !Ref X is {"Ref": "X"}, and any other !F x is {"Fn::F": x}.
type Template map[string]any

// ReadTemplate reads a YAML or JSON template.
func ReadTemplate(path string) (Template, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := ParseTemplate(text)
	if err != nil {
		return nil, fmt.Errorf("read template %s: %w", path, err)
	}
	return t, nil
}

// ParseTemplate reads a template from YAML or JSON. Anchors and aliases are refused.
func ParseTemplate(text []byte) (Template, error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, err
	}
	if len(file.Docs) != 1 {
		return nil, fmt.Errorf("%d documents, want one", len(file.Docs))
	}
	value, err := plain(file.Docs[0].Body)
	if err != nil {
		return nil, err
	}
	t, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("template is not a mapping")
	}
	return t, nil
}

// plain turns a YAML node into maps, lists and scalars.
func plain(node ast.Node) (any, error) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return mapping(n.Values)
	case *ast.MappingValueNode:
		return mapping([]*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		return sequence(n.Values)
	case *ast.TagNode:
		return intrinsic(n)
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.NullNode, nil:
		return nil, nil
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
	case ast.ScalarNode:
		return n.GetValue(), nil
	}
	return nil, fmt.Errorf("line %d: %s is not supported", node.GetToken().Position.Line, node.Type())
}

func mapping(values []*ast.MappingValueNode) (any, error) {
	m := make(map[string]any, len(values))
	for _, v := range values {
		value, err := plain(v.Value)
		if err != nil {
			return nil, err
		}
		m[v.Key.GetToken().Value] = value
	}
	return m, nil
}

func sequence(values []ast.Node) (any, error) {
	list := make([]any, 0, len(values))
	for _, v := range values {
		value, err := plain(v)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

func intrinsic(n *ast.TagNode) (any, error) {
	value, err := plain(n.Value)
	if err != nil {
		return nil, err
	}
	switch name := strings.TrimPrefix(n.Start.Value, "!"); name {
	case "Ref", "Condition":
		return map[string]any{name: value}, nil
	case "GetAtt":
		if text, ok := value.(string); ok {
			logical, attribute, _ := strings.Cut(text, ".")
			value = []any{logical, attribute}
		}
		return map[string]any{"Fn::GetAtt": value}, nil
	default:
		return map[string]any{"Fn::" + name: value}, nil
	}
}

// child returns the mapping under key, making it where it is absent.
func child(m map[string]any, key string) map[string]any {
	if found, ok := m[key].(map[string]any); ok {
		return found
	}
	made := map[string]any{}
	m[key] = made
	return made
}

// Resources calls visit with every resource of a type.
func (t Template) Resources(kind string, visit func(name string, properties map[string]any)) {
	for name, r := range child(t, "Resources") {
		if resource, ok := r.(map[string]any); ok && resource["Type"] == kind {
			visit(name, child(resource, "Properties"))
		}
	}
}

// Changes are what differs between the template as deployed to AWS and as
// deployed here. The zero value changes nothing but code and architecture.
type Changes struct {
	// Code locates what a CodeUri names, such as ".build/arm64/router".
	Code func(uri string) (Object, error)
	// Definition locates what the DefinitionUri of a state machine names.
	Definition func(uri string) (Object, error)
	// Architecture is what functions run on: "x86_64" or "arm64".
	Architecture string
	// ConsumerTimeout and Visibility, in seconds, are upper bounds: for
	// functions that read a queue, and for queues. 0 leaves the template's.
	ConsumerTimeout, Visibility int
	// NoSchedules disables all schedules.
	NoSchedules bool
}

// Object is a place in an S3 bucket.
type Object struct {
	Bucket string `json:"Bucket"`
	Key    string `json:"Key"`
}

// Apply changes the template in place.
func (t Template) Apply(c Changes) error {
	var failure error
	globals := child(child(t, "Globals"), "Function")
	t.Resources("AWS::Serverless::Function", func(name string, p map[string]any) {
		if err := c.function(globals, p); err != nil && failure == nil {
			failure = fmt.Errorf("function %s: %w", name, err)
		}
	})
	t.Resources("AWS::Serverless::StateMachine", func(name string, p map[string]any) {
		if err := c.machine(p); err != nil && failure == nil {
			failure = fmt.Errorf("state machine %s: %w", name, err)
		}
	})
	t.Resources("AWS::SQS::Queue", func(_ string, p map[string]any) {
		bound(p, "VisibilityTimeout", c.Visibility, 30)
	})
	if c.NoSchedules {
		t.Resources("AWS::Scheduler::Schedule", disable)
		t.Resources("AWS::Events::Rule", func(name string, p map[string]any) {
			if p["ScheduleExpression"] != nil {
				disable(name, p)
			}
		})
	}
	return failure
}

func disable(_ string, properties map[string]any) { properties["State"] = "DISABLED" }

func (c Changes) function(globals, p map[string]any) error {
	uri, ok := first(p["CodeUri"], globals["CodeUri"]).(string)
	if !ok {
		return fmt.Errorf("CodeUri is not a path")
	}
	code, err := c.Code(uri)
	if err != nil {
		return err
	}
	p["CodeUri"] = code
	p["Architectures"] = []any{c.Architecture}
	c.events(globals, p)
	return nil
}

// events bounds the timeout of a function that reads a queue and disables schedules.
func (c Changes) events(globals, p map[string]any) {
	for _, e := range child(p, "Events") {
		event, _ := e.(map[string]any)
		switch event["Type"] {
		case "SQS":
			standard, _ := globals["Timeout"].(uint64)
			bound(p, "Timeout", c.ConsumerTimeout, max(standard, 3))
		case "Schedule", "ScheduleV2":
			if c.NoSchedules {
				disable("", child(event, "Properties"))
			}
		}
	}
}

func (c Changes) machine(p map[string]any) error {
	uri, ok := p["DefinitionUri"].(string)
	if !ok {
		return nil
	}
	definition, err := c.Definition(uri)
	if err != nil {
		return err
	}
	p["DefinitionUri"] = definition
	return nil
}

// bound lowers a number of seconds to limit. Absent, it counts as standard,
// CloudFormation's default; computed by an intrinsic, it becomes limit.
func bound(properties map[string]any, name string, limit int, standard uint64) {
	if limit == 0 {
		return
	}
	seconds, isNumber := properties[name].(uint64)
	if properties[name] == nil {
		seconds, isNumber = standard, true
	}
	if !isNumber || seconds > uint64(limit) {
		properties[name] = limit
	}
}

func first(values ...any) any {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}
