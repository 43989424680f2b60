import { expect, it } from "vitest";
import { givenTexts, withoutGiven } from "./given-texts.ts";

it("lists the texts of an event in their order, each once, and no numbers and short ones", () => {
  const event = { a: "one two", b: ["SALT", { c: "SALT" }, "ab", "1234", 'a"b', null, 7], d: "three" };
  expect(givenTexts(event)).toEqual({ texts: ["one two", "SALT", "three"], isWhole: true });
  expect(givenTexts("alone")).toEqual({ texts: ["alone"], isWhole: true });
});

it("lists a hundred of them, and says that there are more", () => {
  const texts = Array.from({ length: 101 }, (_, index) => `text-${index}`);
  expect(givenTexts(texts.slice(0, 100))).toEqual({ texts: texts.slice(0, 100), isWhole: true });
  expect(givenTexts(texts)).toEqual({ texts: texts.slice(0, 100), isWhole: false });
  expect(givenTexts([...texts.slice(0, 100), ...texts.slice(0, 100)]).isWhole).toBe(true);
});

it("looks at so many values, however deep they are", () => {
  const deep = JSON.parse(`${"[".repeat(200_000)}"deep"${"]".repeat(200_000)}`) as unknown;
  expect(givenTexts(deep)).toEqual({ texts: [], isWhole: false });
});

it("puts blanks in the places of given texts", () => {
  const given = ["SALT", "one"];
  expect(withoutGiven('{"a":"SALTx","b":"one"}', given)).toBe('{"a":"    x","b":"   "}');
  expect(withoutGiven('{"a":"SALTx","b":"one"}', given)).toBe('{"a":"    x","b":"   "}');
  expect(withoutGiven("SALT", [])).toBe("SALT");
});
