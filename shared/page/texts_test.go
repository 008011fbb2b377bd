package page

import (
	"regexp"
	"slices"
	"testing"
	"time"
)

// TestEveryLanguageSaysEverything: each phrase has a text in each language,
// with the same verbs.
func TestEveryLanguageSaysEverything(t *testing.T) {
	verb := regexp.MustCompile(`%\[\d\][sd]`)
	verbs := func(text string) []string {
		found := verb.FindAllString(text, -1)
		slices.Sort(found)
		return found
	}
	for p := range phrases {
		if english.texts[p] == "" || chinese.texts[p] == "" {
			t.Errorf("phrase %d: %q and %q", p, english.texts[p], chinese.texts[p])
		}
		if !slices.Equal(verbs(english.texts[p]), verbs(chinese.texts[p])) {
			t.Errorf("phrase %d has other verbs: %q and %q", p, english.texts[p], chinese.texts[p])
		}
	}
}

func TestLanguages(t *testing.T) {
	for tag, want := range map[string]string{"": "en", "en": "en", "en-GB": "en", "de": "en", "zh": "zh", "zh-CN": "zh", "ZH-hant": "zh", "zhx": "en"} {
		if got := languageOf(tag).tag; got != want {
			t.Errorf("%q: %s", tag, got)
		}
	}
}

func TestTook(t *testing.T) {
	for d, want := range map[time.Duration][2]string{
		-time.Hour:                      {"less than a minute", "不到 1 分钟"},
		59 * time.Second:                {"less than a minute", "不到 1 分钟"},
		28*time.Minute + 59*time.Second: {"28 min", " 28 分钟"},
		65 * time.Minute:                {"1 h 5 min", " 1 小时 5 分钟"},
		51 * time.Hour:                  {"2 d 3 h", " 2 天 3 小时"},
	} {
		if got := [2]string{english.took(d), chinese.took(d)}; got != want {
			t.Errorf("%v: %q", d, got)
		}
	}
}
