package sandbox.orders;

import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.functions.sink.filesystem.BucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.SimpleVersionedStringSerializer;

/** Puts each order into the folder of the job that emitted it. */
final class JobFolders implements BucketAssigner<Order, String> {

    private static final long serialVersionUID = 1L;

    @Override
    public String getBucketId(Order order, Context context) {
        return order.job();
    }

    @Override
    public SimpleVersionedSerializer<String> getSerializer() {
        return SimpleVersionedStringSerializer.INSTANCE;
    }
}
