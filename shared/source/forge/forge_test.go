package forge_test

import (
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source/forge"
)

var words = forge.Outcomes{"failed": alert.Firing, "success": alert.Resolved, "skipped": ""}

func shop(status string) (forge.Event, forge.Run) {
	e := forge.Event{Source: "forge", Kind: "job", Scope: "project", Where: "shop", Labels: map[string]string{"actor": "ann"}}
	return e, forge.Run{What: "job", Name: "unit", On: forge.On("main"), Parts: map[string]string{"job": "unit"}, Status: status, ID: "9", Labels: map[string]string{"job": "unit", "actor": "a job's"}}
}

func TestTheNextSuccessEndsAFailure(t *testing.T) {
	e, failing := shop("FAILED")
	_, passing := shop("success")
	failed, passed := e.Ended(failing, words).Items[0].Alert, e.Ended(passing, words).Items[0].Alert
	if failed.DedupKey != passed.DedupKey || failed.Status != alert.Firing || passed.Status != alert.Resolved {
		t.Errorf("failed %+v, passed %+v", failed, passed)
	}
	if failed.Title != "job unit failed on main in shop" || passed.Title != "job unit succeeded on main in shop" {
		t.Errorf("titles %q, %q", failed.Title, passed.Title)
	}
	if failed.Episode != "9" || passed.Episode != "" {
		t.Errorf("episodes %q, %q: the success is another run, so it names no firing period", failed.Episode, passed.Episode)
	}
	if want := "actor: ann, event: job, job: unit, project: shop"; said(failed.Labels) != want {
		t.Errorf("labels %s, want %s", said(failed.Labels), want)
	}
}

func said(labels map[string]string) string {
	var all []string
	for _, name := range []string{"actor", "event", "job", "project"} {
		all = append(all, name+": "+labels[name])
	}
	return strings.Join(all, ", ")
}

func TestOtherWords(t *testing.T) {
	e, run := shop("skipped")
	if got := e.Ended(run, words); len(got.Items) != 0 || got.Notes[0] != "job: skipped says nothing of an alert" {
		t.Errorf("skipped: %+v", got)
	}
	run.Status = "odd"
	if got := e.Ended(run, words); !strings.HasPrefix(got.Items[0].Rejected, `status: is "odd"`) {
		t.Errorf("odd: %+v", got)
	}
	if e.Where = ""; e.Of("x") != "x" || forge.On("") != "" {
		t.Error("what is not told is left out of titles")
	}
}
