package sandbox.orders;

/**
 * One record of the output.
 *
 * @param partition number of the partition, from 0
 * @param number number of the order within it, from 0
 * @param version of the application that emitted it
 * @param job id of the Flink job that emitted it, 32 hex digits
 * @param emitted when it was emitted, in milliseconds of the epoch
 */
public record Order(int partition, long number, String version, String job, long emitted) {

    /** The line that stands for the order in the files: {@code partition,number,version,job,emitted}. */
    String line() {
        return partition + "," + number + "," + version + "," + job + "," + emitted;
    }
}
