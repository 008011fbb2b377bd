package rule

import "testing"

func TestLiteralPrefix(t *testing.T) {
	for pattern, want := range map[string]string{
		"^api":             "api",
		"^api-(a|b)$":      "api-",
		"^api|db":          "",
		"^(api|db)":        "",
		"^api[|]x":         "api",
		"^api[]|]x":        "api",
		"^api[^]|]x|y":     "",
		"^apis?":           "api",
		"^apis*":           "api",
		"^apis{0,2}":       "api",
		"^apis+":           "apis",
		`^a\.b`:            "a.b",
		`^a\|b`:            "a|b",
		`^a\db`:            "a",
		"^[[:alpha:](]|x)": "",
		`^\Qa|b\E`:         "",
		"^größe?":          "größ",
		"^\uFFFDx":         "",
		"api":              "",
		"(?i)^api":         "",
		"^":                "",
		"":                 "",
	} {
		t.Run(pattern, func(t *testing.T) {
			if got := literalPrefix(pattern); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
