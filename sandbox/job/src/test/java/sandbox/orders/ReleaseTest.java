package sandbox.orders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;
import org.junit.jupiter.api.Test;

class ReleaseTest {

    @Test
    void theVersionDecidesTheFault() {
        assertEquals(Release.Fault.NONE, Release.of("1.1.0").fault());
        assertEquals(Release.Fault.STATE_RENAMED, Release.of("1.3.0").fault());
    }

    @Test
    void settingsHaveDefaultsAndLimits() {
        assertEquals(new Settings("/data", 10, 5, false, 0), Settings.from(Map.of("ORDERS_DATA", "/data")));
        assertThrows(IllegalArgumentException.class, () -> Settings.from(Map.of()));
        assertThrows(
                IllegalArgumentException.class,
                () -> Settings.from(Map.of("ORDERS_DATA", "/data", "ORDERS_PER_SECOND", "0")));
    }
}
