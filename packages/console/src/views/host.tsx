/** The host: what it can do, what is in use. */
import { get } from "../api/client.ts";
import { Badge, Facts, Heading, Loaded } from "../ui/parts.tsx";
import { useData } from "../ui/use-data.ts";
import { inBytes, inWords } from "../words.ts";
import { problemsOf } from "./host-problems.ts";

async function load(signal: AbortSignal) {
  return get("host", {}, signal);
}

export function HostView({ isOperator }: { readonly isOperator: boolean }) {
  if (!isOperator)
    return (
      <>
        <Heading title="Host" />
        <p>Only logins with the operator's key see the host.</p>
      </>
    );
  return <OperatorsHost />;
}

function OperatorsHost() {
  const data = useData("host", load);
  return (
    <>
      <Heading title="Host" />
      <Loaded data={data}>
        {(host) => (
          <>
            {problemsOf(host).length === 0 ? (
              <p>
                <Badge tone="good">nothing is wrong with this host</Badge>
              </p>
            ) : (
              problemsOf(host).map((text) => (
                <p key={text} class="problem">
                  {text}
                </p>
              ))
            )}
            <h2>In use</h2>
            <Facts
              rows={[
                ["Environments", `${host.inUse.environments} of ${host.limits.environmentsMax}`],
                [
                  "Memory",
                  `${host.inUse.memoryMib} of ${host.limits.memoryMaxMib} MiB, counted as ${host.limits.memoryCount}`,
                ],
                [
                  "Ephemeral storage",
                  `${host.inUse.tmpMib} of ${host.limits.tmpMaxMib === null ? "any number of" : Math.floor(host.limits.tmpMaxMib)} MiB`,
                ],
                ["Snapshots", String(host.inUse.snapshots)],
                ["Disk", `${inBytes(host.disk.freeBytes)} free of ${inBytes(host.disk.sizeBytes)}`],
                ["Server", `up for ${inWords(host.server.uptimeS)}, ${inBytes(host.server.residentBytes)} of memory`],
              ]}
            />
            <h2>Host</h2>
            <Facts
              rows={[
                ["Engine", host.engine],
                ["CRIU", host.criuVersion ?? "none"],
                ["Kernel", host.kernel],
                ["Processor", host.cpuFingerprint],
                ["Control groups", host.cgroupVersion],
                ["Runtimes", host.runtimes.join(", ")],
                ["Network of functions", host.hasNetwork ? "yes" : "none"],
                ["Networks out of reach", host.network.denied.join(", ") || "none named"],
                ["Ports of the host within reach", host.network.hostPorts.join(", ") || "none"],
                ["Ready sandboxes", `${host.limits.poolSize} for each kind of runtime`],
                ["Node.js of the server", host.server.node],
              ]}
            />
          </>
        )}
      </Loaded>
    </>
  );
}
