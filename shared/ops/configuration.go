package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tocsin/shared/config"
	"tocsin/shared/fault"
)

// Document is one thing that is configured.
type Document struct {
	Kind string          `json:"kind" required:"true" max:"63" doc:"settings, member, team, service, plan or rule."`
	Name string          `json:"name" required:"true" max:"63"`
	Spec json.RawMessage `json:"spec,omitempty" doc:"By kind; see the documentation of the configuration."`
}

// ConfigVersion describes a version of the configuration.
type ConfigVersion struct {
	Version int       `json:"version" doc:"0: nothing was published yet." table:"VERSION"`
	By      string    `json:"by,omitempty" table:"BY"`
	At      time.Time `json:"at,omitzero" table:"AT"`
	Comment string    `json:"comment,omitempty" table:"COMMENT"`
}

// ExportConfig is the input of config.export.
type ExportConfig struct {
	Version int `json:"version,omitempty" in:"query" min:"0" doc:"Without it the one in force."`
}

// ExportedConfig is the output of config.export.
type ExportedConfig struct {
	Version   int        `json:"version"`
	Documents []Document `json:"documents"`
}

// Documents are a whole configuration.
type Documents struct {
	Documents []Document `json:"documents" required:"true" min:"1" doc:"The whole configuration; what is left out is removed."`
}

// CheckedConfig is the output of config.check.
type CheckedConfig struct {
	Documents int `json:"documents" doc:"How many there are; all are valid."`
}

// ConfigDiff is the output of config.diff.
type ConfigDiff struct {
	Version int            `json:"version" doc:"The version in force, with which the documents were compared."`
	Changes []ConfigChange `json:"changes"`
	Removed []string       `json:"removed" doc:"Kind and name of each document in force that the documents leave out: apply would remove it."`
}

// ConfigChange is what would become of one document.
type ConfigChange struct {
	Op     config.Op     `json:"op" enum:"added,removed,changed" table:"OP"`
	Kind   string        `json:"kind" table:"KIND"`
	Name   string        `json:"name" table:"NAME"`
	Fields []FieldChange `json:"fields"`
}

// FieldChange is one difference; a value that is not there is absent.
type FieldChange struct {
	Field string          `json:"field"`
	Old   json.RawMessage `json:"old,omitempty"`
	New   json.RawMessage `json:"new,omitempty"`
}

// ApplyConfig is the input of config.apply.
type ApplyConfig struct {
	Documents
	Expected *int   `json:"expected_version" required:"true" min:"0" doc:"The version that the documents were compared with. If another is in force by now nothing is written."`
	Comment  string `json:"comment,omitempty" max:"1000" doc:"Why, for the history."`
}

// AppliedConfig is the output of config.apply.
type AppliedConfig struct {
	ConfigVersion
	Changes int      `json:"changes" doc:"How many documents were added, changed and removed; 0 made no new version."`
	Removed []string `json:"removed" doc:"Kind and name of each document that was in force and is not any more, because it was left out."`
}

// RollbackConfig is the input of config.rollback.
type RollbackConfig struct {
	To       *int `json:"to" required:"true" min:"0" doc:"The version whose documents are published again, as a new version."`
	Expected *int `json:"expected_version" required:"true" min:"0" doc:"The version in force. If it is another by now nothing is written."`
}

func (d *Desk) configOperations() []*Operation {
	example := map[string]any{"kind": "service", "name": "shop", "spec": map[string]any{"tier": 1, "team": "shop"}}
	return []*Operation{
		New(Spec{
			Name: "config.export", Method: "GET", Path: "/config", Scope: ConfigRead,
			Summary:     "Show the configuration as documents.",
			Description: "Built-in documents that no other takes the place of are left out.",
			Examples:    []Example{{}, {"version": 12}},
		}, d.exportConfig),
		New(Spec{
			Name: "config.check", Method: "POST", Path: "/config/check", Scope: ConfigRead, Reads: true, Large: true,
			Summary:     "Check documents as a whole; every problem is named with its field.",
			Description: "Nothing is written. Problems are named documents[2].spec.steps[0].wait.",
			Examples:    []Example{{"documents": []any{example}}},
		}, d.checkConfig),
		New(Spec{
			Name: "config.diff", Method: "POST", Path: "/config/diff", Scope: ConfigRead, Reads: true, Large: true,
			Summary:     "Compare documents with the configuration in force.",
			Description: "Nothing is written.",
			Examples:    []Example{{"documents": []any{example}}},
		}, d.diffConfig),
		New(Spec{
			Name: "config.apply", Method: "PUT", Path: "/config", Scope: ConfigWrite, Large: true,
			Summary:     "Publish documents as the new version of the whole configuration.",
			Description: "All or nothing: what is left out is removed, and the answer names it. Compare before: the diff names it too. Documents that mean the same as those in force make no new version. Functions follow within seconds; open events keep the version of their plan.",
			Examples:    []Example{{"documents": []any{example}, "expected_version": 12, "comment": "tier of shop"}},
		}, d.applyConfig),
		New(Spec{
			Name: "config.history", Method: "GET", Path: "/config/versions", Scope: ConfigRead,
			Summary:  "List the versions of the configuration, newest first.",
			Examples: []Example{{"limit": 20}},
		}, d.configHistory),
		New(Spec{
			Name: "config.rollback", Method: "POST", Path: "/config/rollback", Scope: ConfigWrite,
			Summary:  "Publish the documents of an old version as a new one.",
			Examples: []Example{{"to": 11, "expected_version": 12}},
		}, d.rollbackConfig),
	}
}

