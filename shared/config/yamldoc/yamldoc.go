// Package yamldoc reads and writes configuration documents as YAML: files of
// one or more documents with the fields kind, name and spec. It stands apart
// from config, so that functions do not link a YAML library.
//
// What makes a file mean something else than it says to its reader is
// refused: anchors, aliases, merge keys, tags and repeated keys.
package yamldoc

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tocsin/shared/config"
	"tocsin/shared/fault"
)

// maxFile bounds one file in bytes.
const maxFile = 8 << 20

// File is what was read of one file.
type File struct {
	Name      string
	Documents []Document
}

// Document is a document and where its parts stand.
type Document struct {
	config.Document
	line  int
	lines map[string]int // by field path
}

// Line returns the line of a field, counted from 1; for one that is not there
// that of the closest field around it.
func (d Document) Line(field string) int {
	for {
		if line, ok := d.lines[field]; ok {
			return line
		}
		cut := strings.LastIndexAny(field, ".[")
		if cut < 0 {
			return d.line
		}
		field = field[:cut]
	}
}

// Problem is one thing that is wrong, and where.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line"`            // from 1
	Field  string `json:"field,omitempty"` // "spec.steps[0].wait"
	Detail string `json:"detail"`
}

func (p Problem) String() string {
	if p.Field == "" {
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Detail)
	}
	return fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Field, p.Detail)
}

// Problems is every problem of a set of files, by file and line.
type Problems []Problem

// Err returns nil when there is no problem, else an Invalid [fault.Error].
func (ps Problems) Err() error {
	var fields fault.Problems
	for _, p := range ps {
		at := fmt.Sprintf("%s:%d", p.File, p.Line)
		if p.Field != "" {
			at += ": " + p.Field
		}
		fields.Add(at, "%s", p.Detail)
	}
	return fields.Err("the configuration is not valid")
}

// Load reads files, and directories with all files in and below them whose
// names end in .yaml or .yml, and checks them as one configuration. It returns
// the documents in canonical form and order, or every problem; the error is for a path that cannot be read.
func Load(paths ...string) ([]config.Document, Problems, error) {
	names, err := expand(paths)
	if err != nil {
		return nil, nil, err
	}
	var files []File
	var problems Problems
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		f, found := Parse(name, data)
		files, problems = append(files, f), append(problems, found...)
	}
	docs, found := Check(files, problems)
	return docs, found, nil
}

// Check checks what Parse read of all files as one configuration. It returns
// its documents in canonical form and order, or its problems and those given,
// which Parse found.
func Check(files []File, problems Problems) ([]config.Document, Problems) {
	var docs []config.Document
	var in []string
	var read []Document
	for _, f := range files {
		for _, d := range f.Documents {
			docs, in, read = append(docs, d.Document), append(in, f.Name), append(read, d)
		}
	}
	cfg, found := config.Parse(docs)
	for _, p := range found {
		problems = append(problems, Problem{File: in[p.Document], Line: read[p.Document].Line(p.Field), Field: p.Field, Detail: p.Detail})
	}
	if len(problems) == 0 {
		return cfg.Documents, nil
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	return nil, slices.Compact(problems)
}

// expand lists the files that paths stand for, each once, in order.
func expand(paths []string) ([]string, error) {
	var names []string
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && name != path && strings.HasPrefix(entry.Name(), "."):
				return filepath.SkipDir
			case !entry.IsDir() && (name == path || isYAML(name)):
				names = append(names, filepath.Clean(name))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func isYAML(name string) bool {
	ext := filepath.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}
