package sandbox.orders;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Writes lists of splits as fixed-width binary; {@link One} does it for a single split. */
final class SplitSerializer implements SimpleVersionedSerializer<List<PartitionSplit>> {

    private static final int VERSION = 1;
    private static final int BYTES_PER_SPLIT = Integer.BYTES + 2 * Long.BYTES;

    @Override
    public int getVersion() {
        return VERSION;
    }

    @Override
    public byte[] serialize(List<PartitionSplit> splits) {
        ByteBuffer buffer = ByteBuffer.allocate(splits.size() * BYTES_PER_SPLIT);
        for (PartitionSplit split : splits) {
            buffer.putInt(split.partition()).putLong(split.next()).putLong(split.start());
        }
        return buffer.array();
    }

    @Override
    public List<PartitionSplit> deserialize(int version, byte[] bytes) throws IOException {
        if (version != VERSION || bytes.length % BYTES_PER_SPLIT != 0) {
            throw new IOException(
                    "Source state of format %d with %d bytes cannot be read; this version knows format %d."
                            .formatted(version, bytes.length, VERSION));
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        List<PartitionSplit> splits = new ArrayList<>();
        while (buffer.hasRemaining()) {
            splits.add(new PartitionSplit(buffer.getInt(), buffer.getLong(), buffer.getLong()));
        }
        return splits;
    }

    /** One split at a time, as the readers' state wants it. */
    static final class One implements SimpleVersionedSerializer<PartitionSplit> {

        private final SplitSerializer list = new SplitSerializer();

        @Override
        public int getVersion() {
            return list.getVersion();
        }

        @Override
        public byte[] serialize(PartitionSplit split) {
            return list.serialize(List.of(split));
        }

        @Override
        public PartitionSplit deserialize(int version, byte[] bytes) throws IOException {
            List<PartitionSplit> splits = list.deserialize(version, bytes);
            if (splits.size() != 1) {
                throw new IOException("Expected the state of one split, found %d.".formatted(splits.size()));
            }
            return splits.get(0);
        }
    }
}
