package dev.thaw.scan;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.tree.AnnotationNode;
import org.objectweb.asm.tree.ClassNode;
import org.objectweb.asm.tree.MethodNode;

/**
 * Which classes are handlers (as AWS's own scanner decides it), which a container makes at start, and which are hooks.
 */
final class Handlers {
    private static final List<String> INTERFACES = List.of(
            "com/amazonaws/services/lambda/runtime/RequestHandler",
            "com/amazonaws/services/lambda/runtime/RequestStreamHandler",
            "java/util/function/Function",
            "kotlin/jvm/functions/Function1");
    private static final String CONTEXT = "Lcom/amazonaws/services/lambda/runtime/Context;";
    private static final List<String> HOOKS =
            List.of("org/crac/Resource", "com/amazonaws/services/lambda/crac/Resource");
    /** Annotations by which Spring, Micronaut, Quarkus, Dagger and Guice know what they make once. */
    private static final Set<String> BEANS = Set.of(
            "Component",
            "Service",
            "Repository",
            "Controller",
            "RestController",
            "Configuration",
            "SpringBootApplication",
            "Singleton",
            "ApplicationScoped",
            "ConfigurationProperties",
            "Startup",
            "Factory");

    private static final Set<String> SCOPED =
            Set.of("RequestScope", "RequestScoped", "Prototype", "Scope", "SessionScope", "Lazy");
    /** Libraries that are often packed into one jar with the function. */
    private static final List<String> LIBRARIES = List.of(
            "com/amazonaws/",
            "software/amazon/",
            "aws/sdk/",
            "org/springframework/",
            "io/micronaut/",
            "io/quarkus/",
            "kotlin/",
            "kotlinx/",
            "scala/",
            "org/apache/",
            "com/fasterxml/",
            "com/google/",
            "io/netty/",
            "org/slf4j/",
            "javax/",
            "jakarta/",
            "org/crac/",
            "ch/qos/",
            "org/joda/",
            "okhttp3/",
            "okio/",
            "reactor/",
            "org/reactivestreams/",
            "io/opentelemetry/",
            "org/eclipse/",
            "org/jboss/",
            "groovy/",
            "org/codehaus/",
            "com/squareup/");

    private final ClassPath classes;

    Handlers(ClassPath classes) {
        this.classes = classes;
    }

    /** Leaves the libraries of a fat jar out of what is the function's own. */
    void narrow(String handler) {
        boolean isFat = classes.own().stream()
                        .filter(name -> LIBRARIES.stream().anyMatch(name::startsWith))
                        .count()
                > 20;
        if (!isFat) {
            return;
        }
        String[] parts = handler == null ? new String[0] : handler.split("/");
        int length = parts.length > 3
                        && Set.of("github", "gitlab", "amazonaws", "apache").contains(parts[1])
                ? 3
                : Math.min(2, parts.length - 1);
        String prefix = length < 1 ? null : String.join("/", List.of(parts).subList(0, length)) + "/";
        classes.keepOwn(name ->
                prefix != null ? name.startsWith(prefix) : LIBRARIES.stream().noneMatch(name::startsWith));
    }

    List<ClassNode> find() {
        List<ClassNode> found = new ArrayList<>();
        for (String name : classes.own()) {
            ClassNode node = classes.find(name);
            if (node != null && (node.access & Opcodes.ACC_INTERFACE) == 0 && isHandler(node)) {
                found.add(node);
            }
        }
        boolean hasConcrete = found.stream().anyMatch(node -> (node.access & Opcodes.ACC_ABSTRACT) == 0);
        found.removeIf(node -> hasConcrete && (node.access & Opcodes.ACC_ABSTRACT) != 0);
        return found;
    }

    private boolean isHandler(ClassNode node) {
        boolean isLambda = (node.access & Opcodes.ACC_SYNTHETIC) != 0 || node.name.contains("$$");
        if (isLambda) {
            return false;
        }
        if (INTERFACES.stream().limit(3).anyMatch(each -> classes.isA(node.name, each))) {
            return true;
        }
        for (MethodNode method : node.methods) {
            boolean isPublic = (method.access & Opcodes.ACC_PUBLIC) != 0 && !method.name.startsWith("<");
            boolean takes = method.desc.startsWith("(Ljava/util/Map;" + CONTEXT + ")")
                    || method.desc.startsWith("(Ljava/io/InputStream;Ljava/io/OutputStream;" + CONTEXT + ")");
            if (isPublic && (takes || (node.name.contains("Handler") && method.name.equals("handleRequest")))) {
                return true;
            }
        }
        return false;
    }

    List<ClassNode> beans() {
        List<ClassNode> found = new ArrayList<>();
        for (String name : classes.own()) {
            ClassNode node = classes.find(name);
            if (node != null && has(node.visibleAnnotations, BEANS) && !has(node.visibleAnnotations, SCOPED)) {
                found.add(node);
            }
        }
        return found;
    }

    static boolean isBeanMethod(MethodNode method) {
        return has(method.visibleAnnotations, Set.of("Bean", "Provides", "Produces"))
                && !has(method.visibleAnnotations, SCOPED);
    }

    static boolean isStartMethod(MethodNode method) {
        return has(method.visibleAnnotations, Set.of("PostConstruct"));
    }

    private static boolean has(List<AnnotationNode> annotations, Set<String> names) {
        return annotations != null
                && annotations.stream()
                        .anyMatch(
                                each -> names.contains(Scanner.simple(each.desc.substring(1, each.desc.length() - 1))));
    }

    List<ClassNode> hooks() {
        List<ClassNode> found = new ArrayList<>();
        for (String name : classes.own()) {
            if (HOOKS.stream().anyMatch(each -> classes.isA(name, each))) {
                ClassNode node = classes.find(name);
                if (node != null && (node.access & Opcodes.ACC_INTERFACE) == 0) {
                    found.add(node);
                }
            }
        }
        return found;
    }
}
