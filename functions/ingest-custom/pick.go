package main

import (
	"context"

	"tocsin/shared/integration"
	"tocsin/shared/mapping"
	"tocsin/shared/source"
	"tocsin/shared/source/all"
	"tocsin/shared/source/detect"
)

// picker finds out how the requests of an integration are read.
type picker struct{ mappings *mapping.Finder }

// pick reads an integration of source "custom" by its mapping, or else by what
// its requests look like, and one of a preset by that.
func (p *picker) pick(ctx context.Context, in integration.Integration) (source.Source, bool) {
	if in.Source != detect.Name {
		return all.Preset(in.Source)
	}
	found := p.mappings.Of(ctx, in)
	if found.Mapped {
		return found.Source, true
	}
	s := automatic(found.Why)
	if found.Why != "" {
		s = mapping.Unproven(s)
	}
	return s, true
}

// automatic finds out for each request what it is of. why, if there is a
// reason, stands in its notes.
func automatic(why string) source.Source {
	s := source.Source{Name: detect.Name, Media: []string{"*"}, Headers: all.Headers(), Parse: recognise}
	return mapping.Noted(s, why)
}

func recognise(r *source.Request) (source.Parsed, error) {
	found := all.Recognise(r)
	parsed, err := found.Source.Parse(r)
	if err != nil && found.Source.Name != detect.Name {
		found = all.Detected{Source: detect.Source, By: "nothing: " + found.Source.Name + " does not understand it"}
		parsed, err = found.Source.Parse(r)
	}
	if err == nil {
		if parsed.Confirm != nil { // anyone may write one here; only its own integration checks who did
			parsed.Confirm = nil
			parsed.Notes = append(parsed.Notes, "the subscription was not confirmed: create an integration of source "+found.Source.Name+" for it")
		}
		parsed.NeverEnds = parsed.NeverEnds || found.Source.Guide.NeverEnds
		parsed.Notes = append(parsed.Notes, "read as "+found.Source.Name+", detected by "+found.By)
	}
	return parsed, err
}
