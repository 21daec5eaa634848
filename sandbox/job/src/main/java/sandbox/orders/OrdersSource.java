package sandbox.orders;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * The source: four fixed partitions whose next number and start instant are state. The number of partitions does not
 * depend on the parallelism, so that the source can be rescaled from a savepoint.
 */
final class OrdersSource implements Source<Tick, PartitionSplit, List<PartitionSplit>> {

    /** How many partitions there are, for good. */
    static final int PARTITIONS = 4;

    private static final long serialVersionUID = 1L;

    private final Settings settings;
    private final Release release;
    private final Boundedness boundedness;

    /** A bounded source ends at once. */
    OrdersSource(Settings settings, Release release, Boundedness boundedness) {
        this.settings = settings;
        this.release = release;
        this.boundedness = boundedness;
    }

    @Override
    public Boundedness getBoundedness() {
        return boundedness;
    }

    @Override
    public SplitEnumerator<PartitionSplit, List<PartitionSplit>> createEnumerator(
            SplitEnumeratorContext<PartitionSplit> context) {
        long now = System.currentTimeMillis();
        List<PartitionSplit> splits = new ArrayList<>();
        for (int partition = 0; partition < PARTITIONS; partition++) {
            splits.add(new PartitionSplit(partition, 0, now));
        }
        return restoreEnumerator(context, splits);
    }

    @Override
    public SplitEnumerator<PartitionSplit, List<PartitionSplit>> restoreEnumerator(
            SplitEnumeratorContext<PartitionSplit> context, List<PartitionSplit> unassigned) {
        return new PartitionEnumerator(context, unassigned, CheckpointFault.of(settings, release));
    }

    @Override
    public SourceReader<Tick, PartitionSplit> createReader(SourceReaderContext context) {
        Pace pace = new Pace(settings.perSecond(), settings.catchUp());
        boolean ends = boundedness == Boundedness.BOUNDED || release.fault() == Release.Fault.ENDS;
        return new PartitionReader(pace, ends);
    }

    @Override
    public SimpleVersionedSerializer<PartitionSplit> getSplitSerializer() {
        return new SplitSerializer.One();
    }

    @Override
    public SimpleVersionedSerializer<List<PartitionSplit>> getEnumeratorCheckpointSerializer() {
        return new SplitSerializer();
    }
}
