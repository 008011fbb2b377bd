package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"tocsin/shared/config"
	"tocsin/shared/config/yamldoc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/all"
	"tocsin/shared/source/detect"
	"tocsin/shared/source/preset"
)

// mappingIn reads the one mapping of a YAML file and checks it.
func mappingIn(file string) (config.Document, error) {
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return config.Document{}, fault.New(fault.NotFound, "%s does not exist", file)
	}
	if err != nil {
		return config.Document{}, err
	}
	docs, problems := yamldoc.Check(alone(yamldoc.Parse(file, text)))
	if err := problems.Err(); err != nil {
		return config.Document{}, err
	}
	if len(docs) != 1 || docs[0].Kind != config.KindMapping {
		return config.Document{}, usagef("%s holds %d documents, expected one of kind %s", file, len(docs), config.KindMapping)
	}
	return docs[0], nil
}

func alone(f yamldoc.File, problems yamldoc.Problems) ([]yamldoc.File, yamldoc.Problems) {
	return []yamldoc.File{f}, problems
}

// mapped is the source of a mapping in a file.
func mapped(file string) (all.Detected, error) {
	d, err := mappingIn(file)
	if err != nil {
		return all.Detected{}, err
	}
	spec, err := config.ReadMapping(d.Name, d.Spec)
	if err != nil {
		return all.Detected{}, err
	}
	p, err := preset.Compile(d.Name, spec)
	if err != nil {
		return all.Detected{}, err
	}
	return all.Detected{Source: p.Own(), By: "--mapping"}, nil
}

// proposed is the name of a mapping until somebody gives it a better one.
const proposed = "my-source"

// propose prints the mapping that automatic reading would make of a request,
// for a person to edit, and what the alerts become by it.
func (a *app) propose(r *source.Request) error {
	if _, err := r.Root(); err != nil {
		return err
	}
	p := detect.Propose(r)
	spec, err := json.Marshal(p.Spec)
	if err != nil {
		return fmt.Errorf("encode the mapping: %w", err)
	}
	text, err := yamldoc.Export([]config.Document{{Kind: config.KindMapping, Name: proposed, Spec: spec}})
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Proposed from one body; sureness: %s. Give it a name, and look at each part.\n", p.Sure)
	for _, why := range p.Reasons {
		part := why.Part
		if why.Path != "" {
			part += " from " + why.Path
		}
		fmt.Fprintf(&b, "# %s: %s\n", clean(part), clean(why.Why))
	}
	_, err = fmt.Fprintf(a.stdout, "%s%s", b.String(), text)
	return err
}
