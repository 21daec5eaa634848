package sandbox.orders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceOutput;
import org.apache.flink.core.io.InputStatus;
import org.junit.jupiter.api.Test;

class PartitionReaderTest {

    private final Collected collected = new Collected();

    @Test
    void aReaderWithoutPartitionsWaitsAndDoesNotEnd() {
        PartitionReader reader = new PartitionReader(new Pace(10, 5), false);
        reader.notifyNoMoreSplits();
        assertEquals(InputStatus.NOTHING_AVAILABLE, reader.pollNext(collected));
        assertFalse(reader.isAvailable().isDone());
    }

    @Test
    void aWaitingReaderWakesUpWhenItGetsAPartition() {
        PartitionReader reader = new PartitionReader(new Pace(10, 5), false);
        var available = reader.isAvailable();
        reader.addSplits(List.of(new PartitionSplit(1, 0, System.currentTimeMillis())));
        assertTrue(available.isDone());
    }

    @Test
    void theStateHoldsTheNextOrderOfEachPartition() {
        PartitionReader reader = new PartitionReader(new Pace(10, 5), false);
        long start = System.currentTimeMillis() - 60_000;
        reader.addSplits(List.of(new PartitionSplit(1, 5, start), new PartitionSplit(3, 7, start)));
        reader.pollNext(collected);
        reader.pollNext(collected);
        assertEquals(List.of(new Tick(1, 5), new Tick(3, 7)), collected.ticks);
        assertEquals(
                List.of(new PartitionSplit(1, 6, start), new PartitionSplit(3, 8, start)), reader.snapshotState(1));
    }

    @Test
    void noOrderIsEmittedBeforeItIsDue() {
        PartitionReader reader = new PartitionReader(new Pace(10, 5), false);
        reader.addSplits(List.of(new PartitionSplit(0, 0, System.currentTimeMillis() + 600_000)));
        assertEquals(InputStatus.NOTHING_AVAILABLE, reader.pollNext(collected));
        assertTrue(collected.ticks.isEmpty());
    }

    @Test
    void theVersionThatEndsAtOnceReportsTheEndOfInput() {
        PartitionReader reader = new PartitionReader(new Pace(10, 5), true);
        assertTrue(reader.isAvailable().isDone());
        assertEquals(InputStatus.END_OF_INPUT, reader.pollNext(collected));
    }

    private static final class Collected implements ReaderOutput<Tick> {
        private final List<Tick> ticks = new ArrayList<>();

        @Override
        public void collect(Tick tick) {
            ticks.add(tick);
        }

        @Override
        public void collect(Tick tick, long timestamp) {
            ticks.add(tick);
        }

        @Override
        public void emitWatermark(Watermark watermark) {}

        @Override
        public void markIdle() {}

        @Override
        public void markActive() {}

        @Override
        public SourceOutput<Tick> createOutputForSplit(String split) {
            return this;
        }

        @Override
        public void releaseOutputForSplit(String split) {}
    }
}
