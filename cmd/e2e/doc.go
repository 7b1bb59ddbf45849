// Package e2e tests gatepass from outside: the built binary, a real browser and
// a provider of another make.
//
// The provider is npm's oidc-provider (server.mjs), the browser Debian's
// Chromium driven by playwright-core (browser.mjs). Both are installed by
// "npm ci" in this folder, which the tests do not run themselves. Where Node,
// the modules or Chromium are missing the tests are skipped and say what is
// missing; with GATEPASS_E2E=required that is a failure. The tests of the dialogue
// at a terminal need none of that, and run wherever there is Linux.
package e2e
