//! The tables that pieces are in, by number, and for how long each is written to.

use std::time::Duration;

use crate::error::{Error, Result};

/// How many tables there are.
pub(crate) const BUCKETS: u8 = 9;

/// How long one table is written to: the larger of an hour and a sixth of the time that what has ended is kept. Six tables hold
/// what is used, one is written to, and two are left for what lives longer.
pub(crate) fn period(ttl: Duration) -> Duration {
    (ttl / 6).max(Duration::from_secs(3600))
}

/// The number of a table, as it is stored.
pub(crate) fn bucket(number: i16) -> Result<u8> {
    let bucket = u8::try_from(number).ok().filter(|number| *number < BUCKETS);
    bucket.ok_or_else(|| Error::Damaged("bucket".into()))
}
