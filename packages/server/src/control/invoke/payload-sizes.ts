/** AWS's limits of what an invoke sends. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const REQUEST_SIZE_BYTES_MAX = 6_291_456;
export const EVENT_SIZE_BYTES_MAX = 1_048_576;
/** Of InvokeAsync, which AWS keeps for old clients. */
export const ASYNC_ARGS_SIZE_BYTES_MAX = 262_144;
