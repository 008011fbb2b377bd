package source

import (
	"slices"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
)

// Object reads a body that must be an object or a form.
func Object(r *Request) (doc.Value, error) {
	root, err := r.Loose()
	if err == nil && root.Kind() != doc.Object {
		err = fault.New(fault.Invalid, "the body is %s, expected an object", root.Kind())
	}
	return root, err
}

// Fields are the fields of an object whose names users choose in a template:
// only letters and digits of a name count, and not their case, so alert_id,
// alertId, "ALERT.ID" and the id in an object called alert are one. What the
// sender did not fill is left out.
type Fields map[string]doc.Value

// FieldsOf returns the fields of objects; what is no object has none. Of
// fields with one name the first counts, and those within an object come last.
func FieldsOf(objects ...doc.Value) Fields {
	fields := make(Fields, 16)
	for _, object := range objects {
		for name, v := range Named(object) {
			fields.add(folded(name), v)
		}
	}
	for _, object := range objects {
		for outer, within := range Named(object) {
			outer = folded(outer)
			for name, v := range Named(within) {
				fields.add(outer+folded(name), v)
			}
		}
	}
	return fields
}

func (f Fields) add(name string, v doc.Value) {
	if _, taken := f[name]; !taken && v.Present() && !unfilled(v.Head(maxVariable+1)) {
		f[name] = v
	}
}

// folded is "" for what is longer than any name.
func folded(name string) string {
	if len(name) > maxNamed {
		return ""
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r > 0x7f:
			return r
		}
		return -1
	}, name)
}

// maxVariable is longer than the name of any variable.
const maxVariable = 64

// unfilled reports what a template says where there is nothing to say: an
// empty text, a word for nothing, or the name of the variable itself ($LINK,
// {EVENT.ID}).
func unfilled(s string) bool {
	s = strings.TrimSpace(s)
	if len(s) > maxVariable {
		return false
	}
	switch strings.ToLower(s) {
	case "", "null", "undefined", "*unknown*":
		return true
	}
	name, ok := strings.CutPrefix(s, "$")
	if !ok {
		if name, ok = strings.CutPrefix(s, "{"); ok {
			name, ok = strings.CutSuffix(name, "}")
		}
		name = strings.Trim(name, "{} ")
	}
	return ok && name != "" && name[0] >= 'A' && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '.'
	})
}

// Get returns the first of the fields of these names that is there; names are
// in lower case, without anything but letters and digits.
func (f Fields) Get(names ...string) doc.Value {
	for _, name := range names {
		if v, ok := f[name]; ok {
			return v
		}
	}
	return doc.Value{}
}

// Text returns the text of [Fields.Get] without white space around it.
func (f Fields) Text(names ...string) string { return strings.TrimSpace(f.Get(names...).Text()) }

// Listed joins the texts of a list with commas; a value that is no list is its
// text.
func Listed(v doc.Value) string {
	if v.Kind() != doc.Array {
		return strings.TrimSpace(v.Text())
	}
	var texts []string
	size := 0
	for item := range v.Items() {
		if text := bounded(strings.TrimSpace(item.Text())); text != "" {
			texts = append(texts, text)
			size += len(text) + len(", ")
		}
		if size > maxLine {
			break
		}
	}
	return strings.Join(texts, ", ")
}

// AddTags adds tags to labels: "name:value" in a list or between commas, or
// objects with a name and a value. A tag without a value goes into the label
// "tags"; values of one name stand side by side.
func AddTags(labels map[string]string, tags doc.Value) {
	if tags = listOf(tags); tags.Kind() != doc.Array {
		for _, tag := range strings.SplitN(tags.Text(), ",", maxNamed) {
			addTag(labels, tag)
		}
		return
	}
	for tag := range Some(tags) {
		if tag.Kind() == doc.Object {
			also(labels, tag.First("tag", "key", "name"), tag.First("value", "stringRepresentation"))
		} else {
			addTag(labels, tag.Text())
		}
	}
}

// listOf reads a list that stands in a text.
func listOf(v doc.Value) doc.Value {
	if inner := v.Inner(); inner.Kind() == doc.Array {
		return inner
	}
	return v
}

func addTag(labels map[string]string, tag string) {
	name, value, _ := strings.Cut(tag, ":")
	also(labels, strings.TrimSpace(name), strings.TrimSpace(value))
}

func also(labels map[string]string, name, value string) {
	if name != "" && value == "" {
		name, value = "tags", name
	}
	switch had := labels[name]; {
	case name == "" || len(had) > alert.MaxLabelValue || slices.Contains(strings.Split(had, ", "), value):
	case had == "":
		labels[name] = value
	default:
		labels[name] = had + ", " + value
	}
}
