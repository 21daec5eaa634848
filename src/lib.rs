//! Lockkeeper takes stateful Apache Flink applications on Kubernetes safely from one version to the next.
