package gateway

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gatepass/pkg/apigw"
)

// echoed is the answer of the echo backend: what a backend behind the gateway
// would see.
type echoed struct {
	Method         string            `json:"method"`
	Path           string            `json:"path"`
	Query          map[string]values `json:"query"`
	Headers        map[string]values `json:"headers"`
	BodyBytes      int64             `json:"bodyBytes"`
	RequestContext requested         `json:"requestContext"`
}

// values are printed as one string where there is but one.
type values []string

// MarshalJSON prints a string or a list.
func (v values) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return json.Marshal(v[0])
	}
	return json.Marshal([]string(v))
}

type requested struct {
	Stage      string         `json:"stage"`
	RequestID  string         `json:"requestId"`
	Resource   string         `json:"resourcePath,omitempty"`
	Authorizer map[string]any `json:"authorizer"`
}

// echo answers with what it was given, less what could be used to log in.
type echo struct {
	stage   string
	headers []string // not to be shown, in canonical form
	query   []string // likewise
}

// newEcho makes the echo backend of an API. Besides the usual headers it hides
// whatever an authorizer of the API takes its token from.
func newEcho(api *apigw.API) http.Handler {
	e := &echo{
		stage:   api.Stage,
		query:   []string{"access_token", "id_token"},
		headers: []string{"Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key", "X-Amz-Security-Token"},
	}
	used := []*apigw.Authorizer{api.Default.Authorizer}
	for i := range api.Routes {
		used = append(used, api.Routes[i].Authorizer)
	}
	for _, a := range used {
		if a != nil {
			e.hide(a.IdentitySources)
		}
	}
	return e
}

// hide notes the headers and parameters that identity sources name.
func (e *echo) hide(sources []string) {
	for _, s := range sources {
		if _, name, ok := strings.Cut(s, ".header."); ok {
			e.headers = append(e.headers, http.CanonicalHeaderKey(name))
		}
		if _, name, ok := strings.Cut(s, ".querystring."); ok {
			e.query = append(e.query, name)
		}
	}
}

const redacted = "[redacted]"

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r)
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		x.bodyFailed(r, err)
		return
	}
	a := echoed{
		Method: r.Method, Path: x.rec.Verdict.Path(), Query: e.shownQuery(r.URL.Query()), Headers: e.shownHeaders(r.Header), BodyBytes: n,
		RequestContext: requested{Stage: e.stage, RequestID: x.ids.request, Resource: x.rec.Verdict.Resource},
	}
	if b := x.rec.Verdict.Backend; b != nil {
		a.RequestContext.Authorizer = b.Value
	}
	var body strings.Builder
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(a); err != nil {
		x.rec.Backend = err
		x.fail(r, apigw.IntegrationFailure)
		return
	}
	w.Header()["Content-Type"] = []string{"application/json"}
	x.answer(r, http.StatusOK, body.String())
}

func (e *echo) shownHeaders(h http.Header) map[string]values {
	shown := make(map[string]values, len(h))
	for name, v := range h {
		if slices.Contains(e.headers, name) {
			v = []string{redacted}
		}
		shown[name] = v
	}
	return shown
}

func (e *echo) shownQuery(q url.Values) map[string]values {
	shown := make(map[string]values, len(q))
	for name, v := range q {
		if slices.Contains(e.query, name) {
			v = []string{redacted}
		}
		shown[name] = v
	}
	return shown
}
