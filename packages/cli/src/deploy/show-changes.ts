/** A change set in lines for people: what is made, changed, replaced and removed, and what of it does nothing here. */
import { isMap } from "@thaw/installation/json-map";
import { DescribeTypeCommand, type ResourceChange } from "@aws-sdk/client-cloudformation";
import { refusalOf, type StackClients } from "../aws-clients.ts";

const SIGNS: Readonly<Record<string, string>> = { Add: "+", Modify: "~", Remove: "-" };
/** How DescribeType begins to describe what Thaw keeps and shows, and does nothing with. */
const RECORDED = "Recorded by Thaw";
const VALUE_LENGTH_MAX = 200;
/** CloudFormation's sign for what is known after the deployment. */
const KNOWN_LATER = "{{changeSet:KNOWN_AFTER_APPLY}}";

export function replaces({ Replacement }: ResourceChange): "yes" | "maybe" | "no" {
  if (Replacement === "True") return "yes";
  return Replacement === "Conditional" ? "maybe" : "no";
}

/** `+ Orders AWS::Lambda::Function`, a line for each. */
export function listChanges(changes: readonly ResourceChange[], recorded: ReadonlySet<string>): readonly string[] {
  return changes.map((change) => {
    const { Action = "", LogicalResourceId: id = "", ResourceType: type = "", PolicyAction: policy = "" } = change;
    const remarks = [
      ...(recorded.has(type) ? ["recorded, does nothing here"] : []),
      ...(replaces(change) === "yes" ? ["is replaced"] : []),
      ...(replaces(change) === "maybe" ? ["may be replaced"] : []),
      ...(Action === "Remove" && policy === "Retain" ? ["stays, and leaves the stack"] : []),
    ];
    return `${SIGNS[Action] ?? "?"} ${id} ${type}${remarks.length === 0 ? "" : ` (${remarks.join(", ")})`}`;
  });
}

/** Those types of the changes whose resources are kept and shown, and do nothing. */
export async function recordedTypes(
  clients: StackClients,
  changes: readonly ResourceChange[],
): Promise<ReadonlySet<string>> {
  const types = [...new Set(changes.map(({ ResourceType: type = "" }) => type))];
  const asked = types.map(async (type) => [type, await describeType(clients, type)] as const);
  const found = await Promise.all(asked);
  return new Set(
    found.flatMap(([type, { description }]) => (description?.startsWith(RECORDED) === true ? [type] : [])),
  );
}

/** `refusal`: why Thaw has no such type; null: it has. */
export async function describeType(
  { stacks }: StackClients,
  type: string,
): Promise<{ readonly description: string | null; readonly refusal: string | null }> {
  try {
    const found = await stacks.send(new DescribeTypeCommand({ Type: "RESOURCE", TypeName: type }));
    return { description: found.Description ?? null, refusal: null };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    return { description: null, refusal };
  }
}

/** A change with each value that differs: `Timeout: 3 → 9`. */
export function describeDifferences(change: ResourceChange): readonly string[] {
  if (change.Action === "Remove") return [];
  const [before, after] = [change.BeforeContext, change.AfterContext].map(parse);
  const lines = differences(before, after, "").map(({ path, from, to }) => {
    const values =
      from === undefined ? `+ ${shown(to)}` : to === undefined ? `- ${shown(from)}` : `${shown(from)} → ${shown(to)}`;
    return `    ${path.replace(/^Properties\./, "")}: ${values}`;
  });
  if (lines.length > 0 || change.Action !== "Modify") return lines;
  // What follows another resource is known when that one is made.
  const names = (change.Details ?? []).map(({ Target, CausingEntity }) => {
    const what = Target?.Name ?? Target?.Attribute ?? "";
    return `    ${what}: ${CausingEntity === undefined ? "changes" : `follows ${CausingEntity}`}`;
  });
  return [...new Set(names)];
}

interface Difference {
  readonly path: string;
  /** Undefined: it is not there. */
  readonly from: unknown;
  readonly to: unknown;
}

function parse(text: string | undefined): unknown {
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

function differences(from: unknown, to: unknown, path: string): readonly Difference[] {
  if (JSON.stringify(from) === JSON.stringify(to)) return [];
  if (!isMap(from) && !isMap(to)) return [{ path, from, to }];
  if ((from !== undefined && !isMap(from)) || (to !== undefined && !isMap(to))) return [{ path, from, to }];
  const keys = new Set([...Object.keys(from ?? {}), ...Object.keys(to ?? {})]);
  return [...keys].flatMap((key) => differences(from?.[key], to?.[key], path === "" ? key : `${path}.${key}`));
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  if (text.includes(KNOWN_LATER))
    return text === KNOWN_LATER ? "(known after the deployment)" : text.replaceAll(KNOWN_LATER, "…");
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text;
}
