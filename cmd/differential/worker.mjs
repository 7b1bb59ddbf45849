// The other evaluator of the differential test, as a program: one question a line
// in, one answer a line out, in order.
//
//   {"policy": …, "action": "…", "resource": "…", "context": {"key": ["value", …]}, "principal": "…"}
//   {"decision": "allowed|explicitly-denied|implicitly-denied|refused", "why": "…"}
//
// A question with a principal asks a resource policy ("" is an anonymous caller);
// others ask the policy of an identity.
import { createInterface } from "node:readline";
import { anonymousPrincipal, runSimulation, runUnsafeSimulation } from "@cloud-copilot/iam-simulate";
import { validateIdentityPolicy, validateResourcePolicy } from "@cloud-copilot/iam-policy";

const account = "123456789012";
const words = { Allowed: "allowed", ExplicitlyDenied: "explicitly-denied", ImplicitlyDenied: "implicitly-denied" };

function simulation({ policy, action, resource, context, principal }) {
  // A key with one value is a key with a single value, however it is written.
  const contextVariables = Object.fromEntries(
    Object.entries(context ?? {}).map(([key, values]) => [key, values.length === 1 ? values[0] : values]),
  );
  const ofResource = principal !== undefined;
  return {
    request: {
      principal: principal === "" ? anonymousPrincipal : (principal ?? `arn:aws:iam::${account}:user/ann`),
      action,
      resource: { resource, accountId: account },
      contextVariables,
    },
    identityPolicies: ofResource ? [] : [{ name: "policy", policy }],
    resourcePolicy: ofResource ? policy : undefined,
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  };
}

// evaluate asks without the look-up of which condition keys an action has where
// that can be done: it would drop the keys that the questions make up.
async function evaluate(question) {
  if (question.principal === undefined) {
    return runUnsafeSimulation(simulation(question), {});
  }
  const result = await runSimulation(simulation(question), {});
  if (result.resultType === "error") {
    throw new Error(JSON.stringify(result.errors));
  }
  return result.overallResult;
}

async function answer(question) {
  const { policy, principal } = question;
  const errors = principal === undefined ? validateIdentityPolicy(policy) : validateResourcePolicy(policy);
  if (errors.length > 0) {
    return { decision: "refused", why: errors.map((e) => `${e.path}: ${e.message}`).join("; ") };
  }
  const result = await evaluate(question);
  return { decision: words[result] ?? result };
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  let out;
  try {
    out = await answer(JSON.parse(line));
  } catch (e) {
    out = { decision: "failed", why: String(e) };
  }
  process.stdout.write(JSON.stringify(out) + "\n");
}
