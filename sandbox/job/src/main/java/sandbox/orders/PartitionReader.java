package sandbox.orders;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.core.io.InputStatus;

/** Emits the orders of its partitions when they are due. All calls come from the task's own thread. */
final class PartitionReader implements SourceReader<Tick, PartitionSplit> {

    /** A partition of this reader; the split is replaced as it advances. */
    private static final class Owned {
        private PartitionSplit split;
        private long lastEmitted;
        private long nextAt;
    }

    private final Pace pace;
    private final boolean ends;
    private final List<Owned> owned = new ArrayList<>();
    private CompletableFuture<Void> splitsAdded = new CompletableFuture<>();

    PartitionReader(Pace pace, boolean ends) {
        this.pace = pace;
        this.ends = ends;
    }

    @Override
    public void start() {}

    @Override
    public InputStatus pollNext(ReaderOutput<Tick> output) {
        if (ends) {
            return InputStatus.END_OF_INPUT;
        }
        Owned first = earliest();
        long now = System.currentTimeMillis();
        if (first == null || first.nextAt > now) {
            return InputStatus.NOTHING_AVAILABLE;
        }
        output.collect(new Tick(first.split.partition(), first.split.next()));
        first.split = first.split.advanced();
        first.lastEmitted = now;
        first.nextAt = pace.nextAt(first.split, now);
        return earliest().nextAt > now ? InputStatus.NOTHING_AVAILABLE : InputStatus.MORE_AVAILABLE;
    }

    private Owned earliest() {
        Owned first = null;
        for (Owned each : owned) {
            if (first == null || each.nextAt < first.nextAt) {
                first = each;
            }
        }
        return first;
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
        Owned first = earliest();
        if (ends) {
            return CompletableFuture.completedFuture(null);
        }
        if (first == null) {
            return splitsAdded;
        }
        long wait = first.nextAt - System.currentTimeMillis();
        if (wait <= 0) {
            return CompletableFuture.completedFuture(null);
        }
        return new CompletableFuture<Void>().completeOnTimeout(null, wait, TimeUnit.MILLISECONDS);
    }

    @Override
    public void addSplits(List<PartitionSplit> splits) {
        for (PartitionSplit split : splits) {
            Owned added = new Owned();
            added.split = split;
            added.nextAt = pace.nextAt(split, 0);
            owned.add(added);
        }
        splitsAdded.complete(null);
        splitsAdded = new CompletableFuture<>();
    }

    @Override
    public List<PartitionSplit> snapshotState(long checkpoint) {
        return owned.stream().map(each -> each.split).toList();
    }

    @Override
    public void notifyNoMoreSplits() {
        // Partitions are fixed; a reader without one stays idle.
    }

    @Override
    public void close() {}
}
