/** Notes about a template's text: what arrives is not what somebody may read there. */
import type { Report } from "./problem.ts";
import { changedText } from "./scalars.ts";
import type { Template } from "./template.ts";

export const TWICE = "is there twice: the last one counts";

/** Notes scalars that reach a resource or an output, and keys that are there twice. */
export function noteText(template: Template, report: Report): void {
  for (const path of template.doubles) report.note(path, TWICE);
  for (const [path, source] of template.reread) {
    if (!reaches(path)) continue;
    const read = changedText(source);
    const place = path.replace(".Properties.", ".");
    if (read === source) report.note(place, `is the text ${source}; some tools read a number there: put it in quotes`);
    else report.note(place, `is ${read ?? "null"}, as YAML 1.1 reads ${source}: put it in quotes to keep the text`);
  }
}

function reaches(path: string): boolean {
  const [section, name = "", part] = path.split(".");
  if (section === "Resources") return part === "Properties";
  if (section === "Parameters") return part === "Default" || part?.startsWith("AllowedValues") === true;
  if (section === "Outputs") return part === "Value";
  return section === "Mappings" || (section === "Globals" && name === "Function");
}
