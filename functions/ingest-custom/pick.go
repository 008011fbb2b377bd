package main

import (
	"cmp"
	"context"
	"log/slog"

	"tocsin/shared/config"
	"tocsin/shared/integration"
	"tocsin/shared/source"
	"tocsin/shared/source/all"
	"tocsin/shared/source/detect"
	"tocsin/shared/source/preset"
)

// configuration is the configuration in force, as a function sees it.
type configuration interface {
	Current(ctx context.Context) (*config.Config, error)
}

// picker finds out how the requests of an integration are read.
type picker struct {
	config configuration
	log    *slog.Logger
}

// pick reads an integration of source "custom" by its mapping, or else by what
// its requests look like, and one of a preset by that. A delivery that comes
// again may bring a mapping of its own.
func (p *picker) pick(ctx context.Context, in integration.Integration) (source.Source, bool) {
	switch {
	case in.Source != detect.Name:
		return all.Preset(in.Source)
	case in.Again != nil && in.Again.Mapping != nil:
		return given(in.Again), true
	case in.Mapping != "":
		return p.mapped(ctx, in.Mapping), true
	}
	return automatic(""), true
}

// mapped reads by a mapping of the configuration. Where it is gone or cannot
// be read, the requests are read without it, and say so: better read
// differently than not at all.
func (p *picker) mapped(ctx context.Context, name string) source.Source {
	cfg, err := p.config.Current(ctx)
	if err != nil {
		p.log.ErrorContext(ctx, "configuration not read", "err", err, "mapping", name)
		return automatic("the mapping " + name + " cannot be read now, so it was read without it")
	}
	m, ok := cfg.Mapping(name)
	if !ok {
		return automatic("there is no mapping " + name + ", so it was read without it")
	}
	return noted(m.Source(), "read by the mapping "+name)
}

// given reads by the mapping that a delivery brings, which was checked when it
// was lent.
func given(again *integration.Again) source.Source {
	name := cmp.Or(again.Name, "mapping")
	spec, err := config.ReadMapping(name, again.Mapping)
	if err != nil {
		return automatic("the given mapping is not valid, so it was read without it")
	}
	m, err := preset.Compile(name, spec)
	if err != nil {
		return automatic("the given mapping is not valid, so it was read without it")
	}
	return noted(m.Source(), "read by the given mapping")
}

// noted returns s with a note in all that it reads.
func noted(s source.Source, note string) source.Source {
	parse := s.Parse
	s.Parse = func(r *source.Request) (source.Parsed, error) {
		parsed, err := parse(r)
		parsed.Notes = append(parsed.Notes, note)
		return parsed, err
	}
	return s
}

// automatic finds out for each request what it is of. why, if there is a
// reason, stands in its notes.
func automatic(why string) source.Source {
	s := source.Source{Name: detect.Name, Media: []string{"*"}, Headers: all.Headers(), Parse: recognise}
	if why != "" {
		s = noted(s, why)
	}
	return s
}

func recognise(r *source.Request) (source.Parsed, error) {
	found := all.Recognise(r)
	parsed, err := found.Source.Parse(r)
	if err != nil && found.Source.Name != detect.Name {
		found = all.Detected{Source: detect.Source, By: "nothing: " + found.Source.Name + " does not understand it"}
		parsed, err = found.Source.Parse(r)
	}
	if err == nil {
		parsed.NeverEnds = parsed.NeverEnds || found.Source.Guide.NeverEnds
		parsed.Notes = append(parsed.Notes, "read as "+found.Source.Name+", detected by "+found.By)
	}
	return parsed, err
}
