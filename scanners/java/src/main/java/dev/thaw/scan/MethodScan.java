package dev.thaw.scan;

import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.objectweb.asm.Handle;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.ClassNode;
import org.objectweb.asm.tree.FieldInsnNode;
import org.objectweb.asm.tree.InvokeDynamicInsnNode;
import org.objectweb.asm.tree.LdcInsnNode;
import org.objectweb.asm.tree.LineNumberNode;
import org.objectweb.asm.tree.MethodInsnNode;
import org.objectweb.asm.tree.MethodNode;
import org.objectweb.asm.tree.TypeInsnNode;
import org.objectweb.asm.tree.analysis.Analyzer;
import org.objectweb.asm.tree.analysis.AnalyzerException;
import org.objectweb.asm.tree.analysis.BasicInterpreter;
import org.objectweb.asm.tree.analysis.BasicValue;
import org.objectweb.asm.tree.analysis.Interpreter;

/** One method under ASM's data-flow analysis, with hazards in place of values. */
final class MethodScan extends Interpreter<Val> {
    private static final int ROUNDS_MAX = 4;
    private static final Set<String> TAKES_IN = Set.of(
            "put",
            "putIfAbsent",
            "add",
            "addAll",
            "addFirst",
            "addLast",
            "append",
            "set",
            "setProperty",
            "offer",
            "push",
            "putAll");
    private static final Set<String> ENDS = Set.of("close", "delete", "deleteIfExists", "shutdown");
    /** JDK methods that run the function they are given at once. */
    private static final Set<String> RUNS_NOW = Set.of(
            "computeIfAbsent",
            "compute",
            "merge",
            "forEach",
            "replaceAll",
            "orElseGet",
            "supplyAsync",
            "doPrivileged",
            "requireNonNullElseGet");

    private static final Set<String> FORGETFUL = Set.of(
            "println",
            "print",
            "info",
            "debug",
            "warn",
            "error",
            "trace",
            "length",
            "size",
            "isEmpty",
            "isPresent",
            "getClass");

    private final BasicInterpreter basics = new BasicInterpreter();
    private final Scanner scanner;
    private final ClassNode owner;
    private final MethodNode method;
    private final Summary summary;
    private final Map<AbstractInsnNode, Set<Label>> contents = new IdentityHashMap<>();
    private final Map<AbstractInsnNode, Integer> lines = new IdentityHashMap<>();
    private final Set<AbstractInsnNode> closed = java.util.Collections.newSetFromMap(new IdentityHashMap<>());
    private boolean hasChanged;

    MethodScan(Scanner scanner, ClassNode owner, MethodNode method, Summary summary) {
        super(Opcodes.ASM9);
        this.scanner = scanner;
        this.owner = owner;
        this.method = method;
        this.summary = summary;
    }

    /** Again until nothing more is found inside objects that were made earlier. */
    void run() throws AnalyzerException {
        int line = 0;
        for (AbstractInsnNode each : method.instructions) {
            line = each instanceof LineNumberNode number ? number.line : line;
            lines.put(each, line);
        }
        for (int round = 0; round < ROUNDS_MAX && (round == 0 || hasChanged); round++) {
            hasChanged = false;
            new Analyzer<>(this).analyze(owner.name, method);
        }
    }

    private Label.Place place(AbstractInsnNode instruction) {
        return new Label.Place(scanner.fileOf(owner), lines.getOrDefault(instruction, 0));
    }

    private Set<Label> all(Val value) {
        Set<Label> labels = value.labels();
        for (AbstractInsnNode each : value.made()) {
            labels = Val.union(labels, contents.getOrDefault(each, Set.of()));
            if (closed.contains(each)) {
                labels = new HashSet<>(labels);
                labels.removeIf(label ->
                        label.rule().equals("connection") || label.rule().equals("temp-file"));
            }
        }
        return labels;
    }

