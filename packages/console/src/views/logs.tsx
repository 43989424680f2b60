/** The log of a function, live. */
import { useMemo } from "preact/hooks";
import { query, setQuery } from "../location.ts";
import { LogView } from "../ui/log-view.tsx";

const MINUTE_MS = 60_000;
const RANGES: ReadonlyArray<readonly [string, number]> = [
  ["10 minutes", 10],
  ["1 hour", 60],
  ["1 day", 1440],
];

export function LogsTab({ name }: { readonly name: string }) {
  const minutes = RANGES.find(([, each]) => String(each) === query.value.get("minutes"))?.[1] ?? 10;
  const filter = query.value.get("text") ?? "";
  const sinceMs = useMemo(() => Date.now() - minutes * MINUTE_MS, [name, minutes]);
  return (
    <>
      <p class="filters">
        <label>
          From{" "}
          <select value={minutes} onChange={(event) => setQuery("minutes", event.currentTarget.value)}>
            {RANGES.map(([label, each]) => (
              <option key={each} value={each}>
                {label} ago
              </option>
            ))}
          </select>
        </label>{" "}
        <label>
          Lines with{" "}
          <input type="search" value={filter} onChange={(event) => setQuery("text", event.currentTarget.value)} />
        </label>
      </p>
      <LogView name={name} sinceMs={sinceMs} filter={filter} />
      <p class="muted">
        P: written by the platform, F: by the function, C: by a client of CloudWatch Logs. The newest 10,000 lines;
        times are UTC.
      </p>
    </>
  );
}
