/**
 * Walks all that JavaScript runs during Init (modules, and what they call), with hazards in place of values.
 *
 * A hazard counts when it is kept: in module state that a function reads, in a field of a kept object or a class, in a
 * variable that a function handed out still sees. Both branches of a condition are walked, each loop once.
 *
 * The walk is composed of parts by kind of syntax, which meet in `Walk`:
 *
 * ```text
 *  statements ─► expressions ─► members, calls, classes ─► functions ─► statements
 *           └──────────┴─► assignments
 * ```
 */
import { Assignments } from "./assignments.ts";
import { Calls } from "./calls.ts";
import { Classes } from "./classes.ts";
import { CompiledCalls } from "./compiled.ts";
import { Expressions } from "./expressions.ts";
import { Functions } from "./functions.ts";
import { Members } from "./members.ts";
import type { Modules } from "./modules.ts";
import type { ScanState } from "./state.ts";
import { Statements } from "./statements.ts";
import type { Walk } from "./walk.ts";

/** The parts, wired to one another. */
export function createWalk(state: ScanState, modules: Modules): Walk {
  const walk: Walk = {
    state,
    modules,
    runModule: (module) => statements.runModule(module),
    block: (nodes, frame) => statements.block(nodes, frame),
    eval: (expression, frame) => expressions.eval(expression, frame),
    nameValue: (name, frame) => expressions.nameValue(name, frame),
    assign: (target, value, frame, isDeclaration) => assignments.assign(target, value, frame, isDeclaration),
    importValue: (specifier, frame) => members.importValue(specifier, frame),
    member: (base, key) => members.member(base, key),
    readMember: (base, key, node, frame) => members.readMember(base, key, node, frame),
    source: (names, node, frame, values) => members.source(names, node, frame, values),
    call: (node, frame) => calls.call(node, frame),
    construction: (node, frame) => calls.construction(node, frame),
    exportsByCall: (name, given, values, frame) => compiled.exportsByCall(name, given, values, frame),
    ofBundle: (target, given, node, frame) => compiled.ofBundle(target, given, node, frame),
    enter: (fn, values, instance) => functions.enter(fn, values, instance),
    lazyModule: (value) => functions.lazyModule(value),
    noteCaptured: (scope, name, value, node, frame) => functions.noteCaptured(scope, name, value, node, frame),
    classValue: (node, frame) => classes.classValue(node, frame),
    construct: (cls, values, frame) => classes.construct(cls, values, frame),
  };
  const statements = new Statements(walk);
  const expressions = new Expressions(walk);
  const assignments = new Assignments(walk);
  const members = new Members(walk);
  const calls = new Calls(walk);
  const compiled = new CompiledCalls(walk);
  const functions = new Functions(walk);
  const classes = new Classes(walk);
  return walk;
}
