// matrix: a function of its own for each form of a handler, most of them in two lives
/** The forms of Java's handlers, on Java 21, whose root file system the set-up installs. */
import { thawHomeOf } from "@thaw/installation";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { testJavaForms } from "./java-forms.ts";

const isThere = existsSync(join(thawHomeOf(process.env), "runtimes/java21/.complete"));

describe.skipIf(!isThere)(`java21 ${isThere ? "" : "is not there: npx thaw runtimes install java21"}`, () => {
  testJavaForms("java21");
});
