package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"tocsin/shared/catalog"
	"tocsin/shared/fault"
	"tocsin/shared/rule"
)

// maxDocuments bounds one configuration.
const maxDocuments = 20_000

// Parse reads, checks and connects documents, and returns either a
// configuration or every problem of them at once. The result has no version
// yet.
func Parse(docs []Document) (*Config, Problems) {
	p := parser{config: empty(), docs: docs, at: map[key]int{}, unread: map[key]bool{}}
	if len(docs) > maxDocuments {
		return nil, Problems{{Document: maxDocuments, Field: "name", Detail: fmt.Sprintf("found %d documents, expected at most %d", len(docs), maxDocuments)}}
	}
	for i, d := range docs {
		p.read(i, d)
	}
	p.fill()
	p.check()
	if len(p.problems) > 0 {
		p.problems.sort()
		return nil, p.problems
	}
	p.config.finish()
	return p.config, nil
}

// key names a document.
type key struct{ kind, name string }

func keyOf(d Document) key { return key{d.Kind, d.Name} }

type parser struct {
	config   *Config
	docs     []Document
	at       map[key]int  // where each document stands
	unread   map[key]bool // those whose spec could not be read whole: named already, not checked further
	rules    map[string]rule.Rule
	ids      map[string][]string // names of the rules that a stable id stands for
	problems Problems
}

// note adds problems of a document, whose paths are relative to its root.
func (p *parser) note(i int, found fault.Problems) {
	for _, f := range found {
		p.problems = append(p.problems, Problem{Document: i, Kind: p.docs[i].Kind, Name: p.docs[i].Name, Field: f.Path, Detail: f.Problem})
	}
}

func (p *parser) read(i int, d Document) {
	var found fault.Problems
	defer func() { p.note(i, found) }()
	if !slices.Contains(Kinds(), d.Kind) {
		found.Add("kind", "found %.80q, expected one of %v", d.Kind, Kinds())
		return
	}
	if !catalog.ValidName(d.Name) {
		found.Add("name", "found %.80q, expected 1 to %d of a-z, 0-9 and -, not beginning with -", d.Name, catalog.MaxName)
		return
	}
	if first, twice := p.at[keyOf(d)]; twice {
		found.Add("name", "%s %s stands there twice, first as document %d", d.Kind, d.Name, first+1)
		return
	}
	p.at[keyOf(d)] = i
	if d.Kind == KindSettings && d.Name != SettingsName {
		found.Add("name", "found %q, expected %s: there is one document of settings", d.Name, SettingsName)
	}
	p.spec(d, &found)
}

func (p *parser) spec(d Document, found *fault.Problems) {
	var bad fault.Problems
	spec := d.Spec
	if spec == nil {
		spec = json.RawMessage(`{}`)
	}
	decoded := p.config.put(d.Kind, d.Name, func(into any) { decodeStrict(spec, into, &bad) })
	p.unread[keyOf(d)] = len(bad) > 0
	for _, f := range bad {
		found.Add(join("spec", f.Path), "%s", f.Problem)
	}
	p.config.Documents = append(p.config.Documents, Document{Kind: d.Kind, Name: d.Name, Spec: canonical(decoded)})
}

// fill adds the built-in documents that no other takes the place of.
func (p *parser) fill() {
	for _, d := range Builtin() {
		if _, there := p.at[keyOf(d)]; !there {
			p.config.put(d.Kind, d.Name, func(into any) { _ = json.Unmarshal(d.Spec, into) }) // a test reads them strictly
		}
	}
}

// canonical writes a spec the one way: fields in the order of their type,
// defaults left out, lengths of time in lowest terms. nil when it cannot be
// written, which is so only when it has problems.
func canonical(spec any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(spec); err != nil {
		return nil
	}
	return bytes.TrimSpace(b.Bytes())
}

func (c *Config) finish() {
	slices.SortFunc(c.Rules, rule.Compare)
	slices.SortFunc(c.Documents, Compare)
}

// load builds a configuration from documents that were checked when they were
// published, perhaps by older or newer code: what this code does not know is
// left out, and a rule that it cannot evaluate says so when it is matched.
func load(docs []Document, version int) (*Config, error) {
	p := parser{config: empty(), at: map[key]int{}}
	p.config.Version, p.config.Documents = version, docs
	for i, d := range docs {
		var err error
		p.at[keyOf(d)] = i
		p.config.put(d.Kind, d.Name, func(into any) { err = json.Unmarshal(d.Spec, into) })
		if err != nil {
			return nil, fmt.Errorf("read %s %s of version %d: %w", d.Kind, d.Name, version, err)
		}
	}
	p.fill()
	p.config.finish()
	return p.config, nil
}
