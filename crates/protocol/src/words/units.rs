//! Durations and sizes as people write them.

use core::time::Duration;

/// Reads `250ms`, `30s`, `10m`, `6h` or `2d`. A number alone could mean any of them.
///
/// # Errors
/// A sentence that names the forms.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let value: u64 = number.parse().map_err(|_| duration_help(text))?;
    let factor_ms = match unit {
        "" => return Err(format!("{number} of what? write {number}s, {number}m or {number}h")),
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(duration_help(text)),
    };
    value.checked_mul(factor_ms).map(Duration::from_millis).ok_or_else(|| duration_help(text))
}

/// Reads `65536`, `64KiB`, `32MiB`, `1GiB`; `kB`, `MB` and `GB` are powers of 1000.
///
/// # Errors
/// A sentence that names the forms.
pub fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let value: u64 = number.parse().map_err(|_| size_help(text))?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "mb" => 1000 * 1000,
        "gb" => 1000 * 1000 * 1000,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(size_help(text)),
    };
    value.checked_mul(factor).ok_or_else(|| size_help(text))
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

fn duration_help(text: &str) -> String {
    format!("`{text}` is not a duration: write 250ms, 30s, 10m, 6h or 2d")
}

fn size_help(text: &str) -> String {
    format!("`{text}` is not a size: write a number of bytes, or 64KiB, 32MiB, 1GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("6"), Err("6 of what? write 6s, 6m or 6h".to_owned()));
        assert!(duration("0").is_err());
        assert_eq!(duration("30 s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("6h"), Ok(Duration::from_secs(6 * 3600)));
        for (text, seconds) in [("1s", 1), ("2m", 120), ("2min", 120), ("3h", 10_800), ("2d", 172_800)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "h", "-1s", "1.5h", "6 weeks", "99999999999999999999d", "18446744073709551615d"] {
            assert_eq!(
                duration(bad),
                Err(format!("`{bad}` is not a duration: write 250ms, 30s, 10m, 6h or 2d"))
            );
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("65536"), Ok(65536));
        assert_eq!(size("32MiB"), Ok(32 << 20));
        assert_eq!(size("1GB"), Ok(1_000_000_000));
        for (units, bytes) in [
            (&["", "B"][..], 1),
            (&["kB"], 1000),
            (&["MB"], 1_000_000),
            (&["K", "KiB"], 1 << 10),
            (&["M", "MiB"], 1 << 20),
            (&["G", "GiB"], 1 << 30),
            (&["TiB"], 1 << 40),
        ] {
            units.iter().for_each(|unit| assert_eq!(size(&format!("3{unit}")), Ok(3 * bytes), "{unit}"));
        }
        for bad in ["", "MiB", "-1", "1.5GiB", "1 zettabyte", "18446744073709551615GiB"] {
            let help = "write a number of bytes, or 64KiB, 32MiB, 1GiB";
            assert_eq!(size(bad), Err(format!("`{bad}` is not a size: {help}")));
        }
    }
}
