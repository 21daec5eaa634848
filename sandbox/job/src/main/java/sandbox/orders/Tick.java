package sandbox.orders;

/**
 * What the source emits: that an order exists.
 *
 * @param partition number of the partition, from 0
 * @param number number of the order within it, from 0
 */
public record Tick(int partition, long number) {}
