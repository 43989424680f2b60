/** Versions of a function: where each snapshot stands, which aliases lead to it, and what can be done with it. */
import type { AnswerOf } from "@thaw/thaw-api/types";
import { useState } from "preact/hooks";
import { get } from "../api/client.ts";
import {
  type AliasConfiguration,
  deleteVersion,
  type FunctionConfiguration,
  listAliases,
  listVersions,
  pointAlias,
  publishVersion,
} from "../api/lambda.ts";
import { query, setQuery } from "../location.ts";
import { Act, Badge, Loaded, Time, type Tone } from "../ui/parts.tsx";
import { SnapshotBadge } from "../ui/snapshot-badge.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { useData } from "../ui/use-data.ts";
import { inBytes, inMilliseconds, timeOf } from "../words.ts";
import { percent, weightOf } from "./aliases.ts";
import { InitLog } from "./init-log.tsx";
import { verify } from "./snapshots.tsx";

type Snapshot = AnswerOf<"listSnapshots">["snapshots"][number];

interface Row {
  readonly version: string;
  readonly configuration: FunctionConfiguration;
  readonly aliases: readonly AliasConfiguration[];
  readonly snapshot: Snapshot | null;
}

async function load(name: string, signal: AbortSignal): Promise<readonly Row[]> {
  const [versions, aliases, { snapshots }] = await Promise.all([
    listVersions(name, signal),
    listAliases(name, signal),
    get("snapshots", { query: { function: name } }, signal),
  ]);
  const rows = versions.map((configuration) => {
    const version = configuration.Version ?? "";
    return {
      version,
      configuration,
      aliases: aliases.filter((alias) => weightOf(alias, version) > 0),
      snapshot: snapshots.find((each) => each.version === version) ?? null,
    };
  });
  return rows.toSorted((a, b) => numberOf(b.version) - numberOf(a.version));
}

function hasSnapshot(snapshot: Snapshot | null): snapshot is Snapshot {
  return snapshot !== null && snapshot.snapshotId !== null;
}

/** $LATEST is the newest. */
function numberOf(version: string): number {
  return version === "$LATEST" ? Number.POSITIVE_INFINITY : Number(version);
}

const COLUMNS: ReadonlyArray<Column<Row>> = [
  {
    name: "Version",
    value: ({ version }) => numberOf(version),
    cell: ({ version, configuration }) => (
      <>
        {version}
        {configuration.Description !== undefined && configuration.Description !== "" && (
          <div class="muted">{configuration.Description}</div>
        )}
      </>
    ),
  },
  {
    name: "Aliases",
    cell: ({ aliases, version }) =>
      aliases.map((alias) => (
        <div key={alias.Name}>
          {alias.Name}
          {weightOf(alias, version) < 1 && ` (${percent(weightOf(alias, version))})`}
        </div>
      )),
  },
  {
    name: "State",
    value: ({ snapshot }) => (snapshot === null ? "" : STATES[snapshot.status][0]),
    cell: ({ snapshot }) => snapshot !== null && <State snapshot={snapshot} />,
  },
  {
    name: "Snapshot",
    value: ({ snapshot }) => snapshot?.status ?? "",
    cell: ({ snapshot }) =>
      snapshot === null ? <span class="muted">none</span> : <SnapshotBadge snapshot={snapshot} />,
  },
  {
    name: "Memory / disk / new",
    isNumber: true,
    value: ({ snapshot }) => snapshot?.newBytes ?? 0,
    cell: ({ snapshot }) =>
      hasSnapshot(snapshot) &&
      `${inBytes(snapshot.memoryBytes)} / ${inBytes(snapshot.diskBytes)} / ${inBytes(snapshot.newBytes)}`,
  },
  {
    name: "Cut connections",
    isNumber: true,
    value: ({ snapshot }) => snapshot?.cutConnections ?? -1,
    cell: ({ snapshot }) => hasSnapshot(snapshot) && (snapshot.cutConnections ?? "unknown"),
  },
  {
    name: "Restores",
    isNumber: true,
    value: ({ snapshot }) => snapshot?.restores ?? 0,
    cell: ({ snapshot }) => snapshot !== null && snapshot.restores,
  },
  {
    name: "p50",
    isNumber: true,
    value: ({ snapshot }) => snapshot?.restoreP50Ms ?? -1,
    cell: ({ snapshot }) =>
      snapshot !== null && snapshot.restoreP50Ms !== null && inMilliseconds(snapshot.restoreP50Ms),
  },
  {
    name: "Taken",
    value: ({ snapshot }) => timeOf(snapshot?.createdAt) ?? 0,
    cell: ({ snapshot }) => hasSnapshot(snapshot) && <Time atMs={timeOf(snapshot.createdAt)} />,
  },
];

