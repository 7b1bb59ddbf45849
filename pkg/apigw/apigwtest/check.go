package apigwtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gatepass/pkg/apigw"
)

// Observed is what was seen through some door.
type Observed struct {
	Status  int
	Headers map[string]string // the names in any case
	Body    string
	// Called says that the authorizer's function ran for this request; Event is
	// what it was given, as JSON, nil if it was not.
	Called bool
	Event  []byte
	// Backend says that the backend was reached.
	Backend bool
	// Verdict has what only the core shows: log, context, decision. Without it those
	// expectations are passed over.
	Verdict *apigw.Verdict
	// ClientStatus is that of a test of the authorizer.
	ClientStatus *int
}

// Header finds a header whatever its case.
func (o *Observed) Header(name string) (string, bool) {
	for have, value := range o.Headers {
		if strings.EqualFold(have, name) {
			return value, true
		}
	}
	return "", false
}

// Check compares what was observed with what is expected and returns what differs.
func (c *Case) Check(o Observed) []string {
	e := &c.Expected
	var all []string
	wrong := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if e.Status != nil && o.Status != int(*e.Status) {
		wrong("status %d, want %d", o.Status, *e.Status)
	}
	if e.ClientStatus != nil && (o.ClientStatus == nil || *o.ClientStatus != int(*e.ClientStatus)) {
		wrong("clientStatus differs, want %d", *e.ClientStatus)
	}
	if e.BackendCalled != nil && o.Backend != *e.BackendCalled {
		wrong("backend called %t, want %t", o.Backend, *e.BackendCalled)
	}
	if e.AuthorizerCalled != nil && o.Called != *e.AuthorizerCalled && !c.Exchange.late() {
		wrong("authorizer called %t, want %t", o.Called, *e.AuthorizerCalled)
	}
	if c.Exchange != nil && !c.Exchange.Invoked() && o.Called {
		wrong("the authorizer was called")
	}
	e.checkAnswer(&o, wrong)
	e.checkEvent(o.Event, wrong)
	if o.Verdict != nil {
		e.checkContext(o.Verdict.Backend, wrong)
		c.checkVerdict(o.Verdict, wrong)
	}
	return all
}

type report func(format string, args ...any)

// checkAnswer compares headers and body.
func (e *Expected) checkAnswer(o *Observed, wrong report) {
	if e.Body != nil && o.Body != *e.Body {
		wrong("body %s, want %s", o.Body, *e.Body)
	}
	if length, ok := o.Header("Content-Length"); e.Length != nil && (len(o.Body) != int(*e.Length) || ok && length != strconv.Itoa(int(*e.Length))) {
		wrong("content length %d (header %s), want %d", len(o.Body), length, *e.Length)
	}
	if got, _ := o.Header("www-authenticate"); e.Challenge != nil && got != *e.Challenge {
		wrong("www-authenticate %s, want %s", got, *e.Challenge)
	}
	errorType, has := o.Header("x-amzn-ErrorType")
	switch {
	case e.ErrorType != nil && errorType != *e.ErrorType:
		wrong("error type %q, want %q", errorType, *e.ErrorType)
	case e.ErrorType == nil && e.Status != nil && *e.Status == 200 && has:
		wrong("error type %q in a 200", errorType)
	}
	if e.Message != nil {
		e.checkMessage(o.Body, wrong)
	}
}

func (e *Expected) checkMessage(body string, wrong report) {
	var members map[string]any
	if err := json.Unmarshal([]byte(body), &members); err != nil {
		wrong("the body %q is no JSON object", body)
		return
	}
	for key, value := range members {
		if !strings.EqualFold(key, "message") {
			continue
		}
		if e.MessageKey != "" && key != e.MessageKey {
			wrong("message in the member %s, want %s", key, e.MessageKey)
		}
		if value != *e.Message && (e.Legacy == nil || value != *e.Legacy) {
			wrong("message %q, want %q", value, *e.Message)
		}
		return
	}
	wrong("the body %q has no message", body)
}

// checkEvent compares what the authorizer was given.
func (e *Expected) checkEvent(event []byte, wrong report) {
	if e.Event == nil && e.EventHas == nil && e.EventLacks == nil {
		return
	}
	got := value(event)
	if e.Event != nil && !reflect.DeepEqual(got, value(e.Event)) {
		wrong("event %s, want %s", event, e.Event)
	}
	for path, want := range e.EventHas {
		if v, _ := find(got, path); !has(v, value(want)) {
			wrong("event has %s = %v, want %s", path, v, want)
		}
	}
	for _, path := range e.EventLacks {
		if _, ok := find(got, path); ok || got == nil {
			wrong("event has %s, which it must not", path)
		}
	}
}

// has reports whether a value is what is wanted, or an object with all members that
// are wanted: a request over HTTP has headers that no case names.
func has(got, want any) bool {
	members, ok := want.(map[string]any)
	if !ok {
		return reflect.DeepEqual(got, want)
	}
	m, ok := got.(map[string]any)
	for name, value := range members {
		ok = ok && has(m[name], value)
	}
	return ok
}

