package main

import (
	"log/slog"
	"net/http"
	"os"

	"tocsin/shared/cloud"
	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/intake"
	"tocsin/shared/integration"
	"tocsin/shared/source"
	"tocsin/shared/source/all"
	"tocsin/shared/source/detect"
	"tocsin/shared/telemetry"
)

func open(log *slog.Logger, env cloud.Lookup) (http.Handler, error) {
	cfg, err := cloud.Config(env)
	if err != nil {
		return nil, err
	}
	in, err := intake.Open(cfg, env, detect.Source, telemetry.NewMetrics(os.Stdout, env))
	if err != nil {
		return nil, err
	}
	return routes(log, in), nil
}

func routes(log *slog.Logger, in *intake.Intake) http.Handler {
	in.Pick = pick
	mux := http.NewServeMux()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodGet} {
		mux.Handle(method+" /in/{source}/{key}", httpapi.Handler(accept(in)))
		mux.Handle(method+" /in/{source}/{key}/{path...}", httpapi.Handler(accept(in)))
	}
	return in.Wrap(log, mux)
}

// accept is [intake.Intake.Accept] for bodies of any kind.
func accept(in *intake.Intake) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		req, err := in.Read(r)
		if err != nil {
			return err
		}
		if req.Other = detect.Decode; r.Method == http.MethodGet && len(req.Body) == 0 {
			if len(req.Query) == 0 {
				return fault.New(fault.Invalid, "the request has neither a body nor a query")
			}
			req.Body = []byte(req.Query.Encode())
			req.Header.Set("Content-Type", source.FormMedia)
		}
		_, receipt, err := in.Take(r.Context(), r.PathValue("key"), req)
		if err != nil {
			return err
		}
		httpapi.JSON(w, http.StatusAccepted, receipt)
		return nil
	}
}

// pick reads an integration of source "custom" by what its requests look like,
// and one of a preset by that.
func pick(in integration.Integration) (source.Source, bool) {
	if in.Source == detect.Name {
		return automatic, true
	}
	return all.Preset(in.Source)
}

// automatic finds out for each request what it is of.
var automatic = source.Source{
	Name: detect.Name, Media: []string{"*"},
	Parse: func(r *source.Request) (source.Parsed, error) {
		found := all.Recognise(r)
		parsed, err := found.Source.Parse(r)
		if err != nil && found.Source.Name != detect.Name {
			found = all.Detected{Source: detect.Source, By: "nothing: " + found.Source.Name + " does not understand it"}
			parsed, err = found.Source.Parse(r)
		}
		if err == nil {
			parsed.Notes = append(parsed.Notes, "read as "+found.Source.Name+", detected by "+found.By)
		}
		return parsed, err
	},
}
