package apigw_test

import (
	"strings"
	"testing"

	"gatepass/pkg/apigw"
)

func withExpression(expr string) *apigw.API {
	z := lambda()
	z.ValidationExpression = expr
	return rest(z)
}

func TestExpressionMatches(t *testing.T) {
	for _, tc := range []struct {
		expr, value string
		want        bool
	}{
		{`^x-[a-z]+`, "x-abc", true},
		{`^x-[a-z]+`, "x-abc1", false},
		{`\w{5}`, "abcde", true},
		{`\w{5}`, "abcdef", false},
		{`a|ab`, "ab", true}, // whole-string matching tries the other branch
		{`Bearer.*`, "Bearer x", true},
		{`Bearer [^.]+\.[^.]+\.[^.]+`, "Bearer a.b.c", true},
		{`(?i)bearer .+`, "BEARER x", true},
		{`(?<scheme>Bearer) .+`, "Bearer x", true},
		{`\p{Alpha}+`, "abc", true},
		{`\p{Alpha}+`, "ab1", false},
		{`[\p{Digit}x]+`, "1x", true},
		{`\P{Digit}+`, "abc", true},
		{`\p{L}+`, "é", true},
		{`\p{IsLatin}+`, "é", true},
		{`\Qa.b\E+`, "a.bb", true},
		{`\Qa.b\E`, "axb", false},
		{`\u0041\x42\0103`, "ABC", true},
		{`\x{41}`, "A", true},
		{`[]a]+`, "]a", true},
		{`[^\s]+`, "ab", true},
		{`\h+`, " \t", true},
		{`[\h]+`, " ", true},
		{`a{2,3}?`, "aaa", true},
		{`a*?b+?`, "aab", true},
		{`\{x\}`, "{x}", true},
		{`\S+\Z`, "abc", true},
		{`\H+`, "a b", false},
		{`[\S]+`, "ab", true},
		{`\e\cA`, "\x1b\x01", true},
		{`[^\p{Space}]+`, "a b", false},
		{`\d{2}-\D`, "42-x", true},
		{`[+*]+`, "+*", true},
		{`(a+)+$`, strings.Repeat("a", 5000) + "b", false}, // linear, whatever the expression
	} {
		api := withExpression(tc.expr)
		if err := api.Prepare(); err != nil {
			t.Errorf("%s: %v", tc.expr, err)
			continue
		}
		v, p := apigw.Begin(api, get("/", tc.value))
		if (p != nil) != tc.want {
			t.Errorf("%s with %.20q: matched %t, want %t (%v)", tc.expr, tc.value, p != nil, tc.want, v)
		}
	}
}

func TestExpressionRefused(t *testing.T) {
	for expr, want := range map[string]string{
		`a++`:               "possessive",
		`a*+`:               "possessive",
		`a?+`:               "possessive",
		`a{2}+`:             "possessive",
		`(?=a)b`:            "look-ahead",
		`(?!a)b`:            "look-ahead",
		`(?<=a)b`:           "look-behind",
		`(?<!a)b`:           "look-behind",
		`(?>a)`:             "atomic group",
		`(a)\1`:             "back-reference",
		`(?<n>a)\k<n>`:      "back-reference",
		`[a-z&&[^b]]`:       "intersection",
		`[a[b]]`:            "class inside of a class",
		`(?x)a b`:           "flags",
		`\G`:                `\G`,
		`\X`:                `\X`,
		`a{`:                "brace",
		`a{,3}`:             "brace",
		`[a`:                "no end",
		`(a`:                "not a regular expression",
		`a\`:                "backslash",
		`\p{javaLowerCase}`: "no equal",
		`\p{InGreek}`:       "no equal",
		`\p{Nonsense}`:      "not a regular expression",
		`\uZZZZ`:            "hexadecimal",
		`[\Qa\E]`:           `\Q`,
		`a{3000}`:           "not a regular expression",
		`\c`:                "wants a character",
		`\p`:                "no property",
		`\p{Alpha`:          "no end",
		`\x{41`:             "no end",
		`\0`:                "octal",
		`\0x`:               "octal",
		`[\P{Alpha}]`:       "no equal",
		`[\b]`:              "no equal",
	} {
		err := withExpression(expr).Prepare()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a mention of %q", expr, err, want)
		}
	}
	// What cannot be used never lets anybody in.
	v := apigw.Decide(withExpression(`(?=a)a`), get("/", "a"), nil, never(t))
	wantVerdict(t, v, 500, `{"message":null}`)
}

func FuzzExpression(f *testing.F) {
	for _, s := range []string{`^Bearer [-0-9a-zA-Z\.]*$`, `\w{5}`, `[a&&b]`, `\Q\E\Q`, `\p{L}`, `\c`, `[\]`, `(?<a>b)`, `{`, `\x{`, `\0`} {
		f.Add(s, "abc")
	}
	f.Fuzz(func(_ *testing.T, expr, value string) {
		if len(expr) > 1000 {
			return
		}
		apigw.Begin(withExpression(expr), get("/", value))
	})
}
