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

/// What a process is called: it stands in a header, a label and a line.
pub(super) fn node(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=64).contains(&text.len()) && text.bytes().all(fits) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not a name for a process: write 1 to 64 letters, digits, dots, - and _, such as eu-1"
        ))
    }
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

    #[test]
    fn a_process_has_a_name_that_fits_into_a_header() {
        assert_eq!(node("eu-1.pod_7").as_deref(), Ok("eu-1.pod_7"));
        for bad in ["", "eu 1", "eu\n1", "ä", &"x".repeat(65)] {
            assert!(node(bad).unwrap_err().contains("such as eu-1"), "{bad}");
        }
    }
}