    /** Labels go into an object: by what made it, by the field it came from, or into `this`. */
    private void putInto(Val target, Set<Label> labels, AbstractInsnNode instruction) {
        if (labels.isEmpty()) {
            return;
        }
        if (target.isThis()) {
            summary.self.addAll(labels);
            return;
        }
        for (AbstractInsnNode each : target.made()) {
            hasChanged |= contents.computeIfAbsent(each, key -> new HashSet<>()).addAll(labels);
        }
        if (target.field() != null) {
            storeField(target.field(), labels, instruction, target.field().startsWith(owner.name + "."));
        }
    }

    private void storeField(String key, Set<Label> labels, AbstractInsnNode instruction, boolean isOwnObject) {
        String name = scanner.nameOf(key);
        Label.Place where = place(instruction);
        Set<Label> kept = new HashSet<>();
        labels.forEach(label -> kept.add(label.keptIn(name, where)));
        if (isOwnObject && scanner.isInstanceField(key)) {
            summary.self.addAll(kept);
        } else {
            summary.store(new Summary.Store(key, name, where), kept);
        }
        scanner.remember(key, kept);
    }

    // The interpreter

    @Override
    public Val newValue(Type type) {
        BasicValue basic = basics.newValue(type);
        return basic == null ? null : Val.of(basic);
    }

    @Override
    public Val newParameterValue(boolean isInstanceMethod, int local, Type type) {
        Val value = newValue(type);
        if (isInstanceMethod && local == 0) {
            return new Val(value.basic(), Set.of(), Set.of(), null, null, null, true);
        }
        int at = isInstanceMethod ? 1 : 0;
        Type[] types = Type.getArgumentTypes(method.desc);
        for (int index = 0; index < types.length; index++) {
            if (at == local) {
                return value.with(Set.of(Label.parameter(index)));
            }
            at += types[index].getSize();
        }
        return value;
    }

    @Override
    public Val newOperation(AbstractInsnNode instruction) throws AnalyzerException {
        Val value = Val.of(basics.newOperation(instruction));
        if (instruction instanceof LdcInsnNode constant && constant.cst instanceof String text) {
            return new Val(value.basic(), Set.of(), Set.of(), null, text, null, false);
        }
        if (instruction instanceof TypeInsnNode made && instruction.getOpcode() == Opcodes.NEW) {
            scanner.touch(made.desc);
            return value.madeBy(instruction);
        }
        if (instruction instanceof FieldInsnNode field) {
            scanner.touch(field.owner);
            return read(value, field);
        }
        return value;
    }

    private Val read(Val value, FieldInsnNode field) {
        String key = field.owner + "." + field.name;
        return new Val(value.basic(), scanner.remembered(key), Set.of(), key, null, null, false);
    }

    @Override
    public Val copyOperation(AbstractInsnNode instruction, Val value) {
        return value;
    }

    @Override
    public Val unaryOperation(AbstractInsnNode instruction, Val value) throws AnalyzerException {
        BasicValue basic = basics.unaryOperation(instruction, value.basic());
        switch (instruction.getOpcode()) {
            case Opcodes.PUTSTATIC: {
                FieldInsnNode field = (FieldInsnNode) instruction;
                String key = field.owner + "." + field.name;
                summary.assigned.add(key);
                storeField(key, all(value), instruction, false);
                return null;
            }
            case Opcodes.GETFIELD:
                return read(Val.of(basic), (FieldInsnNode) instruction);
            case Opcodes.CHECKCAST:
                return new Val(
                        basic,
                        value.labels(),
                        value.made(),
                        value.field(),
                        value.text(),
                        value.lambda(),
                        value.isThis());
            case Opcodes.INSTANCEOF, Opcodes.ARRAYLENGTH:
                return Val.of(basic);
            case Opcodes.NEWARRAY, Opcodes.ANEWARRAY:
                return Val.of(basic).madeBy(instruction);
            default:
                return basic == null ? null : Val.of(basic).with(all(value));
        }
    }

