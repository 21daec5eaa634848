package sandbox.orders;

import java.io.Serializable;
import java.util.Map;
import java.util.function.Function;

/**
 * What the environment tells the application.
 *
 * @param data folder for the files, as an absolute path that JobManager and TaskManagers share ({@code ORDERS_DATA})
 * @param perSecond orders per second and partition at the normal pace ({@code ORDERS_PER_SECOND}, default 10)
 * @param catchUp how many times faster than the pace a backlog is worked off, at most ({@code ORDERS_CATCH_UP}, default 5)
 */
record Settings(String data, int perSecond, int catchUp) implements Serializable {

    /** Reads the settings from the environment's variables. */
    static Settings from(Map<String, String> environment) {
        String data = environment.get("ORDERS_DATA");
        if (data == null || !data.startsWith("/")) {
            throw new IllegalArgumentException(
                    "ORDERS_DATA is %s; set it to the absolute path of the shared data folder.".formatted(data));
        }
        Function<String, String> get = environment::get;
        return new Settings(
                data, positive(get, "ORDERS_PER_SECOND", 10), positive(get, "ORDERS_CATCH_UP", 5));
    }

    private static int positive(Function<String, String> get, String name, int otherwise) {
        String text = get.apply(name);
        if (text == null || text.isEmpty()) {
            return otherwise;
        }
        try {
            int number = Integer.parseInt(text);
            if (number >= 1 && number <= 1000) {
                return number;
            }
        } catch (NumberFormatException e) {
            // said below, with the range
        }
        throw new IllegalArgumentException("%s is %s; it must be a number from 1 to 1000.".formatted(name, text));
    }
}
