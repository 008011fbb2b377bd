// Command reach prints, as JSON, what each function of a checkout can come to
// in its own code: which methods of AWS clients, which kinds of transaction
// items, and which words that may name environment variables.
//
//	go run ./reach -C ../..
//
// It walks the code of the module from each main: static calls, every function
// whose value is taken, and every method that a call through an interface may
// mean, of the types that were made into interfaces on the way (rapid type
// analysis). Packages outside the module are not entered; what they are handed
// as a function or as an interface of theirs counts as called. It cannot see
// calls by reflection or by name, and takes every branch as possible.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/ssa"
	"golang.org/x/tools/go/ssa/ssautil"
)

func main() {
	dir := flag.String("C", ".", "the checkout")
	flag.Parse()
	if err := report(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "reach:", err)
		os.Exit(1)
	}
}

func report(dir string) error {
	loaded, err := packages.Load(&packages.Config{
		Dir: dir,
		Mode: packages.NeedName | packages.NeedImports | packages.NeedTypes | packages.NeedTypesSizes |
			packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedModule,
	}, "./functions/...", "./shared/...")
	if err != nil {
		return err
	}
	if packages.PrintErrors(loaded) > 0 {
		return fmt.Errorf("the checkout does not compile")
	}
	program, built := ssautil.Packages(loaded, ssa.InstantiateGenerics)
	program.Build()
	module := loaded[0].Module.Path
	reached := map[string]Reached{}
	for _, p := range built {
		if p != nil && p.Pkg.Name() == "main" {
			reached[path.Base(p.Pkg.Path())] = walk(program, module, p)
		}
	}
	text, err := json.MarshalIndent(reached, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(text))
	return err
}

// Reached is what one function can come to.
type Reached struct {
	Calls []Call   `json:"calls"`
	Words []string `json:"words"` // constants in capitals
	Reads []string `json:"reads"` // constants handed to a lookup of the environment
}

// Call is one method of an AWS client, or one kind of transaction item, and
// the package of the domain whose doing it is.
type Call struct {
	Service string `json:"service"`         // of the SDK: "dynamodb"
	Method  string `json:"method"`          // "GetItem"; of transactions "TransactWriteItems.Update"
	Index   string `json:"index,omitempty"` // that a query reads; "?" where it is no constant
	From    string `json:"from"`            // "shared/event"
	Via     string `json:"via,omitempty"`   // function of shared/ddb or the like that makes the call
}

func compareCalls(a, b Call) int {
	return slices.Compare([]string{a.Service, a.Method, a.Index, a.From, a.Via}, []string{b.Service, b.Method, b.Index, b.From, b.Via})
}

func sorted[K comparable](set map[K]bool, compare func(a, b K) int) []K {
	all := make([]K, 0, len(set))
	for k := range set {
		all = append(all, k)
	}
	slices.SortFunc(all, compare)
	return all
}

func words(set map[string]bool) []string { return sorted(set, strings.Compare) }
