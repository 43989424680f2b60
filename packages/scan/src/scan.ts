/** Finds snapshot hazards without running the code. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { CommandError } from "@thaw/installation/command-error";
import { scanJava, scanPython, type ScannerOptions } from "./external.ts";
import type { RawFinding, RawScan } from "./finding.ts";
import { scanJavaScript } from "./javascript/scan.ts";
import { type Finding, messageOf, type ScannedUnit, type ScanResult } from "./result.ts";
import { ruleOf } from "./rules.ts";
import { Suppressions } from "./suppress.ts";
import { type FetchDeployed, findUnits, type TargetOptions } from "./target.ts";
import type { Language, Unit } from "./unit.ts";

const JVM_SOURCES = new Set([".java", ".kt", ".scala", ".groovy"]);

export interface ScanOptions extends TargetOptions {
  /** Follow the function's dependencies too, not only its own code. */
  readonly dependencies?: boolean;
}

/**
 * Scans the code of one or more functions.
 *
 * @param target path of a folder, zip, jar, template or file, or the name of a deployed function
 * @param fetchDeployed brings the package of a deployed function
 * @throws CommandError where there is nothing to scan
 */
export async function scan(target: string, options: ScanOptions, fetchDeployed: FetchDeployed): Promise<ScanResult> {
  const scratch = mkdtempSync(join(tmpdir(), "thaw-scan-"));
  try {
    const units = await findUnits(target, options, scratch, fetchDeployed);
    const findings: Finding[] = [];
    const scanned: ScannedUnit[] = [];
    const problems: string[] = [];
    for (const unit of units) {
      const raw = await scanUnit(unit, { handler: unit.handler, withDependencies: options.dependencies === true });
      scanned.push({ name: unit.name, languages: unit.languages, handlers: raw.handlers, files: raw.files });
      const suppressions = new Suppressions(unit.root.endsWith(".jar") ? dirname(unit.root) : unit.root);
      const places = new Places(unit);
      findings.push(...raw.findings.map((finding) => toFinding(finding, unit, suppressions, places)));
      problems.push(
        ...raw.problems.map(({ file, message }) => (file === "" ? message : `${file}: ${message}`)),
        ...suppressions.problems,
        ...unreadLayers(unit),
      );
    }
    return { findings: once(findings), scanned, problems };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** What a layer holds is mostly dependencies, and lies elsewhere: somebody may scan its folder by itself. */
function unreadLayers({ name, layers = [] }: Unit): readonly string[] {
  return layers.length === 0 ? [] : [`${name}: the code of its layers is not read (${layers.join(", ")})`];
}

async function scanUnit(unit: Unit, options: ScannerOptions): Promise<RawScan> {
  const scanners: Readonly<Record<Language, (root: string, options: ScannerOptions) => RawScan | Promise<RawScan>>> = {
    java: scanJava,
    javascript: scanJavaScript,
    python: scanPython,
  };
  const scans: RawScan[] = [];
  for (const language of unit.languages) scans.push(await scanners[language](unit.root, options));
  const handlers = scans.flatMap((each) => each.handlers);
  if (handlers.length === 0) {
    const why = scans.flatMap((each) => each.problems.map(({ file, message }) => `\n  ${file} ${message}`)).join("");
    throw new CommandError(
      unit.handler === null
        ? `${unit.name}: no handler found; name it with --handler${why}`
        : `${unit.name}: the handler ${unit.handler} is not in ${unit.root}${why}`,
    );
  }
  return {
    findings: scans.flatMap((each) => each.findings),
    handlers,
    problems: scans.flatMap((each) => each.problems),
    files: scans.reduce((sum, each) => sum + each.files, 0),
  };
}

function toFinding(raw: RawFinding, unit: Unit, suppressions: Suppressions, places: Places): Finding {
  const rule = ruleOf(raw.rule);
  if (rule === undefined) throw new Error(`a scanner reported the unknown rule ${raw.rule}`);
  const suppression = suppressions.find({ ...raw, path: places.pathOf(raw.file) });
  const source = { ...raw.source, file: places.show(raw.source.file) };
  return {
    ...raw,
    file: places.show(raw.file),
    source,
    function: unit.name,
    severity: rule.severity,
    message: messageOf(raw),
    cure: rule.cure,
    suppression,
  };
}

/** Leaves out repeated findings: two functions of one template may share a module. */
function once(findings: readonly Finding[]): Finding[] {
  const seen = new Map(
    findings.map((finding) => [
      `${finding.rule} ${finding.file}:${finding.line} ${finding.function.includes(".zip") ? finding.function : ""}`,
      finding,
    ]),
  );
  return [...seen.values()].sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
}

/** Places of a scanner's files on disk, and how they are shown: from the current folder where that is possible. */
class Places {
  readonly #unit: Unit;
  #jvmSources: readonly string[] | null = null;

  constructor(unit: Unit) {
    this.#unit = unit;
  }

  pathOf(file: string): string | null {
    const root = resolve(this.#unit.root);
    if (!JVM_SOURCES.has(extname(file))) return join(root, file);
    this.#jvmSources ??= root.endsWith(".jar") ? [] : sourcesUnder(root);
    return this.#jvmSources.find((path) => path.endsWith(`${sep}${file}`)) ?? null;
  }

  show(file: string): string {
    const path = this.pathOf(file);
    if (path === null || !this.#unit.isSource) return file;
    const near = relative(process.cwd(), path);
    return near.startsWith("..") || isAbsolute(near) ? path : near;
  }
}

function sourcesUnder(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && JVM_SOURCES.has(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name));
}
