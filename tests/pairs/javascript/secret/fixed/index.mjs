import { DecryptCommand, KMSClient } from "@aws-sdk/client-kms";

const client = new KMSClient({});

export const handler = async () => {
  const { Plaintext } = await client.send(
    new DecryptCommand({ CiphertextBlob: Buffer.from(process.env.SEALED, "base64") }),
  );
  return { length: Plaintext.length };
};
