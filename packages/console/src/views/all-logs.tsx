/** The log of all functions, live: searched by the server, so that what does not match is not sent. */
import { followAllLogs } from "../api/all-logs.ts";
import { query, setQuery } from "../location.ts";
import { LogView } from "../ui/log-view.tsx";
import { Heading } from "../ui/parts.tsx";
import { LogLegend, SinceChoice, useSince } from "./logs.tsx";

export function LogsView() {
  const text = query.value.get("text") ?? "";
  const requestId = query.value.get("request") ?? "";
  const sinceMs = useSince("all");
  return (
    <>
      <Heading title="Logs" />
      <p class="filters">
        <SinceChoice />{" "}
        <label>
          Events with <input type="search" value={text} maxLength={256} onChange={set("text")} />
        </label>{" "}
        <label>
          Request id <input type="search" value={requestId} onChange={set("request")} />
        </label>
      </p>
      <LogView
        label="Log of all functions"
        sourceKey={JSON.stringify([sinceMs, text, requestId])}
        source={(signal, onEvent) => followAllLogs({ sinceMs, text, requestId }, signal, onEvent)}
        filter=""
      />
      <LogLegend />
    </>
  );
}

function set(name: string): (event: { readonly currentTarget: HTMLInputElement }) => void {
  return ({ currentTarget }) => setQuery(name, currentTarget.value.trim());
}
