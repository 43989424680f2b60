package dev.thaw.scan;

import java.util.HashSet;
import java.util.Set;
import org.objectweb.asm.Handle;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.analysis.BasicValue;
import org.objectweb.asm.tree.analysis.Value;

/**
 * A value on the stack or in a local variable.
 *
 * @param labels the hazards in it
 * @param made   the instructions that may have made this object: what is put into it later is found by them
 * @param field  the field that it was read from, "owner.name", or null
 * @param text   the string constant that it is, or null
 * @param lambda the body of the function that it is, or null
 */
record Val(
        BasicValue basic,
        Set<Label> labels,
        Set<AbstractInsnNode> made,
        String field,
        String text,
        Handle lambda,
        boolean isThis)
        implements Value {
    static Val of(BasicValue basic) {
        return new Val(basic, Set.of(), Set.of(), null, null, null, false);
    }

    Val with(Set<Label> more) {
        return more.isEmpty() ? this : new Val(basic, union(labels, more), made, field, text, lambda, isThis);
    }

    Val madeBy(AbstractInsnNode instruction) {
        return new Val(basic, labels, Set.of(instruction), field, text, lambda, isThis);
    }

    static <T> Set<T> union(Set<T> first, Set<T> second) {
        if (second.isEmpty() || first.containsAll(second)) {
            return first;
        }
        if (first.isEmpty()) {
            return second;
        }
        Set<T> all = new HashSet<>(first);
        all.addAll(second);
        return all;
    }

    @Override
    public int getSize() {
        return basic.getSize();
    }
}
