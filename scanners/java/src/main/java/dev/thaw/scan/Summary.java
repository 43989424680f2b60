package dev.thaw.scan;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * What running a method once does: labels in its answer, in its object, and in fields; effects. Parameters are labels
 * of their own.
 */
final class Summary {
    /** @param name "Class.field" for people; @param key "owner.field" */
    record Store(String key, String name, Label.Place place) {}

    final Set<Label> returns = new LinkedHashSet<>();
    /** What it puts into the fields of its own object. */
    final Set<Label> self = new LinkedHashSet<>();

    final Map<Store, Set<Label>> stores = new LinkedHashMap<>();
    /** Label and the name of the source. */
    final Map<Label, String> effects = new LinkedHashMap<>();
    /** All fields it assigns, with labels or without. */
    final Set<String> assigned = new LinkedHashSet<>();

    void store(Store store, Set<Label> labels) {
        if (!labels.isEmpty()) {
            stores.computeIfAbsent(store, key -> new LinkedHashSet<>()).addAll(labels);
        }
    }
}
