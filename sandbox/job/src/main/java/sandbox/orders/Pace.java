package sandbox.orders;

/**
 * When the next order of a partition is due. Orders are due by the wall clock, counted from the partition's start, so
 * that a backlog builds up while the application is stopped; it is worked off faster than the pace, but not at once.
 *
 * @param perSecond orders per second at the normal pace
 * @param catchUp how many times faster a backlog is worked off, at most
 */
record Pace(int perSecond, int catchUp) {

    /**
     * The instant at which the next order may be emitted, in milliseconds of the epoch.
     *
     * @param split the partition and its next number
     * @param lastEmitted when its previous order was emitted by this reader, 0 if none was
     */
    long nextAt(PartitionSplit split, long lastEmitted) {
        long due = split.start() + split.next() * 1000 / perSecond;
        long soonest = lastEmitted + 1000 / ((long) perSecond * catchUp);
        return Math.max(due, soonest);
    }
}
