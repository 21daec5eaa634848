package sandbox.orders;

import org.apache.flink.api.connector.source.SourceSplit;

/**
 * One partition of the source and how far it was read. It is the source's state: it moves with a savepoint to any number
 * of readers.
 *
 * @param partition number of the partition, from 0
 * @param next number of the next order, from 0
 * @param start when the partition began, in milliseconds of the epoch; order {@code n} is due {@code n} intervals later
 */
record PartitionSplit(int partition, long next, long start) implements SourceSplit {

    @Override
    public String splitId() {
        return Integer.toString(partition);
    }

    /** The same partition after its next order was emitted. */
    PartitionSplit advanced() {
        return new PartitionSplit(partition, next + 1, start);
    }
}
