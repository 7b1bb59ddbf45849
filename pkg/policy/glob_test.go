package policy

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "a/b:c", true}, {"?", "", false}, {"?", "é", true}, {"??", "é", false},
		{"*??", "€", false}, {"*?", "€", true}, {"a*b*c", "a1b2b3c", true}, {"a*b*c", "a1c2b", false}, {"*a", "aaa", true}, {"a", "A", false},
		{"${*}", "${x}", true}, {"a**b", "ab", true}, {"\xff", "x", false},
	} {
		if got := Match(tc.pattern, tc.s); got != tc.want {
			t.Errorf("Match(%q, %q) = %v", tc.pattern, tc.s, got)
		}
	}
}

// slowMatch is the obvious one: a regular expression.
func slowMatch(pattern, s string) bool {
	var b strings.Builder
	for _, r := range pattern {
		switch r {
		case '*':
			b.WriteString("(?s:.*)")
		case '?':
			b.WriteString("(?s:.)")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile(`\A` + b.String() + `\z`).MatchString(s)
}

// text keeps to what documents can hold, and to what regexp does quickly.
func text(all ...string) bool {
	for _, s := range all {
		if !utf8.ValidString(s) || len(s) > 200 {
			return false
		}
	}
	return true
}

func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{{"a*b?c", "axxbyc"}, {"*", ""}, {"*a*a*a", "aaaa"}, {"é?*", "éx€"}, {"a:*:b", "a:c:d:b"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !text(pattern, s) {
			return
		}
		if got, want := Match(pattern, s), slowMatch(pattern, s); got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", pattern, s, got, want)
		}
	})
}

// slowSegments matches a resource by the words of IAM's documentation: the parts between
// the first five colons each on their own, except that a star at the end of a part
// may run over colons.
func slowSegments(pattern, s string, strict bool) bool {
	var b strings.Builder
	parts := strings.SplitN(pattern, ":", 6)
	for i, part := range parts {
		any := "[^:]"
		if i == 5 {
			any = "(?s:.)"
		}
		if i > 0 {
			b.WriteByte(':')
		}
		body, runs := part, false
		if !strict {
			body, runs = strings.CutSuffix(part, "*")
		}
		for _, r := range body {
			switch r {
			case '*':
				b.WriteString(any + "*")
			case '?':
				b.WriteString(any)
			default:
				b.WriteString(regexp.QuoteMeta(string(r)))
			}
		}
		if runs {
			b.WriteString("(?s:.*)")
		}
	}
	return regexp.MustCompile(`\A` + b.String() + `\z`).MatchString(s)
}

func FuzzResourceMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"a:*:b", "a:c:d:b"}, {"a:b*c:d", "a:bxc:d"}, {"*:x*y*:z", "p:q:xay:b:z"}, {"a:b:c:d:e:f*?g", "a:b:c:d:e:f:x:g"},
		{"a:*:*", "a:b:c:d"}, {"a:?*:?", "a::b"}, {"arn:aws:execute-api:*:1:a/*/GET/x", "arn:aws:execute-api:eu:2:b/GET/a:1:a/p/GET/x"},
		{"a:b*c*:d*e:f", "a:bcbc:x:de:de:f"}, {"**:*a*:a", ":::aa:a"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !text(pattern, s) {
			return
		}
		for m, strict := range map[mode]bool{resource: false, arn: true} {
			p := compile(pattern, syntax{mode: m})
			if got, want := p.match(s, nil), slowSegments(pattern, s, strict); got != want {
				t.Errorf("strict %v: %q matches %q: %v, want %v", strict, pattern, s, got, want)
			}
		}
	})
}

// The variables of a pattern are literal text: with their values they match what
// the pattern with escaped values matches.
func FuzzVariable(f *testing.F) {
	f.Add("a/${k:v}/*", "b*", "a/b*/c")
	f.Add("${k:v}${k:v}", "x:", "x:x:")
	f.Add("$${k:v}", "{k:v}", "${k:v}")
	f.Fuzz(func(t *testing.T, pattern, value, s string) {
		if !text(pattern, s, value) || value == "" {
			return
		}
		keys := Keys{"k:v": {value}}
		for _, m := range []mode{exact, like} {
			sx := syntax{mode: m, vars: true}
			p := compile(pattern, sx)
			z := specializer{sx: syntax{vars: true, prefix: "k:"}, keys: keys}
			written, ok := z.substitute(pattern)
			if !ok {
				continue
			}
			q := compile(written, sx)
			if got, want := q.match(s, nil), p.match(s, keys); got != want {
				t.Errorf("mode %v: %q with %q matches %q: %v; written out, %q: %v", m, pattern, value, s, want, written, got)
			}
		}
	})
}

func TestHostilePatterns(t *testing.T) {
	stars := strings.Repeat("*a", 2000) + "b"
	long := strings.Repeat("a", 20000)
	colons := strings.Repeat("*:a", 4)
	for name, run := range map[string]func() bool{
		"stars":    func() bool { return Match(stars, long) },
		"resource": func() bool { p := compile(stars, syntax{mode: resource}); return p.match(long, nil) },
		"tail": func() bool {
			p := compile("a:b:c:d:e:"+stars, syntax{mode: resource})
			return p.match("a:b:c:d:e:"+long, nil)
		},
		"segments": func() bool {
			p := compile("*:"+strings.Repeat("*a", 500)+"b:*:c", syntax{mode: resource})
			return p.match(strings.Repeat(":"+strings.Repeat("a", 50), 400), nil)
		},
		"colons": func() bool {
			p := compile(colons, syntax{mode: resource})
			return p.match(strings.Repeat(":", 100000), nil)
		},
		"variable": func() bool {
			p := compile(strings.Repeat("${", 1e5), syntax{mode: like, vars: true})
			return p.match("", nil)
		},
		"default": func() bool {
			p := compile(strings.Repeat("${a,'", 1e5), syntax{mode: like, vars: true})
			return p.match("", nil)
		},
		"spaces": func() bool {
			p := compile(strings.Repeat("${a,"+strings.Repeat(" ", 1000), 1000), syntax{mode: like, vars: true})
			return p.match("", nil)
		},
	} {
		start := time.Now()
		if run() {
			t.Errorf("%s: matched", name)
		}
		// Linear takes milliseconds; exponential would never end and quadratic in the
		// text takes minutes.
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}
