/** Which project builds a function, how it is asked, and what of its output is shown; the tools are scripts here. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findJavaBuild, type JavaBuild, JavaBuilds, sourcesOf } from "./java.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "dev-java-"));
});

afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text = ""): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** A wrapper that writes down its arguments, and then does what the script says. */
function tool(path: string, script: string): void {
  write(path, `#!/bin/sh\necho "$*" >> "${root}/asked"\n${script}\n`);
  chmodSync(join(root, path), 0o755);
}

const asked = (): readonly string[] => readFileSync(join(root, "asked"), "utf8").trimEnd().split("\n");
const found = (path: string): JavaBuild | null => findJavaBuild(join(root, path), "java21");

it("finds the project that makes what CodeUri names", () => {
  write("maven/pom.xml");
  write("gradle/build.gradle.kts");
  const maven = { tool: "maven", project: join(root, "maven") };
  const gradle = { tool: "gradle", project: join(root, "gradle") };
  expect(found("maven")).toEqual({ ...maven, makes: "folder" });
  expect(found("maven/target/app.jar")).toEqual({ ...maven, makes: "package" });
  expect(found("maven/target/classes")).toEqual({ ...maven, makes: "classes" });
  expect(found("gradle/build/distributions/app.zip")).toEqual({ ...gradle, makes: "package" });
  expect(found("gradle/build/classes/java/main")).toEqual({ ...gradle, makes: "classes" });
  // Nothing of these is made by the project.
  for (const path of ["maven/lib/app.jar", "gradle", "other/target/app.jar"]) expect(found(path)).toBeNull();
  expect(findJavaBuild(join(root, "maven"), "python3.13")).toBeNull();
  expect(sourcesOf({ tool: "maven", project: "/p", makes: "folder" })).toEqual(["/p/src", "/p/pom.xml"]);
});

it("builds without tests and without a network, and with one where something has to be fetched", async () => {
  write("app/pom.xml");
  // The wrapper of the project that this one is a module of.
  tool("mvnw", 'case "$*" in *--offline*) echo "Cannot access central in offline mode"; exit 1;; esac');
  const build = { tool: "maven", project: join(root, "app"), makes: "package" } as const;
  expect(await new JavaBuilds().build(build, "")).toBeNull();
  expect(asked()).toEqual([
    "--offline --batch-mode --quiet -DskipTests package",
    "--batch-mode --quiet -DskipTests package",
  ]);
});

it("lays out classes and libraries as sam build does", async () => {
  const to = join(root, "to");
  write("to/old.class");
  tool("mvnw", `mkdir -p target/classes/app "${to}/lib"; touch target/classes/app/App.class "${to}/lib/a.jar"`);
  expect(await new JavaBuilds().build({ tool: "maven", project: root, makes: "folder" }, to)).toBeNull();
  expect(asked()[0]).toContain(
    `compile dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=${to}/lib`,
  );
  expect(["old.class", "app/App.class", "lib/a.jar"].map((name) => existsSync(join(to, name)))).toEqual([
    false,
    true,
    true,
  ]);
});

it("says that a build made no classes, and that the project has gone", async () => {
  const build = { tool: "maven", project: root, makes: "folder" } as const;
  tool("mvnw", "");
  expect(await new JavaBuilds().build(build, join(root, "to"))).toBe(
    "the build made no target/classes: is there code in src/main/java?",
  );
  const gone = { ...build, project: join(root, "gone") };
  await expect(new JavaBuilds().build(gone, "")).rejects.toThrow(`${gone.project} is not there`);
});

it("runs Gradle without a daemon, and says what is missing", async () => {
  tool("gradlew", "");
  const build = { tool: "gradle", project: root, makes: "package" } as const;
  expect(await new JavaBuilds().build(build, "")).toBeNull();
  expect(await new JavaBuilds().build({ ...build, makes: "classes" }, "")).toBeNull();
  expect(asked()).toEqual([
    "--offline --no-daemon --quiet --console=plain build -x test",
    "--offline --no-daemon --quiet --console=plain classes",
  ]);
});

it("shows the errors of the code, each once, and not the tool's advice", async () => {
  tool(
    "mvnw",
    `cat <<END
[ERROR] COMPILATION ERROR : 
[ERROR] ${root}/src/App.java:[3,7] ';' expected
[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.14.1:compile: Compilation failure
[ERROR] ${root}/src/App.java:[3,7] ';' expected
[ERROR] 
[ERROR] -> [Help 1]
[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.
END
exit 1`,
  );
  const build = { tool: "maven", project: root, makes: "classes" } as const;
  expect(await new JavaBuilds().build(build, "")).toBe("src/App.java:[3,7] ';' expected");
});

it("shows the errors that Gradle 4.4.1 of Debian 12 gives, and not what it says around them", async () => {
  tool(
    "gradlew",
    `cat >&2 <<END
openjdk version "17.0.15" 2025-04-15
OpenJDK Runtime Environment (build 17.0.15+6-Debian-1deb12u1)
OpenJDK 64-Bit Server VM (build 17.0.15+6-Debian-1deb12u1, mixed mode, sharing)
${root}/src/main/java/demo/App.java:2: error: illegal start of expression
public class App { int x = ; }
                           ^
1 error

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':compileJava'.
> Compilation failed; see the compiler error output for details.

* Try:
Run with --stacktrace option to get the stack trace. Run with --info or --debug option to get more log output.

* Get more help at https://help.gradle.org

BUILD FAILED in 7s
END
exit 1`,
  );
  const build = { tool: "gradle", project: root, makes: "classes" } as const;
  expect(await new JavaBuilds().build(build, "")).toBe(
    `src/main/java/demo/App.java:2: error: illegal start of expression
public class App { int x = ; }
                           ^`,
  );
});

it("builds a project once for all functions of a save, and never twice at the same time", async () => {
  tool("mvnw", `mkdir "${root}/busy" || exit 1; rmdir "${root}/busy"; mkdir -p target/classes`);
  const build = { tool: "maven", project: root, makes: "package" } as const;
  const builds = new JavaBuilds();
  const all = [
    builds.build(build, ""),
    builds.build(build, ""),
    builds.build({ ...build, makes: "folder" }, join(root, "a")),
    builds.build({ ...build, makes: "folder" }, join(root, "b")),
  ];
  expect(await Promise.all(all)).toEqual([null, null, null, null]);
  expect(asked()).toHaveLength(3);
});
