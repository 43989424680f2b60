/**
 * Finds the template that a command is for, as AWS's tools do: template.yaml, template.yml or template.json of a
 * folder, or what `sam build`, `cdk synth` or `osls package` have written there; and the name of its stack.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve, sep } from "node:path";
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import { isStackName, toStackName } from "@thaw/template/stack-names";
import { didYouMean } from "../did-you-mean.ts";
import { firstMissing } from "./not-there.ts";
import { staleBuild } from "./stale-build.ts";

export interface FoundTemplate {
  readonly path: string;
  /** Sentences about the choice. */
  readonly notes: readonly string[];
}

const NAMES = ["template.yaml", "template.yml", "template.json"];
const BUILT = join(".aws-sam", "build", "template.yaml");
/** Files that people name by mistake. */
const CODE = /\.(?:[cm]?[jt]sx?|py|java|kt|go|rs|md|zip|jar|toml|html)$/;
const FOLDERS_MAX = 1000;
const SHOWN_MAX = 10;
const CDK_FOLDER = "cdk.out";
const CDK_TEMPLATE = ".template.json";
const OSLS_FOLDER = ".serverless";
const OSLS = join(OSLS_FOLDER, "cloudformation-template-update-stack.json");

/** Throws CommandError when there is none. `given`: a file or a folder; undefined: this folder. */
export function findTemplate(given: string | undefined): FoundTemplate {
  const path = resolve(given ?? ".");
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new CommandError(`${path} can't be read: it is not there${insteadOf(path)}`);
  if (found.isDirectory()) return findIn(path);
  if (CODE.test(path)) throw new CommandError(`${path} is no template. Name the template, or the folder that has it`);
  return { path, notes: [] };
}

/** What may have been meant by a path that is not there. */
function insteadOf(path: string): string {
  const { above, missing } = firstMissing(path);
  if (!statSync(above).isDirectory()) return `: ${above} is a file`;
  const near = didYouMean(missing, readdirSync(above));
  if (near !== null) return `. ${near}`;
  return `${templatesBelow(above)}. A new function with a template: ${PROGRAM} init FOLDER`;
}

/** Folders right below that have a template. */
function templatesBelow(folder: string): string {
  const found = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules")
    .slice(0, FOLDERS_MAX)
    .filter(({ name }) => [...NAMES, BUILT].some((each) => existsSync(join(folder, name, each))))
    .map(({ name }) => name)
    .toSorted();
  if (found.length === 0) return "";
  const more = found.length > SHOWN_MAX ? ", and others" : "";
  return `. In ${folder} these folders have one: ${found.slice(0, SHOWN_MAX).join(", ")}${more}`;
}

function findIn(folder: string): FoundTemplate {
  const [source, ...others] = NAMES.map((name) => join(folder, name)).filter((path) => existsSync(path));
  const built = join(folder, BUILT);
  const notes = others.map((other) => `${basename(other)} is not used: there is ${basename(source ?? "")}`);
  if (existsSync(built) && (source === undefined || isOlder(source, built)))
    return { path: built, notes: [...notes, ...notesOfBuilt(source, built)] };
  if (source === undefined) return findOthers(folder);
  if (existsSync(built)) notes.push(`${BUILT} is not used: ${basename(source)} is newer. Run sam build to build again`);
  return { path: source, notes };
}

function notesOfBuilt(source: string | undefined, built: string): readonly string[] {
  const stale = source === undefined ? null : staleBuild(source, built);
  return [`${BUILT} is used, which sam build has written`, ...(stale === null ? [] : [stale])];
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
    `${folder} has no template: no ${NAMES.join(", no ")} and no ${BUILT}${templatesBelow(folder)}. Name its file, or make one: ${PROGRAM} init`,
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
