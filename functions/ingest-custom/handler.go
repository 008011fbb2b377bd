package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"

	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/config"
	"tocsin/shared/ddb"
	"tocsin/shared/defaults"
	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/intake"
	"tocsin/shared/mapping"
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
	settings, err := ddb.Open(cfg, env, "CONFIG_TABLE")
	if err != nil {
		return nil, err
	}
	cache := config.NewCache(config.NewStore(settings), defaults.ConfigCheckEvery, clock.Now, log)
	return (&picker{mappings: &mapping.Finder{Config: cache, Log: log}}).routes(log, in), nil
}

func (p *picker) routes(log *slog.Logger, in *intake.Intake) http.Handler {
	in.Pick = p.pick
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
		req.Other = all.Decode
		empty := len(bytes.TrimSpace(req.Body)) == 0
		switch {
		case empty && len(req.Query) > 0:
			req.Body = []byte(req.Query.Encode())
			req.Header.Set("Content-Type", source.FormMedia)
		case empty:
			return fault.New(fault.Invalid, "the request has neither a body nor a query")
		}
		parsed, receipt, err := in.Take(r.Context(), r.PathValue("key"), req)
		if err != nil {
			return err
		}
		intake.Answer(w, http.StatusAccepted, parsed, receipt)
		return nil
	}
}
