/** A program of /opt/extensions in a fake sandbox. */
import type { FakeProcess, FakeState } from "./fake-process.ts";

/** Its memory is `state`, plain data: a snapshot copies it. The process ends when a script returns. */
export interface FakeExtension {
  start(process: FakeProcess, state: FakeState): Promise<void>;
  /** Goes on in a clone, with a new call of event/next in the place of the one that the snapshot holds. */
  resume?(process: FakeProcess, state: FakeState): Promise<void>;
}

/** The part of it that is in a snapshot. */
export interface FakeExtensionImage {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly state: FakeState;
}
