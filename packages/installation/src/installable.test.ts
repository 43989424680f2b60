import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { INSTALLABLE, installName } from "./installable.ts";
import { ROOT } from "./index.ts";

it("lists what the script installs", () => {
  const script = readFileSync(join(ROOT, "tools/install-runtime.sh"), "utf8");
  const names = [...script.matchAll(/^ {2}([a-z]+[0-9.]+)\) install_/gm)].map(([, name]) => name);
  expect(new Set(names)).toEqual(new Set(INSTALLABLE));
});

it("takes the names of functions, and nothing else", () => {
  expect(["nodejs20.x", "nodejs24", "java17", "python3.11"].map(installName)).toEqual([
    "nodejs20",
    "nodejs24",
    "java17",
    "python3.11",
  ]);
  expect(["python3.12", "java8.al2", "nodejs22.y", "java21 --update", "../java21", ""].map(installName)).toEqual(
    Array.from({ length: 6 }, () => null),
  );
});