func (in Documents) config() []config.Document {
	docs := make([]config.Document, len(in.Documents))
	for i, doc := range in.Documents {
		docs[i] = config.Document(doc)
	}
	return docs
}

// inForce reads the newest version, not one that was cached.
func (d *Desk) inForce(ctx context.Context) (*config.Config, error) {
	v, err := d.Versions.Current(ctx)
	if err != nil {
		return nil, err
	}
	return d.Versions.Load(ctx, v.Number)
}

func (d *Desk) exportConfig(ctx context.Context, _ *Caller, in ExportConfig) (ExportedConfig, error) {
	cfg, err := d.inForce(ctx)
	if in.Version != 0 {
		cfg, err = d.Versions.Load(ctx, in.Version)
	}
	if err != nil {
		return ExportedConfig{}, err
	}
	out := ExportedConfig{Version: cfg.Version, Documents: make([]Document, len(cfg.Documents))}
	for i, doc := range cfg.Documents {
		out.Documents[i] = Document(doc)
	}
	return out, nil
}

func (d *Desk) checkConfig(_ context.Context, _ *Caller, in Documents) (CheckedConfig, error) {
	_, problems := config.Parse(in.config())
	return CheckedConfig{Documents: len(in.Documents)}, problems.Err()
}

func (d *Desk) diffConfig(ctx context.Context, _ *Caller, in Documents) (ConfigDiff, error) {
	before, changes, err := d.compare(ctx, in)
	if err != nil {
		return ConfigDiff{}, err
	}
	out := ConfigDiff{Version: before.Version, Changes: make([]ConfigChange, len(changes)), Removed: removedBy(changes)}
	for i, c := range changes {
		out.Changes[i] = ConfigChange{Op: c.Op, Kind: c.Kind, Name: c.Name, Fields: make([]FieldChange, len(c.Fields))}
		for j, f := range c.Fields {
			out.Changes[i].Fields[j] = FieldChange{Field: f.Path, Old: f.Old, New: f.New}
		}
	}
	return out, nil
}

func (d *Desk) compare(ctx context.Context, in Documents) (before *config.Config, changes []config.Change, err error) {
	after, problems := config.Parse(in.config())
	if err := problems.Err(); err != nil {
		return nil, nil, err
	}
	before, err = d.inForce(ctx)
	if err != nil {
		return nil, nil, err
	}
	return before, config.Diff(before.Documents, after.Documents), nil
}

func (d *Desk) applyConfig(ctx context.Context, c *Caller, in ApplyConfig) (AppliedConfig, error) {
	before, changes, err := d.compare(ctx, in.Documents)
	if err != nil {
		return AppliedConfig{}, err
	}
	if before.Version != *in.Expected {
		return AppliedConfig{}, fault.New(fault.Conflict, "version %d is in force, not %d; compare with it and try again", before.Version, *in.Expected)
	}
	if len(changes) == 0 {
		return AppliedConfig{ConfigVersion: ConfigVersion{Version: before.Version}, Removed: []string{}}, nil
	}
	v, err := d.Versions.Publish(ctx, in.config(), string(c.Actor()), in.Comment, *in.Expected, d.Now())
	if err != nil {
		return AppliedConfig{}, err
	}
	c.Changed("config", fmt.Sprintf("version %d", before.Version), fmt.Sprintf("version %d: %s", v.Number, namesOf(changes)))
	return AppliedConfig{ConfigVersion: versionOf(v), Changes: len(changes), Removed: removedBy(changes)}, nil
}

// removedBy names the documents that changes remove: "plan shop".
func removedBy(changes []config.Change) []string {
	names := []string{}
	for _, c := range changes {
		if c.Op == config.Removed {
			names = append(names, c.Kind+" "+c.Name)
		}
	}
	return names
}

// maxNamed bounds the documents that an audit entry names.
const maxNamed = 20

func namesOf(changes []config.Change) string {
	var parts []string
	for i, c := range changes {
		if i == maxNamed {
			parts = append(parts, fmt.Sprintf("and %d more", len(changes)-maxNamed))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %s %s", c.Op, c.Kind, c.Name))
	}
	return strings.Join(parts, ", ")
}

func versionOf(v config.Version) ConfigVersion {
	return ConfigVersion{Version: v.Number, By: v.By, At: v.At, Comment: v.Comment}
}

// ConfigHistory is the input of config.history.
type ConfigHistory struct {
	Page
}

func (d *Desk) configHistory(ctx context.Context, _ *Caller, in ConfigHistory) (List[ConfigVersion], error) {
	position, err := in.position()
	if err != nil {
		return List[ConfigVersion]{}, err
	}
	before := 0
	if position != "" {
		if before, err = strconv.Atoi(position); err != nil {
			return List[ConfigVersion]{}, badCursor()
		}
	}
	found, err := d.Versions.History(ctx, before, in.limit())
	if err != nil {
		return List[ConfigVersion]{}, err
	}
	items, next := make([]ConfigVersion, len(found)), ""
	for i, v := range found {
		items[i] = versionOf(v)
	}
	if n := len(found); n == in.limit() && found[n-1].Number > 1 {
		next = strconv.Itoa(found[n-1].Number)
	}
	return listOf(items, next), nil
}

func (d *Desk) rollbackConfig(ctx context.Context, c *Caller, in RollbackConfig) (ConfigVersion, error) {
	v, err := d.Versions.Rollback(ctx, *in.To, string(c.Actor()), *in.Expected, d.Now())
	if err != nil {
		return ConfigVersion{}, err
	}
	c.Changed("config", fmt.Sprintf("version %d", *in.Expected), fmt.Sprintf("version %d: that of version %d", v.Number, *in.To))
	return versionOf(v), nil
}
