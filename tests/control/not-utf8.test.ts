/** Bodies that are no UTF-8, at each protocol: what would be kept is not what was sent, so nothing is. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HttpHarness } from "./http-harness.ts";

let http: HttpHarness;
beforeAll(async () => {
  http = await HttpHarness.start({ functions: {} });
});
afterAll(() => http[Symbol.asyncDispose]());

interface Case {
  readonly what: string;
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `?` stands for a byte that is no character. */
  readonly body: string;
  readonly says: RegExp;
}

const JSON_1_1 = { "content-type": "application/x-amz-json-1.1" };
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const CASES: readonly Case[] = [
  {
    what: "JSON 1.1",
    service: "ssm",
    method: "POST",
    path: "/",
    headers: { ...JSON_1_1, "x-amz-target": "AmazonSSM.PutParameter" },
    body: '{"Name":"a","Value":"?","Type":"String"}',
    says: /SerializationException/,
  },
  {
    what: "REST JSON",
    service: "lambda",
    method: "POST",
    path: "/2015-03-31/functions",
    body: '{"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Description":"?","Code":{"ZipFile":""}}',
    says: /not UTF-8/,
  },
  {
    what: "Query",
    service: "iam",
    method: "POST",
    path: "/",
    headers: FORM,
    body: "Action=GetRole&Version=2010-05-08&RoleName=a?",
    says: /not UTF-8/,
  },
  {
    what: "Query, in an escape",
    service: "iam",
    method: "POST",
    path: "/",
    headers: FORM,
    body: "Action=GetRole&Version=2010-05-08&RoleName=a%ff",
    says: /not UTF-8/,
  },
  {
    what: "REST XML",
    service: "s3",
    method: "PUT",
    path: "/bucket",
    body: "<CreateBucketConfiguration><LocationConstraint>?</LocationConstraint></CreateBucketConfiguration>",
    says: /MalformedXML/,
  },
  {
    what: "Thaw's own API",
    service: "lambda",
    method: "PUT",
    path: "/_thaw/v1/test-events/f/name",
    body: '{"event":"?"}',
    says: /The request is not JSON/,
  },
];

it.for(CASES)("$what", async ({ service, method, path, headers = {}, body, says }) => {
  const bytes = Buffer.from(body.replace("?", "\xff"), "latin1");
  const digest = createHash("sha256").update(bytes).digest("hex");
  const said = service === "s3" ? { ...headers, "x-amz-content-sha256": digest } : headers;
  const signed = http.signed(method, path, bytes, said, service);
  const answer = await fetch(`http://${http.host}${path}`, { method, headers: signed, body: bytes });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toMatch(says);
});
