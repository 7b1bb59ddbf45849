// Package lambdarun runs somebody's Lambda function on this machine, as Lambda
// would: a handler in Node or Python in a warm process of its own, an executable
// over a local Runtime API, or a function behind Lambda's Invoke API.
//
// What comes back is what API Gateway would see of it. An error keeps its
// errorMessage letter by letter; a crash, a time-out, an answer that is too large
// or no JSON is the failure that Lambda makes of it. What the function prints is
// its log, and never part of its answer.
//
// A function gets an environment made for it, and nothing of the environment of
// this process but what programs need to run at all. Its processes, and whatever
// they started, end with [Function.Close].
package lambdarun
