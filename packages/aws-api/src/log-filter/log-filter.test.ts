import { expect, it } from "vitest";
import { parseLogFilter } from "./log-filter.ts";

const MESSAGES = ["ERROR: no such order", "WARN: order - late", 'INFO "order" done', "[ERROR] second\nline"];

it.for<[string, readonly number[]]>([
  ["", [0, 1, 2, 3]],
  ["  ", [0, 1, 2, 3]],
  ["ERROR", [0, 3]],
  ["error", []],
  ["ERROR order", [0]],
  ["order ERROR", [0]],
  ['"such order"', [0]],
  ["?WARN ?INFO", [1, 2]],
  ['?"such order" ?INFO', [0, 2]],
  ["order -WARN", [0, 2]],
  ["-order", [3]],
  ['-"such order" order', [1, 2]],
  ["order ?WARN ?INFO", [0, 1, 2]],
  ['"\\"order\\""', [2]],
  ['"[ERROR]"', [3]],
  ["%ERR.*order%", [0]],
  ["%^[EW][RA]R%", [0, 1]],
  ["%line$%", [3]],
  ["%done$|^WARN%", [1, 2]],
  ["order -%la?te$%", [0, 2]],
])("terms: %s", ([pattern, expected]) => {
  const filter = parseLogFilter(pattern);
  expect(MESSAGES.flatMap((message, index) => (filter.test(message) ? [index] : []))).toEqual(expected);
});

const DOCUMENT = JSON.stringify({
  level: "ERROR",
  eventType: "UpdateTrail",
  sourceIPAddress: "111.111.111.111",
  arrayKey: ["value", "another value"],
  objectList: [
    { name: "a", id: 1, flag: false },
    { name: "b", id: 2, flag: true },
  ],
  nothing: null,
  took: 12.5,
  count: "7",
  "detail-type": "x",
  "a b": { "c.d": 'quoted "text"' },
});

it.for<[string, boolean]>([
  ['{ $.level = "ERROR" }', true],
  ["{ $.level = ERROR }", true],
  ["{$.level=ERROR}", true],
  ['{ $.level = "ERR" }', false],
  ['{ $.level != "ERROR" }', false],
  ['{ $.missing != "ERROR" }', false],
  ['{ $.eventType = "Update*" }', true],
  ['{ $.eventType = "*dateT*l" }', true],
  ['{ $.eventType = "*Trail*Trail" }', false],
  ["{ $.sourceIPAddress != 123.123.* }", true],
  ["{ $.sourceIPAddress = 111.111.* }", true],
  ['{ $.arrayKey[0] = "value" }', true],
  ['{ $.arrayKey[1] = "value" }', false],
  ['{ $.arrayKey[*] = "another*" }', true],
  ["{ $.objectList[1].id = 2 }", true],
  ["{ $.objectList[*].flag IS TRUE }", true],
  ["{ $.objectList[0].flag IS TRUE }", false],
  ["{ $.objectList[*].id > 1.5e0 }", true],
  ["{ $.nothing IS NULL }", true],
  ["{ $.nothing NOT EXISTS }", false],
  ["{ $.missing NOT EXISTS }", true],
  ["{ $.missing IS NULL }", false],
  ["{ $.took >= 12.5 }", true],
  ["{ $.took < 1e1 }", false],
  ["{ $.count = 7 }", true],
  ['{ $.took = "12.5" }', true],
  ["{ $.detail-type = x }", true],
  [`{ $['a b']["c.d"] = "quoted \\"text\\"" }`, true],
  ["{ $.eventType = %^Update.+% }", true],
  ["{ $.eventType != %^Delete% }", true],
  ["{ $.arrayKey = value }", false],
  ["{ ($.level = ERROR) && ($.took > 20 || $.took < 13) }", true],
  ["{ $.level = WARN && $.took > 1 || $.level = ERROR }", true],
  ["{ $.level = WARN && ($.took > 1 || $.level = ERROR) }", false],
])("JSON: %s", ([pattern, expected]) => {
  expect(parseLogFilter(pattern).test(DOCUMENT)).toBe(expected);
  expect(parseLogFilter(pattern).test(`not JSON ${DOCUMENT}`)).toBe(false);
  expect(parseLogFilter(pattern).test("{broken")).toBe(false);
});

const LINE = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534';

