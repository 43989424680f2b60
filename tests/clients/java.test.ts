// matrix: a function of its own for each form of a handler, most of them in two lives
/** The forms of Java's handlers, on Java 17. */
import { testJavaForms } from "./java-forms.ts";

testJavaForms("java17");
