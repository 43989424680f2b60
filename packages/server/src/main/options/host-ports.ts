/** The setting that lets functions reach ports of this host. */
import { isIPv4 } from "node:net";
import { UsageError } from "./usage-error.ts";
import type { ValueType } from "./value-types.ts";

/** Ports of this host, as `A.B.C.D:PORT`. */
export interface HostPorts {
  /** Those that every function may reach. */
  readonly forAll: readonly string[];
  /** Those that only the function of that name may reach. */
  readonly byFunction: ReadonlyMap<string, readonly string[]>;
}

/** All ports of a host beyond this number would make the rules of its network long. */
const PORTS_MAX = 256;
const FUNCTION_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** Lines `A.B.C.D:PORT`, for one function `NAME=A.B.C.D:PORT`; `localhost` stands for 127.0.0.1. */
export const hostPorts: ValueType<HostPorts> = {
  form: "lines `ADDRESS:PORT`, or `FUNCTION=ADDRESS:PORT` for one function alone; in the file a list of them",
  parse(name, lines) {
    const forAll: string[] = [];
    const byFunction = new Map<string, string[]>();
    const given = lines.split("\n").filter((line) => line !== "");
    if (given.length > PORTS_MAX) throw new UsageError(`${name}: at most ${PORTS_MAX} ports of this host`);
    for (const line of given) {
      const at = line.indexOf("=");
      const port = readPort(name, line.slice(at + 1), line);
      if (at === -1) {
        addPort(name, forAll, port);
        continue;
      }
      const functionName = line.slice(0, at);
      if (!FUNCTION_NAME.test(functionName))
        throw new UsageError(`${name} ${line}: ${functionName} is not the name of a function`);
      const own = byFunction.get(functionName) ?? [];
      addPort(name, own, port);
      byFunction.set(functionName, own);
    }
    for (const own of byFunction.values()) for (const port of own) refuseSecond(name, forAll, port);
    return { forAll, byFunction };
  },
};

/** Every port that is for some function alone, once. */
export function grantablePorts({ byFunction }: HostPorts): readonly string[] {
  return [...new Set([...byFunction.values()].flat())];
}

/** The ports as the setting has them. */
export function listPorts({ forAll, byFunction }: HostPorts): readonly string[] {
  return [...forAll, ...[...byFunction].flatMap(([name, ports]) => ports.map((port) => `${name}=${port}`))];
}

/** Adds a port for all functions. Throws a UsageError where another one has its number. */
export function withPort(name: string, ports: HostPorts, port: string): HostPorts {
  if (ports.forAll.includes(port)) return ports;
  for (const each of [ports.forAll, ...ports.byFunction.values()]) refuseSecond(name, each, port);
  return { ...ports, forAll: [...ports.forAll, port] };
}

function readPort(name: string, text: string, line: string): string {
  const [host = "", port = "", ...rest] = text.split(":");
  const address = host === "localhost" ? "127.0.0.1" : host;
  const isPort = /^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535;
  if (!isIPv4(address) || address === "0.0.0.0" || !isPort || rest.length > 0)
    throw new UsageError(
      `${name} ${line}: expected an IPv4 address of this host and a port (127.0.0.1:5432), for one function with its name and = before it`,
    );
  return `${address}:${port}`;
}

/** A function knows the host by one address: the port alone says which service it means. */
function refuseSecond(name: string, ports: readonly string[], wanted: string): void {
  const port = wanted.slice(wanted.indexOf(":"));
  const other = ports.find((each) => each.endsWith(port));
  if (other !== undefined)
    throw new UsageError(
      `${name}: ${other} and ${wanted} are one port to a function (host.thaw.internal${port}); let one of the services listen elsewhere`,
    );
}

function addPort(name: string, ports: string[], port: string): void {
  refuseSecond(name, ports, port);
  ports.push(port);
}
