/** The local keyring as one that may not answer. */
import { Keyring as Real } from "@thaw/server/testing/keys";
import { type DataKey, KeyError } from "@thaw/server/testing/ports";
import { reach } from "../reach.ts";

const toError = (message: string): Error => new KeyError("KMS_UNAVAILABLE", null, new Error(message));

export class Keyring extends Real {
  override async generate(keyArn: string | null, snapshotId: string): Promise<DataKey> {
    await reach("key.generating", toError);
    return super.generate(keyArn, snapshotId);
  }

  override async unwrap(keyArn: string | null, snapshotId: string, wrapped: string): Promise<Buffer> {
    await reach("key.unwrapping", toError);
    return super.unwrap(keyArn, snapshotId, wrapped);
  }
}
