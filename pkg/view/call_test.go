package view_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"gatepass/pkg/apigw"
	"gatepass/pkg/view"
)

// What is shown does not depend on the pieces in which it arrives.
func TestBodyInPieces(t *testing.T) {
	const text = "ä€𝄞\r\n\x1b[31m\u202e end\r"
	const want = "ä€𝄞\n\\x1b[31m\\u202e end\\r\n"
	for name, r := range map[string]io.Reader{
		"whole":        strings.NewReader(text),
		"byte by byte": iotest.OneByteReader(strings.NewReader(text)),
		"halves":       iotest.HalfReader(strings.NewReader(text)),
		"last at once": iotest.DataErrReader(strings.NewReader(text)),
	} {
		var b strings.Builder
		if err := view.Body(&b, r, "text/plain", false); err != nil || b.String() != want {
			t.Errorf("%s: %q, %v, want %q", name, b.String(), err, want)
		}
	}
	long := strings.Repeat("€", 1<<20)
	var b strings.Builder
	if err := view.Body(&b, strings.NewReader(long), "application/json", false); err != nil || b.String() != long+"\n" {
		t.Errorf("%d bytes were shown of %d, %v", b.Len(), len(long), err)
	}
	broken := errors.New("broke off")
	b.Reset()
	err := view.Body(&b, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), "text/plain", false)
	if !errors.Is(err, broken) || b.String() != "half\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

func TestCauses(t *testing.T) {
	const long = "a line of words that is longer than forty columns"
	for want, causes := range map[string][]apigw.Cause{
		"":           nil,
		"a":          {{Meaning: "a"}},
		"1. a\n2. b": {{Meaning: "a"}, {Meaning: "b"}},
		"a line of words that is longer than\nforty columns":                       {{Meaning: long}},
		"1. a\n2. a line of words that is longer than\n   forty columns\n3. \\x1b": {{Meaning: "a"}, {Meaning: long}, {Meaning: `\x1b`}},
	} {
		if got := view.Causes(causes, 40); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
