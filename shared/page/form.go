package page

import (
	"cmp"
	"html"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/notify"
)

// brief is the sheet on a phone's screen: what it is about, and no links.
func (s *sheet) brief(l *language) string {
	lines := compact(s.test, s.headline)
	for _, f := range s.facts {
		if f.always {
			lines = append(lines, l.say(sayColon, f.name, f.value))
		}
	}
	lines = append(lines, compact(notify.Cut(s.detail, maxBriefText), s.notice)...)
	return strings.Join(lines, "\n")
}

// text is the sheet as plain text. What to do comes first.
func (s *sheet) text(l *language) string {
	parts := compact(s.test, s.title, s.headline)
	var lines []string
	for _, b := range s.buttons {
		lines = append(lines, b.Label+": "+b.URL)
	}
	parts = append(parts, block(lines)...)
	lines = nil
	for _, f := range s.facts {
		lines = append(lines, l.say(sayColon, f.name, f.value))
	}
	parts = append(append(parts, block(lines)...), compact(s.detail)...)
	lines = nil
	for _, p := range s.labels {
		lines = append(lines, "  "+p[0]+" = "+p[1])
	}
	parts = append(parts, titled(l, sayLabels, lines)...)
	lines = nil
	for _, k := range s.links {
		lines = append(lines, "  "+strings.TrimSpace(k.Text+" "+k.URL))
	}
	parts = append(parts, titled(l, sayLinks, lines)...)
	parts = append(parts, compact(s.notice, s.footer)...)
	return strings.Join(parts, "\n\n") + "\n"
}

func compact(texts ...string) []string {
	var kept []string
	for _, t := range texts {
		if t != "" {
			kept = append(kept, t)
		}
	}
	return kept
}

func block(lines []string) []string { return compact(strings.Join(lines, "\n")) }

func titled(l *language, name phrase, lines []string) []string {
	if len(lines) == 0 {
		return nil
	}
	return []string{l.say(name) + "\n" + strings.Join(lines, "\n")}
}

// Colours that say at a glance how bad it is, each dark enough for white text
// (WCAG 2.2, 1.4.3: 4.5 to 1).
const (
	red    = "#b42318"
	orange = "#b54708"
	blue   = "#175cd3"
	grey   = "#475467"
	green  = "#067647"
)

func colourOf(p alert.Priority) string {
	switch p {
	case alert.P1:
		return red
	case alert.P2:
		return orange
	case alert.P3:
		return blue
	}
	return grey
}

// The frame of a mail. Colours of the light scheme stand in the elements,
// because some programs drop the style sheet; the dark one is in the sheet.
const (
	pageHead = `<!DOCTYPE html>
<html lang="%lang%"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<title>%title%</title>
<style>
:root { color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  .body { background: #101418 !important; }
  .card { background: #1b2127 !important; border-color: #323b44 !important; }
  .ink, .ink a { color: #eef1f4 !important; }
  .soft { color: #a7b1bb !important; }
  .line { border-color: #323b44 !important; }
  .plain { color: #eef1f4 !important; border-color: #5b6670 !important; }
  .code { background: #101418 !important; color: #eef1f4 !important; }
}
</style></head>
<body class="body" style="margin:0;padding:0;background:#f2f4f7;-webkit-text-size-adjust:100%">
<div style="display:none;max-height:0;overflow:hidden">%preview%</div>
<div role="article" aria-roledescription="email" lang="%lang%" class="body" style="background:#f2f4f7;padding:16px 8px;font:16px/1.5 -apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'PingFang SC','Microsoft YaHei',sans-serif">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td align="center">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px;background:#ffffff;border:1px solid #dfe3e8;border-radius:10px"><tr><td style="height:5px;line-height:5px;font-size:0;border-radius:10px 10px 0 0;background:%colour%">&nbsp;</td></tr><tr><td class="ink" style="padding:20px;color:#1d2733;text-align:left">
`
	pageTail = `</td></tr></table>
</td></tr></table>
</div></body></html>
`
)

// markup builds HTML; everything that is not markup passes through say.
type markup struct{ strings.Builder }

func (m *markup) say(text string) { m.WriteString(html.EscapeString(text)) }

// element writes a text within a tag, unless there is none.
func (m *markup) element(open, text, end string) {
	if text == "" {
		return
	}
	m.WriteString(open)
	m.say(text)
	m.WriteString(end)
}

