export class NoDirectoryError extends Error {}
export function makeMissing(path: string, mode: number): boolean;
