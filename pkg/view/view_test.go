package view_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/view"
)

func TestPrinterWithoutColour(t *testing.T) {
	var b bytes.Buffer
	p := view.NewPrinter(&b, false, 44, time.Now)
	p.Heading("Claims")
	p.Pairs(2, []view.Pair{{"iss", "https://acme.example/oidc/2"}, {"groups", strings.Repeat("Administrators ", 6)}})
	p.Line(p.Good("ok"), p.Bad("no"), p.Outside("\x1b[2J"))
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	want := "\nClaims\n  iss     https://acme.example/oidc/2\n" +
		"  groups  Administrators Administrators\n          Administrators Administrators\n          Administrators Administrators\n" +
		"ok no \\x1b[2J\n"
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}
