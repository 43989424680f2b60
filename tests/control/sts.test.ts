/** STS on the same port, chosen by the signature's scope, in its own protocol. */
import { expect, it } from "vitest";
import { HttpHarness } from "./http-harness.ts";

const FORM = { "content-type": "application/x-www-form-urlencoded" };

async function ask(harness: HttpHarness, form: string, spoil = (header: string): string => header) {
  const body = Buffer.from(form);
  const headers = harness.signed("POST", "/", body, FORM, "sts");
  const authorization = spoil(headers["authorization"] ?? "");
  const response = await fetch(`http://${harness.host}/`, {
    method: "POST",
    headers: { ...headers, authorization },
    body: new Uint8Array(body),
  });
  return [response.status, response.headers.get("x-amzn-requestid"), await response.text()] as const;
}

it("tells who the caller is, and refuses the rest by name", async () => {
  await using harness = await HttpHarness.start({ functions: { good: { handle: () => "1" } } });
  const [status, requestId, text] = await ask(harness, "Action=GetCallerIdentity&Version=2011-06-15");
  expect([status, text]).toEqual([
    200,
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
      "<UserId>000000000000</UserId><Account>000000000000</Account><Arn>arn:aws:iam::000000000000:root</Arn>" +
      `</GetCallerIdentityResult><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>` +
      "</GetCallerIdentityResponse>\n",
  ]);
  const refused = await ask(harness, "Action=AssumeRoleWithSAML&RoleArn=arn&PrincipalArn=arn&SAMLAssertion=x");
  expect(refused).toEqual([
    400,
    expect.any(String),
    expect.stringMatching(/<Code>NotImplementedException<\/Code><Message>AssumeRoleWithSAML is .* use AssumeRole/),
  ]);
  expect((await ask(harness, "Action=Nonsense"))[2]).toContain("<Code>InvalidAction</Code>");
  expect(harness.problems).toEqual([]);
});

it("refuses a wrong signature as clients of STS read it", async () => {
  await using harness = await HttpHarness.start({ functions: { good: { handle: () => "1" } } });
  const form = "Action=GetCallerIdentity&Version=2011-06-15";
  const wrong = await ask(harness, form, (header) => header.replace(/.$/, (last) => (last === "0" ? "1" : "0")));
  expect([wrong[0], wrong[2]]).toEqual([403, expect.stringContaining("<Code>SignatureDoesNotMatch</Code>")]);
  const unknown = await ask(harness, form, (header) => header.replace("AKIATEST", "AKIAOTHER"));
  expect([unknown[0], unknown[2]]).toEqual([403, expect.stringContaining("<Code>InvalidClientTokenId</Code>")]);
  const regional = await ask(harness, form, (header) => header.replace("us-east-1", "eu-west-1"));
  expect([regional[0], regional[2]]).toEqual([403, expect.stringContaining("valid region")]);
});
