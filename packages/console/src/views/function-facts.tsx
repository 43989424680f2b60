/** What leads to a function, and how much of it may run: above all of its tabs. */
import type { AnswerOf } from "@thaw/thaw-api/types";
import { get } from "../api/client.ts";
import {
  type AliasConfiguration,
  type FunctionConfiguration,
  getConfiguration,
  getReserved,
  listAliases,
} from "../api/lambda.ts";
import { aliasInWords } from "./aliases.ts";

type Provisioned = AnswerOf<"listProvisioned">["provisioned"][number];

export interface FunctionHead {
  readonly configuration: FunctionConfiguration;
  readonly aliases: readonly AliasConfiguration[];
  /** Null: it shares what the account has. */
  readonly reserved: number | null;
  readonly provisioned: readonly Provisioned[];
}

export async function loadHead(name: string, signal: AbortSignal): Promise<FunctionHead> {
  // First: of a function that is not there nothing else is asked.
  const configuration = await getConfiguration(name, signal);
  const [aliases, reserved, { provisioned }] = await Promise.all([
    listAliases(name, signal),
    getReserved(name, signal),
    get("provisioned", { query: { function: name } }, signal),
  ]);
  return { configuration, aliases, reserved, provisioned };
}

export function FunctionFacts({ head: { aliases, reserved, provisioned } }: { readonly head: FunctionHead }) {
  return (
    <dl class="head-facts">
      <Fact name="Aliases" values={aliases.map(aliasInWords)} none="none" />
      <Fact
        name="Reserved concurrency"
        values={reserved === null ? [] : [reservedInWords(reserved)]}
        none="none, it shares the account's"
      />
      <Fact name="Provisioned concurrency" values={provisioned.map(provisionedInWords)} none="none" />
    </dl>
  );
}

function reservedInWords(reserved: number): string {
  return reserved === 0 ? "0: all invokes are refused" : String(reserved);
}

export function provisionedInWords({ qualifier, requested, available, hasFailed }: Provisioned): string {
  return `${qualifier}: ${available} of ${requested} ready${hasFailed ? ", the last Init failed" : ""}`;
}

function Fact({
  name,
  values,
  none,
}: {
  readonly name: string;
  readonly values: readonly string[];
  readonly none: string;
}) {
  return (
    <div>
      <dt>{name}</dt>
      {values.length === 0 ? <dd class="muted">{none}</dd> : values.map((value) => <dd key={value}>{value}</dd>)}
    </div>
  );
}