// html is the sheet as a mail that reads well on a phone, without pictures,
// scripts or anything to load.
func (s *sheet) html(l *language) string {
	var m markup
	m.WriteString(strings.NewReplacer(
		"%lang%", l.tag, "%colour%", s.colour, "%title%", html.EscapeString(s.title), "%preview%", html.EscapeString(s.headline),
	).Replace(pageHead))
	m.element(`<p style="margin:0 0 12px;padding:8px 12px;background:#fef0c7;color:#93370d;border-radius:6px;font-weight:600">`, s.test, "</p>\n")
	m.element(`<h1 class="ink" style="margin:0 0 8px;font-size:20px;line-height:1.3;word-break:break-word">`, s.title, "</h1>\n")
	m.element(`<p class="ink" style="margin:0 0 16px">`, s.headline, "</p>\n")
	m.buttons(s.buttons, s.colour)
	m.facts(s.facts)
	m.element(`<p class="ink" style="margin:16px 0 0;white-space:pre-line;word-break:break-word">`, s.detail, "</p>\n")
	m.labels(l, s.labels)
	m.links(l, s.links)
	m.element(`<p class="ink line" style="margin:16px 0 0;padding:12px 0 0;border-top:1px solid #dfe3e8">`, s.notice, "</p>\n")
	m.element(`<p class="soft line" style="margin:20px 0 0;padding:12px 0 0;border-top:1px solid #dfe3e8;font-size:13px;color:#5b6670">`, s.footer, "</p>\n")
	m.WriteString(pageTail)
	return m.String()
}

// buttons are links of at least 44 pixels, the first one filled.
func (m *markup) buttons(links []notify.Link, colour string) {
	for i, l := range links {
		class, style := "plain", "border:1px solid #98a2b3;color:#1d2733;background:transparent"
		if i == 0 {
			class, style = "filled", "border:1px solid "+colour+";color:#ffffff;background:"+colour
		}
		m.WriteString(`<a class="` + class + `" href="`)
		m.say(l.URL)
		m.WriteString(`" style="display:block;margin:0 0 10px;padding:11px 16px;border-radius:8px;text-align:center;text-decoration:none;font-weight:600;` + style + `">`)
		m.say(l.Label)
		m.WriteString("</a>\n")
	}
}

func (m *markup) facts(facts []fact) {
	if len(facts) == 0 {
		return
	}
	m.WriteString(`<table width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:8px 0 0;border-collapse:collapse">` + "\n")
	for _, f := range facts {
		m.WriteString(`<tr><th scope="row" class="soft line" style="padding:7px 12px 7px 0;border-top:1px solid #dfe3e8;text-align:left;vertical-align:top;font-weight:400;color:#5b6670;width:30%">`)
		m.say(f.name)
		m.WriteString(`</th><td class="ink line" style="padding:7px 0;border-top:1px solid #dfe3e8;vertical-align:top;color:#1d2733;word-break:break-word">`)
		m.say(f.value)
		m.WriteString("</td></tr>\n")
	}
	m.WriteString("</table>\n")
}

const sectionHead = `<h2 class="soft" style="margin:18px 0 6px;font-size:14px;font-weight:600;color:#5b6670">`

func (m *markup) labels(l *language, labels [][2]string) {
	if len(labels) == 0 {
		return
	}
	m.element(sectionHead, l.say(sayLabels), "</h2>\n<p style=\"margin:0\">\n")
	for _, p := range labels {
		m.element(`<code class="code" style="display:inline-block;margin:0 6px 6px 0;padding:1px 7px;border-radius:5px;background:#eef1f4;color:#1d2733;font-size:13px;word-break:break-all">`,
			p[0]+"="+p[1], "</code>\n")
	}
	m.WriteString("</p>\n")
}

func (m *markup) links(l *language, links []alert.Link) {
	if len(links) == 0 {
		return
	}
	m.element(sectionHead, l.say(sayLinks), "</h2>\n<ul class=\"ink\" style=\"margin:0;padding:0 0 0 20px\">\n")
	for _, k := range links {
		m.WriteString(`<li><a style="color:#175cd3;word-break:break-all" rel="noreferrer noopener" href="`)
		m.say(k.URL)
		m.WriteString(`">`)
		m.say(cmp.Or(k.Text, k.URL))
		m.WriteString("</a></li>\n")
	}
	m.WriteString("</ul>\n")
}
