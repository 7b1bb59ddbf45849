package view_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/view"
)

func TestDoctor(t *testing.T) {
	var b bytes.Buffer
	p := view.NewPrinter(&b, false, 60, time.Now)
	p.Doctor(view.Doctor{Findings: []view.Finding{
		{Check: "dns", Result: "ok", What: "acme.example is 192.0.2.1"},
		{Check: "client", Result: "failed", What: "the issuer refuses \x1b[31mthis", Why: "a reason that is long enough to need another line", Change: "that", Details: []string{"it says: \u202ex"}, Terraform: "a {\n  b\x07\n}"},
		{Check: "port", Result: "warning", What: "in use", Why: "w", Change: "c"},
		{Check: "api", Result: "skipped", What: "none is set"},
	}})
	const want = `✓ dns    acme.example is 192.0.2.1
✗ client the issuer refuses \x1b[31mthis
         it says: \u202ex
         why: a reason that is long enough to need another
              line
         to do: that
         or in Terraform:
           a {
             b\x07
           }
! port   in use
         why: w
         to do: c
– api    none is set

1 thing is wrong, 1 more deserves a look
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
	b.Reset()
	p.Doctor(view.Doctor{Findings: []view.Finding{{Check: "x", Result: "warning"}, {Check: "y", Result: "warning"}}})
	if !strings.Contains(b.String(), "2 things deserve a look") {
		t.Errorf("%s", &b)
	}
	b.Reset()
	p.Doctor(view.Doctor{Well: true})
	if b.String() != "\nall is well\n" {
		t.Errorf("%q", &b)
	}
}
