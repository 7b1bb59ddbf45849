package jq_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/jq"
)

func run(t testing.TB, expression, in string) ([]string, error) {
	t.Helper()
	f, err := jq.Compile(expression)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	var got []string
	err = f.Run(t.Context(), strings.NewReader(in), func(r jq.Result) error {
		b, err := r.JSON()
		got = append(got, string(b))
		return err
	})
	return got, err
}

func TestRun(t *testing.T) {
	for _, tc := range []struct{ expression, in, want string }{
		{".", `{"b":1,"a":[true,null]}`, `{"a":[true,null],"b":1}`},
		{".id, .price", `{"id":12345678901234567890123,"price":1.10}`, "12345678901234567890123|1.10"},
		{".[]", `[1e1000, 0.1, -0]`, "1e1000|0.1|-0"},
		{".a", `{"a":1} {"a":2}` + "\n" + `{"a":3}`, "1|2|3"},
		{".[] | select(.n > 1) | .s", `[{"n":1,"s":"x"},{"n":2,"s":"<é>"}]`, `"<é>"`},
		{"empty", `1`, ""},
		{".", "", ""},
		{".", " \n", ""},
		{"1, halt, 2", `null null`, "1"},
		{"$ENV, env", `1`, "{}|{}"},
		{".a", "\ufeff" + `{"a":1}`, "1"},
		{".", "\ufeff", ""},
	} {
		got, err := run(t, tc.expression, tc.in)
		if err != nil || strings.Join(got, "|") != tc.want {
			t.Errorf("%s of %s: %q, %v, want %q", tc.expression, tc.in, got, err, tc.want)
		}
	}
}

func TestMistakesInExpressions(t *testing.T) {
	long := strings.Repeat(".a|", 60) + "@"
	for _, tc := range []struct{ expression, msg, detail string }{
		{".a | foo[", "unexpected EOF", ".a | foo[\n         ^"},
		{".a ]", `unexpected token "]"`, ".a ]\n   ^"},
		{"# x\n.é | )", `unexpected token`, ".é | )\n ^"},
		{".food | foo", "function not defined: foo/0", ".food | foo\n        ^"},
		{". as $x | $y", "variable not defined: $y", ". as $x | $y\n          ^"},
		{"", "missing query", ""},
		{long, "", "^"},
		{"input", "not", ""},
		{`import "a" as a; .`, "", ""},
	} {
		_, err := jq.Compile(tc.expression)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Usage || !strings.Contains(f.Msg, tc.msg) || !strings.Contains(f.Detail, tc.detail) {
			t.Errorf("%q: %+v", tc.expression, err)
			continue
		}
		for line := range strings.Lines(f.Detail) {
			if n := len([]rune(line)); n > 80 {
				t.Errorf("%q: a line of %d characters", tc.expression, n)
			}
		}
	}
}

func TestFailures(t *testing.T) {
	for _, tc := range []struct{ expression, in, msg string }{
		{".a + 1", `{"a":"x"}`, "cannot add"},
		{".", `{"a":`, "it ends too early"},
		{".", `<html>`, "not JSON"},
		{".", "\xef\xbb", "not JSON"},
		{".", `1` + "\ufeff", "not JSON"},
		{".", strings.Repeat("[", 20_000), "not JSON"},
		{"error(\"own\")", `1`, "own"},
		{"halt_error", `"x"`, "fails"},
		{".", `[` + strings.Repeat("0,", 5<<20), "too large"},
		{"length", `"` + strings.Repeat("x", jq.MostBytes) + `"`, "too large"},
	} {
		_, err := run(t, tc.expression, tc.in)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Failed || !strings.Contains(f.Msg, tc.msg) {
			t.Errorf("%s of %.20s: %v", tc.expression, tc.in, err)
		}
	}
	// Any number of values that are small enough.
	got, err := run(t, "select(. == 7)", strings.Repeat(`"`+strings.Repeat("x,", 1<<19)+`"`, 70)+"7")
	if err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestErrorsOfOthersStayWhatTheyAre(t *testing.T) {
	f, err := jq.Compile(".")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	in := io.MultiReader(strings.NewReader(`{"a":`), iotest.ErrReader(broken))
	if err := f.Run(t.Context(), in, func(jq.Result) error { return nil }); !errors.Is(err, broken) {
		t.Errorf("of the reader: %v", err)
	}
	if err := f.Run(t.Context(), strings.NewReader("1"), func(jq.Result) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("of emit: %v", err)
	}
}

// What never ends ends with its context, whether it gives results or not.
func TestEndless(t *testing.T) {
	for _, expression := range []string{"range(infinite)", "last(range(infinite))", "def f: f; f", "[.] | until(false; .)"} {
		f, err := jq.Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		err = f.Run(ctx, strings.NewReader("1"), func(jq.Result) error { return nil })
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", expression, err)
		}
	}
}

// A result that nothing was calculated with is the value that came.
func FuzzIdentity(f *testing.F) {
	f.Add(`{"a":[1.0,"\u00e9",null]}`)
	f.Add(`12345678901234567890 "x"`)
	f.Fuzz(func(t *testing.T, in string) {
		first, err := run(t, ".", in)
		if err != nil {
			return
		}
		second, err := run(t, ".", strings.Join(first, "\n"))
		if err != nil || strings.Join(first, "\n") != strings.Join(second, "\n") {
			t.Errorf("%q, then %q, %v", first, second, err)
		}
	})
}

func FuzzCompile(f *testing.F) {
	f.Add(".a | foo[\n\té")
	f.Fuzz(func(t *testing.T, expression string) {
		_, err := jq.Compile(expression)
		var fe *fault.Error
		if err != nil && (!errors.As(err, &fe) || fe.Kind != fault.Usage) {
			t.Errorf("%q: %v", expression, err)
		}
	})
}

func ExampleFilter_Run() {
	f, err := jq.Compile(".[] | select(.open) | .id")
	if err != nil {
		panic(err)
	}
	orders := strings.NewReader(`[{"id":7,"open":true},{"id":8,"open":false}]`)
	err = f.Run(context.Background(), orders, func(r jq.Result) error {
		text, err := r.JSON()
		fmt.Println(string(text))
		return err
	})
	if err != nil {
		panic(err)
	}
	// Output: 7
}
