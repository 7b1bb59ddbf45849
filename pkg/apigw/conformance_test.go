package apigw_test

import (
	"encoding/json"
	"flag"
	"reflect"
	"testing"

	"gatepass/pkg/apigw"
	"gatepass/pkg/apigw/apigwtest"
)

var casesFile = flag.String("cases", apigwtest.Own, "conformance cases, JSON lines")

// TestConformance runs the cases through Begin and Finish, and prints how many
// passed by kind. Another file may be given: go test ./pkg/apigw -run Conformance
// -args -cases FILE.
func TestConformance(t *testing.T) { apigwtest.Run(t, *casesFile, runCase) }

// runCase runs one case with and without trace, and one of our own with both denial
// texts. Other files may have cases in which one text stands for both.
func runCase(t *testing.T, c *apigwtest.Case) {
	report := func(problems []string) {
		for _, p := range problems {
			t.Error(p)
		}
	}
	report(c.CheckConfig())
	if c.Config.Response != "" {
		report(c.CheckDefault())
	}
	if c.Exchange == nil {
		return
	}
	got := decide(t, c, false)
	report(c.Check(got))
	if got.Verdict == nil || t.Failed() {
		return
	}
	if c.Expected.Legacy != nil && *casesFile == apigwtest.Own {
		if msg := message(t, got.Body); msg != *c.Expected.Message {
			t.Errorf("message %q, want the current text %q", msg, *c.Expected.Message)
		}
		c.API.Denial = apigw.LegacyText
		if msg := message(t, decide(t, c, false).Body); msg != *c.Expected.Legacy {
			t.Errorf("message %q, want the legacy text %q", msg, *c.Expected.Legacy)
		}
		c.API.Denial = apigw.CurrentText
	}
	if last := got.Verdict.Trace[len(got.Verdict.Trace)-1]; last.Reason == "" || last.Reason != got.Verdict.Reason {
		t.Errorf("the last step says %q, the verdict %q", last.Reason, got.Verdict.Reason)
	}
	quiet := decide(t, c, true)
	if quiet.Status != got.Status || quiet.Body != got.Body || !reflect.DeepEqual(quiet.Headers, got.Headers) || quiet.Called != got.Called {
		t.Errorf("without trace: %d %s, with trace: %d %s", quiet.Status, quiet.Body, got.Status, got.Body)
	}
	if len(quiet.Verdict.Trace)+len(quiet.Verdict.Log) > 0 {
		t.Error("there is a trace although none was asked for")
	}
}

func message(t *testing.T, body string) string {
	t.Helper()
	var m struct{ Message string }
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Errorf("body %q: %v", body, err)
	}
	return m.Message
}

// decide runs the requests of a case through the core.
func decide(t *testing.T, c *apigwtest.Case, noTrace bool) apigwtest.Observed {
	t.Helper()
	cache := apigw.NewCache(100)
	for i := range c.Prior {
		x := &c.Prior[i]
		if v := apigw.Decide(c.API, x.Request, cache, x.Invoke); x.Status != 0 && v.Status != x.Status {
			t.Errorf("prior request %d: status %d, want %d; trace %+v", i, v.Status, x.Status, v.Trace)
		}
	}
	x := c.Exchange
	var o apigwtest.Observed
	invoke := x.Record(&o)
	if x.TestInvoke {
		r := apigw.TestInvoke(c.API, c.API.Default.Authorizer, x.Request, invoke)
		o.ClientStatus, o.Called = &r.ClientStatus, r.AuthorizerCalled
		return o
	}
	req := *x.Request
	req.NoTrace = noTrace
	v := apigw.Decide(c.API, &req, cache, invoke)
	if o.Called != v.AuthorizerCalled {
		t.Errorf("the verdict says that the authorizer was called: %t, want %t", v.AuthorizerCalled, o.Called)
	}
	o.Status, o.Headers, o.Body, o.Called, o.Backend, o.Verdict = v.Status, v.Headers, v.Body, v.AuthorizerCalled, v.BackendCalled, v
	return o
}
