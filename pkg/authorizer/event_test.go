package authorizer

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"gatepass/pkg/apigw"
	"gatepass/pkg/policy"
	"gatepass/pkg/token"
)

func TestTokenOf(t *testing.T) {
	header := load(t, designFile)
	query := load(t, strings.Replace(designFile, "source: header Authorization Bearer", "source: query access_token", 1))
	cookie := load(t, strings.Replace(designFile, "source: header Authorization Bearer", "source: cookie session", 1))
	both := map[string][]string{"authorization": {"Bearer in-header"}, "cookie": {"a=b; session=in-cookie"}}
	for name, tc := range map[string]struct {
		file *File
		ev   apigw.Event
		want string
	}{
		"TOKEN":             {header, apigw.Event{Kind: apigw.EventToken, Token: "Bearer in-event"}, "in-event"},
		"TOKEN, not BEARER": {header, apigw.Event{Kind: apigw.EventToken, Token: "in-event"}, ""},
		"REQUEST":           {header, apigw.Event{Kind: apigw.EventRequest, Header: both}, "in-header"},
		"payload 1.0":       {header, apigw.Event{Kind: apigw.EventHTTP1, Header: both, Token: "something else"}, "in-header"},
		"payload 2.0":       {header, apigw.Event{Kind: apigw.EventHTTP2, Header: both}, "in-header"},
		"$connect, query":   {query, apigw.Event{Kind: apigw.EventConnect, Query: map[string][]string{"access_token": {"in-query"}}}, "in-query"},
		"cookie":            {cookie, apigw.Event{Kind: apigw.EventHTTP2, Header: both}, "in-cookie"},
		"nothing":           {header, apigw.Event{Kind: apigw.EventRequest}, ""},
		"zero":              {header, apigw.Event{}, ""},
		"JWT":               {query, apigw.Event{Kind: apigw.EventJWT, Token: "bare"}, "bare"},
	} {
		got, err := tc.file.TokenOf(tc.ev)
		if got.Reveal() != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s: %q, %v; want %q", name, got.Reveal(), err, tc.want)
		}
	}
}

// The claims of a verified token decide, and the trace says that they are.
func TestVerified(t *testing.T) {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	decoded, err := token.Decode(part(`{"alg":"RS256"}`) + "." + part(`{"sub":"42"}`) + "." + part("x"))
	if err != nil {
		t.Fatal(err)
	}
	report := token.Report{Token: decoded, Checks: []token.Check{{Name: token.CheckSignature, Result: token.Pass}}}
	v, ok := report.Verified()
	if !ok {
		t.Fatal("the report is of no verified token")
	}
	out, trace := decided(load(t, designFile), event("GET /x"), Verified(v))
	if got := effect(t, out, "GET /users/42/x", ""); got != policy.Allow || trace.Claims != "verified" {
		t.Errorf("effect %v, trace %+v", got, trace)
	}
}

func TestLint(t *testing.T) {
	const head = "version: 1\n"
	const tokens = "tokens: [{issuer: https://x, audience: a}]\n"
	statement := func(s string) string {
		return "policy: {Version: 2012-10-17, Statement: [" + s + "]}\n"
	}
	const fine = "{Effect: Allow, Resource: GET /}"
	for name, tc := range map[string]struct{ text, id string }{
		"nothing to say":  {head + tokens + statement(fine), ""},
		"no tokens":       {head + statement(fine), "no-tokens"},
		"a shared secret": {head + "tokens: [{issuer: https://x, audience: a, algorithms: [HS256]}]\n" + statement(fine), "shared-secret"},
		"ID tokens":       {head + "tokens: [{issuer: https://x, audience: a, use: id}]\n" + statement(fine), "id-token"},
		"a context key":   {head + tokens + "context: {principalId: x}\n" + statement(fine), "context-key"},
		"a query":         {head + tokens + statement(`{Effect: Allow, Resource: "GET /orders?id=1"}`), "query-in-resource"},
		"one character":   {head + tokens + statement(`{Effect: Allow, Resource: "GET /orders/?"}`), ""},
	} {
		list := load(t, tc.text).Lint()
		switch {
		case tc.id == "" && len(list) > 0, tc.id != "" && (len(list) != 1 || list[0].ID != tc.id):
			t.Errorf("%s: findings %+v, want %q", name, list, tc.id)
		case tc.id != "" && (list[0].Line == 0 || list[0].Message == ""):
			t.Errorf("%s: finding %+v", name, list[0])
		}
	}
}

// What is wrong with a policy is told on one line.
func TestFailIsOneLine(t *testing.T) {
	_, trace := Fail(errors.Join(errors.New("a"), errors.New("b")))
	if trace.Reason != "a; b" {
		t.Errorf("reason %q", trace.Reason)
	}
}
