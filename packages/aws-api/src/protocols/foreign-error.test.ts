import { expect, it } from "vitest";
import { type ForeignHead, foreignError, readForeign } from "./foreign-error.ts";

const signedFor = (service: string, more: Record<string, string> = {}): Record<string, string> => ({
  authorization: `AWS4-HMAC-SHA256 Credential=AKID/20261129/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=00`,
  ...more,
});
const FORM = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };

function headOf(method: string, target: string, headers: Record<string, string>): ForeignHead {
  const [path = "", query = ""] = target.split("?");
  return { method, path, query: new URLSearchParams(query), headers };
}

it.for([
  ["POST", "/", signedFor("cloudformation", FORM), "cloudformation", "query"],
  ["POST", "/", signedFor("ec2", FORM), "ec2", "ec2"],
  ["GET", "/?Action=GetCallerIdentity&X-Amz-Credential=AKID/20261129/us-east-1/sts/aws4_request", {}, "sts", "query"],
  ["POST", "/", signedFor("logs", { "x-amz-target": "Logs_20140328.DescribeLogGroups" }), "logs", "json"],
  [
    "POST",
    "/service/Cw/operation/ListMetrics",
    signedFor("monitoring", { "smithy-protocol": "rpc-v2-cbor" }),
    "monitoring",
    "cbor",
  ],
  ["PUT", "/bucket/key", signedFor("s3"), "s3", "s3"],
  ["GET", "/bucket/key", { authorization: "AWS AKID:c2ln" }, "s3", "s3"],
  ["GET", "/2013-04-01/hostedzone", signedFor("route53"), "route53", "rest-xml"],
  ["GET", "/restapis", signedFor("apigateway"), "apigateway", "rest-json"],
  ["GET", "/2015-03-31/functions", signedFor("lambda"), "lambda", "rest-json"],
  // Version 4a has no Region in its scope.
  ["GET", "/b", { authorization: "AWS4-ECDSA-P256-SHA256 Credential=AKID/20261129/s3/aws4_request, X" }, "s3", "s3"],
  ["POST", "/", FORM, null, "query"],
  ["POST", "/", { "x-amz-target": "A.B" }, null, "json"],
] as const)("%s %s is of %j: %s, %s", ([method, target, headers, service, protocol]) => {
  expect(readForeign(headOf(method, target, headers))).toEqual({ service, protocol });
});

it.for([
  ["GET", "/2015-03-31/functions", {}],
  ["GET", "/", { authorization: "Bearer x" }],
  ["GET", "/", signedFor("<script>")],
  ["GET", "/", signedFor("x".repeat(41))],
] as const)("%s %s with %j says nothing of a service", ([method, target, headers]) => {
  expect(readForeign(headOf(method, target, headers))).toBeNull();
});

const MESSAGE = "Use <this> & that.";
const ESCAPED = "<Code>Nope</Code><Message>Use &lt;this&gt; &amp; that.</Message>";
const HEAD = headOf("POST", "/", { "content-type": "application/x-amz-json-1.0" });

it.for([
  ["s3", "text/xml", `<Error>${ESCAPED}</Error>`],
  ["ec2", "text/xml", `<Response><Errors><Error>${ESCAPED}</Error></Errors></Response>`],
  ["query", "text/xml", `<ErrorResponse><Error><Type>Sender</Type>${ESCAPED}</Error></ErrorResponse>`],
  ["rest-xml", "text/xml", `<ErrorResponse><Error><Type>Sender</Type>${ESCAPED}</Error></ErrorResponse>`],
  ["json", "application/x-amz-json-1.0", JSON.stringify({ __type: "Nope", message: MESSAGE })],
  ["rest-json", "application/json", JSON.stringify({ message: MESSAGE })],
] as const)("writes an error in %s", ([protocol, contentType, content]) => {
  const { status, headers, body } = foreignError(protocol, HEAD, "Nope", MESSAGE);
  expect([status, headers["Content-Type"]]).toEqual([400, contentType]);
  expect(String(body).replace('<?xml version="1.0" encoding="UTF-8"?>\n', "")).toBe(content);
  expect(headers["X-Amzn-ErrorType"]).toBe(protocol === "rest-json" ? "Nope" : undefined);
});

it("writes an error in CBOR", () => {
  const { headers, body } = foreignError("cbor", HEAD, "Nope", "ü");
  expect(headers).toEqual({ "Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor" });
  const text = (value: string): string =>
    `79${Buffer.byteLength(value).toString(16).padStart(4, "0")}${Buffer.from(value).toString("hex")}`;
  const expected = ["__type", "Nope", "message", "ü"].map(text).join("");
  expect(Buffer.from(body as Uint8Array).toString("hex")).toBe(`a2${expected}`);
});

it("answers a HEAD of S3 with 404, which has no body and so no message", () => {
  expect(foreignError("s3", headOf("HEAD", "/b/k", {}), "Nope", MESSAGE).status).toBe(404);
});
