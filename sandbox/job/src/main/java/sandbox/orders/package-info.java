/**
 * The sample application: four partitions of numbered orders, counted by key and written exactly once to files, so that
 * records that are missing or doubled after a deployment can be counted from outside.
 */
package sandbox.orders;
