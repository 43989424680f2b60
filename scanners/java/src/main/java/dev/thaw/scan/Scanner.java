package dev.thaw.scan;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.objectweb.asm.Handle;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.ClassNode;
import org.objectweb.asm.tree.FieldNode;
import org.objectweb.asm.tree.MethodInsnNode;
import org.objectweb.asm.tree.MethodNode;
import org.objectweb.asm.tree.analysis.AnalyzerException;

/**
 * Runs what Init runs (static initialisers of the classes it touches, constructors of handlers and beans, and what they
 * call), method by method, and collects the hazards that end up in fields.
 */
final class Scanner {
    enum Phase {
        INIT,
        BEFORE_SNAPSHOT
    }

    record Finding(String rule, String what, Label.Place source, Label.Place place, String kept, Phase phase) {}

    private static final int DEPTH_MAX = 60;
    private static final int METHODS_MAX = 50_000;
    /** How far a call into a library is followed to learn whether its answer is random. */
    private static final int DEPENDENCY_DEPTH_MAX = 4;

    private static final int DEPENDENCY_METHODS_MAX = 1_500;
    private static final Set<String> FOLLOWED_RULES = Set.of("random-value", "identifier");
    private static final Set<String> PLAIN_TYPES = Set.of(
            "Ljava/lang/String;",
            "Ljava/util/UUID;",
            "Ljava/math/BigInteger;",
            "Ljava/lang/Long;",
            "Ljava/lang/Integer;",
            "J",
            "I",
            "D",
            "F",
            "[B");
    private static final Summary NOTHING = new Summary();

    private final ClassPath classes;
    private final Catalog catalog;
    private final boolean withDependencies;
    private final Map<MethodNode, Summary> summaries = new HashMap<>();
    private final Deque<MethodNode> active = new ArrayDeque<>();
    private final Map<String, Set<Label>> fields = new HashMap<>();
    private final Set<String> touched = new HashSet<>();
    private final Map<String, Finding> findings = new LinkedHashMap<>();
    private final Map<Label, Map.Entry<String, Phase>> effects = new LinkedHashMap<>();
    private final Map<String, Set<String>> implementers = new HashMap<>();
    private Phase phase = Phase.INIT;
    private int dependencyDepth;
    private int dependencyMethods;

    Scanner(ClassPath classes, Catalog catalog, boolean withDependencies) {
        this.classes = classes;
        this.catalog = catalog;
        this.withDependencies = withDependencies;
        for (String name : classes.own()) {
            ClassNode node = classes.find(name);
            if (node != null && (node.access & (Opcodes.ACC_ABSTRACT | Opcodes.ACC_INTERFACE)) == 0) {
                node.interfaces.forEach(each -> implementers
                        .computeIfAbsent(each, key -> new HashSet<>())
                        .add(name));
                implementers
                        .computeIfAbsent(node.superName, key -> new HashSet<>())
                        .add(name);
            }
        }
    }

    void in(Phase next) {
        phase = next;
    }

    /** The object lives as long as the environment: what its constructors keep is kept. */
    void construct(String name) {
        touch(name);
        ClassNode node = classes.find(name);
        if (node != null) {
            node.methods.stream().filter(method -> method.name.equals("<init>")).forEach(method -> enter(node, method));
        }
    }

    /** Runs a method of a kept object. Its answer is kept where `asBean`. */
    void enter(ClassNode owner, MethodNode method) {
        Summary summary = summarise(new ClassPath.Found(owner, method));
        Label.Place start = new Label.Place(fileOf(owner), 0);
        keep(summary.self, simple(owner.name), start);
        record(summary);
    }

    void keepAnswer(ClassNode owner, MethodNode method) {
        Summary summary = summarise(new ClassPath.Found(owner, method));
        keep(summary.returns, simple(owner.name) + "." + method.name, new Label.Place(fileOf(owner), 0));
        record(summary);
    }

    private void record(Summary summary) {
        summary.stores.forEach((store, labels) -> keep(labels, store.name(), store.place()));
        summary.effects.forEach((label, name) -> effects.putIfAbsent(label, Map.entry(name, phase)));
    }

    private void keep(Set<Label> labels, String name, Label.Place place) {
        for (Label label : labels) {
            if (label.parameter() >= 0) {
                continue;
            }
            Label.Place where = label.keptAt() != null ? label.keptAt() : place.line() == 0 ? label.place() : place;
            String kept = label.keptAs() != null ? label.keptAs() : name;
            findings.putIfAbsent(
                    label.rule() + " " + where.file() + ":" + where.line(),
                    new Finding(label.rule(), label.what(), label.place(), where, kept, phase));
        }
    }

    /** A class that is used is initialised first. */
    void touch(String name) {
        if (dependencyDepth > 0 || !isKnown(name) || !touched.add(name)) {
            return;
        }
        ClassNode node = classes.find(name);
        if (node == null) {
            return;
        }
        if (node.superName != null) {
            touch(node.superName);
        }
        node.methods.stream()
                .filter(method -> method.name.equals("<clinit>"))
                .findFirst()
                .ifPresent(method -> record(summarise(new ClassPath.Found(node, method))));
    }

    Summary summarise(ClassPath.Found found) {
        MethodNode method = found.method();
        Summary known = summaries.get(method);
        if (known != null) {
            return known;
        }
        if (active.contains(method)
                || active.size() > DEPTH_MAX
                || summaries.size() > METHODS_MAX
                || method.instructions.size() == 0) {
            return NOTHING;
        }
        Summary summary = new Summary();
        active.push(method);
        try {
            new MethodScan(this, found.owner(), method, summary).run();
        } catch (AnalyzerException | RuntimeException error) {
            classes.problems()
                    .add(found.owner().name + "." + method.name + ": can't be analysed: " + error.getMessage());
        } finally {
            active.pop();
        }
        summaries.put(method, summary);
        return summary;
    }

