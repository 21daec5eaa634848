package sandbox.orders;

import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Counts the orders of each partition in keyed state. The count must equal the order's number; where it does not, state
 * and position of the source do not belong together, and the metric {@code sequenceBreaks} goes up.
 */
final class Count extends KeyedProcessFunction<Integer, Order, Order> implements CheckpointedFunction {

    private static final long serialVersionUID = 1L;

    /** How long a version that crashes runs before it does: long enough for several checkpoints. */
    private static final long CRASH_AFTER_NANOS = TimeUnit.SECONDS.toNanos(4);

    private static final long SLOW_SNAPSHOT_SECONDS = 20;

    private final Settings settings;
    private final Release release;
    private transient ValueState<Long> seen;
    private transient Counter sequenceBreaks;
    private transient long opened;

    Count(Settings settings, Release release) {
        this.settings = settings;
        this.release = release;
    }

    /** A task stays INITIALIZING until this returns, as it does while it downloads much state. */
    @Override
    public void initializeState(FunctionInitializationContext context) throws InterruptedException {
        if (context.isRestored()) {
            TimeUnit.SECONDS.sleep(settings.restoreSeconds());
        }
    }

    /** The counts are keyed state. The fault holds a savepoint open, so that a test can act while it is in progress. */
    @Override
    public void snapshotState(FunctionSnapshotContext context) throws InterruptedException {
        if (settings.hasFault("slow-snapshots")) {
            TimeUnit.SECONDS.sleep(SLOW_SNAPSHOT_SECONDS);
        }
    }

    /** Flink closes a function after the savepoint of a stop is complete and before its task has finished. */
    @Override
    public void close() {
        if (settings.hasFault("failing-stop")) {
            throw new IllegalStateException("The counts cannot be handed over: the catalogue is not available.");
        }
    }

    @Override
    public void open(OpenContext context) {
        seen = getRuntimeContext().getState(new ValueStateDescriptor<>("seen", Types.LONG));
        sequenceBreaks = getRuntimeContext().getMetricGroup().counter("sequenceBreaks");
        opened = System.nanoTime();
    }

    @Override
    public void processElement(Order order, Context context, Collector<Order> out) throws Exception {
        if (release.fault() == Release.Fault.CRASHES && System.nanoTime() - opened > CRASH_AFTER_NANOS) {
            throw new IllegalStateException(
                    "No price for order %d of partition %d.".formatted(order.number(), order.partition()));
        }
        Long before = seen.value();
        long count = before == null ? 0 : before;
        if (count != order.number()) {
            sequenceBreaks.inc();
        }
        seen.update(order.number() + 1);
        out.collect(order);
    }
}
