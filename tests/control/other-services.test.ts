/** Other AWS services on the same port: told in their protocol, whoever asks, and before a body is read. */
import { expect, it } from "vitest";
import { HttpHarness } from "./http-harness.ts";

const scopeOf = (service: string): string =>
  `AWS4-HMAC-SHA256 Credential=AKIANOBODY/20261129/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=00`;

it("each is named, with what to use instead", async () => {
  await using harness = await HttpHarness.start({ functions: { good: { handle: () => "1" } } });
  const ask = async (service: string, method: string, path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://${harness.host}${path}`, {
      method,
      headers: { authorization: scopeOf(service), ...headers },
    });
    return [response.status, response.headers.get("content-type"), await response.text()] as const;
  };
  const form = { "content-type": "application/x-www-form-urlencoded" };
  expect(await ask("sns", "POST", "/", form)).toEqual([
    400,
    "text/xml",
    expect.stringMatching(/<Message>Thaw does not have SNS\. .*AWS_ENDPOINT_URL_LAMBDA/),
  ]);
  expect(await ask("secretsmanager", "POST", "/", { "x-amz-target": "secretsmanager.GetSecretValue" })).toEqual([
    400,
    "application/x-amz-json-1.1",
    expect.stringMatching(/"__type":"NotImplementedException","message":"Thaw does not have Secrets Manager\. Give /),
  ]);
  expect(await ask("s3-object-lambda", "GET", "/bucket?list-type=2")).toEqual([
    400,
    "text/xml",
    expect.stringContaining("<Error>"),
  ]);
  expect((await ask("s3-object-lambda", "HEAD", "/bucket/key"))[0]).toBe(404);
  expect(await ask("timestream", "GET", "/x")).toEqual([
    400,
    "application/json",
    expect.stringContaining("Thaw does not have the AWS service timestream"),
  ]);
  // Where the path is Lambda's, the scope decides.
  expect((await ask("s3", "GET", "/2015-03-31/functions"))[2]).toContain("<Error>");
  expect((await ask("lambda", "GET", "/2015-03-31/functions"))[2]).not.toContain("does not have");
  expect((await fetch(`http://${harness.host}/2015-03-31/functions`)).status).toBe(403);
  expect(harness.problems).toEqual([]);
});

it("the answer comes though the body does not", async () => {
  await using harness = await HttpHarness.start({ functions: { good: { handle: () => "1" } } });
  const connection = await harness.open();
  connection.send("PUT", "/bucket/key", {
    host: harness.host,
    authorization: scopeOf("s3-object-lambda"),
    "content-length": 10 ** 9,
  });
  expect(await connection.head()).toMatch(/^HTTP\/1\.1 400 /);
  connection.socket.destroy();
});
