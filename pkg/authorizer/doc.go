// Package authorizer is the policy authorizer of gatepass: it turns an authorizer
// file, the claims of a token and an event of API Gateway into what the authorizer
// returns, with a trace of how it got there.
//
// It owns the form of the authorizer file ([Load]), where the token is
// ([File.TokenOf]), which tokens count ([File.For], as plain values for whoever
// verifies them), the answer to a token that counts ([File.Settle]) and to one that
// does not ([File.Refuse]).
//
// It promises:
//
//   - The policy it returns is for every route of the called API and stage, and
//     depends on the claims and nothing else of the request. A gateway may cache it
//     under the token for whatever is called next; that is only safe when the token
//     is among the identity sources. A cached answer may outlive the token by the
//     TTL of the cache, as with every Lambda authorizer.
//   - Claims are believed when they are from a verified token; made-up ones are a
//     type of their own and named in the trace.
//   - A claim can never widen a policy: wildcards in it stand for themselves, and an
//     Allow whose claim is missing does not apply.
//   - When nothing applies the answer is an explicit Deny, and when the authorizer
//     cannot decide it is an error: never an Allow, never an empty policy.
//
// There is no I/O here and no clock, and no input panics.
package authorizer
