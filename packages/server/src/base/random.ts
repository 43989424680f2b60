/** Chance, injected. Only this file touches the real one. */
import { randomBytes, randomUUID } from "node:crypto";

export interface Random {
  /** Draws a number from 0 to 1, exclusive. */
  fraction(): number;
  uuid(): string;
  bytes(count: number): Buffer;
}

export const systemRandom: Random = {
  fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  uuid: () => randomUUID(),
  bytes: (count) => randomBytes(count),
};