/** AWS's word for a version whose snapshot stands there; lists of versions leave it out. */
const STATES: Readonly<Record<Snapshot["status"], readonly [string, Tone]>> = {
  creating: ["Pending", "busy"],
  waiting: ["Pending", "busy"],
  ready: ["Active", "good"],
  refreshing: ["Active", "good"],
  "refresh waiting": ["Active", "good"],
  "refresh failed": ["Active", "good"],
  idle: ["Inactive", "plain"],
  failed: ["Failed", "bad"],
};

function State({ snapshot }: { readonly snapshot: Snapshot }) {
  const [word, tone] = STATES[snapshot.status];
  return <Badge tone={tone}>{word}</Badge>;
}

export function VersionsTab({ name, isAdmin }: { readonly name: string; readonly isAdmin: boolean }) {
  const data = useData(`versions ${name}`, (signal) => load(name, signal));
  const [deleting, setDeleting] = useState<string | null>(null);
  const ofInit = query.value.get("init");
  const publish = async (): Promise<string> => {
    const { Version } = await publishVersion(name);
    data.reload();
    return `version ${Version} is published`;
  };
  const actions: Column<Row> = {
    name: "Actions",
    cell: (row) => (
      <Actions
        name={name}
        row={row}
        aliases={aliasesOf(data.value ?? [])}
        isAdmin={isAdmin}
        reload={data.reload}
        wantDelete={() => setDeleting(row.version)}
      />
    ),
  };
  return (
    <>
      {isAdmin && <Act label="Publish" about={`a version of ${name}`} run={publish} />}
      {deleting !== null && (
        <Deletion
          name={name}
          version={deleting}
          close={() => {
            setDeleting(null);
            data.reload();
          }}
        />
      )}
      {ofInit !== null && <InitLog name={name} version={ofInit} close={() => setQuery("init", null)} />}
      <Loaded data={data}>
        {(rows) => (
          <Table
            caption={`Versions of ${name}`}
            columns={[...COLUMNS, actions]}
            rows={rows}
            keyOf={({ version }) => version}
            empty="There is no version."
          />
        )}
      </Loaded>
      <p class="muted">
        Restores and their median are of the last 200 invocations of the function, since the start of the server. Cut
        connections were open when the snapshot was taken: the function must open them anew after a restore.
      </p>
    </>
  );
}

function aliasesOf(rows: readonly Row[]): readonly string[] {
  return [...new Set(rows.flatMap(({ aliases }) => aliases.map(({ Name }) => Name ?? "")))].sort();
}

function Actions({
  name,
  row,
  aliases,
  isAdmin,
  reload,
  wantDelete,
}: {
  readonly name: string;
  readonly row: Row;
  readonly aliases: readonly string[];
  readonly isAdmin: boolean;
  readonly reload: () => void;
  readonly wantDelete: () => void;
}) {
  const { version, snapshot } = row;
  const full = `${name}:${version}`;
  const point = async (alias: string): Promise<string> => {
    await pointAlias(name, alias, version);
    reload();
    return `${alias} leads here`;
  };
  const others = aliases.filter((alias) => !row.aliases.some(({ Name }) => Name === alias));
  const hasFailed = snapshot !== null && (snapshot.status === "failed" || snapshot.status === "refresh failed");
  return (
    <>
      {hasFailed && (
        <button type="button" aria-label={`Init log of ${full}`} onClick={() => setQuery("init", version)}>
          Init log
        </button>
      )}
      {hasSnapshot(snapshot) && <Act label="Verify" about={full} run={() => verify(full)} />}
      {isAdmin && version !== "$LATEST" && (
        <>
          {others.map((alias) => (
            <Act key={alias} label={`Point ${alias} here`} about={full} run={() => point(alias)} />
          ))}
          <button type="button" aria-label={`Delete ${full}`} onClick={wantDelete}>
            Delete…
          </button>
        </>
      )}
    </>
  );
}

/** Asks for the name to be typed: a version that is deleted does not come back. */
function Deletion({
  name,
  version,
  close,
}: {
  readonly name: string;
  readonly version: string;
  readonly close: () => void;
}) {
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const full = `${name}:${version}`;
  const run = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      await deleteVersion(name, version);
      close();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <form class="ask" onSubmit={(event) => void run(event)} aria-label={`Delete ${full}`}>
      <label>
        Type <code>{full}</code> to delete this version and its snapshot:{" "}
        <input value={typed} autocomplete="off" onInput={(event) => setTyped(event.currentTarget.value)} />
      </label>{" "}
      <button type="submit" disabled={typed !== full}>
        Delete
      </button>{" "}
      <button type="button" onClick={close}>
        Cancel
      </button>
      {problem !== null && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}
