package apigw_test

import (
	"slices"
	"strings"
	"testing"

	"gatepass/pkg/apigw"
)

func TestRoutes(t *testing.T) {
	routes := []apigw.Route{
		{Method: "GET", Path: "/"},
		{Method: "GET", Path: "/pets"},
		{Method: "ANY", Path: "/pets/{petId}"},
		{Method: "GET", Path: "/pets/mine"},
		{Method: "GET", Path: "/pets/{petId}/toys/{toyId}"},
		{Method: "ANY", Path: "/{proxy+}"},
		{Method: "GET", Path: "/files/{path+}"},
		{Method: "POST", Path: "/slash/"},
	}
	for _, tc := range []struct {
		kind               apigw.Kind
		method, path, want string // the route, or empty
	}{
		{apigw.REST, "GET", "/", "GET /"},
		{apigw.REST, "POST", "/", ""},
		{apigw.REST, "GET", "/pets", "GET /pets"},
		{apigw.REST, "GET", "/pets/", "GET /pets"},
		{apigw.REST, "GET", "/pets//", "ANY /{proxy+}"},
		{apigw.REST, "DELETE", "/pets", "ANY /{proxy+}"}, // static has no DELETE: the greedy sibling takes it
		{apigw.REST, "HEAD", "/pets/1", "ANY /pets/{petId}"},
		{apigw.REST, "GET", "/pets/mine", "GET /pets/mine"},
		{apigw.REST, "PUT", "/pets/mine", "ANY /pets/{petId}"},
		{apigw.REST, "GET", "/pets/1/toys/2", "GET /pets/{petId}/toys/{toyId}"},
		{apigw.REST, "GET", "/pets/1/toys", "ANY /{proxy+}"},
		{apigw.REST, "GET", "/files/a/b/c", "GET /files/{path+}"},
		{apigw.REST, "GET", "/files", "ANY /{proxy+}"},
		{apigw.REST, "GET", "/Pets", "ANY /{proxy+}"}, // paths have case
		{apigw.REST, "POST", "/slash", "POST /slash/"},
		{apigw.HTTP, "GET", "/pets", "GET /pets"},
		{apigw.HTTP, "GET", "/pets/", "ANY /{proxy+}"},
		{apigw.HTTP, "POST", "/slash", "ANY /{proxy+}"},
		{apigw.HTTP, "POST", "/slash/", "POST /slash/"},
	} {
		api := rest(nil)
		api.Kind, api.Routes = tc.kind, routes
		if err := api.Prepare(); err != nil {
			t.Fatal(err)
		}
		req := get(tc.path, "")
		req.Method = tc.method
		v, _ := apigw.Begin(api, req)
		if v.RouteKey != tc.want || v.Allowed != (tc.want != "") {
			t.Errorf("%s %s %s: route %q, want %q", tc.kind, tc.method, tc.path, v.RouteKey, tc.want)
		}
	}
}

func TestNoRoute(t *testing.T) {
	api := rest(lambda())
	api.Routes = []apigw.Route{{Method: "GET", Path: "/pets", Access: api.Default}}
	for _, tc := range []struct {
		name, method, path, token, message, errorType, reason string
	}{
		{"path", "GET", "/nope", "", "Missing Authentication Token", "MissingAuthenticationTokenException", "no route for GET /nope"},
		{"method", "HEAD", "/pets", "", "Missing Authentication Token", "MissingAuthenticationTokenException", "not with the method HEAD"},
		{"bare token", "GET", "/nope", "abc", "Missing Authentication Token", "MissingAuthenticationTokenException", "no route"},
		{
			"bearer", "GET", "/nope", "Bearer abc", "'abc' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer abc'",
			"IncompleteSignatureException", "AWS signature",
		},
		{"signature", "GET", "/nope", "AWS4-HMAC-SHA256 Credential=a", "Missing Authentication Token", "MissingAuthenticationTokenException", "no route"},
	} {
		req := get(tc.path, tc.token)
		req.Method = tc.method
		v := apigw.Decide(api, req, nil, never(t))
		wantVerdict(t, v, 403, `{"message":"`+tc.message+`"}`)
		if v.ErrorType != tc.errorType || !strings.Contains(v.Reason, tc.reason) {
			t.Errorf("%s: type %s, reason %q", tc.name, v.ErrorType, v.Reason)
		}
	}
	api = httpAPI(nil)
	api.Routes = []apigw.Route{{Method: "GET", Path: "/pets"}}
	wantVerdict(t, apigw.Decide(api, get("/nope", ""), nil, never(t)), 404, `{"message":"Not Found"}`)
	api.Routes = append(api.Routes, apigw.Route{Method: "$default"})
	if v := apigw.Decide(api, get("/nope", ""), nil, never(t)); v.RouteKey != "$default" || v.ARN != strings.Replace(stageARN, "prod", "$default", 1)+"GET/nope" {
		t.Errorf("route %q, ARN %q", v.RouteKey, v.ARN)
	}
}

