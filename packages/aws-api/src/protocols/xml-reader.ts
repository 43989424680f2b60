/** Reads XML documents that clients send: well-formed ones, of a bounded depth and number of elements. */
import sax from "sax";
import { SerializationError } from "../validate.ts";

export interface XmlElement {
  /** Without its prefix. */
  readonly name: string;
  readonly children: XmlElement[];
  /** All text in it but that of its children. */
  text: string;
}

const DEPTH_MAX = 32;
/** A completion with 10,000 parts that name their checksums has some 60,000. */
const ELEMENTS_MAX = 200_000;
/** Documents of S3 name their schema, and a type here and there. */
const ATTRIBUTES_MAX = 10_000;

/** Throws SerializationError for what is no such document. Entities of a document's own are not looked up. */
export function readXml(text: string): XmlElement {
  const parser = sax.parser(true);
  const root: XmlElement = { name: "", children: [], text: "" };
  const open = [root];
  let elements = 0;
  let attributes = 0;
  parser.onerror = () => {
    throw new SerializationError("the document is not well-formed");
  };
  parser.ondoctype = () => {
    throw new SerializationError("the document has a type declaration");
  };
  parser.onattribute = () => {
    if (++attributes > ATTRIBUTES_MAX) throw new SerializationError("the document has too many attributes");
  };
  parser.onopentag = ({ name }) => {
    if (open.length > DEPTH_MAX || ++elements > ELEMENTS_MAX)
      throw new SerializationError("the document is nested too deep or has too many elements");
    const opened = { name: name.slice(name.indexOf(":") + 1), children: [], text: "" };
    open.at(-1)?.children.push(opened);
    open.push(opened);
  };
  parser.onclosetag = () => void open.pop();
  const addText = (part: string): void => {
    const at = open.at(-1);
    if (at !== undefined) at.text += part;
  };
  parser.ontext = addText;
  parser.oncdata = addText;
  parser.write(text).close();
  const [first] = root.children;
  if (first === undefined) throw new SerializationError("the document is empty");
  return first;
}
