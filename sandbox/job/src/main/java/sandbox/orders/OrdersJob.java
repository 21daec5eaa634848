package sandbox.orders;

import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.OutputFileConfig;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;

/** The job: source, stamp, count, files. Checkpointing and parallelism come from Flink's configuration. */
public final class OrdersJob {

    /** Never changes: keyed state is divided into this many groups. */
    private static final int MAX_PARALLELISM = 64;

    private OrdersJob() {}

    /** Runs the job until it is stopped. */
    public static void main(String[] args) throws Exception {
        Settings settings = Settings.from(System.getenv());
        Release release = Release.ofThisJar();
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.getExecutionEnvironment(new Configuration());
        environment.setMaxParallelism(MAX_PARALLELISM);
        DataStream<Tick> ticks =
                read(environment, "orders", new OrdersSource(settings, release, Boundedness.CONTINUOUS_UNBOUNDED));
        if (settings.prices()) {
            ticks =
                    ticks.union(
                            read(environment, "prices", new OrdersSource(settings, release, Boundedness.BOUNDED)));
        }
        ticks.map(new Stamp(settings, release))
                .uid("stamp")
                .name("stamp")
                .keyBy(Order::partition, Types.INT)
                .process(new Count(settings, release))
                .uid(release.fault() == Release.Fault.STATE_RENAMED ? "count-by-partition" : "count")
                .name("count")
                .sinkTo(files(settings))
                .uid("files")
                .name("files");
        environment.execute("orders " + release.version());
    }

    private static DataStream<Tick> read(
            StreamExecutionEnvironment environment, String name, OrdersSource source) {
        return environment.fromSource(source, WatermarkStrategy.noWatermarks(), name).uid(name);
    }

    private static FileSink<Order> files(Settings settings) {
        Path folder = new Path("file://" + settings.data() + "/out");
        return FileSink.<Order>forRowFormat(
                        folder,
                        (order, stream) ->
                                stream.write((order.line() + "\n").getBytes(StandardCharsets.US_ASCII)))
                .withBucketAssigner(new JobFolders())
                // State that points at files still being written cannot be restored twice.
                .withRollingPolicy(OnCheckpointRollingPolicy.build())
                .withOutputFileConfig(OutputFileConfig.builder().withPartSuffix(".csv").build())
                .build();
    }
}
