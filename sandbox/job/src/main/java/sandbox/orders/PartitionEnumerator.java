package sandbox.orders;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;

/** Hands the partitions to the readers, once; from then on they are in the readers' state. */
final class PartitionEnumerator implements SplitEnumerator<PartitionSplit, List<PartitionSplit>> {

    private final SplitEnumeratorContext<PartitionSplit> context;
    private final List<PartitionSplit> unassigned;
    private final CheckpointFault fault;

    PartitionEnumerator(
            SplitEnumeratorContext<PartitionSplit> context, List<PartitionSplit> unassigned, CheckpointFault fault) {
        this.context = context;
        this.unassigned = new ArrayList<>(unassigned);
        this.fault = fault;
    }

    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int subtask, String host) {
        // Readers wait for what they are given.
    }

    @Override
    public void addSplitsBack(List<PartitionSplit> splits, int subtask) {
        unassigned.addAll(splits);
        assign();
    }

    @Override
    public void addReader(int subtask) {
        assign();
    }

    private void assign() {
        unassigned.removeIf(
                split -> {
                    int reader = split.partition() % context.currentParallelism();
                    boolean there = context.registeredReaders().containsKey(reader);
                    if (there) {
                        context.assignSplit(split, reader);
                    }
                    return there;
                });
    }

    @Override
    public List<PartitionSplit> snapshotState(long checkpoint) throws IOException {
        fault.check();
        return List.copyOf(unassigned);
    }

    @Override
    public void close() {}
}
