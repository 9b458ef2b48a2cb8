//! Values that make sense: a limit of nothing would refuse everything.

use std::time::Duration;

use durablefetch_protocol::units;

/// SQLite alone takes a good part of this.
const DISK_MIN: u64 = 1 << 20;

/// A number of things, at least one.
pub(super) fn count(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(0) => Err(format!("{text} would refuse everything: write 1 or more")),
        Ok(count) => Ok(count),
        Err(_) => Err(format!("`{text}` is not a number: write 1 or more, without a unit")),
    }
}

/// A time that something may take.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let time = units::duration(text)?;
    if time.is_zero() {
        Err(format!("{text} leaves no time for anything: write 1s or more"))
    } else {
        Ok(time)
    }
}

/// A size that is not nothing.
pub(super) fn size(text: &str) -> Result<u64, String> {
    match units::size(text)? {
        0 => Err(format!("{text} would refuse everything: write 1KiB or more")),
        size => Ok(size),
    }
}

/// A size of what is stored.
pub(super) fn disk(text: &str) -> Result<u64, String> {
    let size = units::size(text)?;
    if size < DISK_MIN {
        return Err(format!("{text} is less than the database takes by itself: write 1MiB or more"));
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_refuse_everything_is_refused() {
        assert_eq!(count("1"), Ok(1));
        assert!(count("0").unwrap_err().contains("1 or more"));
        assert!(count("10k").unwrap_err().contains("`10k` is not a number"));
        assert_eq!(time("1ms"), Ok(Duration::from_millis(1)));
        assert!(time("0s").unwrap_err().contains("1s or more"));
        assert_eq!(time("6"), Err("6 of what? write 6s, 6m or 6h".to_owned()));
        assert_eq!(size("1"), Ok(1));
        assert!(size("0").unwrap_err().contains("1KiB"));
        assert_eq!(disk("1MiB"), Ok(1 << 20));
        assert!(disk("100").unwrap_err().contains("1MiB or more"));
    }
}
