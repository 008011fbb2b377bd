package preset

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"io"
	"slices"
	"sync"

	"tocsin/shared/doc"
)

// presets.json.gz holds the specs of sources/*.yaml by name, without what their
// guides say to people, and compressed: they are a fifth of a megabyte in each
// binary that has them. The test of this package writes it with -update, and
// fails while it differs from them.
//
//go:embed presets.json.gz
var presets []byte

// Known is what is known of a shipped preset before it is compiled.
type Known struct {
	Name    string
	Aliases []string
	Marks   []string
	spec    string
}

// Shipped lists the shipped presets by name. It is a function and no variable,
// so that a binary that never asks does not hold them.
func Shipped() []Known {
	shippedOnce.Do(func() { shipped = readShipped() })
	return shipped
}

var (
	shippedOnce sync.Once
	shipped     []Known
)

func readShipped() []Known {
	specs, err := unpacked(presets)
	if err != nil {
		panic(err) // a constant of ours, held by a test
	}
	root, err := doc.JSON(specs)
	if err != nil {
		panic(err) // a constant of ours, held by a test
	}
	var all []Known
	for name, spec := range root.Fields() {
		all = append(all, Known{Name: name, Aliases: texts(spec.Get("aliases")), Marks: texts(spec.Get("recognise")), spec: spec.JSON()})
	}
	return all
}

func unpacked(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func texts(v doc.Value) []string {
	if v.Kind() == doc.String {
		return []string{v.Text()}
	}
	return slices.Collect(func(yield func(string) bool) {
		for item := range v.Items() {
			if !yield(item.Text()) {
				return
			}
		}
	})
}

var (
	compiling sync.Mutex
	compiled  = map[string]*Preset{}
)

// Open compiles k, once.
func (k Known) Open() *Preset {
	compiling.Lock()
	defer compiling.Unlock()
	if p, done := compiled[k.Name]; done {
		return p
	}
	var spec Spec
	err := json.Unmarshal([]byte(k.spec), &spec)
	p, problems := Compile(k.Name, spec)
	if err != nil || problems != nil {
		panic(k.Name + " does not compile") // a constant of ours, held by a test
	}
	compiled[k.Name] = p
	return p
}
