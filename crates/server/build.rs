//! Tells `--version` of which commit a release build is, and from when.
//!
//! The same commit and SOURCE_DATE_EPOCH give the same bytes; without the latter the date is the commit's. A build without
//! git, or outside of a checkout, and one for development, say neither.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let build = if is_release { build() } else { None };
    println!("cargo::rustc-env=RECORDER_BUILD={}", build.unwrap_or_default());
}

fn build() -> Option<String> {
    // Changes with each commit and checkout.
    for changes in
        [git(&["rev-parse", "--git-path", "HEAD"])?, git(&["rev-parse", "--git-path", "logs/HEAD"])?]
    {
        println!("cargo::rerun-if-changed={changes}");
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let seconds = match env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => seconds.trim().parse().ok()?,
        Err(_) => git(&["show", "-s", "--format=%ct", "HEAD"])?.parse().ok()?,
    };
    Some(format!(" ({commit} {})", date(seconds)))
}

/// What git says of the checkout that this crate is in.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}

/// The day in UTC, from seconds since 1970. The era of 400 years begins in March, so that its last day is the leap day.
fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
