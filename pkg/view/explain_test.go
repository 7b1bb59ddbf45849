package view_test

import (
	"strings"
	"testing"

	"gatepass/pkg/apigw"
	"gatepass/pkg/view"
)

func explained() *view.Explained {
	return &view.Explained{
		Entry: 2, Line: 7, Method: "GET", Path: "/orders/\x1b[31m", Status: 403,
		Causes: []apigw.Cause{
			{ID: "a", Who: apigw.ByAuthorizer, Meaning: "First meaning.", Next: "Do this.", Sign: "x-amzn-ErrorType: A\u202e", Facts: []string{"the token: expired"}, Inferred: "the body"},
			{ID: "b", Who: apigw.ByGateway, Meaning: "Second meaning.", Next: "Do that."},
		},
		Local: &view.Local{Decided: true, Allowed: true, Status: 200, Reason: "let through", Differences: []view.Difference{{ID: "d", What: "another version", Next: "Deploy it."}}},
	}
}

func TestExplained(t *testing.T) {
	var b strings.Builder
	p := view.NewPrinter(&b, false, 80, nil)
	p.Explained(explained())
	const want = `403 Forbidden  GET /orders/\x1b[31m
  what it means  First meaning.
  who said it    most likely the authorizer, through API Gateway
                 (x-amzn-ErrorType: A\u202e)
  and            the token: expired
  what to do     Do this.
  or             Second meaning. Do that.
  inferred       AWS does not document the body
  here           authorize DIFFERS, it allows it: let through
  perhaps        another version. Deploy it.
`
	if b.String() != want || p.Err() != nil {
		t.Errorf("printed\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	p.Explained(&view.Explained{Status: 200, Method: "GET", Path: "/x"})
	if want := "200 OK  GET /x\n  nothing was refused\n"; b.String() != want {
		t.Errorf("printed %q, want %q", b.String(), want)
	}
}

func TestRefusal(t *testing.T) {
	x := explained()
	x.Causes = x.Causes[:1]
	x.Causes[0].Sure, x.Causes[0].Inferred, x.Local.Agrees, x.Local.Differences = true, "", true, nil
	const want = `what it means  First meaning.
who said it    the authorizer, through API
               Gateway (x-amzn-ErrorType:
               A\u202e)
and            the token: expired
here           authorize agrees, it allows
               it: let through`
	if got := view.Refusal(x, 43); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	x.Local = &view.Local{Why: "no path"}
	if got := view.Refusal(x, 80); !strings.HasSuffix(got, "not compared with authorize: no path") {
		t.Errorf("%s", got)
	}
	if got := view.Refusal(&view.Explained{Status: 200}, 80); got != "" {
		t.Errorf("%q", got)
	}
}

func TestExplanationsJSON(t *testing.T) {
	var b strings.Builder
	if err := view.ExplanationsJSON(&b, nil); err != nil || b.String() != "{\n  \"schemaVersion\": 1,\n  \"responses\": []\n}\n" {
		t.Errorf("%s, %v", b.String(), err)
	}
	b.Reset()
	if err := view.ExplanationsJSON(&b, []view.Explained{{Entry: 1, Status: 200}}); err != nil || !strings.Contains(b.String(), `"causes": []`) {
		t.Errorf("%s, %v", b.String(), err)
	}
}
