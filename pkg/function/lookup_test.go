package function_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/function"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// oracle is a look-up that says what it is set to.
type oracle struct {
	found function.Found
	err   error
	asked int
}

func (o *oracle) ask(context.Context, token.Verified) (function.Found, error) {
	o.asked++
	return o.found, o.err
}

func claims(t testing.TB, text string) *source.Node {
	t.Helper()
	n, err := source.JSON("userinfo", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What was looked up counts for a while, in every stage and form, and no longer than
// the token; an error is nothing that counts.
func TestLookUp(t *testing.T) {
	says := &oracle{}
	o := options(keySet(t), 0)
	o.LookUp, o.LookUpFor = says.ask, 30*time.Second
	f := function.New(load(t, fileText), o)
	raw := accessToken(t, "42", 2*time.Minute, nil)
	admin := function.Found{Claims: claims(t, `{"sub":"42","groups":["Admins"]}`)}
	for i, step := range []struct {
		at    time.Duration
		route string
		says  function.Found
		err   error
		want  string // in the answer
		asked int
	}{
		{0, "GET/", function.Found{}, errors.New("the issuer is down"), "the authorizer failed: the issuer is down", 1},
		{0, "GET/", function.Found{}, nil, `"principalId":"42"`, 2},
		{10 * time.Second, "GET/", admin, nil, `GET/users/42/*"}`, 2},                  // still what was found out
		{10 * time.Second, "GET/../dev", admin, nil, `GET/users/42/*"}`, 2},            // of another route, too
		{30 * time.Second, "GET/", admin, nil, stage + "*/*", 3},                       // an admin by now
		{40 * time.Second, "GET/", function.Found{Inactive: "revoked"}, nil, "*/*", 3}, // which is not known yet
		{60 * time.Second, "GET/", function.Found{Inactive: "revoked"}, nil, "Unauthorized", 4},
		{70 * time.Second, "GET/", admin, nil, "Unauthorized", 4},
		{90 * time.Second, "GET/", function.Found{}, errors.New("down"), "the authorizer failed", 5},
		{91 * time.Second, "GET/", admin, nil, "*/*", 6},
		{150 * time.Second, "GET/", admin, nil, "Unauthorized", 6}, // expired: nobody is asked
	} {
		says.found, says.err = step.says, step.err
		out, trace := f.Invoke(t.Context(), event(apigw.EventToken, stage+step.route, "", raw), start.Add(step.at))
		if text := out.Text + out.Message; !strings.Contains(text, step.want) || says.asked != step.asked {
			t.Errorf("step %d: %s, asked %d times; want %s and %d; %s", i, text, says.asked, step.want, step.asked, trace.Reason)
		}
		if step.err != nil && trace.Outcome != authorizer.Failed {
			t.Errorf("step %d: outcome %s", i, trace.Outcome)
		}
	}
}

// A token that is refused is asked about at nobody's.
func TestNothingIsLookedUpOfStrangers(t *testing.T) {
	says := &oracle{}
	o := options(keySet(t), 0)
	o.LookUp = says.ask
	f := function.New(load(t, fileText), o)
	raw := accessToken(t, "42", time.Hour, nil)
	for _, raw := range []string{"", "opaque", raw[:len(raw)-8] + "AAAAAAAA", accessToken(t, "42", -time.Hour, nil)} {
		f.Invoke(t.Context(), event(apigw.EventToken, stage+"GET/", "", raw), start)
	}
	if says.asked != 0 {
		t.Errorf("asked %d times", says.asked)
	}
}

func TestBoth(t *testing.T) {
	first, second := &oracle{}, &oracle{}
	both := function.Both(first.ask, second.ask)
	more := claims(t, `{"groups":["Admins"]}`)
	for i, step := range []struct {
		first, second oracle
		want          function.Found
		fails         bool
		asked         int // the second
	}{
		{oracle{}, oracle{found: function.Found{Claims: more}}, function.Found{Claims: more}, false, 1},
		{oracle{found: function.Found{Claims: more}}, oracle{}, function.Found{Claims: more}, false, 1},
		{oracle{found: function.Found{Inactive: "no"}}, oracle{}, function.Found{Inactive: "no"}, false, 0},
		{oracle{err: errors.New("down")}, oracle{}, function.Found{}, true, 0},
		{oracle{}, oracle{err: errors.New("down")}, function.Found{}, true, 1},
		{oracle{}, oracle{found: function.Found{Inactive: "no"}}, function.Found{Inactive: "no"}, false, 1},
	} {
		*first, *second = step.first, step.second
		got, err := both(t.Context(), token.Verified{})
		if got != step.want || (err != nil) != step.fails || second.asked != step.asked {
			t.Errorf("step %d: %+v, %v, the second was asked %d times", i, got, err, second.asked)
		}
	}
}
