import { expect, it } from "vitest";
import { SerializationError } from "../validate.ts";
import { formOf, textOf } from "./utf8.ts";

it.for(["ff", "c3", "eda080", "c0af"])("bytes that are no UTF-8 are refused: %s", (bytes) => {
  const body = Buffer.concat([Buffer.from("a="), Buffer.from(bytes, "hex")]);
  expect(() => textOf(body)).toThrow(SerializationError);
  expect(() => formOf(body)).toThrow(SerializationError);
});

it.for(["a=%ff", "a=%c3", "%e2%82=b", "a=%ED%A0%80"])("escapes of a form that are no UTF-8 are refused: %s", (text) => {
  expect(() => formOf(Buffer.from(text))).toThrow(SerializationError);
});

it("others are read as they are", () => {
  expect(textOf(Buffer.from("\ufeffé€😀"))).toBe("\ufeffé€😀");
  expect(formOf(Buffer.from("a=%C3%A9+%e2%82%ac%F0%9F%98%80&b=100%&c=%zz&d=é")).toString()).toBe(
    new URLSearchParams({ a: "é €😀", b: "100%", c: "%zz", d: "é" }).toString(),
  );
});
