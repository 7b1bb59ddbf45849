// Package apigw is the contract of Amazon API Gateway as a function of values: given
// an API, a request and what an authorizer answered, it says exactly what the
// caller gets (status, headers, body), whether the backend is reached, what the
// backend sees, and which steps led there.
//
// Deciding is split where somebody else must speak, because this package does no
// I/O and knows no clock:
//
//	Begin(api, request)   -> *Verdict           refused, or allowed without an authorizer
//	                      |  *Pending           an authorizer must speak
//	(*Pending).Finish     -> *Verdict, *Result  with what the authorizer said; the Result may be cached
//	(*Pending).FinishCached -> *Verdict         with a cached Result
//
// [Decide] is the whole of it with a cache and a function that runs the authorizer.
//
// What AWS documents or what was captured from the service is implemented as such.
// What is only inferred, or was not found at all, is decided here too, is listed in
// docs/fidelity.md, and is named in the step of the trace whose answer it decided.
package apigw
