/** Texts and examples of the commands' help. */
import type { Command } from "commander";
import { PROGRAM } from "@thaw/installation";

/** Command lines by the path of their command, without the program's name. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  "": [
    "serve",
    "init hello --runtime nodejs",
    "deploy samples/nodejs/template.yml",
    "invoke primes:live '{\"below\": 1000}'",
    "logs primes --follow",
  ],
  backup: ["backup /srv/backup/thaw-monday", "backup /srv/backup/thaw --data /var/lib/thaw/data"],
  restore: ["restore /srv/backup/thaw-monday --data /var/lib/thaw/data"],
  init: ["init hello --runtime python", "init"],
  deploy: [
    "deploy",
    "deploy shop/template.yaml --stack-name shop",
    "deploy --parameter-overrides Stage=prod Memory=512",
    "deploy --parameter-overrides ParameterKey=Stage,ParameterValue=prod",
    "deploy --skip-unsupported --env-vars env.json",
    "deploy cdk.out/Shop.template.json",
  ],
  dev: [
    "dev",
    "dev shop/template.yaml --stack-name shop-anna",
    "dev --parameter-overrides Stage=dev --delete-on-exit",
    "dev --debug Primes",
  ],
  diff: ["diff", "diff shop/template.yaml --stack-name shop --exit-code"],
  delete: ["delete", "delete shop --yes"],
  invoke: ["invoke primes:live", "invoke primes:live '{\"below\": 1000}'", "invoke primes:live @event.json --quiet"],
  logs: ["logs primes", "logs primes --follow"],
  invocations: [
    "invocations",
    "invocations primes:live --cold --follow",
    "invocations 6f1ed002-ab59-4b5c-8ef4-0123456789ab",
  ],
  top: ["top"],
  scan: [
    "scan .",
    "scan template.yaml --fail-on warning",
    "scan primes:live",
    "scan function.zip --sarif > scan.sarif",
  ],
  check: ["check primes:live", "check primes:live --event event.json --clones 4 --html report.html"],
  compare: [
    "compare primes",
    "compare primes --event '{\"below\": 1000}' --html compare.html",
    "compare primes 2 3 --count 20 --svg compare.svg",
    "compare primes live --max-cold-p50 50ms --github",
  ],
  "environments ls": ["environments ls", "environments ls --function primes"],
  "environments stop": ["environments stop --function primes:live", "environments stop"],
  "snapshots ls": ["snapshots ls", "snapshots ls --json"],
  "snapshots inspect": ["snapshots inspect primes:3"],
  "snapshots verify": ["snapshots verify", "snapshots verify primes:3 --local"],
  "runtimes ls": ["runtimes ls"],
  "runtimes install": ["runtimes install nodejs22.x", "runtimes install java21"],
  "runtimes update": ["runtimes update nodejs22.x"],
  "engines ls": ["engines ls", "engines ls --json"],
  "engines install": ["engines install gvisor"],
  "images base": ["images base nodejs22.x /srv/images/base", "images base java21 base-java21.tar"],
  "runtimes prune": ["runtimes prune --dry-run"],
  "keys ls": ["keys ls"],
  "keys create": ["keys create arn:aws:kms:us-east-1:000000000000:key/mine"],
  "keys enable": ["keys enable arn:aws:kms:us-east-1:000000000000:key/mine"],
  "keys disable": ["keys disable default"],
  "keys delete": ["keys delete arn:aws:kms:us-east-1:000000000000:key/mine"],
  "accounts ls": ["accounts ls"],
  "accounts add": ["accounts add 222222222222 --name team-b"],
  "accounts rotate": ["accounts rotate 222222222222", "accounts rotate 222222222222 --now"],
  "accounts rm": ["accounts rm 222222222222"],
  doctor: ["doctor", "doctor --json"],
  console: ["console", "console --print --read-only"],
  completion: [
    "completion bash > /etc/bash_completion.d/thaw",
    "completion fish > ~/.config/fish/completions/thaw.fish",
  ],
};

/** Where a command finds its server, for those that have one. */
const WITHOUT_SERVER = new Set([
  "backup",
  "restore",
  "completion",
  "init",
  "init",
  "engines ls",
  "engines install",
  "images base",
  "runtimes install",
  "runtimes update",
]);
const SERVER = `
The server is the one that runs on this host. Another one, or one of several: THAW_ENDPOINT (with THAW_ACCESS_KEY_ID and
THAW_SECRET_ACCESS_KEY, as "${PROGRAM} env" prints them on its host), or THAW_DATA (its data directory). Another account
or region of it: ${PROGRAM} --account ID --region NAME, before the command.`;

/** Adds examples to all commands below this one, and says how they find their server. */
export function addHelp(command: Command, path = ""): void {
  const examples = (EXAMPLES[path] ?? []).map((line) => `  ${PROGRAM} ${line}`);
  if (path === "env") examples.push(`  eval "$(${PROGRAM} env)"`);
  if (examples.length > 0) command.addHelpText("after", `\nExamples:\n${examples.join("\n")}`);
  if (path !== "" && command.commands.length === 0 && !WITHOUT_SERVER.has(path)) command.addHelpText("after", SERVER);
  for (const each of command.commands) addHelp(each, path === "" ? each.name() : `${path} ${each.name()}`);
}