    @Override
    public Val binaryOperation(AbstractInsnNode instruction, Val first, Val second) throws AnalyzerException {
        BasicValue basic = basics.binaryOperation(instruction, first.basic(), second.basic());
        if (instruction.getOpcode() == Opcodes.PUTFIELD) {
            FieldInsnNode field = (FieldInsnNode) instruction;
            String key = field.owner + "." + field.name;
            summary.assigned.add(key);
            if (first.isThis()) {
                storeField(key, all(second), instruction, true);
            } else {
                Set<Label> kept = new HashSet<>();
                all(second).forEach(label -> kept.add(label.keptIn(scanner.nameOf(key), place(instruction))));
                putInto(first, kept, instruction);
            }
            return null;
        }
        return basic == null ? null : Val.of(basic).with(Val.union(all(first), all(second)));
    }

    @Override
    public Val ternaryOperation(AbstractInsnNode instruction, Val array, Val index, Val value) {
        putInto(array, all(value), instruction);
        return null;
    }

    @Override
    public Val naryOperation(AbstractInsnNode instruction, List<? extends Val> values) throws AnalyzerException {
        List<BasicValue> plain = values.stream().map(Val::basic).toList();
        BasicValue basic = basics.naryOperation(instruction, plain);
        Val value = basic == null
                ? Val.of(BasicValue.UNINITIALIZED_VALUE)
                : Val.of(basic).madeBy(instruction);
        if (instruction instanceof InvokeDynamicInsnNode dynamic) {
            return dynamic(value, dynamic, values);
        }
        if (instruction instanceof MethodInsnNode call) {
            Val result = call(value, call, values);
            return basic == null ? null : result;
        }
        return value;
    }

    private Val dynamic(Val value, InvokeDynamicInsnNode instruction, List<? extends Val> values) {
        Set<Label> captured = new HashSet<>();
        values.forEach(each -> captured.addAll(all(each)));
        Handle body = null;
        for (Object each : instruction.bsmArgs) {
            if (each instanceof Handle handle
                    && instruction.bsm.getOwner().equals("java/lang/invoke/LambdaMetafactory")) {
                body = handle;
            }
        }
        return new Val(value.basic(), captured, value.made(), null, null, body, false);
    }

    private Val call(Val result, MethodInsnNode call, List<? extends Val> values) {
        boolean isStatic = call.getOpcode() == Opcodes.INVOKESTATIC;
        boolean isConstructor = call.name.equals("<init>");
        if (isStatic) {
            scanner.touch(call.owner);
        }
        Val receiver = isStatic ? null : values.get(0);
        List<? extends Val> arguments = isStatic ? values : values.subList(1, values.size());
        Set<Label> given = new HashSet<>();
        arguments.forEach(each -> given.addAll(all(each)));
        Set<Label> found = source(call, arguments);
        if (isConstructor) {
            construct(call, receiver, arguments, given, found);
            return result;
        }
        if (receiver != null && ENDS.contains(call.name)) {
            receiver.made().forEach(each -> hasChanged |= closed.add(each));
        }
        ClassPath.Found target = found.isEmpty() ? scanner.resolve(call) : null;
        if (target != null) {
            return result.with(apply(scanner.summarise(target), receiver, arguments, call));
        }
        if (receiver != null && TAKES_IN.contains(call.name)) {
            putInto(receiver, given, call);
        }
        if (FORGETFUL.contains(call.name)) {
            return result;
        }
        Set<Label> labels = new HashSet<>(given);
        if (receiver != null) {
            // A number drawn from a generator is not the generator.
            all(receiver).stream().filter(label -> !label.isGenerator()).forEach(labels::add);
        }
        if (call.owner.startsWith("java/util/stream/")
                || call.owner.startsWith("java/util/Optional")
                || RUNS_NOW.contains(call.name)) {
            arguments.forEach(each -> labels.addAll(scanner.run(each.lambda())));
        }
        labels.addAll(found);
        labels.addAll(scanner.ofDependency(call));
        if (found.isEmpty() && call.desc.endsWith(")Ljava/util/Random;") && !scanner.isKnown(call.owner)) {
            labels.add(Label.of("random-generator", scanner.show(call), place(call)));
        }
        if (receiver != null && receiver.made().size() == 1 && call.desc.endsWith(")L" + call.owner + ";")) {
            // A builder that returns itself.
            putInto(receiver, labels, call);
        }
        return result.with(labels);
    }

