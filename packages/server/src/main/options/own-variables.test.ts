import { expect, it } from "vitest";
import { ownVariables } from "./own-variables.ts";

const LISTEN = { host: "127.0.0.1", port: 9000 };
const OWN = "http://127.0.0.1:9000";

it.for<[string, Record<string, string>, readonly string[]]>([
  ["nothing", {}, []],
  ["a service with AWS's API", { AWS_ENDPOINT_URL: "http://127.0.0.1:4566", AWS_ACCESS_KEY_ID: "a" }, []],
  ["another service beside thaw env", { THAW_ENDPOINT: OWN, AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:4566" }, []],
  [
    "its own address",
    { AWS_ENDPOINT_URL: `${OWN}/`, AWS_ENDPOINT_URL_S3: "http://localhost:9000" },
    ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"],
  ],
  [
    "thaw env of a server at another port",
    {
      THAW_ENDPOINT: "http://127.0.0.1:9001",
      AWS_ENDPOINT_URL: "http://127.0.0.1:9001",
      THAW_ACCESS_KEY_ID: "AKIA",
      AWS_ACCESS_KEY_ID: "AKIA",
      AWS_SECRET_ACCESS_KEY: "s",
    },
    ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  ],
  ["AWS's keys beside thaw env", { THAW_ENDPOINT: OWN, THAW_ACCESS_KEY_ID: "AKIA", AWS_ACCESS_KEY_ID: "ASIA" }, []],
  ["one key for both, without thaw env", { THAW_ACCESS_KEY_ID: "AKIA", AWS_ACCESS_KEY_ID: "AKIA" }, []],
  ["no URL", { THAW_ENDPOINT: "x", AWS_ENDPOINT_URL: "" }, []],
])("%s", ([, env, names]) => {
  expect(ownVariables(env, LISTEN)).toEqual(names);
});

it("knows the address of a server that listens everywhere", () => {
  const env = { AWS_ENDPOINT_URL: "http://localhost:80", AWS_ENDPOINT_URL_SQS: "http://example.com:80" };
  expect(ownVariables(env, { host: "0.0.0.0", port: 80 })).toEqual(["AWS_ENDPOINT_URL"]);
});
