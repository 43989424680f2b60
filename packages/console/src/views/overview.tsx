/** The first page: all functions, what came of them lately, and the last invocations of all. */
import type { OverviewFunction } from "@thaw/thaw-api/series";
import { get } from "../api/client.ts";
import { pathOf } from "../route.ts";
import { InvocationTable } from "../ui/invocation-table.tsx";
import { Copy, Heading, Loaded } from "../ui/parts.tsx";
import { SnapshotBadge } from "../ui/snapshot-badge.tsx";
import { Sparkline } from "../ui/sparkline.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { useData } from "../ui/use-data.ts";
import { counted, inMilliseconds } from "../words.ts";
import { problemsOf } from "./host-problems.ts";

const COLUMNS: ReadonlyArray<Column<OverviewFunction>> = [
  {
    name: "Function",
    value: ({ functionName }) => functionName,
    cell: ({ functionName, description }) => (
      <>
        <a href={pathOf({ view: "function", name: functionName, tab: "invocations" })}>{functionName}</a>
        {description !== "" && <div class="muted">{description}</div>}
      </>
    ),
  },
  { name: "Runtime", value: ({ runtime }) => runtime, cell: ({ runtime }) => runtime || "image" },
  {
    name: "Snapshot",
    value: ({ snapshot }) => snapshot?.status ?? "",
    cell: ({ snapshot }) =>
      snapshot === null ? <span class="muted">none</span> : <SnapshotBadge snapshot={snapshot} withVersion />,
  },
  {
    name: "Aliases",
    cell: ({ aliases }) => aliases.map(({ name, version }) => <div key={name}>{`${name} → ${version}`}</div>),
  },
  {
    name: "Last hour",
    value: ({ chart }) => chart.reduce((sum, count) => sum + count, 0),
    cell: ({ chart }) => (
      <Sparkline
        counts={chart}
        label={`${counted(
          chart.reduce((sum, count) => sum + count, 0),
          "invocation",
        )} in the last hour`}
      />
    ),
  },
  {
    name: "Invocations",
    isNumber: true,
    value: (row) => row.counts.invocations,
    cell: (row) => row.counts.invocations,
  },
  {
    name: "Errors",
    isNumber: true,
    value: (row) => row.counts.errors,
    cell: ({ counts }) => (counts.errors === 0 ? 0 : <strong class="bad">{counts.errors}</strong>),
  },
  { name: "Cold", isNumber: true, value: (row) => row.counts.coldStarts, cell: (row) => row.counts.coldStarts },
  {
    name: "Restore p50",
    isNumber: true,
    value: ({ restoreP50Ms }) => restoreP50Ms ?? -1,
    cell: ({ restoreP50Ms }) => restoreP50Ms !== null && inMilliseconds(restoreP50Ms),
  },
  { name: "Environments", isNumber: true, value: (row) => row.environments, cell: (row) => row.environments },
];

export function OverviewView({
  endpoint,
  isOperator,
}: {
  readonly endpoint: string;
  /** The host is shown to operators alone. */
  readonly isOperator: boolean;
}) {
  const data = useData("overview", (signal) => get("overview", {}, signal));
  return (
    <>
      <Heading title="Overview">
        {data.value !== null && <span class="muted">{counted(data.value.functions.length, "function")}</span>}
      </Heading>
      {isOperator && <HostProblems />}
      <Loaded data={data}>
        {({ functions, invocations }) =>
          functions.length === 0 ? (
            <FirstSteps endpoint={endpoint} />
          ) : (
            <>
              <Table
                caption="Functions"
                columns={COLUMNS}
                rows={functions}
                keyOf={({ functionName }) => functionName}
                empty=""
                canFilter={functions.length > 5}
              />
              <p class="muted">Invocations, errors and cold starts are those of the last 15 minutes.</p>
              <h2>Last invocations</h2>
              <InvocationTable caption="Last invocations" rows={invocations} withFunction />
            </>
          )
        }
      </Loaded>
    </>
  );
}

/** Nothing where the host is well; its own page says more. */
function HostProblems() {
  const { value } = useData("host", (signal) => get("host", {}, signal));
  return (
    <>
      {value !== null &&
        problemsOf(value).map((text) => (
          <p key={text} class="problem">
            {text} <a href={pathOf({ view: "host" })}>The host</a>
          </p>
        ))}
    </>
  );
}

function FirstSteps({ endpoint }: { readonly endpoint: string }) {
  return (
    <>
      <p>There is no function yet. In a folder with a SAM or CloudFormation template:</p>
      <ol class="steps">
        <li>
          <Copy text={`export THAW_ENDPOINT=${endpoint}`} />
        </li>
        <li>
          <Copy text="thaw deploy" />
        </li>
        <li>
          <Copy text="thaw invoke NAME '{}'" />
        </li>
      </ol>
    </>
  );
}
