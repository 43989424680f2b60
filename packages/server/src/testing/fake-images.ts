/** Images without files: any URI that has a tag is one, and its tag is its content. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { missingImage } from "../model/image-problems.ts";
import type { CodeStore } from "../ports/code-store.ts";
import type { ImageSource } from "../ports/image-source.ts";

export const fakeImages: ImageSource = {
  async withImage(uri, use) {
    const [repository, tag] = uri.split(":");
    if (tag === undefined || tag === "missing") throw missingImage(uri);
    const digest = createHash("sha256").update(tag).digest("hex");
    return use({
      uri,
      resolvedUri: `${repository}@sha256:${digest}`,
      digest,
      start: { entryPoint: ["/entry"], command: ["index.handler"], workingDirectory: null },
      environment: { OF_IMAGE: "yes" },
      allowsSnapStart: true,
      layers: [{ digest, sizeBytes: 1, compression: "none", diffId: digest }],
      isNear: false,
      open: async () => Readable.from([]),
    });
  },
};

export const unpackInMemory: CodeStore["unpackImage"] = async (image) => {
  const { uri, resolvedUri, start, environment, allowsSnapStart, digest } = image;
  const layerNames = image.layers.map(({ diffId }) => `layer-${diffId.slice(0, 40)}`);
  return {
    codeName: `image-${digest.slice(0, 40)}`,
    codeSha256: digest,
    codeSizeBytes: 0,
    image: { uri, resolvedUri, start, environment, allowsSnapStart, layerNames },
  };
};
