package structure

import (
	"cmp"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers are the packages of shared in the order in which data goes: each
// imports only what stands in an earlier line, or earlier in its own.
var layers = [][]string{
	// What everything stands on; nothing of AWS, nothing of the domain.
	{"fault", "clock", "defaults", "cloud", "outgoing"},
	// Thin plumbing. Imports nothing of the domain; doc reads texts, whatever they say.
	{"telemetry", "ddb", "awscall", "queue", "object", "doc", "httpapi", "function", "machine"},
	// What comes in.
	{"alert", "change", "source/lookup", "source", "source/wire", "source/proof", "source/redact", "source/shipped", "source/aws", "source/forge", vendors, "source/preset", "source/detect", "source/all", "integration", "intake"},
	// Who there is and what is to be done.
	{"catalog", "apitoken", "plan", "rule", "config", "config/yamldoc", "mapping", "decide"},
	// What is worked on, and what leaves.
	{"outbox", "execution", "event", "incident", "heartbeat"},
	{"notify", "notify/email", "notify/ntfy", "page", "ledger", "actionlink", "knowledge"},
	// Who knows several of them together.
	{"wiring", "lifecycle", "ops"},
}

// vendors stands for the packages below source that have no place of their
// own: one for each vendor, of which none imports another but prometheus,
// whose format others have taken over.
const (
	vendors  = "source/<vendor>"
	borrowed = "source/prometheus"
)

// ban is an import that must not be.
type ban struct {
	what  string
	why   string
	holds func(f file, imported string) bool // whether the import is banned
}

const (
	module    = "tocsin/"
	awsSDK    = "github.com/aws/aws-sdk-go-v2"
	awsLambda = "github.com/aws/aws-lambda-go/"
)

var bans = []ban{
	{
		"a function imports another", "each is a binary of its own, with its own permissions; what two share goes to shared",
		func(f file, imported string) bool {
			return f.below("functions") && strings.HasPrefix(imported, module+"functions/") && imported != module+f.folder
		},
	},
	{
		"shared imports what uses it", "shared is what functions, command line, local stack and tests have in common; it knows none of them",
		func(f file, imported string) bool {
			ours := strings.HasPrefix(imported, module)
			return f.below("shared") && !f.forTests() && ours && !strings.HasPrefix(imported, module+"shared/")
		},
	},
	{
		"what is deployed imports the local stack or tests", "binaries for AWS hold nothing that is meant for one machine",
		func(f file, imported string) bool {
			return (f.below("functions") || f.below("cmd")) && !f.forTests() &&
				(strings.HasPrefix(imported, module+"local/") || strings.HasPrefix(imported, module+"tests/"))
		},
	},
	{
		"deployed code imports packages for tests", "they hold fakes and fixtures",
		func(f file, imported string) bool {
			return !f.forTests() && !f.below("tests") && strings.HasPrefix(imported, module) && isForTests(imported)
		},
	},
	{
		"Lambda's event types leave the edge", "a domain that knows how it was called cannot be called otherwise: tests, replay, the local stack",
		func(f file, imported string) bool {
			edge := f.below("functions") || f.below("shared/function") || f.below("shared/queue") || f.below("shared/httpapi")
			return strings.HasPrefix(imported, awsLambda) && imported != awsLambda+"lambdacontext" && !edge && !f.forTests()
		},
	},
	{
		"Lambda's runtime is linked outside functions", "only a function is started by Lambda",
		func(f file, imported string) bool {
			return imported == awsLambda+"lambda" && !f.below("functions") && !f.below("shared/function") && !f.below("tests") && !f.below("local")
		},
	},
	{
		"the configuration loader of the SDK is on a start path", "it more than doubles what a function takes to initialise (DESIGN §12); shared/cloud builds the configuration",
		func(f file, imported string) bool {
			return (f.below("functions") || f.below("shared")) && !f.test && strings.HasPrefix(imported, awsSDK+"/config")
		},
	},
	{
		"a heavy package is on a start path", "its cost at each cold start was measured as too high, or was not measured (DESIGN §12)",
		func(f file, imported string) bool {
			if !(f.below("functions") || f.below("shared")) || f.test {
				return false
			}
			for _, heavy := range []string{"github.com/google/cel-go", "github.com/bytedance/sonic", "go.opentelemetry.io/", "github.com/spf13/cobra"} {
				if strings.HasPrefix(imported, heavy) {
					return true
				}
			}
			return false
		},
	},
	{
		"a domain package calls AWS outside its store", "what decides stays pure, and each entity is read and written in one file (STYLE §1, §8)",
		func(f file, imported string) bool {
			return f.below("shared") && !f.forTests() && strings.HasPrefix(imported, awsSDK) && !mayCallAWS(f)
		},
	},
}

// callsAWS are files and packages beside the stores that know the SDK.
var callsAWS = map[string]string{
	"shared/cloud":                     "makes the configuration of every client",
	"shared/ddb":                       "plumbing",
	"shared/awscall":                   "plumbing",
	"shared/queue":                     "plumbing",
	"shared/object":                    "plumbing",
	"shared/machine":                   "plumbing",
	"shared/wiring":                    "hands the configuration on",
	"shared/notify/email":              "a channel, whose provider is SES",
	"shared/integration/parameters.go": "the two requests to SSM",
	"shared/integration/secrets.go":    "the store of secrets, which live in SSM",
	"shared/intake/intake.go":          "hands the configuration on",
	"shared/ops/answers.go":            "the store of kept answers",
	"shared/ops/audit.go":              "the store of the audit log",
}

func mayCallAWS(f file) bool {
	return f.name == "store.go" || callsAWS[f.folder] != "" || callsAWS[path.Join(f.folder, f.name)] != ""
}

// file is a Go file of the module and what it imports.
type file struct {
	folder, name string // shared/event, store.go
	test         bool
	imports      []string
}

func (f file) below(folder string) bool { return strings.HasPrefix(f.folder+"/", folder+"/") }

// forTests says whether the file is a test, or of a package for tests.
func (f file) forTests() bool { return f.test || isForTests(f.folder) }

func isForTests(folder string) bool { return strings.HasSuffix(path.Base(folder), "test") }

// files are those of the module, without other modules below it.
func files(t *testing.T) (all []file) {
	t.Helper()
	for _, top := range []string{"cmd", "functions", "local", "shared", "tests"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(at string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if d.Name() == "testdata" || len(must(t, filepath.Glob, filepath.Join(at, "go.mod"))) > 0 {
					return filepath.SkipDir
				}
				return nil
			}
			if strings.HasSuffix(at, ".go") {
				all = append(all, parse(t, at))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func must[In, Out any](t *testing.T, f func(In) (Out, error), in In) Out {
	t.Helper()
	out, err := f(in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func parse(t *testing.T, at string) file {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), at, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	inside := must(t, func(at string) (string, error) { return filepath.Rel(root, at) }, at)
	f := file{folder: filepath.ToSlash(filepath.Dir(inside)), name: filepath.Base(at), test: strings.HasSuffix(at, "_test.go")}
	for _, i := range tree.Imports {
		f.imports = append(f.imports, must(t, strconv.Unquote, i.Path.Value))
	}
	return f
}

func TestBans(t *testing.T) {
	for _, b := range bans {
		t.Run(b.what, func(t *testing.T) {
			for _, f := range files(t) {
				for _, imported := range f.imports {
					if b.holds(f, imported) {
						t.Errorf("%s/%s imports %s.\nWhy not: %s.", f.folder, f.name, imported, b.why)
					}
				}
			}
		})
	}
}

// TestExceptionsAreUsed: an exception that no longer holds is taken out.
func TestExceptionsAreUsed(t *testing.T) {
	unused := maps.Clone(callsAWS)
	for _, f := range files(t) {
		if !f.test && slices.ContainsFunc(f.imports, func(i string) bool { return strings.HasPrefix(i, awsSDK) }) {
			delete(unused, f.folder)
			delete(unused, path.Join(f.folder, f.name))
		}
	}
	for where := range unused {
		t.Errorf("%s does not import the SDK any more; take it out of callsAWS", where)
	}
}

// TestDataGoesDown holds the order of layers.
func TestDataGoesDown(t *testing.T) {
	place := map[string]int{}
	for _, p := range slices.Concat(layers...) {
		place[p] = len(place) + 1
	}
	found := map[string]bool{}
	for _, f := range files(t) {
		if !f.below("shared") || f.forTests() {
			continue
		}
		p := standing(place, strings.TrimPrefix(f.folder, "shared/"))
		found[p] = true
		if place[p] == 0 {
			t.Errorf("shared/%s has no place in layers; say what it may import by putting it there", p)
			continue
		}
		for _, imported := range f.imports {
			below, ours := strings.CutPrefix(imported, module+"shared/")
			if ours && below != borrowed && cmp.Compare(place[standing(place, below)], place[p]) >= 0 {
				t.Errorf("shared/%s/%s imports shared/%s, which stands after it: data goes down the list, nothing points up", p, f.name, below)
			}
		}
	}
	for p := range place {
		if !found[p] {
			t.Errorf("layers lists shared/%s, which does not exist", p)
		}
	}
}

// standing is the name under which a package stands in layers.
func standing(place map[string]int, p string) string {
	if place[p] == 0 && strings.HasPrefix(p, "source/") {
		return vendors
	}
	return p
}

// TestOnlyLifecycleKnowsEventAndPlan: who else reads both may use the words in
// which a plan is configured, but not how it goes on.
func TestOnlyLifecycleKnowsEventAndPlan(t *testing.T) {
	vocabulary := []string{"Target", "Duration", "ParseDuration"}
	byFolder := map[string]map[string]bool{}
	for _, f := range files(t) {
		if f.forTests() || f.below("tests") || f.folder == "shared/lifecycle" {
			continue
		}
		for _, imported := range f.imports {
			if byFolder[f.folder] == nil {
				byFolder[f.folder] = map[string]bool{}
			}
			byFolder[f.folder][imported] = true
		}
	}
	for _, f := range files(t) {
		both := byFolder[f.folder][module+"shared/event"] && byFolder[f.folder][module+"shared/plan"]
		if !both || f.forTests() || !slices.Contains(f.imports, module+"shared/plan") {
			continue
		}
		for _, used := range selected(t, filepath.Join(root, f.folder, f.name), "plan") {
			if !slices.Contains(vocabulary, used) {
				t.Errorf("%s/%s uses plan.%s and knows events: only shared/lifecycle brings the two together", f.folder, f.name, used)
			}
		}
	}
}
