/** What is said of paths that are not there: of code, of templates, and of what sam build has made. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, it } from "vitest";
import { findTemplate } from "./find-template.ts";
import { notThere } from "./not-there.ts";
import { packageCode } from "./package-code.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "not-there-"));
});

afterEach(() => rmSync(root, { recursive: true }));

/** `ageS`: seconds that it is older than now. */
function write(path: string, content = "", ageS = 0): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
  const time = Date.now() / 1000 - ageS;
  utimesSync(join(root, path), time, time);
}

const said = (path: string): string => notThere(join(root, path)).replaceAll(root, "ROOT");

it("names what is near, what makes the code, or what is there", async ({ expect }) => {
  write("source/app.py");
  write("file");
  expect(said("sorce/deep")).toBe("ROOT/sorce/deep is not there. Did you mean source?");
  expect(said("file/deep/er")).toBe("ROOT/file/deep/er is not there: ROOT/file is a file, and no folder");
  expect(said("elsewhere")).toBe("ROOT/elsewhere is not there. In ROOT there is file, source");
  write("maven/pom.xml");
  write("gradle/build.gradle.kts");
  write("node/package.json", '{"scripts":{"build":"tsc"}}');
  expect(said("maven/target/app.jar")).toBe(
    "ROOT/maven/target/app.jar is not there. Make it: (cd ROOT/maven && mvn package)",
  );
  expect(said("gradle/build/libs/app.jar")).toContain("Make it: (cd ROOT/gradle && gradle build)");
  expect(said("node/dist")).toContain("Make it: (cd ROOT/node && npm run build)");
  // The build of Maven makes nothing there.
  expect(said("maven/code")).toBe("ROOT/maven/code is not there. In ROOT/maven there is pom.xml");
  expect(said(".aws-sam/build/Hello")).toMatch(/which sam build makes: .* Run: sam build$/);
  mkdirSync(join(root, "node/dist"));
  await expect(packageCode(root, "node/dist")).rejects.toThrow(/dist has no files\. Make them: .*npm run build/);
});

it("names the template that was meant", ({ expect }) => {
  const refused = (path: string): string => {
    try {
      return findTemplate(join(root, path)).path;
    } catch (error) {
      return (error as Error).message.replaceAll(root, "ROOT");
    }
  };
  write("hello/template.yaml");
  write("hello/src/app.mjs");
  expect(refused("hello/tempalte.yaml")).toBe(
    "ROOT/hello/tempalte.yaml can't be read: it is not there. Did you mean template.yaml?",
  );
  expect(refused("entirely-else")).toContain("In ROOT these folders have one: hello. A new function");
  expect(refused(".")).toContain("In ROOT these folders have one: hello. Name its file");
  expect(refused("hello/src/app.mjs")).toBe(
    "ROOT/hello/src/app.mjs is no template. Name the template, or the folder that has it",
  );
  expect(refused("hello/template.yaml/x")).toContain("it is not there: ROOT/hello/template.yaml is a file");
});

it("says that the code is newer than what sam build has made", ({ expect }) => {
  const template = `Resources:\n  Hello: { Type: AWS::Serverless::Function, Properties: { CodeUri: src } }\n`;
  write("template.yaml", template, 200);
  write("src/app.py", "", 200);
  write("README.md", "", 0);
  write(".aws-sam/build/template.yaml", template, 100);
  const used = ".aws-sam/build/template.yaml is used, which sam build has written";
  expect(findTemplate(root).notes).toEqual([used]);
  write("src/deep/word.py", "", 50);
  expect(findTemplate(root).notes).toEqual([
    used,
    "src/deep/word.py was saved after sam build has run, and is not in what is deployed. Run: sam build",
  ]);
});
