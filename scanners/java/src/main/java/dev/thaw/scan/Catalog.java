package dev.thaw.scan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The sources of state that must not be cloned: {@code RULE<tab>MODE<tab>NAME} a line; an exact name goes before a
 * pattern.
 */
final class Catalog {
    record Source(String rule, String mode) {}

    private record Glob(Pattern pattern, Source source) {}

    private final Map<String, Source> exact = new HashMap<>();
    private final List<Glob> globs = new ArrayList<>();
    private final Map<String, Optional<Source>> cache = new HashMap<>();

    Catalog(List<String> lines) {
        for (String line : lines) {
            String[] parts = line.split("\t");
            if (parts.length != 3) {
                continue;
            }
            Source source = new Source(parts[0], parts[1]);
            if (parts[2].contains("*")) {
                globs.add(new Glob(Pattern.compile(Pattern.quote(parts[2]).replace("*", "\\E.*\\Q")), source));
            } else {
                exact.put(parts[2], source);
            }
        }
    }

    /** Null: harmless. */
    Source find(String name) {
        Source found = exact.get(name);
        if (found != null) {
            return found;
        }
        return cache.computeIfAbsent(
                        name,
                        key -> globs.stream()
                                .filter(glob -> glob.pattern().matcher(key).matches())
                                .map(Glob::source)
                                .findFirst())
                .orElse(null);
    }
}
