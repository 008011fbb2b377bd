package github

import (
	"fmt"
	"strconv"
	"strings"

	"tocsin/shared/source"
)

func push(e event) source.Parsed {
	ref, head := e.root.Get("ref").Text(), e.root.Get("head_commit")
	after := e.root.Get("after").Text()
	if e.root.Get("deleted").True() || strings.Trim(after, "0") == "" {
		return e.Note("deletes " + ref)
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
	labels := source.Labels(kind, branch, "sha", after, "commits", strconv.Itoa(e.root.Get("commits").Len()), "author", head.First("author.username", "author.name"))
	return source.Parsed{Changes: []source.Change{e.Change("push", ref+"@"+after, title, source.Instant(head.Get("timestamp").Text()), labels, source.Links("Compare", e.root.Get("compare").Text()))}}
}

// release counts once: a release is also created and released when it is
// published.
func release(e event) source.Parsed {
	is := e.root.Get("release")
	if e.Action != "published" {
		return e.Note("is told by published")
	}
	name := is.First("name", "tag_name")
	labels := source.Labels("tag", is.Get("tag_name").Text(), "branch", is.Get("target_commitish").Text(), "prerelease", is.Get("prerelease").Text(), "author", is.At("author.login").Text())
	return source.Parsed{Changes: []source.Change{e.Change("release", is.First("id", "tag_name"), "release "+name, source.Instant(is.First("published_at", "created_at")), labels, source.Links("Release", is.Get("html_url").Text()))}}
}

func deployment(e event) source.Parsed {
	return source.Parsed{Changes: []source.Change{e.deployed(e.root.At("deployment.environment").Text(), e.root.At("deployment.created_at").Text())}}
}

// deployed is one change, whether told by its beginning or its end.
func (e event) deployed(environment, at string) source.Change {
	is := e.root.Get("deployment")
	labels := source.Labels("environment", environment, "ref", is.Get("ref").Text(), "sha", is.Get("sha").Text(), "creator", is.At("creator.login").Text(), "task", is.Get("task").Text())
	title := "deployment of " + is.First("ref", "sha", "id") + " to " + environment
	return e.Change("deployment", is.First("id", "sha"), title, source.Instant(at), labels, source.Links("Repository", e.root.At("repository.html_url").Text()))
}