it.for<[string, boolean]>([
  ["[ip, user, username, timestamp, request, status_code, bytes]", true],
  ["[ip, user, username, timestamp, request, status_code]", false],
  ["[ip, user, username, timestamp, request, status_code, bytes, more]", false],
  ["[ip, ..., status_code = 4*, bytes > 1000]", true],
  ["[..., status_code = 404 || status_code = 410, bytes]", true],
  ["[..., (status_code >= 500 || status_code = 410), bytes]", false],
  ["[ip, ..., request = *.html*, status_code, bytes]", true],
  ['[ip, ..., request = "GET *", status_code, bytes]', true],
  ["[ip = %^127\\.%, ...]", true],
  ["[ip != 127.0.0.1, ...]", false],
  ["[..., bytes != 1534]", false],
  ["[...]", true],
])("columns: %s", ([pattern, expected]) => {
  expect(parseLogFilter(pattern).test(LINE)).toBe(expected);
});

// The refusals for single characters are recorded from AWS by others: see its answers to `!(`, `:` and `$."`.
it.for<[string, string]>([
  ["not !(x)", "Invalid character(s) in term '!('"],
  ["Status: timeout", "Invalid character(s) in term ':'"],
  ["me@example.com", "Invalid character(s) in term '@'"],
  ["foo-bar", "Invalid character(s) in term '-'"],
  ["a - b", "Invalid character(s) in term '-'"],
  ['{ $."sc-status" = 5* }', "Invalid character(s) in term '$.\"'"],
  ['"open', 'the quote "open is not closed'],
  ["%open", "a '%' is not closed"],
  ["{ $.a = ", "it ends too early"],
  ["{ $.a > text }", "texts are compared by = and != only"],
  ["{ $.a = 1 } x", "Invalid character(s) in term 'x'"],
  ["{ level = 1 }", "Invalid character(s) in term 'level'"],
  ["[a, ..., b, ...]", "'...' can stand once"],
  ["%a(b|c)%", "has '(': write it as \\x28"],
  ["%a b%", "has ' ': write it as \\x20"],
  ["%ä%", "only characters of ASCII"],
  ["%*a%", "there is nothing before it to repeat"],
  ["%a**%", "two counts in a row"],
  ["%a{900}%", "has a count that is not up to 512"],
  ["%a{400}b{400}%", "more than 512 states"],
  ["%[z-a]%", "a range that ends before it begins"],
  ["%[abc%", "is not whole"],
  ["%\\k%", "has \\k, which means nothing"],
  ["%a$b%", "a '$' that is not at its end"],
  ["%a% %b% %c%", "more than 2 expressions"],
])("refuses %s", ([pattern, message]) => {
  expect(() => parseLogFilter(pattern)).toThrow(message);
});

it.for<[string, readonly string[], readonly string[]]>([
  ["colou?r", ["a color", "colour"], ["colouur"]],
  ["^[hc]at", ["hat", "cat"], ["bat", "a hat"]],
  ["a{3,5}b", ["aaab", "aaaaaab"], ["aab"]],
  ["^a{3,5}$", ["aaa", "aaaaa"], ["aa", "aaaaaa"]],
  ["^a{2,}$", ["aa", "aaaaaa"], ["a"]],
  ["^a{2}$", ["aa"], ["a", "aaa"]],
  ["[^a-z-]", ["A", "ä"], ["abc-"]],
  ["10\\.10\\.0\\.1", ["at 10.10.0.1"], ["10a10a0a1"]],
  ["^\\d{1,3}\\s\\w+\\S$", ["12 ab", "1\tab_c"], ["1234 ab", "12 a"]],
  ["^[\\d.]+$", ["1.2.3"], ["1.a"]],
  ["\\x28x\\x29", ["f(x)"], ["fx"]],
  ["a.c", ["abc", "aäc"], ["a\nc", "ac"]],
  ["^\\D\\W$", ["a!"], ["1!", "ab"]],
  ["gray|grey$", ["gray cat", "is grey"], ["grey cat"]],
  ["^$", [""], ["a"]],
])("expression %s", ([expression, matching, others]) => {
  const filter = parseLogFilter(`%${expression}%`);
  expect(matching.filter((text) => !filter.test(text))).toEqual([]);
  expect(others.filter((text) => filter.test(text))).toEqual([]);
});

it("takes a time that is linear in the message, whatever the pattern", () => {
  const length = 256 * 1024;
  const cases: ReadonlyArray<readonly [string, string]> = [
    ["%.*.*.*.*.*x%", "a".repeat(length)],
    ["%a*a*a*a*a*b%", "a".repeat(length)],
    ["%(a+)+b%".replaceAll(/[()]/g, "").replace("++", "+"), "a".repeat(length)],
    ["[a, b, ...]", "[ ".repeat(length / 2)],
    ["[a, b, ...]", '" x'.repeat(length / 3)],
    ["[a = *a*a*a*a*b]", "a".repeat(length)],
    ["{ $.*[*].a = 1 }", `[${"[".repeat(length / 2)}`],
  ];
  for (const [pattern, message] of cases) expect(parseLogFilter(pattern).test(message)).toBe(pattern === "[a, b, ...]");
});
