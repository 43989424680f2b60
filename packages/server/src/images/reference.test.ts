import { expect, test } from "vitest";
import { parseReference } from "./reference.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

test.each([
  ["r.example/app:1", { kind: "registry", host: "r.example", repository: "app", reference: "1" }],
  ["localhost:5000/a/b:v1.2", { kind: "registry", host: "localhost:5000", repository: "a/b", reference: "v1.2" }],
  [`r.example/app@${DIGEST}`, { kind: "registry", reference: DIGEST }],
  [`r.example/app:1@${DIGEST}`, { kind: "registry", repository: "app", reference: DIGEST }],
  ["oci:dir/hello", { kind: "layout", path: "dir/hello", tag: null }],
  ["oci:dir/hello:v1", { kind: "layout", path: "dir/hello", tag: "v1" }],
  ["oci-archive:hello.tar:v1", { kind: "archive", transport: "oci-archive", path: "hello.tar", tag: "v1" }],
  ["docker-archive:hello.tar", { kind: "archive", transport: "docker-archive", tag: null }],
])("%s", (uri, expected) => {
  expect(parseReference(uri)).toMatchObject(expected);
});

test.each([
  "app:1",
  "r.example/app",
  "r.example/App:1",
  "r.example/../app:1",
  "r.example//app:1",
  "r.example/app:1 2",
  "r.example/app@sha256:abc",
  `r.example/app@${DIGEST}@${DIGEST}`,
  "http://r.example/app:1",
  "user@r.example/app:1",
  "oci:",
  "oci:hello:",
  "oci:a\0b",
  `r.example/${"a".repeat(2000)}:1`,
])("%j is the name of no image", (uri) => {
  expect(() => parseReference(uri)).toThrow(/^Source image .* is not valid\. Provide a valid source image\./);
});
