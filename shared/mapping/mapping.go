// Package mapping finds the mapping by which the requests of an integration
// are read: that of the configuration which the integration names, or the one
// that a delivery brings which comes again. What a mapping is, package preset
// knows; what is read without one is the caller's business.
//
//	read, ok := finder.Of(ctx, in)
package mapping

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"

	"tocsin/shared/config"
	"tocsin/shared/fault"
	"tocsin/shared/integration"
	"tocsin/shared/source"
	"tocsin/shared/source/email"
	"tocsin/shared/source/preset"
)

// configuration is the configuration in force, as a function sees it.
type configuration interface {
	Current(ctx context.Context) (*config.Config, error)
}

// Finder finds mappings. It is safe for concurrent use.
type Finder struct {
	Config configuration
	Log    *slog.Logger
}

// Found is what there is of an integration's mapping.
type Found struct {
	Source source.Source // valid while Mapped
	Mapped bool
	Why    string // why there is none although one is named, for the notes of the request
}

// Of returns the mapping of an integration. Where it is gone or cannot be
// read, Why says so: better read without it than not at all. Only what proves
// its requests cannot be done without: see [Unproven].
func (f *Finder) Of(ctx context.Context, in integration.Integration) Found {
	switch {
	case in.Again != nil && in.Again.Mapping != nil:
		return given(cmp.Or(in.Again.Name, "mapping"), in.Again.Mapping)
	case in.Mapping != "":
		return f.published(ctx, in.Mapping)
	}
	return Found{}
}

func (f *Finder) published(ctx context.Context, name string) Found {
	cfg, err := f.Config.Current(ctx)
	if err != nil {
		f.Log.ErrorContext(ctx, "configuration not read", slog.Any("err", err), slog.String("mapping", name))
		return Found{Why: "the mapping " + name + " cannot be read now, so it was read without it"}
	}
	m, ok := cfg.Mapping(name)
	if !ok {
		return Found{Why: "there is no mapping " + name + ", so it was read without it"}
	}
	return Found{Source: Noted(m.Own(), "read by the mapping "+name), Mapped: true}
}

// given is the mapping that a delivery brings, which was checked when it was
// lent.
func given(name string, raw json.RawMessage) Found {
	const broken = "the given mapping is not valid, so it was read without it"
	spec, err := config.ReadMapping(name, raw)
	if err != nil {
		return Found{Why: broken}
	}
	m, err := preset.Compile(name, spec)
	if err != nil {
		return Found{Why: broken}
	}
	return Found{Source: Noted(m.Own(), "read by the given mapping"), Mapped: true}
}

// Unproven returns s for requests whose proof stands in a mapping that is not
// at hand: they should come again, since a refusal would be final.
func Unproven(s source.Source) source.Source {
	s.Verify = func(*source.Request, []string) error {
		return fault.New(fault.Unavailable, "what proves this request cannot be read now; send it again")
	}
	return s
}

// Noted returns s with a note in all that it reads; "" adds none.
func Noted(s source.Source, note string) source.Source {
	if note == "" {
		return s
	}
	parse := s.Parse
	s.Parse = func(r *source.Request) (source.Parsed, error) {
		parsed, err := parse(r)
		parsed.Notes = append(parsed.Notes, note)
		return parsed, err
	}
	return s
}

// Mails returns how the mails of an integration are read: by its mapping, else
// as [email.Source] reads them.
func (f *Finder) Mails(ctx context.Context, in integration.Integration) source.Source {
	found := f.Of(ctx, in)
	if found.Mapped {
		return email.By(found.Source)
	}
	return Noted(email.Source, found.Why)
}
