import { expect, it } from "vitest";
import { readXml } from "./xml-reader.ts";

const attributes = (count: number): string => Array.from({ length: count }, (_, at) => ` a${at}="1"`).join("");

it("a document with more attributes than any needs is refused", () => {
  expect(readXml(`<A${attributes(10_000)}><B>c</B></A>`).children).toHaveLength(1);
  expect(() => readXml(`<A${attributes(10_001)}/>`)).toThrow("the document has too many attributes");
});
