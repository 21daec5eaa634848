package sandbox.orders;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Makes checkpoints and savepoints fail: always in a version that has this fault, and in any version for as long as the
 * file {@code faults/no-checkpoints} is in the data folder, so that an application that was healthy can lose the ability.
 *
 * @param always whether this version can never complete a checkpoint
 * @param file the file whose presence makes them fail, as an absolute path
 */
record CheckpointFault(boolean always, String file) implements Serializable {

    static CheckpointFault of(Settings settings, Release release) {
        return new CheckpointFault(
                release.fault() == Release.Fault.NO_CHECKPOINTS, settings.data() + "/faults/no-checkpoints");
    }

    /** Fails if checkpoints are to fail now. */
    void check() throws IOException {
        if (always || Files.exists(Path.of(file))) {
            throw new IOException("The orders source cannot write its state: its catalogue is not available.");
        }
    }
}
