package gateway

import (
	"net/http"

	"gatepass/pkg/apigw"
)

// Control answers the calls of AWS that flush the cache of an API's authorizers, so
// that AWS's own command line can be pointed at it: FlushStageAuthorizersCache of REST
// APIs with 202 and ResetAuthorizersCache of HTTP APIs with 204 (API references). The
// credentials of calls are not looked at. Serve it on a loopback address only.
func Control(api *apigw.API, flush func()) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, status := "/restapis/"+api.ID+"/stages/"+api.Stage+"/cache/authorizers", http.StatusAccepted
		if api.Kind == apigw.HTTP {
			path, status = "/v2/apis/"+api.ID+"/stages/"+api.Stage+"/cache/authorizers", http.StatusNoContent
		}
		if r.Method == http.MethodDelete && r.URL.Path == path && api.Kind != apigw.WebSocket {
			flush()
			w.WriteHeader(status)
			return
		}
		h := w.Header()
		h["Content-Type"], h["x-amzn-ErrorType"] = []string{"application/json"}, []string{"NotFoundException"}
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"message":"there is only DELETE ` + path + `"}`))
	})
}
