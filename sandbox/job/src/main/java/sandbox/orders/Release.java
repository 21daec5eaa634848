package sandbox.orders;

import java.io.Serializable;
import java.util.Map;

/**
 * A version of the application and what is wrong with it.
 *
 * @param version as in the manifest of the jar, for example {@code 1.0.0}
 * @param fault what this version does wrong
 */
record Release(String version, Fault fault) implements Serializable {

    /** What a version can do wrong by its code; other faults are in the chart's settings of a version. */
    enum Fault {
        /** Nothing. */
        NONE,
        /** Throws a few seconds after each start. */
        CRASHES,
        /** Gave its stateful operator a new uid, so that older state cannot be mapped. */
        STATE_RENAMED,
        /** Runs, but no checkpoint or savepoint of it ever completes. */
        NO_CHECKPOINTS,
        /** Ends at once, as if it had nothing to do. */
        ENDS
    }

    private static final Map<String, Fault> FAULTS =
            Map.of(
                    "1.2.0", Fault.CRASHES,
                    "1.3.0", Fault.STATE_RENAMED,
                    "1.5.0", Fault.NO_CHECKPOINTS,
                    "1.8.0", Fault.ENDS);

    /** The release with this version number; unknown versions are good ones. */
    static Release of(String version) {
        return new Release(version, FAULTS.getOrDefault(version, Fault.NONE));
    }

    /** The release this jar was built as, from {@code Implementation-Version} in its manifest. */
    static Release ofThisJar() {
        String version = Release.class.getPackage().getImplementationVersion();
        if (version == null) {
            throw new IllegalStateException(
                    "The jar's manifest has no Implementation-Version; build it with `mvn package`.");
        }
        return of(version);
    }
}
