import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";

/** A package of one file, whose bytes are not made fewer. */
export function zipOf(text: string): Promise<Buffer> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(text), "app.txt", { compress: false, mtime: new Date(0) });
  zip.end();
  return buffer(zip.outputStream);
}
