package dev.thaw.scan;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.tree.ClassNode;
import org.objectweb.asm.tree.MethodNode;

/**
 * Classes by name, from folders, jars, and jars in jars. Read when asked for; the function's own classes are known
 * apart.
 */
final class ClassPath {
    private interface Bytes {
        byte[] read() throws IOException;
    }

    private static final int CLASS_FILE_MAGIC = 0xCAFEBABE;
    /** Jars around a class: one in a library of an executable jar has two. */
    private static final int NESTED_DEPTH_MAX = 2;
    /** A function has at most 250 MiB, in which libraries may be compressed. */
    private static final int NESTED_SIZE_BYTES_MAX = 512 * 1024 * 1024;

    private static final int NESTED_ENTRIES_MAX = 500_000;
    private static final String NESTED_TOO_LARGE = "the jars within jars are too large to be read whole";

    private final Map<String, Bytes> bytes = new HashMap<>();
    private final Map<String, String> jarOf = new HashMap<>();
    private final Map<String, ClassNode> parsed = new HashMap<>();
    private final Set<String> own = new TreeSet<>();
    private final List<String> problems = new ArrayList<>();
    private int nestedBytesLeft = NESTED_SIZE_BYTES_MAX;
    private int nestedEntriesLeft = NESTED_ENTRIES_MAX;

    ClassPath(Path root) throws IOException {
        if (Files.isDirectory(root)) {
            addFolder(root);
        } else {
            addJar(root, true);
        }
    }

