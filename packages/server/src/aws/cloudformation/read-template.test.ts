import { parseSections } from "@thaw/template/template";
import { expect, it } from "vitest";
import { turnsDuring } from "../../base/testing/slow-clock.ts";
import { readTemplateText } from "./read-template.ts";

const NAME = "Template format error";

function textOf(resources: number, more = ""): string {
  const lines = Array.from(
    { length: resources },
    (_, at) => `  R${at}: { Type: T, Properties: { P: !Sub "x", Q: yes } }`,
  );
  return `Resources:\n${lines.join("\n")}\n${more}`;
}

it("others are served while a large template is read, and it is the same", async () => {
  const text = textOf(4000, "  R0: { Type: T }\n");
  let read: unknown = null;
  const turns = await turnsDuring(async () => (read = await readTemplateText(text, NAME)));
  expect(turns).toBeGreaterThan(0);
  expect(read).toEqual(parseSections(text, NAME));
  const small = textOf(2);
  expect(await readTemplateText(small, NAME)).toEqual(parseSections(small, NAME));
});

it("what is wrong with a template is said, however large it is", async () => {
  for (const resources of [1, 4000])
    await expect(readTemplateText(textOf(resources, "a: [\n"), NAME)).rejects.toThrow(/^Template format error: Flow/);
});
