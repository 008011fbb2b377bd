package stepfunctions

import "strings"

// template is the value of Parameters or ResultSelector: JSON in which a field
// "name.$" takes its value from a path. Nodes are as encoding/json decodes
// them, with a path in place of each such value.
type template struct{ root any }

// missingPath says that a template's path named nothing.
type missingPath struct{ field, path string }

// render fills the template in. data is what "$" means.
func (t *template) render(data any, context map[string]any) (any, *missingPath) {
	return render("", t.root, data, context)
}

func render(field string, node, data any, context map[string]any) (any, *missingPath) {
	switch node := node.(type) {
	case path:
		found, ok := node.find(data, context)
		if !ok {
			return nil, &missingPath{field: field + ".$", path: node.text}
		}
		return found, nil
	case map[string]any:
		return renderObject(node, data, context)
	case []any:
		return renderArray(field, node, data, context)
	}
	return node, nil
}

func renderObject(fields map[string]any, data any, context map[string]any) (any, *missingPath) {
	filled := make(map[string]any, len(fields))
	for name, node := range fields {
		value, missing := render(name, node, data, context)
		if missing != nil {
			return nil, missing
		}
		filled[name] = value
	}
	return filled, nil
}

func renderArray(field string, items []any, data any, context map[string]any) (any, *missingPath) {
	filled := make([]any, len(items))
	for i, node := range items {
		value, missing := render(field, node, data, context)
		if missing != nil {
			return nil, missing
		}
		filled[i] = value
	}
	return filled, nil
}

// template reads a payload template. token says whether $$.Task.Token exists.
func (p *parser) template(at string, value any, token bool) *template {
	return &template{root: p.templateNode(at, value, token)}
}

func (p *parser) templateNode(at string, value any, token bool) any {
	switch value := value.(type) {
	case map[string]any:
		nodes := make(map[string]any, len(value))
		for _, name := range sortedKeys(value) {
			if field, dynamic := strings.CutSuffix(name, ".$"); dynamic {
				nodes[field] = p.dynamic(member(at, name), value[name], token)
				continue
			}
			nodes[name] = p.templateNode(member(at, name), value[name], token)
		}
		return nodes
	case []any:
		nodes := make([]any, len(value))
		for i, item := range value {
			nodes[i] = p.templateNode(index(at, i), item, token)
		}
		return nodes
	}
	return value
}

func (p *parser) dynamic(at string, value any, token bool) any {
	text, ok := value.(string)
	if !ok {
		p.refuse(at, "expected "+pathSyntax)
		return path{}
	}
	found := p.path(at, text)
	if found.context && found.isToken() && !token {
		p.refuse(at, "expected no $$.Task.Token outside a task that waits for its token")
	}
	return found
}
