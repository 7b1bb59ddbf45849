package source_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatepass/pkg/source"
)

func TestReadsJSONAndYAMLAlike(t *testing.T) {
	const asJSON = `{"a": [1, 1.50, "x", true, null], "b": {"ö": "\u00fc\n"}, "c": {}}`
	const asYAML = "a: [1, 1.50, x, true, null]\nb:\n  ö: \"\\u00fc\\n\"\nc: {}\n"
	want := map[string]any{
		"a": []any{json.Number("1"), json.Number("1.50"), "x", true, nil},
		"b": map[string]any{"ö": "ü\n"},
		"c": map[string]any{},
	}
	for name, doc := range map[string]string{"json": asJSON, "yaml": asYAML} {
		n, err := source.Parse(name, []byte(doc))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, n.Any()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPositions(t *testing.T) {
	for _, tc := range []struct {
		doc  string
		path []string
		want source.Position
	}{
		{"{\n  \"a\": {\"ö\": 7, \"b\": [1]}}", []string{"a"}, source.Position{Line: 2, Column: 8}},
		{"{\n  \"a\": {\"ö\": 7, \"b\": [1]}}", []string{"a", "b"}, source.Position{Line: 2, Column: 22}},
		{"# c\na:\n  \"x\\n\": 1\n  b: |\n    text\n  c: z\n", []string{"a", "c"}, source.Position{Line: 6, Column: 6}},
		{"a:\n  b:\n    - 1\n", []string{"a", "b"}, source.Position{Line: 3, Column: 5}},
		{"a:\n  ü: { b: 1, c: 2 }\n", []string{"a", "ü", "c"}, source.Position{Line: 2, Column: 17}},
		{"a:\n  b: 1\n", []string{"a"}, source.Position{Line: 2, Column: 3}},
	} {
		n, err := source.Parse("doc", []byte(tc.doc))
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range tc.path {
			n = n.Get(key)
		}
		if got := n.Pos(); got != tc.want {
			t.Errorf("%v in %q is at %v, want %v", tc.path, tc.doc, got, tc.want)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, tc := range []struct{ name, doc, want string }{
		{"json duplicate", `{"a":1,"a":2}`, `f:1:8: the key "a" is given twice`},
		{"json duplicate among many", `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"c":2}`, `f:1:62: the key "c" is given twice`},
		{"json cut", `{"a":`, `f:1:6: the JSON document ends too early`},
		{"json tail", `{} x`, `f:1:4: unexpected text after the end of the JSON document`},
		{"json second document", `{} {}`, `f:1:4: unexpected text after the end of the JSON document`},
		{"json comma", "[1,\n2,]", `f:2:3: not valid JSON`},
		{"json bare word", `{"a": yes}`, `f:1:7: not valid JSON`},
		{"json utf-8", "{\"a\": \"\xff\"}", `f:1:8: invalid UTF-8`},
		{"json deep", strings.Repeat("[", 200), `f:1:101: nested more than 100 deep`},
		{"yaml duplicate", "a: 1\na: 2\n", `f:2:1: not valid YAML: mapping key "a" already defined`},
		{"yaml alias", "a: &x 1\nb: *x\n", `f:1:4: anchors and aliases are not taken here`},
		{"yaml merge", "a: {}\n<<: {b: 1}\n", `f:2:1: merge keys are not taken here`},
		{"yaml tag", "a: !!str 5\n", `f:1:4: tags such as !!str are not taken here`},
		{"yaml documents", "a: 1\n---\nb: 1\n", `f:3:1: only one YAML document`},
		{"yaml deep", "a: " + strings.Repeat("[", 5000), `nested more than 100 deep`},
		{"yaml deep blocks", deepYAML(150), `nested more than 100 deep`},
		{"yaml infinity", "a: .inf\n", `f:1:4: .inf is no number here`},
		{"yaml brackets", "a: [1\nb: }\n", `not valid YAML`},
		{"yaml utf-8", "a: \xff\n", `f:1:4: invalid UTF-8`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := source.Parse("f", []byte(tc.doc))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			var s *source.Error
			if !errors.As(err, &s) {
				t.Errorf("%T is no *source.Error", err)
			}
		})
	}
}

func deepYAML(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestTooLarge(t *testing.T) {
	if _, err := source.JSON("f", make([]byte, source.MaxJSON+1)); err == nil {
		t.Error("a JSON document beyond MaxJSON is read")
	}
	if _, err := source.YAML("f", make([]byte, source.MaxYAML+1)); err == nil {
		t.Error("a YAML document beyond MaxYAML is read")
	}
}

func TestExcerptMarksTheMistake(t *testing.T) {
	_, err := source.YAML("f.yaml", []byte("a: 1\nb: [1\n"))
	var s *source.Error
	if !errors.As(err, &s) {
		t.Fatal(err)
	}
	lines := strings.Split(s.Excerpt(), "\n")
	if len(lines) != 2 || !strings.HasSuffix(lines[1], "^") {
		t.Fatalf("excerpt %q", s.Excerpt())
	}

	long := `{"a":"` + strings.Repeat("é", 300) + `","b":x}`
	_, err = source.JSON("f.json", []byte(long))
	if !errors.As(err, &s) {
		t.Fatal(err)
	}
	lines = strings.Split(s.Excerpt(), "\n")
	mark := len([]rune(lines[1])) - 1
	if r := []rune(lines[0]); len(r) > 130 || r[mark] != 'x' {
		t.Errorf("the mark is not at the x:\n%s", s.Excerpt())
	}
}

func TestReader(t *testing.T) {
	var v struct {
		name, auth string
		on         bool
		n          int
		d          time.Duration
		list       []string
	}
	read := func(doc string) error {
		n, err := source.YAML("f", []byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		var r source.Reader
		r.Object(n, source.Fields{
			"name": r.String(&v.name), "auth": r.OneOf(&v.auth, "none", "post", "basic"), "on": r.Bool(&v.on),
			"n": r.Int(&v.n, 0, 10), "d": r.Duration(&v.d), "list": r.Strings(&v.list),
		})
		return r.Err()
	}
	if err := read("{name: 012, auth: post, on: true, n: 7, d: 5m, list: [a, 1]}"); err != nil {
		t.Fatal(err)
	}
	if v.name != "012" || v.auth != "post" || !v.on || v.n != 7 || v.d != 5*time.Minute || !cmp.Equal(v.list, []string{"a", "1"}) {
		t.Errorf("read %+v", v)
	}
	if err := read("list: one\nd: 90"); err != nil || !cmp.Equal(v.list, []string{"one"}) || v.d != 90*time.Second {
		t.Errorf("read %+v, %v", v, err)
	}
	err := read("nam: x\nauth: pots\non: 1\nn: 11\nd: -1s\nlist: {}\nname: []\n")
	want := []string{
		`f:1:1: unknown key "nam"`, `f:2:7: want one of none, post, basic, got "pots"`, `f:3:5: want true or false`,
		`f:4:4: want a whole number from 0 to 10`, `f:5:4: want a time span`, `f:6:7: want a string, got an object`, `f:7:7: want a string, got a list`,
	}
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("missing %q in:\n%v", w, err)
		}
	}
	var s *source.Error
	if errors.As(err, &s); s.Hint != `did you mean "name"?` {
		t.Errorf("hint %q", s.Hint)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"version", "decode", "login", "logout", "json"}
	for in, want := range map[string]string{"ersion": "version", "decdde": "decode", "logni": "login", "jsno": "json", "LOGIN": "login", "banana": "", "": ""} {
		if got := source.Nearest(in, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzParse: no input panics, every error has a place, and what was read from
// JSON reads the same once more after printing.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x",{}]}`, "a: 1\nb: [x]\n", "- a\n- b: c\n", "a: |\n  x\n", `{"a":1e400}`, "? x\n: y\n", "a: 'b''c'\n", "\ufeffa: 1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		n, err := source.Parse("f", doc)
		if err != nil {
			var s *source.Error
			if !errors.As(err, &s) || s.Pos.Line < 1 || s.Pos.Column < 1 || s.Excerpt() == "" {
				t.Fatalf("%T %v has no place", err, err)
			}
			return
		}
		first := fmt.Sprint(n.Any())
		printed, err := json.Marshal(n.Any())
		if err != nil {
			return // a YAML number that JSON does not have, such as 0x10
		}
		again, err := source.JSON("f", printed)
		if err != nil {
			t.Fatalf("%s: %v", printed, err)
		}
		if second := fmt.Sprint(again.Any()); first != second && n.Pos().Line > 0 && !strings.Contains(first, "\ufffd") {
			t.Errorf("read %s, then %s", first, second)
		}
	})
}

func ExampleReader() {
	n, _ := source.YAML("gatepass.yaml", []byte("version: 1\nissure: https://acme.onelogin.com/oidc/2\n"))
	var version int
	var issuer string
	var r source.Reader
	r.Object(n, source.Fields{"version": r.Int(&version, 1, 1), "issuer": r.String(&issuer)})
	fmt.Println(r.Err())
	// Output: gatepass.yaml:2:1: unknown key "issure"
}

// Whatever a document is full of, reading it and finding its mistakes takes no
// more time than a person does not notice: a test that hangs here has failed.
func TestManyEntriesAndManyMistakes(t *testing.T) {
	repeat := func(n int, entry string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, entry, i)
		}
		return b.String()
	}
	for name, doc := range map[string]string{
		"a mapping":      repeat(80_000, "k%d: 1\n"),
		"empty values":   repeat(80_000, "k%d:\n"),
		"a flow mapping": "a: {" + repeat(60_000, "k%d: 1, ") + "}",
		"a quoted one":   "a: {" + repeat(60_000, `"k%d":1,`) + "}",
		"a flow list":    "a: [" + repeat(90_000, "%d, ") + "1]",
	} {
		_, err := source.YAML("f", []byte(doc))
		var s *source.Error
		if !errors.As(err, &s) || !strings.Contains(s.Msg, "more than 10000 entries") || s.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	n, err := source.JSON("f", []byte("{"+repeat(80_000, "\"k%d\": {},\n")+"\"z\": 1}"))
	if err != nil {
		t.Fatal(err)
	}
	var r source.Reader
	var text string
	fields := source.Fields{"k1": r.String(&text), "k2": r.OneOf(&text, "a", "b")}
	for _, m := range n.Members {
		fields[m.Key] = r.String(&text)
	}
	r.Object(n, fields)
	r.Object(n, source.Fields{})
	for range 100_000 {
		r.OneOf(&text, "a")(n)
	}
	if got := strings.Count(r.Err().Error(), "\n") + 1; got != 10 || !r.Full() {
		t.Errorf("%d mistakes are told, want 10", got)
	}
}
