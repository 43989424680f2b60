/** Container images: what a version of a function knows of its own, and what its configuration puts over it. */
import type { ImageConfig } from "@thaw/aws-api";
import { invalidParameter } from "./api-error.ts";

/** In the place of a runtime's id: the image brings what others get from the runtime. */
export const IMAGE_RUNTIME = "image";
/** Lets an image be published with SnapStart though its runtime asks for no restore (AWS, runtime hooks of images). */
export const SNAPSTART_LABEL = "com.amazonaws.lambda.feature.snapstart";

const CONFIG_SIZE_BYTES_MAX = 16 * 1024;

/** How the program of an image is started; what is null, others say. */
export interface ImageStart {
  readonly entryPoint: readonly string[] | null;
  readonly command: readonly string[] | null;
  readonly workingDirectory: string | null;
}

/** An image as it was found when the code was created or updated. */
export interface FunctionImage {
  /** As the request named it. */
  readonly uri: string;
  /** The same repository with the digest of the manifest. */
  readonly resolvedUri: string;
  readonly start: ImageStart;
  /** The image's own variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** True where its label says that a snapshot may be taken without runtime hooks. */
  readonly allowsSnapStart: boolean;
  /** Names of its unpacked layers, the lowest first. */
  readonly layerNames: readonly string[];
}

/** What the worker needs to start the program. */
export interface RunnableImage {
  readonly entryPoint: readonly string[];
  readonly command: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly allowsSnapStart: boolean;
}

/**
 * Reads the function's own settings, which take the place of all that was set before (recorded
 * …TestLambdaImages.test_lambda_image_and_image_config_crud). Null where nothing is set: the image's own are used.
 */
export function readImageConfig(given: ImageConfig): ImageStart | null {
  if (Buffer.byteLength(JSON.stringify(given)) > CONFIG_SIZE_BYTES_MAX)
    throw invalidParameter(`ImageConfig must be smaller than ${CONFIG_SIZE_BYTES_MAX} bytes.`);
  const texts = [...(given.EntryPoint ?? []), ...(given.Command ?? []), given.WorkingDirectory ?? ""];
  if (texts.some((text) => text.includes("\0"))) throw invalidParameter("ImageConfig must not have a NUL character.");
  const start = {
    entryPoint: orNull(given.EntryPoint),
    command: orNull(given.Command),
    workingDirectory: given.WorkingDirectory || null,
  };
  return Object.values(start).every((each) => each === null) ? null : start;
}

/** Each of the function's settings wins over the image's own by itself. */
export function toRunnableImage(image: FunctionImage, own: ImageStart | null): RunnableImage {
  const { start, environment, allowsSnapStart } = image;
  return {
    entryPoint: own?.entryPoint ?? start.entryPoint ?? [],
    command: own?.command ?? start.command ?? [],
    workingDirectory: own?.workingDirectory ?? start.workingDirectory ?? "/",
    environment,
    allowsSnapStart,
  };
}

function orNull(list: readonly string[] | undefined): readonly string[] | null {
  return list === undefined || list.length === 0 ? null : list;
}
