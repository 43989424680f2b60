/** AWS's limits for what a function answers. */

/** 6 MiB and 100 bytes: a response that is taken whole, and an error document. */
export const RESPONSE_SIZE_BYTES_MAX = 6_291_556;
/** 200 MiB: a response in pieces. */
export const STREAM_SIZE_BYTES_MAX = 200 * 1024 * 1024;
