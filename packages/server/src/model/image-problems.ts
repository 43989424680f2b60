/** Refusals of an image, in AWS's words; what is wrong in particular stands behind them. */
import { ApiError, invalidParameter } from "./api-error.ts";

export function missingImage(uri: string): ApiError {
  return invalidParameter(`Source image ${uri} does not exist. Provide a valid source image.`);
}

export function invalidImage(uri: string, why: string): ApiError {
  return invalidParameter(`Source image ${uri} is not valid. Provide a valid source image. (${why})`);
}

export function unsupportedMediaType(uri: string, why: string): ApiError {
  return invalidParameter(
    `The image manifest, config or layer media type for the source image ${uri} is not supported. (${why})`,
  );
}

export function deniedImage(why: string): ApiError {
  return new ApiError(
    "AccessDeniedException",
    `Lambda does not have permission to access the ECR image. Check the ECR permissions. (${why})`,
  );
}

export function registryFailed(host: string, why: string): ApiError {
  return new ApiError("ServiceException", `The registry ${host} can't be read: ${why}.`);
}
