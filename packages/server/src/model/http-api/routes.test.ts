import { expect, it } from "vitest";
import { readRouteKey, Router } from "./routes.ts";

function find(keys: readonly string[], method: string, path: string): readonly unknown[] | null {
  const found = new Router(keys.map((key) => ({ key }))).find(method, path);
  return found === null ? null : [found.route.key, { ...found.parameters }];
}

/** The example of AWS's documentation. */
const PETS = ["GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default"];

it.for([
  ["GET", "/pets/dog/1", ["GET /pets/dog/1", {}]],
  ["GET", "/pets/dog/2", ["GET /pets/dog/{id}", { id: "2" }]],
  ["GET", "/pets/cat/1", ["GET /pets/{proxy+}", { proxy: "cat/1" }]],
  ["POST", "/test/5", ["ANY /{proxy+}", { proxy: "test/5" }]],
  ["POST", "/", ["$default", {}]],
  ["GET", "/pets/dog/", ["GET /pets/{proxy+}", { proxy: "dog/" }]],
  ["GET", "/pets//x", ["GET /pets/{proxy+}", { proxy: "/x" }]],
] as const)("%s %s takes %j", ([method, path, expected]) => {
  expect(find(PETS, method, path)).toEqual(expected);
});

it.for([
  ["a method before ANY", ["ANY /a", "GET /a"], "GET", "/a", ["GET /a", {}]],
  ["ANY where the method is another", ["ANY /a", "GET /a"], "PUT", "/a", ["ANY /a", {}]],
  ["a text before a label", ["GET /{x}/b", "GET /a/{y}"], "GET", "/a/b", ["GET /a/{y}", { y: "b" }]],
  ["a longer prefix before a shorter one", ["GET /{p+}", "GET /a/{p+}"], "GET", "/a/b", ["GET /a/{p+}", { p: "b" }]],
  ["the root", ["GET /", "GET /{p+}"], "GET", "/", ["GET /", {}]],
  ["values are decoded", ["GET /{x}"], "GET", "/a%2Fb%20c", ["GET /{x}", { x: "a/b c" }]],
  ["a broken encoding stays", ["GET /{x}"], "GET", "/%zz", ["GET /{x}", { x: "%zz" }]],
] as const)("%s", ([, keys, method, path, expected]) => {
  expect(find(keys, method, path)).toEqual(expected);
});

it("a label may have a name that means something to the language", () => {
  const found = new Router([{ key: "GET /{__proto__}" }]).find("GET", "/a");
  expect(Object.entries(found?.parameters ?? {})).toEqual([["__proto__", "a"]]);
});

it.for([
  [["GET /a"], "GET", "/a/"],
  [["GET /a"], "POST", "/a"],
  [["GET /{x}"], "GET", "/"],
  [["GET /{p+}"], "GET", "/"],
  [["GET /a/{x}"], "GET", "/a"],
] as const)("%j does not take %s %s", ([keys, method, path]) => {
  expect(find(keys, method, path)).toBeNull();
});

it.for(["GET", "GET a", "get /a", "HELLO /a", "GET /{a", "GET /a{b}", "GET /{a+}/b", "GET /{a}/{a}", "", "GET  /a"])(
  "%j is no key",
  (key) => {
    expect(readRouteKey(key)).toEqual(expect.any(String));
  },
);
