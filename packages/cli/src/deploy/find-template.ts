/**
 * Finds the template that a command is for, as AWS's tools do: template.yaml, template.yml or template.json of a
 * folder, or what `sam build`, `cdk synth` or `osls package` have written there; and the name of its stack.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve, sep } from "node:path";
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import { isStackName, toStackName } from "@thaw/template/stack-names";

export interface FoundTemplate {
  readonly path: string;
  /** Sentences about the choice. */
  readonly notes: readonly string[];
}

const NAMES = ["template.yaml", "template.yml", "template.json"];
const BUILT = join(".aws-sam", "build", "template.yaml");
const CDK_FOLDER = "cdk.out";
const CDK_TEMPLATE = ".template.json";
const OSLS_FOLDER = ".serverless";
const OSLS = join(OSLS_FOLDER, "cloudformation-template-update-stack.json");

/** Throws CommandError when there is none. `given`: a file or a folder; undefined: this folder. */
export function findTemplate(given: string | undefined): FoundTemplate {
  const path = resolve(given ?? ".");
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw new CommandError(
      `${path} can't be read: it is not there. A new function with a template: ${PROGRAM} init FOLDER`,
    );
  return found.isDirectory() ? findIn(path) : { path, notes: [] };
}

function findIn(folder: string): FoundTemplate {
  const [source, ...others] = NAMES.map((name) => join(folder, name)).filter((path) => existsSync(path));
  const built = join(folder, BUILT);
  const notes = others.map((other) => `${basename(other)} is not used: there is ${basename(source ?? "")}`);
  if (existsSync(built) && (source === undefined || isOlder(source, built)))
    return { path: built, notes: [...notes, `${BUILT} is used, which sam build has written`] };
  if (source === undefined) return findOthers(folder);
  if (existsSync(built)) notes.push(`${BUILT} is not used: ${basename(source)} is newer. Run sam build to build again`);
  return { path: source, notes };
}

/** What other tools have written: a folder of the CDK's is one, or has one. */
function findOthers(folder: string): FoundTemplate {
  const assembly = basename(folder) === CDK_FOLDER ? folder : join(folder, CDK_FOLDER);
  const stacks = existsSync(assembly) ? readdirSync(assembly).filter((name) => name.endsWith(CDK_TEMPLATE)) : [];
  if (stacks.length > 1)
    throw new CommandError(`${assembly} has several stacks. Name one of them: ${stacks.toSorted().join(", ")}`);
  const [stack] = stacks;
  if (stack !== undefined) return { path: join(assembly, stack), notes: [`${CDK_FOLDER}/${stack} is used`] };
  const osls = join(folder, OSLS);
  if (existsSync(osls)) return { path: osls, notes: [`${OSLS} is used, which osls package has written`] };
  throw new CommandError(
    `${folder} has no template: no ${NAMES.join(", no ")} and no ${BUILT}. Name its file, or make one: ${PROGRAM} init`,
  );
}

function isOlder(one: string, other: string): boolean {
  return statSync(one).mtimeMs <= statSync(other).mtimeMs;
}

/**
 * The given name; else the one that the tool gave it which wrote the template; else that of the project's folder, with
 * that of the file where it has one of its own, so that two templates of a folder are two stacks. `note`: takes a
 * sentence where the name had to be made fit. Throws CommandError where the given name is none.
 */
export function nameStack(path: string, given: string | undefined, note: (text: string) => void): string {
  if (given !== undefined) {
    if (!isStackName(given))
      throw new CommandError(
        `--stack-name ${given}: expected at most 128 letters, digits and -, of which the first is a letter`,
      );
    return given;
  }
  const ofTool = basename(dirname(path)) === OSLS_FOLDER ? oslsStack(path) : cdkStack(path);
  if (ofTool !== null && isStackName(ofTool)) return ofTool;
  const folder = basename(projectDirectory(path));
  const stem = basename(path, extname(path));
  const wanted = stem === "template" || basename(dirname(path)) === OSLS_FOLDER ? folder : `${folder}-${stem}`;
  const name = toStackName(wanted);
  if (name !== wanted)
    note(`the stack is called ${name}, for ${wanted} can't be a stack's name (or give --stack-name)`);
  return name;
}

/** Names the project of a template; that of `sam build` lies in PROJECT/.aws-sam/build, that of osls in .serverless. */
function projectDirectory(path: string): string {
  const parts = dirname(path).split(sep);
  if (parts.at(-1) === OSLS_FOLDER) return parts.slice(0, -1).join(sep);
  return parts.slice(-2).join("/") === ".aws-sam/build" ? parts.slice(0, -2).join(sep) : dirname(path);
}

/** By the manifest that `cdk synth` has written, else by the file's name; null: the template is none of the CDK's. */
function cdkStack(path: string): string | null {
  if (!path.endsWith(CDK_TEMPLATE)) return null;
  const { artifacts = {} } = readJson(join(dirname(path), "manifest.json")) as {
    readonly artifacts?: Readonly<Record<string, { readonly properties?: Readonly<Record<string, unknown>> }>>;
  };
  const own = Object.entries(artifacts).find(([, { properties }]) => properties?.["templateFile"] === basename(path));
  const named = own?.[1].properties?.["stackName"];
  return typeof named === "string" ? named : (own?.[0] ?? basename(path).slice(0, -CDK_TEMPLATE.length));
}

function oslsStack(path: string): string | null {
  const { service } = readJson(join(dirname(path), "serverless-state.json")) as {
    readonly service?: {
      readonly service?: unknown;
      readonly provider?: { readonly stackName?: unknown; readonly stage?: unknown };
    };
  };
  const { stackName, stage } = service?.provider ?? {};
  if (typeof stackName === "string") return stackName;
  return typeof service?.service === "string" && typeof stage === "string" ? `${service.service}-${stage}` : null;
}

/** Empty where it can't be read. */
function readJson(path: string): object {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as object;
  } catch {
    return {};
  }
}
