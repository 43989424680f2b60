/**
 * Media types that a REST API takes for binary.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
 */

const ALL = "*/*";
/** AWS's rule of a type: also `image/*`. */
const TYPE = /^[A-Za-z0-9!#$&^_.+*-]{1,127}\/[A-Za-z0-9!#$&^_.+*-]{1,127}$/;

export function isMediaType(text: string): boolean {
  return TYPE.test(text);
}

/** Whether the first type of a header (Content-Type, or Accept) is one of them; parameters are not looked at. */
export function isBinary(binaryMediaTypes: readonly string[], header: string | null): boolean {
  if (binaryMediaTypes.includes(ALL)) return true;
  if (header === null) return false;
  const [type = ""] = (header.split(",", 1)[0] ?? "").split(";", 1);
  const wanted = type.trim().toLowerCase();
  return binaryMediaTypes.some((each) => {
    const own = each.toLowerCase();
    return own === wanted || (own.endsWith("/*") && wanted.startsWith(own.slice(0, -1)));
  });
}
