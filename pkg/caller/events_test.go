package caller_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
)

func events(t testing.TB, r io.Reader) []caller.Event {
	t.Helper()
	var all []caller.Event
	for in := caller.NewEventReader(r); ; {
		ev, err := in.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ev)
	}
}

// The cases of HTML, section 9.2.6, and its corners.
func TestEvents(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     []caller.Event
	}{
		{"several lines", "data: YHOO\ndata: +2\ndata: 10\n\n", []caller.Event{{"message", "YHOO\n+2\n10", ""}}},
		{"IDs", ": test\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n", []caller.Event{{"message", "first", "1"}, {"message", "second", ""}, {"message", " third", ""}}},
		{"empty data", "data\n\ndata\ndata\n\ndata:", []caller.Event{{"message", "", ""}, {"message", "\n", ""}}},
		{"one space", "data:test\n\ndata: test\n\n", []caller.Event{{"message", "test", ""}, {"message", "test", ""}}},
		{"line ends", "data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\r", []caller.Event{{"message", "a\nb\nc", ""}, {"message", "d", ""}}},
		{"a type and no data", "event: x\n\ndata: y\n\n", []caller.Event{{"message", "y", ""}}},
		{"types", "event: x\ndata: 1\n\nevent\ndata: 2\n\n", []caller.Event{{"x", "1", ""}, {"message", "2", ""}}},
		{"a byte order mark", "\ufeffdata: 1\n\n\ufeffdata: 2\n\n", []caller.Event{{"message", "1", ""}}},
		{"an ID with a zero", "id: 1\ndata: a\n\nid: 2\x003\ndata: b\n\n", []caller.Event{{"message", "a", "1"}, {"message", "b", "1"}}},
		{"no end", "data: a\n\ndata: b\n", []caller.Event{{"message", "a", ""}}},
	} {
		for way, r := range map[string]io.Reader{"whole": strings.NewReader(tc.in), "byte by byte": iotest.OneByteReader(strings.NewReader(tc.in))} {
			if got := events(t, r); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%s, %s: %q, want %q", tc.name, way, got, tc.want)
			}
		}
	}
}

// An event is there with its last line end, even if that may be the first half of
// one.
func TestEventsDoNotWait(t *testing.T) {
	r, w := io.Pipe()
	go func() { _, _ = io.WriteString(w, "data: a\r\r") }()
	if ev, err := caller.NewEventReader(r).Next(); err != nil || ev.Data != "a" {
		t.Errorf("%v, %v", ev, err)
	}
}

func TestEventsAreBounded(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"a line":     endless("x"),
		"many lines": endless("data: some text\n"),
		"fields":     endless("id: 1\nevent: x\n"),
	} {
		_, err := caller.NewEventReader(r).Next()
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Network || f.Msg != "an event of the answer is longer than 16 MB" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A comment is no part of an event: servers send them for as long as the connection
// is open.
func TestCommentsWithoutEnd(t *testing.T) {
	in := strings.NewReader(strings.Repeat(": still here\n", 2<<20) + "\ndata: a\n\n")
	if ev, err := caller.NewEventReader(in).Next(); err != nil || ev.Data != "a" {
		t.Errorf("%v, %v", ev, err)
	}
}

type endless string

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n+len(e) <= len(p) {
		n += copy(p[n:], e)
	}
	return n, nil
}

// A simple reader that has everything at once agrees.
func FuzzEvents(f *testing.F) {
	f.Add("data: a\r\ndata: b\n\nid: 1\nevent: x\ndata\r\r: c\n")
	f.Fuzz(func(t *testing.T, in string) {
		got, want := events(t, strings.NewReader(in)), slowEvents(in)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func slowEvents(in string) (all []caller.Event) {
	in = strings.ReplaceAll(strings.ReplaceAll(in, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(strings.TrimPrefix(in, "\ufeff"), "\n")
	id := ""
	var data []string
	ev := caller.Event{Type: "message"}
	for _, line := range lines[:len(lines)-1] { // the last one has no end
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" && data != nil:
			ev.Data, ev.ID = strings.Join(data, "\n"), id
			all = append(all, ev)
			fallthrough
		case line == "":
			ev, data = caller.Event{Type: "message"}, nil
		case name == "data":
			data = append(data, value)
		case name == "event" && value == "":
			ev.Type = "message"
		case name == "event":
			ev.Type = value
		case name == "id" && !strings.Contains(value, "\x00"):
			id = value
		}
	}
	return all
}

func ExampleEventReader_Next() {
	in := caller.NewEventReader(strings.NewReader("event: order\ndata: {\"id\":7}\n\n"))
	ev, err := in.Next()
	if err != nil {
		panic(err)
	}
	fmt.Println(ev.Type, ev.Data)
	// Output: order {"id":7}
}