// slowMatch says whether a template matches a path, segment by segment.
func slowMatch(template, path string) bool {
	t, p := strings.Split(template, "/"), strings.Split(path, "/")
	for i, seg := range t {
		switch {
		case strings.HasSuffix(seg, "+}"):
			return strings.Join(p[min(i, len(p)):], "/") != ""
		case i >= len(p):
			return false
		case strings.HasPrefix(seg, "{"):
			if p[i] == "" {
				return false
			}
		case seg != p[i]:
			return false
		}
	}
	return len(t) == len(p)
}

// FuzzRoutes: a route is found exactly when some template matches, and it is one
// of those that do.
func FuzzRoutes(f *testing.F) {
	f.Add("/a/b")
	f.Add("/a/x/c")
	f.Add("/files/a/b")
	f.Add("//")
	f.Add("/a/")
	templates := []string{"/", "/a", "/a/b", "/a/{x}", "/a/{x}/c", "/{y}/b/d", "/files/{p+}", "/a/{x}/{q+}"}
	api := httpAPI(nil) // which does not ignore a slash at the end
	for _, path := range templates {
		api.Routes = append(api.Routes, apigw.Route{Method: "GET", Path: path})
	}
	if err := api.Prepare(); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		path = "/" + strings.TrimPrefix(path, "/")
		v, _ := apigw.Begin(api, get(path, ""))
		matching := slices.DeleteFunc(slices.Clone(templates), func(s string) bool { return !slowMatch(s, path) })
		if v.Allowed != (len(matching) > 0) || v.Allowed && !slices.Contains(matching, v.Resource) {
			t.Errorf("%q: route %q, want one of %q", path, v.Resource, matching)
		}
	})
}

// Methods that API Gateway does not have reach nothing: not ANY, not $default, not
// an API of which every path is a route.
func TestOtherMethods(t *testing.T) {
	apis := map[string]*apigw.API{
		"REST, every path":    rest(lambda()),
		"REST, ANY /{proxy+}": {Stage: "prod", Routes: []apigw.Route{{Method: "ANY", Path: "/{proxy+}", Access: apigw.Access{Authorizer: lambda()}}}},
		"HTTP, $default":      {Kind: apigw.HTTP, Stage: "$default", Routes: []apigw.Route{{Method: "$default"}}},
		"HTTP, ANY":           {Kind: apigw.HTTP, Stage: "$default", Routes: []apigw.Route{{Method: "ANY", Path: "/{proxy+}"}}},
	}
	for name, api := range apis {
		for _, method := range []string{"TRACE", "CONNECT", "PROPFIND", "get", "Any", "ANY", "$default", ""} {
			r := get("/pets", "Bearer x")
			r.Method = method
			v := apigw.Decide(api, r, nil, never(t))
			if v.Allowed || v.Status != 403 && v.Status != 404 || v.AuthorizerCalled || v.Trace[0].Inferred == "" {
				t.Errorf("%s, %q: %d, %+v", name, method, v.Status, v.Trace)
			}
		}
	}
}
