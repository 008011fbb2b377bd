package github

import (
	"fmt"
	"strconv"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/source"
)

// change makes a change of e, known by the sender's own id.
func (e event) change(kind, id, title, at string, labels map[string]string, links []alert.Link) source.Change {
	return source.Changed(source.Change{ID: alert.SenderKey(kind, e.repository+"#"+id), Source: Name, Title: e.of(title), At: source.Instant(at), Labels: labels, Links: links})
}

func push(e event) source.Parsed {
	ref, head := e.root.Get("ref").Text(), e.root.Get("head_commit")
	after := e.root.Get("after").Text()
	if e.root.Get("deleted").True() || strings.Trim(after, "0") == "" {
		return e.note("deletes " + ref)
	}
	branch, kind := strings.TrimPrefix(ref, "refs/heads/"), "branch"
	if name, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		branch, kind = name, "tag"
	}
	who := e.root.First("pusher.name", "sender.login")
	title := fmt.Sprintf("%s pushed to %s", who, branch)
	if kind == "tag" {
		title = who + " pushed the tag " + branch
	}
	if message, _, _ := strings.Cut(head.Get("message").Text(), "\n"); message != "" {
		title += " (" + message + ")"
	}
	labels := e.label(kind, branch, "sha", after, "commits", strconv.Itoa(e.root.Get("commits").Len()), "author", head.First("author.username", "author.name"))
	return source.Parsed{Changes: []source.Change{e.change("push", ref+"@"+after, title, head.Get("timestamp").Text(), labels, source.Links("Compare", e.root.Get("compare").Text()))}}
}

// release counts once: a release is also created and released when it is
// published.
func release(e event) source.Parsed {
	is := e.root.Get("release")
	if e.action != "published" {
		return e.note("is told by published")
	}
	name := is.First("name", "tag_name")
	labels := e.label("tag", is.Get("tag_name").Text(), "branch", is.Get("target_commitish").Text(), "prerelease", is.Get("prerelease").Text(), "author", is.At("author.login").Text())
	return source.Parsed{Changes: []source.Change{e.change("release", is.First("id", "tag_name"), "release "+name, is.First("published_at", "created_at"), labels, source.Links("Release", is.Get("html_url").Text()))}}
}

func deployment(e event) source.Parsed {
	return source.Parsed{Changes: []source.Change{e.deployed(e.root.At("deployment.environment").Text(), e.root.At("deployment.created_at").Text())}}
}

// deployed is one change, whether told by its beginning or its end.
func (e event) deployed(environment, at string) source.Change {
	is := e.root.Get("deployment")
	labels := e.label("environment", environment, "ref", is.Get("ref").Text(), "sha", is.Get("sha").Text(), "creator", is.At("creator.login").Text(), "task", is.Get("task").Text())
	title := "deployment of " + is.First("ref", "sha", "id") + " to " + environment
	return e.change("deployment", is.First("id", "sha"), title, at, labels, source.Links("Repository", e.root.At("repository.html_url").Text()))
}
