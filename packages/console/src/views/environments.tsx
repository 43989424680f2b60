/** The execution environments that there are now. */
import type { AnswerOf } from "@thaw/thaw-api/types";
import { get, post } from "../api/client.ts";
import { pathOf } from "../route.ts";
import { Act, Badge, Heading, Loaded, Time, type Tone } from "../ui/parts.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { useData } from "../ui/use-data.ts";
import { counted } from "../words.ts";

type Environment = AnswerOf<"listEnvironments">["environments"][number];

const TONES: Readonly<Record<string, Tone>> = { idle: "good", busy: "busy", parked: "plain" };

const COLUMNS: ReadonlyArray<Column<Environment>> = [
  { name: "Environment", value: (row) => row.environmentId, cell: (row) => <code>{row.environmentId}</code> },
  {
    name: "Function",
    value: (row) => `${row.functionName}:${row.version}`,
    cell: (row) => (
      <a href={pathOf({ view: "function", name: row.functionName, tab: "invocations" })}>
        {row.functionName}:{row.version}
      </a>
    ),
  },
  {
    name: "State",
    value: (row) => row.state,
    cell: (row) => <Badge tone={TONES[row.state] ?? "busy"}>{row.state}</Badge>,
  },
  {
    name: "Start",
    value: (row) => (row.isRestored ? "restored" : "initialised"),
    cell: (row) => (row.isRestored ? "restored" : "initialised"),
  },
  { name: "Made", value: (row) => row.createdAtMs, cell: (row) => <Time atMs={row.createdAtMs} /> },
  { name: "Last invoke", value: (row) => row.lastInvokeAtMs ?? 0, cell: (row) => <Time atMs={row.lastInvokeAtMs} /> },
  { name: "Invokes", isNumber: true, value: (row) => row.invokeCount, cell: (row) => row.invokeCount },
];

export function EnvironmentsView({ isAdmin }: { readonly isAdmin: boolean }) {
  const data = useData("environments", async (signal) => (await get("environments", {}, signal)).environments);
  const stopAll = async (): Promise<string> => {
    const { stopped } = await post("environments/stop", {});
    data.reload();
    return `${counted(stopped, "environment")} stopped`;
  };
  return (
    <>
      <Heading title="Environments">
        {isAdmin && (data.value?.length ?? 0) > 0 && <Act label="Stop" about="all environments" run={stopAll} />}
      </Heading>
      <Loaded data={data}>
        {(rows) => (
          <Table
            caption="Execution environments"
            columns={COLUMNS}
            rows={rows}
            keyOf={({ environmentId }) => environmentId}
            empty="No environment is there: the next invoke is a cold start."
            canFilter={rows.length > 5}
          />
        )}
      </Loaded>
    </>
  );
}