    /** One of the function's own methods, or null. An abstract one is followed where there is one implementation. */
    ClassPath.Found resolve(MethodInsnNode call) {
        if (call.owner.startsWith("[")) {
            return null;
        }
        ClassPath.Found found =
                classes.find(call.owner) == null ? null : classes.method(call.owner, call.name, call.desc);
        if (found == null && isKnown(call.owner)) {
            Set<String> choices = implementers.getOrDefault(call.owner, Set.of());
            found = choices.size() == 1 ? classes.method(choices.iterator().next(), call.name, call.desc) : null;
        }
        return found != null
                        && (isKnown(found.owner().name)
                                || (dependencyDepth > 0 && call.getOpcode() == Opcodes.INVOKESTATIC))
                ? found
                : null;
    }

    /** Random values that a library's method makes and answers with. */
    Set<Label> ofDependency(MethodInsnNode call) {
        if (!PLAIN_TYPES.contains(Type.getReturnType(call.desc).getDescriptor())
                || dependencyDepth >= DEPENDENCY_DEPTH_MAX
                || isKnown(call.owner)) {
            return Set.of();
        }
        if (classes.find(call.owner) == null || ++dependencyMethods > DEPENDENCY_METHODS_MAX) {
            return Set.of();
        }
        ClassPath.Found found = classes.method(call.owner, call.name, call.desc);
        if (found == null
                || found.method().name.equals("toString")
                || found.method().name.equals("hashCode")) {
            return Set.of();
        }
        dependencyDepth++;
        try {
            return summarise(found).returns.stream()
                    .filter(label -> FOLLOWED_RULES.contains(label.rule()))
                    .map(label -> Label.of(label.rule(), show(call), label.place()))
                    .collect(Collectors.toSet());
        } finally {
            dependencyDepth--;
        }
    }

    /** What a function gives when it is run at once. */
    Set<Label> run(Handle body) {
        if (body == null || !isKnown(body.getOwner())) {
            return Set.of();
        }
        ClassPath.Found found = classes.method(body.getOwner(), body.getName(), body.getDesc());
        return found == null
                ? Set.of()
                : summarise(found).returns.stream()
                        .filter(label -> label.parameter() < 0)
                        .collect(Collectors.toSet());
    }

    void remember(String key, Set<Label> labels) {
        if (dependencyDepth == 0) {
            Set<Label> known = fields.computeIfAbsent(key, each -> new HashSet<>());
            labels.stream().filter(label -> label.parameter() < 0).forEach(known::add);
        }
    }

    Set<Label> remembered(String key) {
        return Set.copyOf(fields.getOrDefault(key, Set.of()));
    }

    boolean isInstanceField(String key) {
        ClassNode node = classes.find(key.substring(0, key.lastIndexOf('.')));
        String name = key.substring(key.lastIndexOf('.') + 1);
        return node != null
                && node.fields.stream()
                        .anyMatch(field -> field.name.equals(name) && (field.access & Opcodes.ACC_STATIC) == 0);
    }

    /** Followed and reported: the function's own, and the libraries' where asked for. */
    boolean isKnown(String name) {
        return classes.isOwn(name) || (withDependencies && classes.find(name) != null);
    }

    Catalog catalog() {
        return catalog;
    }

    String fileOf(ClassNode node) {
        String outer = node.name.replaceAll("\\$.*", "");
        if (node.sourceFile == null) {
            return outer + ".class";
        }
        int slash = outer.lastIndexOf('/');
        return slash == -1 ? node.sourceFile : outer.substring(0, slash + 1) + node.sourceFile;
    }

    String nameOf(String key) {
        int dot = key.lastIndexOf('.');
        return simple(key.substring(0, dot)) + key.substring(dot);
    }

    String show(MethodInsnNode call) {
        return call.name.equals("<init>")
                ? "new " + simple(call.owner) + "()"
                : simple(call.owner) + "." + call.name + "()";
    }

    static String simple(String name) {
        return name.substring(name.lastIndexOf('/') + 1).replaceAll("^.*\\$(?=[A-Za-z])", "");
    }

    /** All that was found, without what after-restore hooks set again. */
    java.util.List<Finding> findings(Set<Summary> afterRestore) {
        Set<String> cured = new HashSet<>();
        Set<String> curedEffects = new HashSet<>();
        for (Summary summary : afterRestore) {
            summary.assigned.forEach(key -> cured.add(nameOf(key)));
            curedEffects.addAll(summary.effects.values());
        }
        effects.forEach((label, entry) -> {
            if (!curedEffects.contains(entry.getKey())) {
                findings.putIfAbsent(
                        label.rule() + " " + label.place().file() + ":"
                                + label.place().line(),
                        new Finding(label.rule(), label.what(), label.place(), label.place(), null, entry.getValue()));
            }
        });
        return findings.values().stream()
                .filter(each -> each.kept() == null || !cured.contains(each.kept()))
                .toList();
    }

    /** Own classes among the types of a class's fields. */
    Set<String> fieldTypes(ClassNode node) {
        Set<String> types = new HashSet<>();
        for (FieldNode field : node.fields) {
            Type type = Type.getType(field.desc);
            if (type.getSort() == Type.OBJECT && isKnown(type.getInternalName())) {
                types.add(type.getInternalName());
            }
        }
        return types;
    }
}
