/** The service door of this server: listens, and has sandboxd let functions reach it. */
import type { Clock } from "../base/clock.ts";
import { loadAuthority } from "../door/authority.ts";
import { ListeningDoor } from "../door/service-door.ts";
import type { OnProblem } from "../http/fronts/thaw/front.ts";
import type { SandboxHost } from "../ports/sandbox-host.ts";

export interface OpenDoorOptions {
  readonly dataDir: string;
  readonly secret: Buffer;
  readonly host: SandboxHost;
  readonly clock: Clock;
  readonly onProblem: OnProblem;
}

/**
 * Opens it before the first sandbox is made. Null where functions have no network, or it can't be opened, which is
 * told: all but custom resources works without it.
 */
export async function openDoor(options: OpenDoorOptions): Promise<ListeningDoor | null> {
  const { dataDir, secret, host, clock, onProblem } = options;
  if (!host.facts.hasNetwork) return null;
  let door: ListeningDoor | null = null;
  try {
    const authority = await loadAuthority(dataDir, clock.nowMs());
    door = await ListeningDoor.listen({ authority, secret, clock });
    await host.openDoor(door.port, authority.certificate);
    return door;
  } catch (error) {
    door?.close();
    onProblem("service door", error);
    return null;
  }
}
