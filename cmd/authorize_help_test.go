package cmd

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// The help fits, and its examples are right as far as flags go: each kind of
// authorizer is asked for in one.
func TestAuthorizeHelp(t *testing.T) {
	var out bytes.Buffer
	app := testApp(t, io.Discard, io.Discard)
	c := newAuthorize(app)
	c.SetOut(&out)
	if err := c.Help(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(out.String(), "\n") {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
	asked := map[string]bool{}
	for _, args := range examples(authorizeExample) {
		a := &authorize{app: app}
		if err := a.command().ParseFlags(args); err != nil {
			t.Errorf("%q: %v", args, err)
		}
		kind := a.api.kind
		if kind == "" {
			kind = "rest"
		}
		asked[kind+" "+a.api.typ] = true
	}
	for _, want := range []string{
		"rest token", "rest request", "rest cognito", "rest jwt", "rest iam", "rest none", "http jwt", "http ", "http iam", "websocket ",
	} {
		if !asked[want] {
			t.Errorf("no example of %s", want)
		}
	}
}

// examples are the arguments of the commands in an example text.
func examples(text string) [][]string {
	var all [][]string
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		_, rest, ok := strings.Cut(line, "gatepass authorize ")
		if !ok {
			_, rest, ok = strings.Cut(line, " R ")
		}
		if !ok || strings.HasPrefix(line, " Each") {
			continue
		}
		all = append(all, shellWords(rest))
	}
	return all
}

// shellWords splits a line at spaces outside of single quotes.
func shellWords(line string) []string {
	var words []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}
