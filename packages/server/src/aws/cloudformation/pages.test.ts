import { expect, it } from "vitest";
import { pageOf, pageOfFixed } from "./pages.ts";

const itself = (name: string): string => name;

it("a page goes on behind the last item of the one before, though items before it have gone", () => {
  const first = pageOf(["a", "b", "c", "d"], itself, undefined, 2);
  expect(first.items).toEqual(["a", "b"]);
  const token = first.next ?? "";
  expect(pageOf(["c", "d"], itself, token, 2)).toEqual({ items: ["c", "d"], next: null });
  expect(pageOf(["a0", "c"], itself, token, 2)).toEqual({ items: ["c"], next: null });
  expect(pageOf([], itself, token, 2)).toEqual({ items: [], next: null });
});

it("a list that never changes keeps its order", () => {
  const { items, next } = pageOfFixed(["b", "a", "c"], undefined, 2);
  expect(items).toEqual(["b", "a"]);
  expect(pageOfFixed(["b", "a", "c"], next ?? "", 2)).toEqual({ items: ["c"], next: null });
});

it.for(["", "1", "a", "-1", "x y"])("a token that is none of a page is refused: %j", (token) => {
  expect(() => pageOf(["a"], itself, token, 2)).toThrow("NextToken is not valid");
});
