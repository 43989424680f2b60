/** Defaults that depend on the host's memory. */
import { totalmem } from "node:os";

const HOST_MEMORY_MIB = Math.floor(totalmem() / 2 ** 20);
export const PREPARED_MEMORY_MIB = Math.max(512, Math.floor(HOST_MEMORY_MIB / 16));
export const PAGER_MEMORY_MIB = 256;
/** As much again as is prepared is left to the host. AWS's largest function fits, whatever the host has. */
export const MEMORY_MAX_MIB = Math.max(10_240, HOST_MEMORY_MIB - 2 * PREPARED_MEMORY_MIB - PAGER_MEMORY_MIB);
