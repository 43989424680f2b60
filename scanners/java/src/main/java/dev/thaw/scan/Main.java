package dev.thaw.scan;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.objectweb.asm.tree.ClassNode;
import org.objectweb.asm.tree.MethodNode;

/**
 * Snapshot hazards in class files, without running them. Called by {@code thaw scan}:
 * {@code java dev.thaw.scan.Main PATH [--handler CLASS::METHOD] [--dependencies] < sources.tsv}.
 * JSON lines on standard output: finding, problem, handler, and done with the number of classes.
 */
public final class Main {
    private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    private Main() {}

    public static void main(String[] arguments) throws IOException {
        List<String> given = List.of(arguments);
        int at = given.indexOf("--handler");
        String handler =
                at == -1 ? null : given.get(at + 1).replaceAll("::.*", "").replace('.', '/');
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Catalog catalog = new Catalog(input.lines().toList());
        ClassPath classes = new ClassPath(Path.of(given.get(0)));
        Handlers handlers = new Handlers(classes);
        if (handler != null && !classes.isOwn(handler) && classes.own().isEmpty()) {
            classes.takeJarOf(handler);
        }
        handlers.narrow(handler);
        Scanner scanner = new Scanner(classes, catalog, given.contains("--dependencies"));
        walk(scanner, classes, handlers, handler);
        for (String problem : classes.problems()) {
            print(Map.of("type", "problem", "file", "", "message", problem));
        }
        OUT.println("{\"type\":\"done\",\"files\":" + classes.count() + "}");
        OUT.flush();
    }

    private static void walk(Scanner scanner, ClassPath classes, Handlers handlers, String handler) {
        ClassNode named = handler == null ? null : classes.find(handler);
        List<ClassNode> starts = handler == null ? handlers.find() : named == null ? List.of() : List.of(named);
        for (ClassNode node : starts) {
            print(Map.of("type", "handler", "name", node.name.replace('/', '.'), "file", scanner.fileOf(node)));
            scanner.construct(node.name);
            // What a container puts into the handler's fields is made at Init too.
            scanner.fieldTypes(node).forEach(scanner::construct);
        }
        if (!starts.isEmpty()) {
            for (ClassNode node : handlers.beans()) {
                scanner.construct(node.name);
                for (MethodNode method : node.methods) {
                    if (Handlers.isBeanMethod(method)) {
                        scanner.keepAnswer(node, method);
                    } else if (Handlers.isStartMethod(method)) {
                        scanner.enter(node, method);
                    }
                }
            }
        }
        scanner.in(Scanner.Phase.BEFORE_SNAPSHOT);
        Set<Summary> afterRestore = new LinkedHashSet<>();
        for (ClassNode node : handlers.hooks()) {
            for (MethodNode method : node.methods) {
                if (method.name.equals("beforeCheckpoint")) {
                    scanner.enter(node, method);
                } else if (method.name.equals("afterRestore")) {
                    afterRestore.add(scanner.summarise(new ClassPath.Found(node, method)));
                }
            }
        }
        scanner.findings(afterRestore).forEach(Main::print);
    }

    private static void print(Scanner.Finding finding) {
        OUT.println("{\"type\":\"finding\",\"rule\":" + quote(finding.rule()) + ",\"file\":"
                + quote(finding.place().file()) + ",\"line\":" + finding.place().line()
                + ",\"column\":1,\"kept\":" + (finding.kept() == null ? "null" : quote(finding.kept())) + ",\"what\":"
                + quote(finding.what())
                + ",\"phase\":" + quote(finding.phase() == Scanner.Phase.INIT ? "init" : "before-snapshot")
                + ",\"source\":{\"file\":" + quote(finding.source().file()) + ",\"line\":"
                + finding.source().line() + "}}");
    }

    private static void print(Map<String, String> message) {
        OUT.println(message.entrySet().stream()
                .map(each -> quote(each.getKey()) + ":" + quote(each.getValue()))
                .collect(Collectors.joining(",", "{", "}")));
    }

    private static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char each : text.toCharArray()) {
            if (each == '"' || each == '\\') {
                quoted.append('\\').append(each);
            } else if (each < ' ') {
                quoted.append(String.format("\\u%04x", (int) each));
            } else {
                quoted.append(each);
            }
        }
        return quoted.append('"').toString();
    }
}
