package github

import (
	"cmp"
	"slices"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// words are the actions of a kind of security alert.
type words struct{ opens, ends []string }

var (
	dependabotWords    = words{[]string{"created", "reopened", "reintroduced", "auto_reopened"}, []string{"fixed", "dismissed", "auto_dismissed"}}
	codeWords          = words{[]string{"created", "reopened", "reopened_by_user", "appeared_in_branch"}, []string{"fixed", "closed_by_user"}}
	secretWords        = words{[]string{"created", "reopened", "publicly_leaked", "validated"}, []string{"resolved", "revoked"}}
	vulnerabilityWords = words{[]string{"create", "reopen"}, []string{"dismiss", "resolve"}}
	advisoryWords      = words{[]string{"published", "updated", "performed", "reported"}, []string{"withdrawn"}}
)

// security completes an alert by its action: "" as severity of what has ended
// leaves that of the firing.
func (e event) security(a alert.Alert, w words, at ...string) source.Parsed {
	switch action := strings.ToLower(e.Action); {
	case slices.Contains(w.opens, action):
	case slices.Contains(w.ends, action):
		a.Status, a.EndedAt = alert.Resolved, source.Instant(cmp.Or(at...))
		a.Labels["ended_as"] = action
	default:
		return e.Note("says nothing of an alert's state")
	}
	a.Episode = a.DedupKey // reopened or not, it began once
	return source.One(a)
}

// numbered is the key of an alert with a number in its repository.
func (e event) numbered(is doc.Value) string {
	return alert.SenderKey(e.Kind, e.Where+"#"+is.First("number", "id"))
}

func severityOf(word string) alert.Severity {
	if strings.EqualFold(word, "note") {
		return alert.Info
	}
	return source.SeverityOf(word)
}

func dependabot(e event) source.Parsed {
	is := e.root.Get("alert")
	advisory, found := is.Get("security_advisory"), is.Get("security_vulnerability")
	a := e.firing(severityOf(cmp.Or(advisory.Get("severity").Text(), found.Get("severity").Text())), e.numbered(is))
	name := cmp.Or(is.At("dependency.package.name").Text(), found.At("package.name").Text())
	a.Title = e.Of(source.FirstText(advisory.Get("summary").Text(), "vulnerable "+name))
	a.Description = source.Lines(advisory.Get("description").Text(), source.Said("Vulnerable", found.Get("vulnerable_version_range").Text()),
		source.Said("Fixed in", found.At("first_patched_version.identifier").Text()), source.Said("Dismissed", source.Lines(is.Get("dismissed_reason").Text(), is.Get("dismissed_comment").Text())))
	a.Labels = e.Label("package", name, "ecosystem", cmp.Or(is.At("dependency.package.ecosystem").Text(), found.At("package.ecosystem").Text()), "manifest", is.At("dependency.manifest_path").Text(),
		"scope", is.At("dependency.scope").Text(), "ghsa", advisory.Get("ghsa_id").Text(), "cve", advisory.Get("cve_id").Text(), "cvss", advisory.At("cvss.score").Text(), "number", is.Get("number").Text())
	a.Links, a.StartedAt = source.Links("Alert", is.Get("html_url").Text()), source.Instant(is.Get("created_at").Text())
	return e.security(a, dependabotWords, is.Get("fixed_at").Text(), is.Get("dismissed_at").Text(), is.Get("auto_dismissed_at").Text())
}

func codeScanning(e event) source.Parsed {
	is := e.root.Get("alert")
	rule, seen := is.Get("rule"), is.Get("most_recent_instance")
	if !seen.Present() {
		seen = is.At("instances.0")
	}
	a := e.firing(severityOf(rule.First("security_severity_level", "severity")), e.numbered(is))
	where := seen.At("location.path").Text()
	if line := seen.At("location.start_line").Text(); where != "" && line != "" {
		where += ":" + line
	}
	a.Title = e.Of(source.FirstText(rule.Get("description").Text(), rule.Get("name").Text(), rule.Get("id").Text()))
	a.Description = source.Lines(seen.At("message.text").Text(), rule.Get("full_description").Text(), source.Said("At", where), source.Said("Dismissed", is.Get("dismissed_reason").Text()))
	a.Labels = e.Label("rule", rule.Get("id").Text(), "tool", is.At("tool.name").Text(), "path", seen.At("location.path").Text(),
		"ref", cmp.Or(e.root.Get("ref").Text(), seen.Get("ref").Text()), "sha", e.root.Get("commit_oid").Text(), "number", is.Get("number").Text())
	a.Links, a.StartedAt = source.Links("Alert", is.Get("html_url").Text()), source.Instant(is.Get("created_at").Text())
	return e.security(a, codeWords, is.Get("fixed_at").Text(), is.Get("dismissed_at").Text())
}

// secretScanning says how bad it is where GitHub does not: a secret that is
// known to others must be changed today.
func secretScanning(e event) source.Parsed {
	is := e.root.Get("alert")
	a := e.firing(alert.Error, e.numbered(is))
	kind, display := is.Get("secret_type").Text(), is.Get("secret_type_display_name").Text()
	if display != "" {
		kind = display + " (" + kind + ")"
	}
	a.Title = e.Of("Secret found: " + kind)
	a.Description = source.Lines(source.Said("Validity", is.Get("validity").Text()), source.Said("Publicly leaked", is.Get("publicly_leaked").Text()),
		source.Said("Push protection bypassed by", is.At("push_protection_bypassed_by.login").Text()), source.Said("Resolution", source.Lines(is.Get("resolution").Text(), is.Get("resolution_comment").Text())))
	a.Labels = e.Label("secret_type", is.Get("secret_type").Text(), "validity", is.Get("validity").Text(), "number", is.Get("number").Text())
	a.Links, a.StartedAt = source.Links("Alert", is.Get("html_url").Text()), source.Instant(is.Get("created_at").Text())
	return e.security(a, secretWords, is.Get("resolved_at").Text())
}

// vulnerability reads the event that dependabot_alert replaced.
func vulnerability(e event) source.Parsed {
	is := e.root.Get("alert")
	name, id := is.Get("affected_package_name").Text(), is.First("external_identifier", "ghsa_id")
	a := e.firing(severityOf(is.Get("severity").Text()), e.numbered(is))
	a.Title = e.Of(strings.TrimSpace(id + " in " + name))
	a.Description = source.Lines(source.Said("Affected", is.Get("affected_range").Text()), source.Said("Fixed in", is.Get("fixed_in").Text()), source.Said("Dismissed", is.Get("dismiss_reason").Text()))
	a.Labels = e.Label("package", name, "ghsa", is.Get("ghsa_id").Text(), "cve", is.Get("external_identifier").Text(), "number", is.Get("number").Text())
	a.Links, a.StartedAt = source.Links("Advisory", is.Get("external_reference").Text()), source.Instant(is.Get("created_at").Text())
	return e.security(a, vulnerabilityWords, is.Get("dismissed_at").Text(), is.Get("fixed_at").Text())
}

func advisory(e event) source.Parsed {
	is := e.root.Get(e.Kind)
	id := is.First("ghsa_id", "cve_id")
	if id == "" {
		return e.Rejected("%s.ghsa_id: missing", e.Kind)
	}
	a := e.firing(severityOf(is.Get("severity").Text()), alert.SenderKey("advisory", id))
	a.Title, a.Description = source.FirstText(is.Get("summary").Text(), id), is.Get("description").Text()
	a.Labels = e.Label("ghsa", is.Get("ghsa_id").Text(), "cve", is.Get("cve_id").Text(), "package", is.At("vulnerabilities.0.package.name").Text(),
		"ecosystem", is.At("vulnerabilities.0.package.ecosystem").Text(), "cvss", is.At("cvss.score").Text())
	a.Links, a.StartedAt = source.Links("Advisory", is.First("html_url", "references.0.url")), source.Instant(is.Get("published_at").Text())
	return e.security(a, advisoryWords, is.Get("withdrawn_at").Text())
}
