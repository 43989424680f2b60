/**
 * Jars in jars: executable jars of Spring Boot, as they are and in a package, and what is too large or broken in them.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scan } from "@thaw/scan/scan";
import type { ScanResult } from "@thaw/scan/result";
import { compileFixtures, FIXTURES, noServer } from "./compile.ts";

/**
 * Makes an executable jar of the classes in a folder: Handler is the application's, Service a library's, as many jars
 * deep as told. `sys.argv`: folder of the classes, jar, depth, and what else the innermost jar has.
 */
const BOOT = `import io, sys, zipfile
classes, path, depth, more = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
def zipped(entries, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method, compresslevel=1) as jar:
        for name, content in entries:
            with jar.open(name, "w") as entry:
                for piece in content: entry.write(piece)
    return out.getvalue()
def read(name):
    with open(classes + "/cases/" + name, "rb") as file: return [file.read()]
bomb = [("zeros", (bytes(1024 * 1024) for _ in range(513)))] if more == "bomb" else []
library = zipped([("cases/Service.class", read("Service.class"))][:0 if bomb else 1] + bomb)
if more == "cut": library = library[:150]
for _ in range(depth - 1):
    library = zipped([("lib/inner.jar", [library])])
with open(path, "wb") as file:
    file.write(zipped([
        ("org/springframework/boot/loader/Loader.class", [b"no class"]),
        ("BOOT-INF/classes/", []),
        ("BOOT-INF/classes/cases/Handler.class", read("Handler.class")),
        ("BOOT-INF/lib/service.jar", [library]),
    ], zipfile.ZIP_STORED))`;

let scratch: string;
let classes: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-scan-jars-"));
  const folder = join(FIXTURES, "java-cases/field-class");
  classes = compileFixtures(join(scratch, "classes"), [folder]).get(folder) ?? "";
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** Resolves with a scan of a package whose one file is the jar; and of the jar itself. */
async function scanBoth(name: string, depth: number, more = ""): Promise<readonly ScanResult[]> {
  const folder = join(scratch, name);
  mkdirSync(join(folder, "lib"), { recursive: true });
  const jar = join(folder, "lib/app.jar");
  execFileSync("python3", ["-c", BOOT, classes, jar, String(depth), more]);
  const options = { handler: "cases.Handler", dependencies: true };
  return [await scan(folder, options, noServer), await scan(jar, options, noServer)];
}

const found = ({ findings }: ScanResult): readonly string[] => findings.map(({ rule, kept }) => `${rule} ${kept}`);

test.each([1, 2])("classes of a library are found, %i jars deep in an executable jar", async (depth) => {
  for (const result of await scanBoth(`deep-${depth}`, depth)) {
    expect(found(result)).toEqual(["identifier Service.id"]);
    expect(result.problems).toEqual([]);
  }
});

test("a library is the function's own code no more for being in its jar", async () => {
  const folder = join(scratch, "own");
  mkdirSync(folder);
  execFileSync("python3", ["-c", BOOT, classes, join(folder, "app.jar"), "1", ""]);
  expect(found(await scan(folder, { handler: "cases.Handler" }, noServer))).toEqual([]);
});

test("jars within jars that are too large are read in part, and that is said", async () => {
  for (const result of await scanBoth("bomb", 2, "bomb")) {
    expect(result.problems).toEqual(["the jars within jars are too large to be read whole"]);
    expect(result.scanned[0]?.handlers).toEqual(["cases.Handler"]);
  }
});

test("a jar within a jar that is cut is named, and the others are read", async () => {
  for (const result of await scanBoth("cut", 1, "cut")) {
    expect(result.problems).toEqual([expect.stringContaining("app.jar!BOOT-INF/lib/service.jar: ")]);
    expect(result.scanned[0]?.handlers).toEqual(["cases.Handler"]);
  }
});
