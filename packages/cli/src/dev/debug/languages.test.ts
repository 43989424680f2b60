/** Variables with a debugger in them, and what stays of them without it. */
import { expect, it } from "vitest";
import { type Language, languageOf, withDebugger, withoutDebugger } from "./languages.ts";

function known(runtime: string): Language {
  const language = languageOf(runtime);
  if (language === null) throw new Error(`no debugger for ${runtime}`);
  return language;
}

const NODEJS = known("nodejs24.x");

it("adds the runtime's own option to what the function has", () => {
  expect(withDebugger({ A: "1", NODE_OPTIONS: "--enable-source-maps" }, NODEJS, true)).toEqual({
    A: "1",
    NODE_OPTIONS: "--enable-source-maps --inspect-wait=127.0.0.1:9229",
    THAW_DEBUG_PORT: "9229",
  });
  expect(withDebugger({}, NODEJS, false)).toEqual({
    NODE_OPTIONS: "--inspect=127.0.0.1:9229",
    THAW_DEBUG_PORT: "9229",
  });
});

it("leaves nothing of it, whatever was added how often", () => {
  for (const own of [{}, { NODE_OPTIONS: "" }, { NODE_OPTIONS: "--a  --b" }, { A: "1" }])
    for (const waits of [true, false]) {
      const twice = withDebugger(withDebugger(own, NODEJS, !waits), NODEJS, waits);
      expect(withoutDebugger(twice, NODEJS)).toEqual(own.NODE_OPTIONS === "" ? {} : own);
    }
});

it("knows no debugger of a custom runtime", () => {
  expect(languageOf("provided.al2023")).toBeNull();
});
