package apigw_test

import (
	"testing"

	"gatepass/pkg/apigw"
)

func connectAPI() *apigw.API {
	a := rest(&apigw.Authorizer{Name: "w", Type: apigw.AuthRequest, IdentitySources: []string{"route.request.header.Authorization"}})
	a.Kind = apigw.WebSocket
	return a
}

func TestConnect(t *testing.T) {
	api := connectAPI()
	if err := api.Prepare(); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, apigw.Decide(api, get("", ""), nil, never(t)), 401, `{"message":"Unauthorized"}`)
	wantVerdict(t, apigw.Decide(api, get("", "x"), nil, returns(policyAnswer("Deny", "*", ""))), 403,
		`{"message":"User is not authorized to access this resource with an explicit deny in an identity-based policy"}`)
	v := apigw.Decide(api, get("", "x"), apigw.NewCache(1), returns(policyAnswer("Allow", stageARN+"$connect", `,"context":{"k":1}`)))
	wantVerdict(t, v, 101, "")
	if v.ARN != stageARN+"$connect" || v.RouteKey != "$connect" {
		t.Errorf("ARN %s, route %s", v.ARN, v.RouteKey)
	}
	// Messages are not authorized again and keep what was said.
	message := get("", "")
	message.RouteKey, message.Context = "sendmessage", v.Backend
	m := apigw.Decide(api, message, nil, never(t))
	if m.Status != 200 || !m.Allowed || asJSON(t, m.Backend.Value) != `{"k":"1","principalId":"u1"}` {
		t.Errorf("message: %d %s", m.Status, asJSON(t, m.Backend.Value))
	}
	// Nothing is cached.
	cache := apigw.NewCache(10)
	for range 2 {
		if v := apigw.Decide(api, get("", "x"), cache, returns(policyAnswer("Allow", "*", ""))); v.Cached {
			t.Error("a connection was let in by a cached result")
		}
	}
}

func TestMessageRoutes(t *testing.T) {
	api := connectAPI()
	api.Routes = []apigw.Route{{Method: "sendmessage"}}
	for key, want := range map[string]int{"": 101, "$disconnect": 200, "sendmessage": 200, "other": 403} {
		req := get("", "")
		req.RouteKey = key
		if v := apigw.Decide(api, req, nil, never(t)); v.Status != want {
			t.Errorf("%q: %d, want %d", key, v.Status, want)
		}
	}
	api.Routes = append(api.Routes, apigw.Route{Method: "$default"})
	req := get("", "")
	req.RouteKey = "other"
	if v := apigw.Decide(api, req, nil, never(t)); v.Status != 200 || v.RouteKey != "$default" {
		t.Errorf("%d %s", v.Status, v.RouteKey)
	}
}
