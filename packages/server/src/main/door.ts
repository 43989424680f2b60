/** The doors of this server: it listens for functions, and has sandboxd let them reach it. */
import type { Clock } from "../base/clock.ts";
import { loadAuthority } from "../door/authority.ts";
import { ListeningDoor } from "../door/service-door.ts";
import type { OnProblem } from "../http/fronts/thaw/front.ts";
import type { SandboxHost } from "../ports/sandbox-host.ts";
import { ServicesDoor } from "./services-door.ts";

export interface OpenDoorOptions {
  readonly dataDir: string;
  readonly secret: Buffer;
  readonly host: SandboxHost;
  readonly clock: Clock;
  readonly onProblem: OnProblem;
  /** Whether the operator has named functions that call the services. */
  readonly hasCallers: boolean;
}

export interface Doors {
  /** Where custom resources answer; null: functions can't reach the server. */
  readonly door: ListeningDoor | null;
  /** Where named functions call the services; null: none is named, or they can't reach the server. */
  readonly servicesDoor: ServicesDoor | null;
}

const NONE: Doors = { door: null, servicesDoor: null };

/**
 * Opens both before the first sandbox is made. Null where functions have no network, or they can't be opened, which is
 * told: all but custom resources and calls of services works without them.
 */
export async function openDoors(options: OpenDoorOptions): Promise<Doors> {
  const { dataDir, secret, host, clock, onProblem, hasCallers } = options;
  if (!host.facts.hasNetwork) {
    if (hasCallers) onProblem("--allow-services", new Error("functions of this host have no network"));
    return NONE;
  }
  let door: ListeningDoor | null = null;
  let servicesDoor: ServicesDoor | null = null;
  try {
    const authority = await loadAuthority(dataDir, clock.nowMs());
    door = await ListeningDoor.listen({ authority, secret, clock });
    servicesDoor = hasCallers ? await ServicesDoor.reserve() : null;
    const { certificate } = authority;
    await host.openDoor({ port: door.port, certificate, servicesPort: servicesDoor?.port ?? null });
    return { door, servicesDoor };
  } catch (error) {
    door?.close();
    servicesDoor?.close();
    onProblem("service door", error);
    return NONE;
  }
}