    private void construct(
            MethodInsnNode call, Val receiver, List<? extends Val> arguments, Set<Label> given, Set<Label> found) {
        ClassPath.Found target = scanner.resolve(call);
        if (target != null && scanner.isKnown(call.owner)) {
            putInto(receiver, Val.union(apply(scanner.summarise(target), receiver, arguments, call), found), call);
        } else {
            putInto(receiver, Val.union(given, found), call);
        }
    }

    /** A call of one of the function's own methods; the answer's labels. */
    private Set<Label> apply(Summary called, Val receiver, List<? extends Val> arguments, MethodInsnNode call) {
        called.stores.forEach((store, labels) -> summary.store(store, substitute(labels, arguments)));
        summary.effects.putAll(called.effects);
        summary.assigned.addAll(called.assigned);
        if (receiver != null) {
            putInto(receiver, substitute(called.self, arguments), call);
        }
        return substitute(called.returns, arguments);
    }

    private Set<Label> substitute(Set<Label> labels, List<? extends Val> arguments) {
        Set<Label> replaced = new HashSet<>();
        for (Label label : labels) {
            if (label.parameter() < 0) {
                replaced.add(label);
            } else if (label.parameter() < arguments.size()) {
                replaced.addAll(all(arguments.get(label.parameter())));
            }
        }
        return replaced;
    }

    /** A name is resolved; an address that is written down is what it is. */
    private static boolean isResolved(MethodInsnNode call, List<? extends Val> arguments) {
        String host = arguments.isEmpty() ? null : arguments.get(0).text();
        return call.desc.startsWith("(Ljava/lang/String;")
                && (host == null || !host.matches("localhost|[0-9.]+|[0-9a-fA-F:]+"));
    }

    private Set<Label> source(MethodInsnNode call, List<? extends Val> arguments) {
        String name = call.owner + "." + call.name;
        Catalog.Source source = null;
        if (!arguments.isEmpty() && arguments.get(0).text() != null) {
            source = scanner.catalog().find(name + "(" + arguments.get(0).text() + ")");
        }
        if (source == null) {
            source = scanner.catalog().find(name);
        }
        if (source == null
                || (source.mode().equals("noargs") && !arguments.isEmpty())
                || (source.mode().equals("withargs") && arguments.isEmpty())) {
            return Set.of();
        }
        if (source.rule().equals("resolved-address") && !isResolved(call, arguments)) {
            return Set.of();
        }
        String rule = source.mode().equals("generator") && !arguments.isEmpty() ? "seed" : source.rule();
        Label label = Label.of(rule, scanner.show(call), place(call));
        if (source.mode().equals("effect")) {
            summary.effects.put(label, name);
            return Set.of();
        }
        return Set.of(label);
    }

    @Override
    public void returnOperation(AbstractInsnNode instruction, Val value, Val expected) {
        summary.returns.addAll(all(value));
    }

    @Override
    public Val merge(Val first, Val second) {
        BasicValue basic = basics.merge(first.basic(), second.basic());
        Val merged = new Val(
                basic,
                Val.union(first.labels(), second.labels()),
                Val.union(first.made(), second.made()),
                first.field() != null && first.field().equals(second.field()) ? first.field() : null,
                first.text() != null && first.text().equals(second.text()) ? first.text() : null,
                first.lambda() == null ? second.lambda() : first.lambda(),
                first.isThis() && second.isThis());
        return merged.equals(first) ? first : merged;
    }
}
