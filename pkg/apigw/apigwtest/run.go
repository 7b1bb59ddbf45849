package apigwtest

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Own are the case files of this repository, as seen from its root.
const Own = "pkg/apigw/testdata/*.jsonl"

// Run runs each case of the files as a test and logs how many passed, by kind. Files
// is a name or a pattern, as seen from the folder of the test or from the root of the
// module. Cases may be left out, or checked in part, only of files that are not our
// own.
func Run(t *testing.T, files string, run func(*testing.T, *Case)) {
	t.Helper()
	cases, err := readFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatalf("%s: no cases", files)
	}
	byKind := map[string]summary{}
	var total summary
	for _, c := range cases {
		one := summary{failed: 1}
		switch {
		case c.LeftOut != "":
			t.Logf("%s %s: left out: %s", c.Kind, c.ID, c.LeftOut)
			one = summary{leftOut: 1}
		case t.Run(c.ID, func(t *testing.T) { run(t, c) }):
			one = summary{passed: 1}
			if len(c.Unchecked) > 0 {
				t.Logf("%s %s: checked but for %s", c.Kind, c.ID, strings.Join(c.Unchecked, ", "))
				one.inPart = 1
			}
		}
		byKind[c.Kind] = byKind[c.Kind].plus(one)
		total = total.plus(one)
	}
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		t.Logf("%-20s %s", kind, byKind[kind])
	}
	t.Log(total)
	if total.passed+total.failed == 0 {
		t.Error("no case was run")
	}
	if files == Own && total.leftOut+total.inPart > 0 {
		t.Error("not all that our own cases say is checked")
	}
}

func readFiles(pattern string) ([]*Case, error) {
	names, err := named(pattern)
	if err != nil {
		return nil, err
	}
	var all []*Case
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		cases, err := Read(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, cases...)
	}
	return all, nil
}

// named are the files of a pattern, seen from here or else from the root of the
// module.
func named(pattern string) ([]string, error) {
	names, err := filepath.Glob(pattern)
	for up := ".."; len(names) == 0 && err == nil && !filepath.IsAbs(pattern) && len(up) < 20; up += "/.." {
		if _, found := os.Stat(filepath.Join(up, "go.mod")); found == nil {
			names, err = filepath.Glob(filepath.Join(up, pattern))
			break
		}
	}
	if len(names) == 0 && err == nil {
		err = fmt.Errorf("there is no file %s", pattern)
	}
	return names, err
}

// summary counts cases by how they ended.
type summary struct{ passed, inPart, failed, leftOut int }

func (s summary) plus(o summary) summary {
	return summary{s.passed + o.passed, s.inPart + o.inPart, s.failed + o.failed, s.leftOut + o.leftOut}
}

func (s summary) String() string {
	text := fmt.Sprintf("%d cases: %d passed, %d failed, %d left out", s.passed+s.failed+s.leftOut, s.passed, s.failed, s.leftOut)
	if s.inPart > 0 {
		text += fmt.Sprintf("; %d of those that passed were checked in part", s.inPart)
	}
	return text
}
