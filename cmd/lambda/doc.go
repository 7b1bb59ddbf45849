// Command lambda is the policy authorizer as a Lambda function: built as bootstrap
// for the runtime provided.al2023, it answers the events of every kind of API
// Gateway API by an authorizer file. docs/deploy.md takes a reader from here to a
// protected method.
//
// What decides is package function, the same as behind gatepass authorize and
// gatepass gateway. Here is what Lambda needs around it: settings from the
// environment, where the file comes from and when it is read again, keys at hand
// before the first request, and a line of log and metrics for each decision.
//
// It fails closed: without a file, keys, or an answer to a look-up it was told to
// make, the function ends with an error, which API Gateway answers with 500 and does
// not keep.
package main
