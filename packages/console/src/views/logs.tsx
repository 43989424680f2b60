/** The log of a function, live. */
import { useMemo } from "preact/hooks";
import { followLog } from "../api/log-source.ts";
import { query, setQuery } from "../location.ts";
import { LogView } from "../ui/log-view.tsx";

const MINUTE_MS = 60_000;
const RANGES: ReadonlyArray<readonly [string, number]> = [
  ["10 minutes", 10],
  ["1 hour", 60],
  ["1 day", 1440],
];

export function LogsTab({ name }: { readonly name: string }) {
  const filter = query.value.get("text") ?? "";
  const sinceMs = useSince(name);
  return (
    <>
      <p class="filters">
        <SinceChoice />{" "}
        <label>
          Lines with{" "}
          <input type="search" value={filter} onChange={(event) => setQuery("text", event.currentTarget.value)} />
        </label>
      </p>
      <LogView
        label={`Log of ${name}`}
        sourceKey={`${name} ${sinceMs}`}
        source={(signal, onEvent) => followLog(name, sinceMs, signal, onEvent)}
        filter={filter}
      />
      <LogLegend />
    </>
  );
}

/** The beginning of the log that is wanted, of which the address says how far back it is. */
export function useSince(about: string): number {
  const minutes = minutesWanted();
  return useMemo(() => Date.now() - minutes * MINUTE_MS, [about, minutes]);
}

export function SinceChoice() {
  return (
    <label>
      From{" "}
      <select value={minutesWanted()} onChange={(event) => setQuery("minutes", event.currentTarget.value)}>
        {RANGES.map(([label, each]) => (
          <option key={each} value={each}>
            {label} ago
          </option>
        ))}
      </select>
    </label>
  );
}

export function LogLegend() {
  return (
    <p class="muted">
      P: written by the platform, F: by the function, C: by a client of CloudWatch Logs; behind it the level of a line:
      T trace, D debug, I information, W warning, E error. The newest 10,000 lines; times are UTC.
    </p>
  );
}

function minutesWanted(): number {
  return RANGES.find(([, each]) => String(each) === query.value.get("minutes"))?.[1] ?? 10;
}
