/** One invocation: what became of it, and where its time went. */
import type { InvocationDetails } from "@thaw/thaw-api/invocations";
import { layWaterfall } from "@thaw/thaw-api/waterfall";
import { get } from "../api/client.ts";
import { pathOf } from "../route.ts";
import { OutcomeBadge } from "../ui/invocation-table.tsx";
import { Facts, Heading, Loaded, Time } from "../ui/parts.tsx";
import { useData } from "../ui/use-data.ts";
import { WaterfallView } from "../ui/waterfall.tsx";
import { inBytes, inMilliseconds } from "../words.ts";
import { Again } from "./again.tsx";
import { RequestLog } from "./request-log.tsx";

const PAGE_BYTES = 4096;

export function InvocationView({ requestId, isAdmin }: { readonly requestId: string; readonly isAdmin: boolean }) {
  const data = useData(`invocation ${requestId}`, (signal) =>
    get("invocations/{requestId}", { parameters: { requestId } }, signal),
  );
  return (
    <>
      <Heading title={`Invocation ${requestId}`}>
        {data.value !== null && <OutcomeBadge invocation={data.value} />}
      </Heading>
      <Again requestId={requestId} isAdmin={isAdmin} />
      <Loaded data={data}>{(invocation) => <Details invocation={invocation} />}</Loaded>
    </>
  );
}

function Details({ invocation }: { readonly invocation: InvocationDetails }) {
  const { functionName, version, start, environmentId, runs, workingSet } = invocation;
  const inMs = (value: number | null): string => (value === null ? "none" : inMilliseconds(value));
  return (
    <>
      <p class="sentence">{layWaterfall(invocation).sentence}</p>
      <WaterfallView invocation={invocation} />
      <Comparison invocation={invocation} />
      <RequestLog functionName={functionName} requestId={invocation.requestId} startedAtMs={invocation.startedAtMs} />
      <h2>Invocation</h2>
      <Facts
        rows={[
          [
            "Function",
            <a key="function" href={pathOf({ view: "function", name: functionName, tab: "invocations" })}>
              {functionName}:{version}
            </a>,
          ],
          ["Came", <Time key="came" atMs={invocation.startedAtMs} />],
          ["Environment", start === null ? "none was ready" : start],
          [
            "Same environment",
            environmentId === null ? (
              "none"
            ) : (
              <a
                key="same"
                href={`${pathOf({ view: "function", name: functionName, tab: "invocations" })}?environment=${encodeURIComponent(environmentId)}`}
              >
                its other invocations
              </a>
            ),
          ],
          ["Duration, as in REPORT", inMs(invocation.durationMs)],
          ["Restore", inMs(invocation.restoreDurationMs)],
          ["Init", inMs(invocation.initDurationMs)],
          [
            "Memory",
            `${invocation.memoryMaxMib === null ? "unknown" : Math.round(invocation.memoryMaxMib)} of ${invocation.memorySizeMib} MiB`,
          ],
          ["Log stream", <code key="stream">{invocation.logStream ?? "none"}</code>],
          ["Snapshot", <code key="snapshot">{invocation.snapshotId ?? "none"}</code>],
          ["Runs of this request", String(runs.length)],
        ]}
      />
      {workingSet !== null && (
        <>
          <h2>Memory of the clone</h2>
          <Facts
            rows={[
              ["Page faults served", String(workingSet.faults)],
              ["Brought ahead", inBytes(workingSet.prefetchedPages * PAGE_BYTES)],
              ["Working set", `${inBytes(workingSet.pages * PAGE_BYTES)}, of ${workingSet.recordings} recordings`],
              ["Decrypting", inMilliseconds(workingSet.decryptMs)],
            ]}
          />
        </>
      )}
    </>
  );
}

/** This start beside the usual one, and beside the Init that the snapshot replaces. */
function Comparison({ invocation }: { readonly invocation: InvocationDetails }) {
  const { restoreDurationMs, compared } = invocation;
  const all: ReadonlyArray<readonly [string, number | null]> = [
    ["this restore", restoreDurationMs],
    ["median of this version's restores", compared.restoreP50Ms],
    ["median of its Inits", compared.initDurationMs],
  ];
  const rows = all.flatMap(([label, ms]) => (ms === null ? [] : [{ label, ms }]));
  if (restoreDurationMs === null || rows.length < 2) return null;
  const most = Math.max(...rows.map(({ ms }) => ms), 0.001);
  return (
    <>
      <h2>Compared</h2>
      <dl class="bars">
        {rows.map(({ label, ms }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <progress value={ms} max={most} aria-label={label} /> {inMilliseconds(ms)}
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
