package sandbox.orders;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.functions.RuntimeContext;

/**
 * Makes an order of a tick and writes it to the side log before it goes on. The log has everything that was ever emitted,
 * also what was never committed; each line is one write to the file, so nothing is lost when the process is killed.
 */
final class Stamp extends RichMapFunction<Tick, Order> {

    private static final long serialVersionUID = 1L;

    private final Settings settings;
    private final Release release;
    private transient String job;
    private transient OutputStream log;

    Stamp(Settings settings, Release release) {
        this.settings = settings;
        this.release = release;
    }

    @Override
    public void open(OpenContext context) throws IOException {
        RuntimeContext runtime = getRuntimeContext();
        job = runtime.getJobInfo().getJobId().toHexString();
        Path folder = Files.createDirectories(Path.of(settings.data(), "emitted", job));
        String name =
                "%d-%d.csv"
                        .formatted(
                                runtime.getTaskInfo().getIndexOfThisSubtask(),
                                runtime.getTaskInfo().getAttemptNumber());
        // Attempts are counted from 0 again after the JobManager's failover, hence appending.
        log = new FileOutputStream(folder.resolve(name).toFile(), true);
    }

    @Override
    public Order map(Tick tick) throws IOException {
        Order order =
                new Order(tick.partition(), tick.number(), release.version(), job, System.currentTimeMillis());
        log.write((order.line() + "\n").getBytes(StandardCharsets.US_ASCII));
        return order;
    }

    @Override
    public void close() throws IOException {
        if (log != null) {
            log.close();
        }
    }
}
