package sandbox.orders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class PaceTest {

    private static final long START = 1_000_000;
    private final Pace pace = new Pace(10, 5);

    @Test
    void ordersAreDueAtFixedTimesOfTheWallClock() {
        assertEquals(START, pace.nextAt(new PartitionSplit(0, 0, START), 0));
        assertEquals(START + 700, pace.nextAt(new PartitionSplit(0, 7, START), START + 600));
    }

    @Test
    void theDueTimeDoesNotDependOnThePreviousEmission() {
        assertEquals(START + 700, pace.nextAt(new PartitionSplit(0, 7, START), START + 640));
    }

    @Test
    void aBacklogIsEmittedFasterThanThePaceButWithALimit() {
        long now = START + 60_000;
        assertEquals(now + 20, pace.nextAt(new PartitionSplit(0, 3, START), now));
    }

    @Test
    void afterABacklogTheNormalPaceHoldsAgain() {
        PartitionSplit split = new PartitionSplit(0, 0, START);
        long now = START + 10_000;
        long caughtUpAt = 0;
        while (caughtUpAt == 0) {
            split = split.advanced();
            long next = pace.nextAt(split, now);
            if (next > now + 20) {
                caughtUpAt = now;
            }
            now = next;
        }
        // The backlog is 100 orders and shrinks by 40 per second.
        assertTrue(caughtUpAt - START <= 12_600, "caught up at " + (caughtUpAt - START));
        assertEquals(START + split.next() * 100, now);
    }
}
