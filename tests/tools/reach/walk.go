package main

import (
	"go/constant"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

const (
	sdk    = "github.com/aws/aws-sdk-go-v2/service/"
	signer = "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// plumbing are packages that call AWS on behalf of others: the call is the
// doing of whoever calls them.
var plumbing = map[string]bool{"shared/ddb": true, "shared/awscall": true, "shared/object": true}

// walker collects what is reached from one main.
type walker struct {
	program *ssa.Program
	module  string
	done    map[*ssa.Function]bool
	todo    []*ssa.Function
	made    map[types.Type]bool // made into interfaces
	invoked map[*types.Func]bool
	callers map[*ssa.Function]map[*ssa.Function]bool // of plumbing
	direct  map[*ssa.Function]map[Call]bool          // calls made in a function, From unset
	indexed map[*ssa.Function]string                 // the index that a function's queries read
	words   map[string]bool
	reads   map[string]bool
}

func walk(program *ssa.Program, module string, main *ssa.Package) Reached {
	w := &walker{
		program: program, module: module,
		done: map[*ssa.Function]bool{}, made: map[types.Type]bool{}, invoked: map[*types.Func]bool{},
		callers: map[*ssa.Function]map[*ssa.Function]bool{}, direct: map[*ssa.Function]map[Call]bool{},
		indexed: map[*ssa.Function]string{}, words: map[string]bool{}, reads: map[string]bool{},
	}
	w.initialise(main.Pkg, map[*types.Package]bool{})
	w.reach(main.Func("main"))
	for len(w.todo) > 0 {
		f := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		w.enter(f)
	}
	calls := map[Call]bool{}
	for f, made := range w.direct {
		for c := range made {
			if c.Method == "Query" {
				c.Index = w.indexed[f]
			}
			w.attribute(f, c, calls, map[*ssa.Function]bool{})
		}
	}
	return Reached{Calls: sorted(calls, compareCalls), Words: words(w.words), Reads: words(w.reads)}
}

// initialise reaches what the variables of a package and of those that it
// imports are made by.
func (w *walker) initialise(p *types.Package, seen map[*types.Package]bool) {
	if seen[p] || !w.ours(p) {
		return
	}
	seen[p] = true
	if built := w.program.Package(p); built != nil {
		w.reach(built.Func("init"))
	}
	for _, imported := range p.Imports() {
		w.initialise(imported, seen)
	}
}

func (w *walker) ours(p *types.Package) bool {
	return p != nil && strings.HasPrefix(p.Path()+"/", w.module+"/")
}

func (w *walker) reach(f *ssa.Function) {
	if f != nil && !w.done[f] {
		w.done[f] = true
		w.todo = append(w.todo, f)
	}
}

func (w *walker) enter(f *ssa.Function) {
	for _, b := range f.Blocks {
		for _, i := range b.Instrs {
			w.instruction(f, i)
		}
	}
}

func (w *walker) instruction(f *ssa.Function, i ssa.Instruction) {
	var operands [16]*ssa.Value
	for _, v := range i.Operands(operands[:0]) {
		switch v := (*v).(type) {
		case *ssa.Function:
			w.value(f, v)
		case *ssa.Const:
			w.word(v)
		}
	}
	switch i := i.(type) {
	case ssa.CallInstruction:
		w.call(f, i.Common())
	case *ssa.MakeInterface:
		w.makeInterface(f, i)
	case *ssa.Alloc:
		w.transactionItem(f, i.Type())
	case *ssa.Store:
		w.index(f, i)
	}
}

// value reaches a function that is called or whose value is taken.
func (w *walker) value(from, f *ssa.Function) {
	if service, ok := client(f.Object()); ok {
		c := Call{Service: service, Method: f.Name()}
		if service == "signed" {
			c.Via = outermost(from).Name()
		}
		w.record(from, c)
		return
	}
	w.reach(f)
	if w.callers[f] == nil {
		w.callers[f] = map[*ssa.Function]bool{}
	}
	w.callers[f][from] = true
}

// outermost is the function that a closure stands in.
func outermost(f *ssa.Function) *ssa.Function {
	for f.Parent() != nil {
		f = f.Parent()
	}
	return f
}

func (w *walker) record(f *ssa.Function, c Call) {
	if w.direct[f] == nil {
		w.direct[f] = map[Call]bool{}
	}
	w.direct[f][c] = true
}

// client returns the service of an SDK client's method. A request that is
// signed by hand is one of the service "signed".
func client(o types.Object) (service string, ok bool) {
	method, ok := o.(*types.Func)
	if !ok || method.Pkg() == nil || !method.Exported() {
		return "", false
	}
	if method.Pkg().Path() == signer && strings.HasSuffix(method.Name(), "HTTP") {
		return "signed", true
	}
	if !strings.HasPrefix(method.Pkg().Path(), sdk) {
		return "", false
	}
	receiver := method.Signature().Recv()
	if receiver == nil || method.Name() == "Options" || !strings.HasSuffix(receiver.Type().String(), ".Client") {
		return "", false
	}
	service, _, _ = strings.Cut(strings.TrimPrefix(method.Pkg().Path(), sdk), "/")
	return service, true
}

func (w *walker) call(f *ssa.Function, c *ssa.CallCommon) {
	if c.IsInvoke() {
		w.invoke(f, c.Method)
		return
	}
	if isLookup(c.Value.Type()) && len(c.Args) == 1 {
		w.read(c.Args[0])
	}
	if callee := c.StaticCallee(); callee != nil {
		w.operation(f, callee, c.Args)
		for i, p := range callee.Params {
			if strings.HasSuffix(p.Name(), "Var") {
				w.read(c.Args[i])
			}
		}
	}
}

// operationOf returns which parameter of a function of plumbing names the
// operation that it is to call; -1: none.
func operationOf(f *ssa.Function) int {
	return slices.IndexFunc(f.Params, func(p *ssa.Parameter) bool { return p.Name() == "operation" })
}

// operation records a call by the operation that it names.
func (w *walker) operation(from, callee *ssa.Function, args []ssa.Value) {
	i := operationOf(callee)
	if i < 0 || !plumbing[w.folder(callee)] {
		return
	}
	c := Call{Service: "signed", Method: "?"}
	if name, ok := args[i].(*ssa.Const); ok {
		c.Method = constant.StringVal(name.Value)
	}
	w.record(from, c)
}

// read notes a constant that names a variable: it is handed to a lookup, or to
// a parameter whose name ends in Var.
func (w *walker) read(v ssa.Value) {
	if name, ok := v.(*ssa.Const); ok && name.Value != nil && name.Value.Kind() == constant.String {
		w.reads[constant.StringVal(name.Value)] = true
	}
}

// isLookup says whether a type is that of os.LookupEnv.
func isLookup(t types.Type) bool {
	s, ok := t.Underlying().(*types.Signature)
	return ok && s.Recv() == nil && s.Params().Len() == 1 && s.Results().Len() == 2 &&
		s.Params().At(0).Type().String() == "string" && s.Results().At(0).Type().String() == "string" &&
		s.Results().At(1).Type().String() == "bool"
}

// invoke reaches the method on every type made into an interface so far, and
// on those still to come.
func (w *walker) invoke(f *ssa.Function, m *types.Func) {
	if w.invoked[m] {
		return
	}
	w.invoked[m] = true
	for t := range w.made {
		w.dispatch(f, t, m)
	}
}

func (w *walker) makeInterface(f *ssa.Function, i *ssa.MakeInterface) {
	t := i.X.Type()
	w.made[t] = true
	for m := range w.invoked {
		w.dispatch(f, t, m)
	}
	// What an interface of other packages asks for, they may call.
	asked, ok := i.Type().Underlying().(*types.Interface)
	if named, isNamed := i.Type().(*types.Named); !ok || isNamed && w.ours(named.Obj().Pkg()) {
		return
	}
	for m := range asked.Methods() {
		w.dispatch(f, t, m)
	}
}

func (w *walker) dispatch(from *ssa.Function, t types.Type, m *types.Func) {
	asked, ok := m.Signature().Recv().Type().Underlying().(*types.Interface)
	if !ok || !types.Implements(t, asked) {
		return
	}
	selection := w.program.MethodSets.MethodSet(t).Lookup(m.Pkg(), m.Name())
	if selection == nil {
		return
	}
	if service, ok := client(selection.Obj()); ok && len(selection.Index()) == 1 {
		w.record(from, Call{Service: service, Method: m.Name()})
		return
	}
	w.reach(w.program.MethodValue(selection))
}

// capitals is the form of the names of environment variables (STYLE §4).
var capitals = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`)

func (w *walker) word(c *ssa.Const) {
	if c.Value == nil || c.Value.Kind() != constant.String {
		return
	}
	if s := constant.StringVal(c.Value); capitals.MatchString(s) {
		w.words[s] = true
	}
}

// transactionItem records the making of what a transaction consists of: each
// kind needs the permission of the call of that name.
func (w *walker) transactionItem(f *ssa.Function, pointer types.Type) {
	named, ok := pointer.Underlying().(*types.Pointer).Elem().(*types.Named)
	if !ok || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != sdk+"dynamodb/types" {
		return
	}
	switch kind := named.Obj().Name(); kind {
	case "Put", "Update", "Delete", "ConditionCheck":
		w.record(f, Call{Service: "dynamodb", Method: "TransactWriteItems." + kind})
	}
}

// index notes that a function's queries read an index, whose name is "?" where
// it is no constant.
func (w *walker) index(f *ssa.Function, s *ssa.Store) {
	field, ok := s.Addr.(*ssa.FieldAddr)
	if !ok {
		return
	}
	of := field.X.Type().Underlying().(*types.Pointer).Elem()
	fields, ok := of.Underlying().(*types.Struct)
	if !ok || of.String() != sdk+"dynamodb.QueryInput" || fields.Field(field.Field).Name() != "IndexName" {
		return
	}
	w.indexed[f] = "?"
	if call, ok := s.Val.(*ssa.Call); ok && len(call.Call.Args) == 1 {
		if name, ok := call.Call.Args[0].(*ssa.Const); ok {
			w.indexed[f] = constant.StringVal(name.Value)
		}
	}
}

// attribute names the package whose doing a call is: that of the function, or
// of those who call it where it is plumbing.
func (w *walker) attribute(f *ssa.Function, c Call, into map[Call]bool, seen map[*ssa.Function]bool) {
	if seen[f] {
		return
	}
	seen[f] = true
	from := w.folder(f)
	if plumbing[from] && operationOf(f) >= 0 {
		return // its callers are recorded by the operation
	}
	if !plumbing[from] {
		c.From = from
		into[c] = true
		return
	}
	c.Via = f.Name()
	if len(w.callers[f]) == 0 { // called through an interface
		c.From = from
		into[c] = true
	}
	for caller := range w.callers[f] {
		w.attribute(caller, c, into, seen)
	}
}

// folder is the path of a function's package below the module. A wrapper that
// the compiler makes has the package of the method that it wraps.
func (w *walker) folder(f *ssa.Function) string {
	for f.Parent() != nil {
		f = f.Parent()
	}
	p := f.Package()
	if p == nil && f.Origin() != nil {
		p = f.Origin().Package()
	}
	if p != nil {
		return strings.TrimPrefix(p.Pkg.Path(), w.module+"/")
	}
	if o := f.Object(); o != nil && o.Pkg() != nil {
		return strings.TrimPrefix(o.Pkg().Path(), w.module+"/")
	}
	return ""
}
