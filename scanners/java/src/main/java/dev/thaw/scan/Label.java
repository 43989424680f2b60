package dev.thaw.scan;

/**
 * One hazard inside a value. A label with {@code parameter >= 0} stands for whatever the caller of the method passes
 * there.
 *
 * @param keptAt where an object's own field took it in (the line that is to be changed); null: not yet
 */
record Label(String rule, String what, Place place, Place keptAt, String keptAs, int parameter) {
    record Place(String file, int line) {}

    static Label of(String rule, String what, Place place) {
        return new Label(rule, what, place, null, null, -1);
    }

    static Label parameter(int index) {
        return new Label("", "", null, null, null, index);
    }

    Label keptIn(String field, Place where) {
        return keptAt != null || parameter >= 0 ? this : new Label(rule, what, place, where, field, parameter);
    }

    boolean isGenerator() {
        return rule.equals("random-generator") || rule.equals("seed");
    }
}
