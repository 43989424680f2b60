import { it } from "vitest";
import { isWantedMessage } from "./application-level.ts";
import { LOG_LEVELS } from "./record-reader.ts";

const TIME = "2024-11-02T16:51:31.587199Z";

/** The gravest level at which a message is still logged; "always" for one that no level leaves out. */
function levelOf(message: string): string {
  const passing = LOG_LEVELS.filter((lowest) => isWantedMessage(message, null, lowest));
  return passing.length === LOG_LEVELS.length && message[0] !== "{" ? "always" : (passing.at(-1) ?? "none");
}

it.for<[string, string]>([
  // AWS's own example.
  [`{"level": "debug", "msg": "my debug log", "timestamp": "${TIME}"}`, "DEBUG"],
  [`{"level":"ERROR","time":"2024-11-02T16:51:31+01:00"}`, "ERROR"],
  [`  {"@timestamp":"${TIME}","level":"Trace"}  `, "TRACE"],
  [`{"level":"CRITICAL","timestamp":"${TIME}"}`, "FATAL"],
  [`{"level":"WARNING","timestamp":"${TIME}"}`, "WARN"],
  [`{"level":"loud","timestamp":"${TIME}"}`, "INFO"],
  [`{"level":50,"timestamp":"${TIME}"}`, "INFO"],
  [`{"message":"no level","timestamp":"${TIME}"}`, "INFO"],
  [`{"level":"ERROR","message":"no time"}`, "INFO"],
  [`{"level":"DEBUG","timestamp":"2024-11-02 16:51:31,587"}`, "INFO"],
  [`{"level":"DEBUG","timestamp":"2024-13-42T99:51:31Z"}`, "INFO"],
  [`{"level":"DEBUG","timestamp":1730566291}`, "INFO"],
  ["plain text, level DEBUG", "always"],
  ["[1,2]", "always"],
  ['"text"', "always"],
])("%s has the level %s", ([message, level], { expect }) => {
  expect(levelOf(message)).toBe(level);
});

it("keeps what only looks like JSON, and believes the header of a record", ({ expect }) => {
  expect(isWantedMessage('{"level":"debug"', null, "FATAL")).toBe(true);
  expect(isWantedMessage("{not json}", null, "FATAL")).toBe(true);
  expect(isWantedMessage("text", "DEBUG", "INFO")).toBe(false);
  expect(isWantedMessage(`{"level":"DEBUG","timestamp":"${TIME}"}`, "ERROR", "WARN")).toBe(true);
});
