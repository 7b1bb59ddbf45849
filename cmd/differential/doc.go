// Package differential compares pkg/policy with another evaluator of IAM
// policies, npm's @cloud-copilot/iam-simulate, over questions generated from a
// seed.
//
// The other evaluator runs as a program of its own (worker.mjs, JSON lines in and
// out); "npm ci" in this folder installs it, which the tests do not do
// themselves. Where Node or the modules are missing the test is skipped and says
// what is missing; with GATEPASS_E2E=required that is a failure.
//
// Where the two differ, the difference has a name, the AWS documentation that
// decides it, and mostly a translation: the same question spelled so that the
// other evaluator understands it, to which it must then give our answer. Nothing
// else is accepted.
package differential
