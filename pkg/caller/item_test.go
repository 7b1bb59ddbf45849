package caller_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
)

func TestParseItem(t *testing.T) {
	for _, tc := range []struct {
		word string
		want caller.Item
	}{
		{"name=value", caller.Item{Kind: caller.FieldItem, Name: "name", Value: "value"}},
		{"name=", caller.Item{Kind: caller.FieldItem, Name: "name"}},
		{"=value", caller.Item{Kind: caller.FieldItem, Value: "value"}},
		{"a=b=c:d==e", caller.Item{Kind: caller.FieldItem, Name: "a", Value: "b=c:d==e"}},
		{`path=C:\temp\=x`, caller.Item{Kind: caller.FieldItem, Name: "path", Value: `C:\temp\=x`}},
		{"n:=1", caller.Item{Kind: caller.JSONItem, Name: "n", Value: "1"}},
		{"q==a b&c", caller.Item{Kind: caller.QueryItem, Name: "q", Value: "a b&c"}},
		{"X-A:b:c", caller.Item{Kind: caller.HeaderItem, Name: "X-A", Value: "b:c"}},
		{"Accept:", caller.Item{Kind: caller.HeaderItem, Name: "Accept"}},
		{"X-Empty;", caller.Item{Kind: caller.EmptyItem, Name: "X-Empty"}},
		{"file@a.png", caller.Item{Kind: caller.FileItem, Name: "file", Value: "a.png"}},
		{"t=@a.txt", caller.Item{Kind: caller.FieldItem, Name: "t", Value: "a.txt", FromFile: true}},
		{"j:=@a.json", caller.Item{Kind: caller.JSONItem, Name: "j", Value: "a.json", FromFile: true}},
		{"q==@a.txt", caller.Item{Kind: caller.QueryItem, Name: "q", Value: "a.txt", FromFile: true}},
		{"X-A:@a.txt", caller.Item{Kind: caller.HeaderItem, Name: "X-A", Value: "a.txt", FromFile: true}},
		{`a\=b=c`, caller.Item{Kind: caller.FieldItem, Name: "a=b", Value: "c"}},
		{`a\:=c`, caller.Item{Kind: caller.FieldItem, Name: "a:", Value: "c"}},
		{`mail\@x=c`, caller.Item{Kind: caller.FieldItem, Name: "mail@x", Value: "c"}},
		{`back\\=c`, caller.Item{Kind: caller.FieldItem, Name: `back\`, Value: "c"}},
		{`\d=c`, caller.Item{Kind: caller.FieldItem, Name: `\d`, Value: "c"}},
		{"ünï=ç", caller.Item{Kind: caller.FieldItem, Name: "ünï", Value: "ç"}},
	} {
		got, err := caller.ParseItem(tc.word)
		if err != nil || got.Kind != tc.want.Kind || got.Name != tc.want.Name || got.Value != tc.want.Value || got.FromFile != tc.want.FromFile {
			t.Errorf("ParseItem(%q) = %+v, %v", tc.word, got, err)
		}
	}
}

// A mistake is named, and marked where it is.
func TestItemMistakes(t *testing.T) {
	for _, tc := range []struct{ word, msg, detail string }{
		{"orders", "there is no = or : in it", "orders\n      ^"},
		{"", "no item", "\n^"},
		{`a\=b`, "there is no = or : in it", "a\\=b\n    ^"},
		{`name\;`, "there is no = or : in it", "name\\;\n      ^"},
		{":x", "the name is missing", ":x\n^"},
		{"==x", "the name is missing", "==x\n^"},
		{"@x", "the name is missing", "@x\n^"},
		{";", "the name is missing", ";\n^"},
		{"X A:b", "no name of a header", "X A:b\n^"},
		{"X-A:b\r\nX-B: c", "line break", "X-A:b  X-B: c\n   ^"},
		{"a[b=1", "this [ is not closed", "a[b=1\n ^"},
		{"a]=1", "there is no [ before this ]", "a]=1\n ^"},
		{"a[b]c=1", "want [ or the end of the name", "a[b]c=1\n    ^"},
		{"a[b[c]]=1", "a [ within brackets", "a[b[c]]=1\n   ^"},
		{"ü[1000]=1", "the highest index of a list is 999", "ü[1000]=1\n  ^"},
		{"a[99999999999999999999999]=1", "the highest index", ""},
		{"a" + strings.Repeat("[b]", 200) + "=1", "deeper than 100 steps", "…"},
		{"a=@", "the name of the file is missing", "a=@\n   ^"},
		{"a@", "the name of the file is missing", "a@\n  ^"},
		{"a\xff=b", "UTF-8", ""},
		{"a\x00=b", "UTF-8", ""},
	} {
		_, err := caller.ParseItem(tc.word)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Usage || !strings.Contains(f.Msg, tc.msg) || !strings.Contains(f.Detail, tc.detail) {
			t.Errorf("ParseItem(%q): %v\n%v, want %q", tc.word, err, f, tc.msg)
		}
	}
}

// Long words take no longer than their length asks for.
func TestLongItems(t *testing.T) {
	long := strings.Repeat("ü", 1<<20)
	start := time.Now()
	for _, word := range []string{long, long + "=x", "a=" + long, "a[" + long + "]=x", "a[" + long + "=x", long + "]=x", strings.Repeat(`\\`, 1<<20), "a:=" + long} {
		it, err := caller.ParseItem(word)
		if err == nil && it.Kind == caller.JSONItem {
			var d caller.Document
			err = d.SetJSON(it, []byte(it.Value))
		}
		var f *fault.Error
		if errors.As(err, &f) && len(f.Detail) > 1000 {
			t.Errorf("an error of %d bytes", len(f.Detail))
		}
	}
	if took := time.Since(start); took > 20*time.Second { // squared, it would be hours
		t.Errorf("it took %s", took)
	}
}

// document makes a document of items.
func document(words ...string) (string, error) {
	var d caller.Document
	for _, w := range words {
		it, err := caller.ParseItem(w)
		if err != nil {
			return "", err
		}
		set := d.Set
		if it.Kind == caller.JSONItem {
			set = func(it caller.Item, text string) error { return d.SetJSON(it, []byte(text)) }
		}
		if err := set(it, it.Value); err != nil {
			return "", err
		}
	}
	return string(d.JSON()), nil
}

func TestDocument(t *testing.T) {
	for _, tc := range []struct {
		words []string
		want  string
	}{
		{nil, `{}`},
		{[]string{"b=1", "a=2"}, `{"b":"1","a":"2"}`},
		{[]string{"n:=1.50", `o:={"b": 1, "a" :[ ]}`, "t:=true", "x:=null"}, `{"n":1.50,"o":{"b":1,"a":[]},"t":true,"x":null}`},
		{[]string{"big:=12345678901234567890123"}, `{"big":12345678901234567890123}`},
		{[]string{"h=<a&b>\u2028"}, `{"h":"<a&b>\u2028"}`},
		{[]string{"a[b]=1", "a[c][d]:=2", "e=3"}, `{"a":{"b":"1","c":{"d":2}},"e":"3"}`},
		{[]string{"a[]=1", "a[]:=2"}, `{"a":["1",2]}`},
		{[]string{"a[2]=x", "a[0]=y"}, `{"a":["y",null,"x"]}`},
		{[]string{"a[1][b]=x", "a[0][b]=y"}, `{"a":[{"b":"y"},{"b":"x"}]}`},
		{[]string{`a[\1]=x`}, `{"a":{"1":"x"}}`},
		{[]string{`a[b\]]=x`, `a\[=y`}, `{"a":{"b]":"x"},"a[":"y"}`},
		{[]string{"[]=1", "[]:=2"}, `["1",2]`},
		{[]string{"[a]=1"}, `{"a":"1"}`},
		{[]string{"1=x"}, `{"1":"x"}`},
		{[]string{"=x"}, `{"":"x"}`},
	} {
		if got, err := document(tc.words...); err != nil || got != tc.want {
			t.Errorf("%q makes %s, %v\nwant %s", tc.words, got, err, tc.want)
		}
	}
	for _, tc := range []struct {
		words       []string
		msg, detail string
	}{
		{[]string{"a=1", "a=2"}, "has a value already", "a=2\n^"},
		{[]string{"a=1", "a[b]=2"}, "leads into an object, and there is a value", "a[b]=2\n  ^"},
		{[]string{"a[]=1", "a[b]=2"}, "leads into an object, and there is a list", ""},
		{[]string{"a[b]=1", "a=2"}, "this is an object already", ""},
		{[]string{"[]=1", "a=2"}, "leads into an object, and there is a list", ""},
		{[]string{"a:={b:1}"}, "that is no JSON", "a:={b:1}\n    ^"},
		{[]string{"a:="}, "that is no JSON", "a:=\n   ^"},
		{[]string{"a:=1 2"}, "that is no JSON", ""},
		{[]string{"a:=text"}, "that is no JSON", ""},
	} {
		got, err := document(tc.words...)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Usage || !strings.Contains(f.Msg, tc.msg) || !strings.Contains(f.Detail, tc.detail) {
			t.Errorf("%q makes %s, %v\n%v", tc.words, got, err, f)
		}
	}
}

// FuzzItem: an item that is read prints as a word that reads the same, and
// what it makes of a document is JSON.
func FuzzItem(f *testing.F) {
	for _, s := range []string{"a=b", "a:=1", "q==x", "H:v", "H;", "f@x", "a=@f", `a\=b[c\]][][1][\1]=x`, "[]=1", "[a]:=2", `\\=`, `\;;`, "a[0]:=[1]", "a[]]=", `[\]=x`, `a\`, ":=", "=@", "a[\\\\1]=x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		it, err := caller.ParseItem(word)
		if err != nil {
			var usage *fault.Error
			if !errors.As(err, &usage) || usage.Kind != fault.Usage || !utf8.ValidString(usage.Detail) {
				t.Errorf("ParseItem(%q): %v", word, err)
			}
			return
		}
		again, err := caller.ParseItem(it.String())
		if err != nil || fmt.Sprint(steps(again), again.Kind, again.Name == it.Name || it.Path != nil, again.Value, again.FromFile) !=
			fmt.Sprint(steps(it), it.Kind, true, it.Value, it.FromFile) {
			t.Errorf("ParseItem(%q) is %q, which reads as %+v, %v", word, it, again, err)
		}
		if it.Path == nil {
			return
		}
		var d caller.Document
		if err := d.Set(it, it.Value); err != nil {
			t.Errorf("%q cannot be set in an empty document: %v", word, err)
		}
		if b := d.JSON(); !json.Valid(b) {
			t.Errorf("%q makes %s", word, b)
		}
	})
}

// steps are the steps of a path without where they stand.
func steps(it caller.Item) string {
	var b strings.Builder
	for _, s := range it.Path {
		fmt.Fprintf(&b, "%q %d %v;", s.Key, s.Index, s.List)
	}
	return b.String()
}

func ExampleParseItem() {
	var doc caller.Document
	for _, word := range []string{"item=tea", "count:=2", "address[city]=Paris", "tags[]=hot"} {
		it, err := caller.ParseItem(word)
		if err != nil {
			fmt.Println(err)
			return
		}
		if it.Kind == caller.JSONItem {
			err = doc.SetJSON(it, []byte(it.Value))
		} else {
			err = doc.Set(it, it.Value)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Printf("%s\n", doc.JSON())
	// Output: {"item":"tea","count":2,"address":{"city":"Paris"},"tags":["hot"]}
}
