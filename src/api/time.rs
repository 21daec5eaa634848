//! Moments in the record.

/// A moment as the record keeps it: UTC, RFC 3339.
pub type Time = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// A moment in the form of the record.
#[must_use]
pub fn time(at: jiff::Timestamp) -> Time {
    k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at)
}
