package sandbox.orders;

import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Function;

/**
 * What the environment tells the application.
 *
 * @param data folder for the files, as an absolute path that JobManager and TaskManagers share ({@code ORDERS_DATA})
 * @param perSecond orders per second and partition at the normal pace ({@code ORDERS_PER_SECOND}, default 10)
 * @param catchUp how many times faster than the pace a backlog is worked off, at most ({@code ORDERS_CATCH_UP}, default 5)
 * @param prices whether a bounded input is read beside the orders, which ends at once ({@code ORDERS_PRICES}, default false)
 * @param restoreSeconds how many seconds the counting operator takes to restore its state ({@code ORDERS_RESTORE_SECONDS},
 *     default 0)
 */
record Settings(String data, int perSecond, int catchUp, boolean prices, int restoreSeconds) implements Serializable {

    /** Reads the settings from the environment's variables. */
    static Settings from(Map<String, String> environment) {
        String data = environment.get("ORDERS_DATA");
        if (data == null || !data.startsWith("/")) {
            throw new IllegalArgumentException(
                    "ORDERS_DATA is %s; set it to the absolute path of the shared data folder.".formatted(data));
        }
        Function<String, String> get = environment::get;
        return new Settings(
                data,
                number(get, "ORDERS_PER_SECOND", 1, 10),
                number(get, "ORDERS_CATCH_UP", 1, 5),
                "true".equals(environment.get("ORDERS_PRICES")),
                number(get, "ORDERS_RESTORE_SECONDS", 0, 0));
    }

    /** Whether the file {@code faults/name} is in the data folder. A test makes and removes it while a job runs. */
    boolean hasFault(String name) {
        return Files.exists(Path.of(data, "faults", name));
    }

    private static int number(Function<String, String> get, String name, int lowest, int otherwise) {
        String text = get.apply(name);
        if (text == null || text.isEmpty()) {
            return otherwise;
        }
        try {
            int number = Integer.parseInt(text);
            if (number >= lowest && number <= 1000) {
                return number;
            }
        } catch (NumberFormatException e) {
            // said below, with the range
        }
        throw new IllegalArgumentException("%s is %s; it must be a number from %d to 1000.".formatted(name, text, lowest));
    }
}
