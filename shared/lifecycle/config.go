package lifecycle

import (
	"context"
	"log/slog"

	"tocsin/shared/catalog"
	"tocsin/shared/config"
	"tocsin/shared/defaults"
	"tocsin/shared/fault"
	"tocsin/shared/plan"
)

// Versions is [Config] over the published configuration.
type Versions struct {
	Cache *config.Cache
	Log   *slog.Logger
}

// Plan returns a plan as it stood in a version. A version that is gone or
// broken is no reason not to page: the configuration in force decides then.
func (v Versions) Plan(ctx context.Context, version int, name string) (plan.Plan, error) {
	c, err := v.Cache.At(ctx, version)
	if err != nil && !fault.KindOf(err).Retryable() {
		v.Log.ErrorContext(ctx, "version of the configuration not readable; the one in force decides", "config_version", version, "err", err)
		c, err = v.Cache.Current(ctx)
	}
	if err != nil {
		return plan.Plan{}, err
	}
	if p := c.PlanNamed(name); len(p.LastResort) > 0 {
		return p, nil
	}
	return plan.Plan{LastResort: []plan.Target{{Member: defaults.Administrator}}}, nil
}

// Members returns the members that a target stands for now. fault.NotFound:
// it stands for nobody.
func (v Versions) Members(ctx context.Context, t plan.Target) ([]catalog.Member, error) {
	c, err := v.Cache.Current(ctx)
	if err != nil {
		return nil, err
	}
	names := c.MembersOf(t)
	if len(names) == 0 {
		return nil, fault.New(fault.NotFound, "%s stands for nobody", describe(t))
	}
	members := make([]catalog.Member, 0, len(names))
	for _, n := range names {
		members = append(members, c.Members[n])
	}
	return members, nil
}

func describe(t plan.Target) string {
	switch {
	case t.Member != "":
		return "member " + t.Member
	case t.Team != "":
		return "team " + t.Team
	}
	return "an empty target"
}
