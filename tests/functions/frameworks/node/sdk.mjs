/** The SDK for JavaScript v3 that the runtime brings: a client that was made in Init, in a clone. */
import { LambdaClient } from "@aws-sdk/client-lambda";

const client = new LambdaClient({});

/** What Init got: the credentials of the environment that the snapshot was taken of. */
const ofInit = await client.config.credentials();

export async function handler() {
  const { accessKeyId, expiration } = await client.config.credentials({ forceRefresh: true });
  return {
    isOwn: accessKeyId !== ofInit.accessKeyId,
    isFresh: expiration.getTime() > Date.now(),
    region: await client.config.region(),
  };
}