    private void addFolder(Path root) throws IOException {
        List<Path> jars = new ArrayList<>();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                String name = directory.getFileName().toString();
                boolean isSkipped = name.equals("node_modules")
                        || name.equals("test-classes")
                        || (name.startsWith(".") && !directory.equals(root));
                return isSkipped ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (file.toString().endsWith(".jar")) {
                    jars.add(file);
                } else if (file.toString().endsWith(".class")) {
                    add(() -> Files.readAllBytes(file), true);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        jars.sort(null);
        for (Path jar : jars) {
            addJar(jar, false);
        }
    }

    /** The name is in the class file: a folder says nothing of where packages begin. */
    private void add(Bytes content, boolean isOwn) throws IOException {
        byte[] all = content.read();
        if (all.length < 10 || java.nio.ByteBuffer.wrap(all).getInt() != CLASS_FILE_MAGIC) {
            return;
        }
        String name = new ClassReader(all).getClassName();
        if (!name.equals("module-info") && bytes.putIfAbsent(name, content) == null && isOwn) {
            own.add(name);
        }
    }

    private void addJar(Path path, boolean isOwn) throws IOException {
        ZipFile jar;
        try {
            jar = new ZipFile(path.toFile());
        } catch (IOException error) {
            problems.add(path.getFileName() + ": " + error.getMessage());
            return;
        }
        boolean isBoot = jar.getEntry("BOOT-INF/classes/") != null;
        for (Enumeration<? extends ZipEntry> entries = jar.entries(); entries.hasMoreElements(); ) {
            ZipEntry entry = entries.nextElement();
            String name = entry.getName();
            if (isClass(name)) {
                boolean isBootClass = name.startsWith("BOOT-INF/classes/");
                String className = classNameOf(isBootClass ? name.substring("BOOT-INF/classes/".length()) : name);
                Bytes content = () -> {
                    try (InputStream stream = jar.getInputStream(entry)) {
                        return stream.readAllBytes();
                    }
                };
                if (bytes.putIfAbsent(className, content) == null) {
                    boolean isLoader = isBoot && !isBootClass;
                    jarOf.put(className, isLoader ? path + "!" : path.toString());
                    if (isOwn && !isLoader) {
                        own.add(className);
                    }
                }
            } else if (name.endsWith(".jar")) {
                try (InputStream content = jar.getInputStream(entry)) {
                    addNested(path + "!" + name, content, 1);
                }
            }
        }
    }

    /** Reads the classes of a jar in a jar into memory: there is no going to and fro in it. */
    private void addNested(String place, InputStream content, int depth) {
        if (isNestedTooLarge()) {
            return;
        }
        ZipInputStream jar = new ZipInputStream(content);
        try {
            for (ZipEntry entry = jar.getNextEntry(); entry != null; entry = jar.getNextEntry()) {
                String name = entry.getName();
                if (name.endsWith(".jar") && depth < NESTED_DEPTH_MAX) {
                    addNested(place + "!" + name, jar, depth + 1);
                    continue;
                }
                byte[] read = isClass(name) ? jar.readNBytes(nestedBytesLeft) : new byte[0];
                long skipped = isClass(name) ? 0 : jar.skip(nestedBytesLeft);
                nestedBytesLeft -= read.length + (int) skipped;
                nestedEntriesLeft--;
                if (isNestedTooLarge()) {
                    return;
                }
                if (isClass(name) && bytes.putIfAbsent(classNameOf(name), () -> read) == null) {
                    jarOf.put(classNameOf(name), place);
                }
            }
        } catch (IOException error) {
            problems.add(place + ": " + error.getMessage());
        }
    }

    /** Says so in the problems, once. */
    private boolean isNestedTooLarge() {
        boolean isTooLarge = nestedBytesLeft <= 0 || nestedEntriesLeft <= 0;
        if (isTooLarge && !problems.contains(NESTED_TOO_LARGE)) {
            problems.add(NESTED_TOO_LARGE);
        }
        return isTooLarge;
    }

    private static boolean isClass(String name) {
        return name.endsWith(".class") && !name.startsWith("META-INF/");
    }

    private static String classNameOf(String name) {
        return name.substring(0, name.length() - ".class".length());
    }

    Set<String> own() {
        return own;
    }

    List<String> problems() {
        return problems;
    }

    boolean isOwn(String name) {
        return own.contains(name);
    }

    /** All classes of the jar that holds this class are the function's own (a zip with lib/app.jar). */
    void takeJarOf(String name) {
        String jar = jarOf.get(name);
        if (jar != null) {
            jarOf.forEach((each, from) -> {
                if (from.equals(jar)) {
                    own.add(each);
                }
            });
        }
    }

    void keepOwn(java.util.function.Predicate<String> filter) {
        own.removeIf(filter.negate());
    }

    /** Null: not there (the JDK's, or left out). */
    ClassNode find(String name) {
        ClassNode known = parsed.get(name);
        if (known != null || !bytes.containsKey(name)) {
            return known;
        }
        try {
            ClassNode node = new ClassNode(Opcodes.ASM9);
            new ClassReader(bytes.get(name).read()).accept(node, ClassReader.SKIP_FRAMES);
            parsed.put(name, node);
            return node;
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        } catch (RuntimeException error) {
            problems.add(name + ": can't be read: " + error.getMessage());
            bytes.remove(name);
            return null;
        }
    }

    int count() {
        return parsed.size();
    }

    /** Is `name` this type, or does it inherit from it, as far as its ancestors are here? */
    boolean isA(String name, String type) {
        if (name == null || name.equals(type)) {
            return name != null;
        }
        ClassNode node = find(name);
        return node != null
                && (isA(node.superName, type) || node.interfaces.stream().anyMatch(each -> isA(each, type)));
    }

    record Found(ClassNode owner, MethodNode method) {}

    Found method(String owner, String name, String descriptor) {
        for (ClassNode node = find(owner); node != null; node = node.superName == null ? null : find(node.superName)) {
            for (MethodNode method : node.methods) {
                if (method.name.equals(name) && method.desc.equals(descriptor)) {
                    return (method.access & Opcodes.ACC_ABSTRACT) != 0 ? null : new Found(node, method);
                }
            }
            for (String each : node.interfaces) {
                Found found = method(each, name, descriptor);
                if (found != null) {
                    return found;
                }
            }
        }
        return null;
    }
}
