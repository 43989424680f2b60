/** What test images have in them: a small system, and a runtime in bash. */
import type { LayerEntry } from "@thaw/server/testing/image-files";
import { execFileSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { basename } from "node:path";

/** A small system: bash, and a few programs with their libraries, from this host. */
export function systemLayer(): Readonly<Record<string, LayerEntry>> {
  const programs = ["bash", "ls", "cat", "id", "stat", "readlink"].map((name) => `/usr/bin/${name}`);
  const files = new Map<string, string>(programs.map((path) => [`usr/bin/${basename(path)}`, path]));
  for (const program of programs) {
    for (const [, path = ""] of execFileSync("ldd", [program], { encoding: "utf8" }).matchAll(/(\/\S+\.so\S*)/g))
      files.set(path.startsWith("/lib64") ? `usr${path}` : `usr/lib/${basename(path)}`, realpathSync(path));
  }
  const links = { bin: "usr/bin", lib: "usr/lib", lib64: "usr/lib64" };
  return {
    ...Object.fromEntries(Object.entries(links).map(([path, linkpath]) => [path, { type: "SymbolicLink", linkpath }])),
    ...Object.fromEntries(
      [...files].map(([path, source]) => [path, { content: readFileSync(source), mode: 0o755, type: "File" }]),
    ),
    "usr/bin/sh": { type: "SymbolicLink", linkpath: "bash" },
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
  } as Readonly<Record<string, LayerEntry>>;
}

/**
 * A runtime in bash, without other programs: runs the event, a command in quotes, and answers with what it printed.
 * With `hooks` it asks for its restore, so that it can be in a snapshot without a label.
 */
export function bashRuntime(hooks: boolean): string {
  return `#!/bin/bash
call() {
  exec 3<>"/dev/tcp/\${AWS_LAMBDA_RUNTIME_API%:*}/\${AWS_LAMBDA_RUNTIME_API#*:}"
  printf '%s /2018-06-01/runtime/%s HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s' \\
    "$1" "$2" "\${#3}" "$3" >&3
  length=0
  while IFS= read -r -u 3 line && [ "$line" != $'\\r' ]; do
    line=\${line%$'\\r'}
    case \${line,,} in
      lambda-runtime-aws-request-id:*) id=\${line#*: } ;;
      content-length:*) length=\${line#*: } ;;
    esac
  done
  body=
  [ "$length" -gt 0 ] && IFS= read -r -u 3 -N "$length" body
  exec 3>&-
}
started="$*"
${hooks ? '[ "$AWS_LAMBDA_INITIALIZATION_TYPE" = snap-start ] && call GET restore/next' : ""}
while :; do
  call GET invocation/next
  command=\${body#\\"}
  out=$(eval "\${command%\\"}" 2>&1)
  out=\${out//\\\\/\\\\\\\\}
  out=\${out//\\"/\\\\\\"}
  call POST "invocation/$id/response" "\\"\${out//$'\\n'/\\\\n}\\""
done
`;
}
