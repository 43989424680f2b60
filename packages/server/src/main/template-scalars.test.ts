import { LAMBDA } from "@thaw/aws-api";
import { expect, it } from "vitest";
import { withModelScalars } from "./template-scalars.ts";

const read = (value: unknown): unknown => withModelScalars(LAMBDA.shapes, "CreateFunctionRequest", value);

it.for([
  [{ MemorySize: "128" }, { MemorySize: 128 }],
  [{ MemorySize: "much" }, { MemorySize: "much" }],
  [{ Publish: "true" }, { Publish: true }],
  [
    { Environment: { Variables: { A: 1, B: true, C: "c" } } },
    { Environment: { Variables: { A: "1", B: "true", C: "c" } } },
  ],
  [{ Layers: [1] }, { Layers: ["1"] }],
  [{ Code: { ZipFile: Buffer.from("a") } }, { Code: { ZipFile: Buffer.from("a") } }],
  [{ Unknown: "1" }, { Unknown: "1" }],
  [{ Layers: "one" }, { Layers: "one" }],
] as const)("%j is read as %j", ([given, made]) => expect(read(given)).toEqual(made));
