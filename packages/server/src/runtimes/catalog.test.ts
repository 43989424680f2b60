import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { createRuntimeCatalog } from "./catalog.ts";

let home: string;
const clock = new FakeClock();

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "thaw-catalog-"));
  mkdirSync(join(home, "clients/nodejs24"), { recursive: true });
  writeFileSync(join(home, "clients/nodejs24/.recipe"), "one");
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

function addNode(name: string, content: string): void {
  mkdirSync(join(home, "runtimes", name, "bin"), { recursive: true });
  writeFileSync(join(home, "runtimes", name, "bin/node"), content);
}

const openCatalog = (): ReturnType<typeof createRuntimeCatalog> =>
  createRuntimeCatalog({ thawHome: home, clientsDir: join(home, "clients"), arnOf: (runtime) => runtime, clock });

describe("the catalog", () => {
  it("gives the newest release, and an older one by its fingerprint as long as it is there", ({ expect }) => {
    const catalog = openCatalog();
    expect(catalog.find("nodejs24.x")).toBeNull();
    expect(catalog.remedy("nodejs24.x")).toContain("runtimes install nodejs24");
    addNode("nodejs24", "first");
    const first = catalog.find("nodejs24.x");
    expect(first?.lang).toBe("nodejs24");
    addNode("nodejs24.r1", "second");
    // Half installed, or something else altogether.
    for (const name of ["nodejs24.r2.new", "nodejs24.new", "nodejs24.r0", "nodejs24.rx"]) addNode(name, "no");
    expect(catalog.find("nodejs24.x")?.lang).toBe("nodejs24.r1");
    addNode("nodejs24.r10", "third");
    expect(catalog.find("nodejs24.x")?.lang).toBe("nodejs24.r10");
    expect(catalog.find("nodejs24.x", first?.fingerprint)?.lang).toBe("nodejs24");
    expect(catalog.releases().map(({ runtime, name, isNewest }) => [runtime, name, isNewest])).toEqual([
      ["nodejs24.x", "nodejs24.r10", true],
      ["nodejs24.x", "nodejs24.r1", false],
      ["nodejs24.x", "nodejs24", false],
    ]);
    expect(catalog.releases().at(-1)?.fingerprint).toBe(first?.fingerprint);
    rmSync(join(home, "runtimes/nodejs24"), { recursive: true });
    expect(catalog.find("nodejs24.x", first?.fingerprint)).toBeNull();
  });

  it("answers from an older look where that will do, and from a new one where it is too old", async ({ expect }) => {
    const catalog = openCatalog();
    const recent = (): string | null | undefined => catalog.find("nodejs24.x", undefined, 1000)?.lang;
    addNode("nodejs24", "first");
    expect(recent()).toBe("nodejs24");
    addNode("nodejs24.r1", "second");
    expect(recent()).toBe("nodejs24");
    await clock.advance(1000);
    expect(recent()).toBe("nodejs24.r1");
    addNode("nodejs24.r2", "third");
    // A look for somebody else is as good.
    expect(catalog.find("nodejs24.x")?.lang).toBe("nodejs24.r2");
    expect(recent()).toBe("nodejs24.r2");
  });

  it("notices while it runs that a language or its client was replaced in place", ({ expect }) => {
    addNode("nodejs24", "first");
    const catalog = openCatalog();
    const before = catalog.find("nodejs24.x")?.fingerprint;
    expect(openCatalog().find("nodejs24.x")?.fingerprint).toBe(before);
    writeFileSync(join(home, "runtimes/nodejs24/bin/node"), "other");
    utimesSync(join(home, "runtimes/nodejs24/bin/node"), 1000, 1000);
    const after = catalog.find("nodejs24.x")?.fingerprint;
    expect(after).not.toBe(before);
    expect(catalog.find("nodejs24.x", before)).toBeNull();
    cpSync(join(home, "clients/nodejs24/.recipe"), join(home, "clients/nodejs24/old"));
    writeFileSync(join(home, "clients/nodejs24/.recipe"), "another");
    expect(catalog.find("nodejs24.x")?.fingerprint).not.toBe(after);
  });

  it("gives the OS-only runtimes AWS's variables, without a language's folders", ({ expect }) => {
    mkdirSync(join(home, "clients/provided"));
    for (const runtime of ["provided.al2023", "provided.al2"])
      expect(openCatalog().find(runtime)?.env).toEqual({
        LANG: "en_US.UTF-8",
        PATH: "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        LD_LIBRARY_PATH: "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
      });
  });

  it("gives Java AWS's variables, without those of a shell", ({ expect }) => {
    mkdirSync(join(home, "clients/java"));
    const java = join(home, "runtimes/java21/usr/lib/jvm/jdk");
    mkdirSync(join(java, "bin"), { recursive: true });
    writeFileSync(join(java, "release"), 'JAVA_VERSION="21.0.4"');
    writeFileSync(join(java, "bin/java"), "");
    const recipe = openCatalog()
      .all()
      .find(({ root }) => root === "java21");
    expect(recipe?.env).toEqual({
      LANG: "en_US.UTF-8",
      PATH: "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
      LD_LIBRARY_PATH: "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    });
  });
});
