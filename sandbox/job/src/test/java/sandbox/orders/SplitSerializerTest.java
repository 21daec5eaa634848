package sandbox.orders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class SplitSerializerTest {

    private final SplitSerializer list = new SplitSerializer();
    private final SplitSerializer.One one = new SplitSerializer.One();

    @Test
    void aListOfSplitsIsReadAsItWasWritten() throws IOException {
        List<PartitionSplit> splits =
                List.of(new PartitionSplit(0, 0, 1), new PartitionSplit(3, Long.MAX_VALUE, 1_790_000_000_000L));
        assertEquals(splits, list.deserialize(list.getVersion(), list.serialize(splits)));
        assertEquals(List.of(), list.deserialize(list.getVersion(), list.serialize(List.of())));
    }

    @Test
    void oneSplitIsReadAsItWasWritten() throws IOException {
        PartitionSplit split = new PartitionSplit(2, 41, 1_790_000_000_000L);
        assertEquals(split, one.deserialize(one.getVersion(), one.serialize(split)));
    }

    @Test
    void stateOfAnotherVersionOrLengthIsRefused() {
        byte[] bytes = list.serialize(List.of(new PartitionSplit(0, 0, 1)));
        assertThrows(IOException.class, () -> list.deserialize(2, bytes));
        assertThrows(IOException.class, () -> list.deserialize(1, new byte[] {1, 2, 3}));
        assertThrows(IOException.class, () -> one.deserialize(1, list.serialize(List.of())));
    }
}
