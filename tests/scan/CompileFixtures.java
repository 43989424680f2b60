import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/**
 * {@code java -Djars=A:B CompileFixtures.java OUT DIR…}: the stubs (the first DIR), then each DIR on its own against
 * jars and stubs, in one JVM.
 */
public final class CompileFixtures {
    public static void main(String[] arguments) throws Exception {
        Path out = Path.of(arguments[0]);
        for (int index = 1; index < arguments.length; index++) {
            Path target = Files.createDirectories(out.resolve(index == 1 ? "stubs" : String.valueOf(index - 2)));
            List<String> options = new ArrayList<>(List.of(
                    "-g",
                    "-nowarn",
                    "-proc:none",
                    "-d",
                    target.toString(),
                    "-cp",
                    System.getProperty("jars", "") + ":" + out.resolve("stubs")));
            try (Stream<Path> files = Files.walk(Path.of(arguments[index]))) {
                files.map(Path::toString).filter(name -> name.endsWith(".java")).forEach(options::add);
            }
            JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
            if (compiler.run(null, null, null, options.toArray(String[]::new)) != 0) {
                throw new IllegalStateException("does not compile: " + arguments[index]);
            }
        }
    }
}
