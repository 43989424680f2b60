import type { OperationName } from "@thaw/aws-api";
import { expect, expectTypeOf, test } from "vitest";
import { type Call, type In, type Operations, operationNames, type OperationsOf, type Out } from "./operations.ts";

/** Alike in all but the operation: an alias's name in, the alias out. */
declare const aliases: {
  get(input: In<"GetAlias">): Out<"GetAlias">;
  create(input: In<"CreateAlias">): Promise<Out<"CreateAlias">>;
};
declare const invoke: (input: In<"Invoke">, call: Call) => Promise<Out<"Invoke">>;

/** Never called: the compiler is what checks these. */
export const checkedByTheCompiler = [
  (): Operations => ({ GetAlias: (input) => aliases.get(input), CreateAlias: (input) => aliases.create(input) }),
  (): Operations => ({ Invoke: (input, call) => invoke(input, call) }),
  // @ts-expect-error GetAlias is not CreateAlias, though it takes and answers alike.
  (): Operations => ({ CreateAlias: (input) => aliases.get(input) }),
  // @ts-expect-error Nor is it when its method is bound.
  (): Operations => ({ CreateAlias: aliases.get.bind(aliases) }),
  // @ts-expect-error Aliases answer with an alias.
  (): Operations => ({ GetAlias: () => ({ FunctionVersion: 1 }) }),
  // @ts-expect-error There is no such operation in the model.
  (): Operations => ({ GetAliass: (input: In<"GetAlias">) => aliases.get(input) }),
  // @ts-expect-error A family returns all of its operations.
  (): OperationsOf<"GetAlias" | "CreateAlias"> => ({ GetAlias: (input) => aliases.get(input) }),
];

test("a plain object is an operation's input", () => {
  expectTypeOf({ FunctionName: "f", Name: "live" }).toExtend<In<"GetAlias">>();
  expectTypeOf<In<"GetAlias">>().not.toExtend<In<"CreateAlias">>();
  expectTypeOf<keyof Operations>().toEqualTypeOf<OperationName>();
});

test("the operations that exist are listed by name", () => {
  expect(operationNames({ ListTags: () => ({}), CreateAlias: () => ({}) })).toEqual(["CreateAlias", "ListTags"]);
});
