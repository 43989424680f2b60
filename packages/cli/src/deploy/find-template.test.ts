/** Which template of a folder is meant, and what its stack is called. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, it } from "vitest";
import { findTemplate, nameStack } from "./find-template.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "find-template-"));
});

afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: object = {}): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), JSON.stringify(content));
}

const found = (folder: string): string => relative(root, findTemplate(join(root, folder)).path);
const name = (path: string): string => nameStack(join(root, path), undefined, () => undefined);

it("finds what sam, the CDK and osls have written where a folder has no template of its own", ({ expect }) => {
  write("sam/.aws-sam/build/template.yaml");
  write("cdk/cdk.out/Shop.template.json");
  write("osls/.serverless/cloudformation-template-update-stack.json");
  expect(found("sam")).toBe("sam/.aws-sam/build/template.yaml");
  expect(found("cdk")).toBe("cdk/cdk.out/Shop.template.json");
  expect(found("cdk/cdk.out")).toBe("cdk/cdk.out/Shop.template.json");
  expect(found("osls")).toBe("osls/.serverless/cloudformation-template-update-stack.json");
  write("cdk/cdk.out/Other.template.json");
  expect(() => found("cdk")).toThrow("Name one of them: Other.template.json, Shop.template.json");
  write("none/readme.json");
  expect(() => found("none")).toThrow("has no template");
});

it("names a stack as the tool does that wrote the template, else by the folder and the file", ({ expect }) => {
  const Shop = { properties: { templateFile: "Shop.template.json", stackName: "shop-prod" } };
  write("cdk.out/manifest.json", { artifacts: { Shop } });
  expect(name("cdk.out/Shop.template.json")).toBe("shop-prod");
  expect(name("cdk.out/Other.template.json")).toBe("Other");
  write(".serverless/serverless-state.json", { service: { service: "orders", provider: { stage: "dev" } } });
  expect(name(".serverless/cloudformation-template-update-stack.json")).toBe("orders-dev");
  expect(name("my_app/template.yaml")).toBe("my-app");
  expect(name("my_app/other.yaml")).toBe("my-app-other");
  expect(name("shop/.aws-sam/build/template.yaml")).toBe("shop");
  expect(() => nameStack("x", "my_app", () => undefined)).toThrow("--stack-name my_app: expected at most 128 letters");
});
