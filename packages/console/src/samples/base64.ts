/** Base64 of a text in ASCII, or of bytes. */
export function inBase64(content: string | Uint8Array): string {
  return btoa(typeof content === "string" ? content : String.fromCharCode(...content));
}
