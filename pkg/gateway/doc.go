// Package gateway is API Gateway on this machine: an http.Handler that decides
// about each request as package apigw does, and hands those that are allowed to an
// upstream server or to a backend of its own that shows what it was given.
//
// It owns HTTP and nothing of the decision: how a request becomes one of
// [apigw.Request], how a verdict becomes a response, how an allowed request reaches
// its backend. It promises that nothing reaches a backend that the core has not
// allowed, that an API with a route whose authorizer cannot be run is refused by
// [New], that bodies stream in both directions in constant memory, and that nothing
// is cached but what the core says may be.
//
// A WebSocket API is served as one: the upgrade is the route $connect. Behind it
// is the upstream, which gets the connection, or an echo backend that answers each
// message with the context that the connection keeps. Who signed a request with
// AWS credentials is for the caller to say ([Options]); signatures are not checked.
//
// Listening and shutting down are the caller's.
package gateway
