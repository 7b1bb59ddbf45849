package source

import (
	"reflect"
	"strings"
	"testing"
)

// shape is a node with its position, to be compared.
type shape struct {
	Kind    Kind
	Text    string
	Offset  int
	Items   []shape
	Keys    []string
	Offsets []int
	Values  []shape
}

func shapeOf(n *Node) shape {
	s := shape{Kind: n.Kind, Text: n.Text, Offset: n.offset}
	for _, it := range n.Items {
		s.Items = append(s.Items, shapeOf(it))
	}
	for _, m := range n.Members {
		s.Keys, s.Offsets, s.Values = append(s.Keys, m.Key), append(s.Offsets, m.offset), append(s.Values, shapeOf(m.Value))
	}
	return s
}

// FuzzQuickJSON wants of the quick reader that it takes nothing the careful one
// refuses, and makes the same of what it takes.
func FuzzQuickJSON(f *testing.F) {
	for _, doc := range []string{
		`{"jti":"a~_-","iat":1772366400,"n":-1.50e+3,"l":[1,"x",true,false,null,{},[]],"o":{"ü":"\u00fc\n\ud83d\ude00\ud800"}}`,
		" [ 1 , 2 ] \n", `"a"`, "0", "-0", "01", "1.", "1e", "-", "+1", "1 2", "[1,]", `{"a":1,}`, `{,}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`,
		"\"a\tb\"", `"\x"`, `"a`, `"\`, "tru", "nullx", "[true false]", strings.Repeat("[", 101) + strings.Repeat("]", 101),
		strings.Repeat("[", 100) + strings.Repeat("]", 100), "\ufeff{}", "{} {}", "", " ", `{"a" "b"}`, `{"a",1}`, `[1:2]`, "1\x00",
	} {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		if invalidAt([]byte(doc)) < len(doc) {
			return
		}
		in := &file{name: "f", data: []byte(doc)}
		n := quickJSON(in)
		careful, err := carefulJSON(in)
		if n == nil {
			return
		}
		if err != nil {
			t.Fatalf("takes %q: %v", doc, err)
		}
		// Not with cmp, whose time is exponential in the depth of lists.
		if want, got := shapeOf(careful), shapeOf(n); !reflect.DeepEqual(want, got) {
			t.Errorf("%q is\n%+v, want\n%+v", doc, got, want)
		}
	})
}

// The quick reader must not leave everything to the careful one.
func TestQuickJSONTakesTheUsual(t *testing.T) {
	for _, doc := range []string{
		`{"jti":"a","iat":1772366400,"l":[1,2.5e-3,"x",true,false,null,{},[]],"o":{"k":"\u00fc \" \\ \n"}}`,
		"\n{ \"a\" : 1 ,\r\n\t\"b\" : [ ] }\n", `"x"`, strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth),
	} {
		if quickJSON(&file{name: "f", data: []byte(doc)}) == nil {
			t.Errorf("gives up at %s", doc)
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	doc := []byte(`{"jti":"XGZ3p~1_yy-3dGvvW6lHk","sub":"35666371","iss":"https://acme.onelogin.com/oidc/2","iat":1772366400,` +
		`"exp":1772370000,"scope":"openid profile groups","aud":"e0001112-9e47-0138-5b6c-023242b000010000ab"}`)
	b.Run("quick", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := JSON("f", doc); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("careful", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := carefulJSON(&file{name: "f", data: doc}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
