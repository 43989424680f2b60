import { expect, it } from "vitest";
import { checkReferences } from "./dynamic-references.ts";
import { FAKE_TYPES, preparedOf } from "./fake-types.ts";
import { plan } from "./plan.ts";
import type { ResourceTypes } from "./resource-type.ts";

const WITH_SECRETS: ResourceTypes = {
  ...FAKE_TYPES,
  find: (type) => FAKE_TYPES.find(type === "AWS::SecretsManager::Secret" ? "Custom::Thing" : type),
};

/** What is wrong with a template that has the text among the properties of a resource; null: nothing. */
function problemOf(text: string, types: ResourceTypes = WITH_SECRETS): string | null {
  const thing = { Type: "Custom::Thing", Properties: { P: ["a", { Q: { "Fn::Sub": text } }] } };
  const body = JSON.stringify({ Resources: { A: thing, Other: { Type: "Custom::Thing" } } });
  const { changes } = plan({ target: preparedOf(body), previous: null, resources: [], types: FAKE_TYPES });
  try {
    checkReferences(changes, types);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

it.for([
  "no reference",
  "{{resolve:ssm:/a/b}}",
  "{{resolve:ssm-secure:a:3}} and {{resolve:ssm:b}}",
  "{{resolve:secretsmanager:a}}",
  "{{resolve:secretsmanager:a:SecretString:key}}",
  "{{resolve:secretsmanager:a::key::1}}",
  "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-b:SecretString:key:AWSCURRENT}}",
  // Known only when the other one is made.
  "{{resolve:secretsmanager:${Other}:Nothing}}",
  "{{resolve:ssm: that has no end",
])("%s may be resolved", (text) => {
  expect(problemOf(text)).toBeNull();
});

it.for([
  ["{{resolve:vault:a}}", "a dynamic reference to the service vault, which is none of ssm, ssm-secure, secretsmanager"],
  ["x{{resolve:ssm:}}", "{{resolve:ssm:…}} without a name"],
  ["{{resolve:ssm:a}}{{resolve:secretsmanager:}}", "{{resolve:secretsmanager:…}} without a name"],
  ["{{resolve:secretsmanager:a:SecretBinary}}", "that asks for SecretBinary: only SecretString can be had"],
  ["{{resolve:secretsmanager:a:SecretString:k:s:v}}", "with a stage and a version: give one of them"],
  ["{{resolve:secretsmanager:a:SecretString:k:s::x}}", "with more than a secret, SecretString, a key, a stage"],
  [`{{resolve:ssm:${"a".repeat(5000)}}}`, "{{resolve:ssm:…}} with more than 4096 characters"],
] as const)("%s is refused", ([text, problem]) => {
  expect(problemOf(text)).toContain("Template error: Resources.A.Properties.P[1].Q has ");
  expect(problemOf(text)).toContain(problem);
});

it.for(["{{resolve:secretsmanager:a}}", "{{resolve:secretsmanager:{{changeSet:KNOWN_AFTER_APPLY}}}}"])(
  "%s is refused where there is no Secrets Manager",
  (text) => {
    expect(problemOf(text, FAKE_TYPES)).toContain("start the server with --aws-endpoint secretsmanager=URL");
    expect(problemOf(text)).toBeNull();
  },
);

it("many beginnings with one end are read in a time that grows as their number", () => {
  const text = `${"{{resolve:ssm:a:".repeat(60_000)}}}`;
  expect(problemOf(text)).toContain("with more than 4096 characters");
});
