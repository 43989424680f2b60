import assert from "node:assert/strict";
import { test } from "node:test";
import { afterRestore, beforeSnapshot, handler } from "../src/app.ts";

test("greets by name, and counts calls", async () => {
  const first = await handler({ queryStringParameters: { name: "Ada" } });
  assert.equal(first.statusCode, 200);
  assert.equal(JSON.parse(first.body).message, "Hello, Ada!");
  const second = await handler({});
  assert.deepEqual(JSON.parse(second.body), { message: "Hello, world!", calls: 2, restoredAt: null });
});

test("says when it was restored", async () => {
  beforeSnapshot();
  afterRestore();
  const { restoredAt } = JSON.parse((await handler({})).body);
  assert.ok(Date.parse(restoredAt) <= Date.now());
});