// value is JSON as plain values.
func value(data []byte) any {
	var v any
	if json.Unmarshal(data, &v) != nil {
		return nil
	}
	return v
}

// find follows a dotted path.
func find(v any, path string) (any, bool) {
	for part := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[part]; !ok {
			return nil, false
		}
	}
	return v, true
}

// checkContext compares what the backend sees of the authorizer.
func (e *Expected) checkContext(b *apigw.Backend, wrong report) {
	if b == nil {
		b = &apigw.Backend{}
	}
	if e.ContextAt != "" && b.At != e.ContextAt {
		wrong("the context is at %s, want %s", b.At, e.ContextAt)
	}
	data, err := json.Marshal(b.Value)
	if err != nil {
		wrong("the context cannot be printed: %v", err)
	}
	got, _ := value(data).(map[string]any)
	if e.Context != nil && !reflect.DeepEqual(any(got), value(e.Context)) {
		wrong("context %s, want %s", data, e.Context)
	}
	if keys := slices.Sorted(maps.Keys(got)); e.ContextKeys != nil && !slices.Equal(keys, slices.Sorted(slices.Values(e.ContextKeys))) {
		wrong("context has the keys %v, want %v", keys, e.ContextKeys)
	}
	claims, _ := got["claims"].(map[string]any)
	for name, want := range e.ClaimsHas {
		if !reflect.DeepEqual(claims[name], value(want)) {
			wrong("claim %s is %v, want %s", name, claims[name], want)
		}
	}
	for _, name := range e.ClaimsAbsent {
		if _, ok := claims[name]; ok {
			wrong("claim %s is there", name)
		}
	}
}

// checkVerdict compares what only the core shows.
func (c *Case) checkVerdict(v *apigw.Verdict, wrong report) {
	e := &c.Expected
	log := strings.Join(v.Log, "\n")
	if !strings.Contains(log, e.Log) {
		wrong("the log lacks %q:\n%s", e.Log, log)
	}
	if e.CloudWatch != nil && (len(v.Log) > 0) != *e.CloudWatch {
		wrong("logged %t, want %t:\n%s", len(v.Log) > 0, *e.CloudWatch, log)
	}
	decisions := map[string]string{"Allow": "allowed", "Explicit deny": "explicitly-denied", "Implicit deny": "implicitly-denied"}
	if e.Result != "" && v.Decision != decisions[e.Result] {
		wrong("decision %q, want %q", v.Decision, e.Result)
	}
	if got := v.RenderLog(c.Config.AccessLog); e.AccessLog != "" && got != e.AccessLog {
		wrong("access log %q, want %q", got, e.AccessLog)
	}
	if got := v.RenderLog("$context.authorizer.error"); e.AccessLogError != "" && !strings.Contains(got, e.AccessLogError) {
		wrong("$context.authorizer.error is %q, want %q", got, e.AccessLogError)
	}
	if got := v.Render(c.Config.Template); e.IntegrationBody != "" && got != e.IntegrationBody {
		wrong("the integration gets %q, want %q", got, e.IntegrationBody)
	}
}

// CheckConfig checks the configuration of the case: that it is refused, if the case
// says so, and otherwise that it is not.
func (c *Case) CheckConfig() []string { return c.CheckRefusal(c.API.Prepare()) }

// CheckRefusal checks what some door said to the configuration, nil if it took it. A
// warning is enough where a case wants it refused.
func (c *Case) CheckRefusal(err error) []string {
	wantValid := c.Expected.ConfigValid == nil || *c.Expected.ConfigValid
	switch {
	case wantValid && err != nil:
		return []string{"the configuration is refused: " + err.Error()}
	case !wantValid && err == nil && len(c.API.Validate()) == 0:
		return []string{"the configuration is not refused"}
	}
	return nil
}

// CheckDefault checks the default of a gateway response type.
func (c *Case) CheckDefault() []string {
	e := &c.Expected
	d, ok := apigw.ResponseType(c.Config.Response).Default()
	var all []string
	if !ok {
		all = append(all, "unknown type of gateway response "+c.Config.Response)
	}
	if e.Status != nil && d.Status != int(*e.Status) {
		all = append(all, fmt.Sprintf("default status %d, want %d", d.Status, *e.Status))
	}
	if e.ErrorType != nil && d.ErrorType != *e.ErrorType {
		all = append(all, fmt.Sprintf("error type %q, want %q", d.ErrorType, *e.ErrorType))
	}
	if e.Message != nil && d.Message != *e.Message {
		all = append(all, fmt.Sprintf("message %q, want %q", d.Message, *e.Message))
	}
	if e.DefaultTemplate != "" && e.DefaultTemplate != apigw.DefaultTemplate {
		all = append(all, "default template "+apigw.DefaultTemplate+", want "+e.DefaultTemplate)
	}
	return all
}
