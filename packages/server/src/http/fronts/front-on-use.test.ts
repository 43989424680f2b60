import { expect, it } from "vitest";
import { readForeign } from "@thaw/aws-api";
import { readHead } from "../wire-head.ts";
import type { Reply } from "../reply.ts";
import { frontOnUse } from "./front-on-use.ts";

const FORM = "application/x-www-form-urlencoded; charset=utf-8";
const MESSAGE = "An internal error occurred. The server's log has the details.";

function headOf(service: string, path: string, headers: Readonly<Record<string, string>>) {
  const authorization = `AWS4-HMAC-SHA256 Credential=AKIA/20300101/us-east-1/${service}/aws4_request, Signature=0`;
  return readHead("POST", path, { host: "localhost:9000", authorization, ...headers });
}

it.for([
  ["cloudformation", "/", { "content-type": FORM }, "text/xml", /<Type>Receiver<.*<Code>InternalFailure</],
  ["iam", "/", { "content-type": FORM }, "text/xml", /<ErrorResponse><Error>.*<Code>InternalFailure</],
  ["s3", "/bucket/key", {}, "text/xml", /<Error><Code>InternalError</],
  ["logs", "/", { "x-amz-target": "Logs.List" }, "application/x-amz-json-1.1", /"__type":"InternalFailure"/],
  ["apigateway", "/v2/apis", {}, "application/json", /^\{"message":/],
] as const)(
  "a front of %s that can't be loaded answers %s in its service's protocol",
  async ([service, path, headers, contentType, body]) => {
    const problems: unknown[] = [];
    const reason = new Error("no such module");
    const front = frontOnUse(
      () => Promise.reject(reason),
      (of) => readForeign(of)?.protocol ?? null,
      (_, error) => problems.push(error),
    );
    const head = headOf(service, path, headers);
    const refusal = { name: "AccessDenied", status: 403, message: "no" };
    for (const answer of [await front.admit(head, "id"), await front.refuse(refusal, "id", head)]) {
      const reply = answer as Reply;
      expect(reply).toMatchObject({ status: 500, headers: { "Content-Type": contentType } });
      expect(String(reply.body)).toMatch(body);
      expect(String(reply.body)).toContain(MESSAGE);
    }
    expect(problems).toEqual([reason, reason]);
  },
);

it("one of Thaw's own answers as Lambda does", async () => {
  const front = frontOnUse(
    () => Promise.reject(new Error("no such module")),
    () => null,
    () => {},
  );
  const reply = (await front.admit(headOf("lambda", "/_thaw/v1/host", {}), "id")) as Reply;
  expect(reply).toMatchObject({ status: 500, headers: { "X-Amzn-ErrorType": "ServiceException" } });
});
