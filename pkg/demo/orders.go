package demo

import (
	"encoding/json"
	"net/http"
)

// order is one order of the sample API.
type order struct {
	ID    int    `json:"id"`
	Item  string `json:"item"`
	Count int    `json:"count"`
}

// Orders is the sample API that stands behind the gateway:
//
//	GET    /orders       all orders
//	GET    /orders/{id}  one of them
//	DELETE /orders/{id}  204; the orders stay, so that the demo may be repeated
//
// It asks for no token: that is the gateway's job.
func Orders() http.Handler {
	orders := map[string]order{
		"7":  {7, "difference engine, brass", 1},
		"12": {12, "punched cards", 5000},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, []order{orders["7"], orders["12"]})
	})
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		if o, ok := orders[r.PathValue("id")]; ok {
			answer(w, http.StatusOK, o)
			return
		}
		answer(w, http.StatusNotFound, map[string]string{"message": "there is no such order"})
	})
	mux.HandleFunc("DELETE /orders/{id}", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(v)
}
