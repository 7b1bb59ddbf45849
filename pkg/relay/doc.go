// Package relay is a proxy on the loopback interface that adds a bearer token to
// requests for one API, so that programs on this machine need none of their own.
//
// It owns who may use it: requests must name it by a loopback host (which ends DNS
// rebinding), come from no web page but those of origins that were listed, and know
// its secret, as the first segment of the path or in the header X-Gatepass-Secret.
// What it lets through goes to the scheme, host, port and base path of the API it was
// made for and nowhere else: no path climbs out of the base, and redirects are handed
// on, never followed.
//
// It promises that neither the token nor the secret is in its errors, its records or
// its own answers; that a token which the API quotes is not handed back, unless in a
// part of a compressed answer, which cannot be read; that the API is not told the
// secret; that bodies stream both ways in constant memory; and that requests which need
// a new token at the same time share one.
//
// It does not listen and does not know where tokens come from: the command does.
package relay
