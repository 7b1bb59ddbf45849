// Package function is the policy authorizer as a function: an event of API Gateway
// in, an answer out. It joins what verifies tokens with what decides about their
// claims, and is what runs behind `gatepass authorize`, `gatepass gateway` and in
// AWS Lambda.
//
// It promises:
//
//   - A token is verified against the entry of the authorizer file for its issuer;
//     for a token of any other issuer nobody is asked for keys.
//   - When it cannot be found out whether a token counts, because keys or a look-up
//     cannot be had, the answer is an error: a 500, which no gateway keeps, and never
//     a Deny, which it would.
//   - What it remembers never changes an answer: an answer is kept for one verified
//     token, one API and stage and one form, for as long as the verifier vouches for
//     the token, and with a look-up for as long as that is fresh.
package function
