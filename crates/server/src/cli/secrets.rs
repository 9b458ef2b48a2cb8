//! Secrets that others on this machine can read, and what to do instead.

use std::fs::Metadata;
use std::path::Path;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::variables::variable;

/// The flags of `serve` whose values are secrets.
pub(super) const FLAGS: [&str; 2] = ["token-secret", "jwt-key"];
/// The headers that `check` may be given and that are secrets.
const HEADERS: [&str; 5] =
    ["authorization", "cookie", "durablefetch-token", "proxy-authorization", "x-api-key"];

/// What is to be said of what stood on the command line itself: neither variables nor the configuration file count.
pub(super) fn on_the_command_line(said: &ArgMatches) -> Vec<String> {
    let values = |said: &ArgMatches, id: &str| -> Vec<String> {
        let is_here = said.value_source(id) == Some(ValueSource::CommandLine);
        let raw = said.get_raw(id).filter(|_| is_here).into_iter().flatten();
        raw.map(|value| value.to_string_lossy().into_owned()).collect()
    };
    match said.subcommand() {
        Some(("serve", serve)) => FLAGS
            .into_iter()
            .filter(|flag| {
                let given = values(serve, &flag.replace('-', "_"));
                given.iter().flat_map(|value| value.split(',')).any(|value| !value.starts_with('@'))
            })
            .map(|flag| shown(&format!("--{flag}"), &format!("{} or --{flag} @FILE", variable(flag))))
            .collect(),
        Some(("check", check)) => values(check, "headers")
            .iter()
            .filter_map(|header| header.split_once(':'))
            .filter(|(name, value)| {
                HEADERS.contains(&name.to_ascii_lowercase().as_str()) && !value.trim_start().starts_with('@')
            })
            .map(|(name, _)| shown(&format!("--header {name}"), &format!("--header {name}:@FILE")))
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether this argument, `--flag=value`, has a secret in it.
pub(super) fn is_one(argument: &str) -> bool {
    let flag = argument.strip_prefix("--").and_then(|argument| argument.split_once('='));
    flag.is_some_and(|(flag, value)| FLAGS.contains(&flag) && !value.starts_with('@'))
}

fn shown(what: &str, instead: &str) -> String {
    format!(
        "the value of {what} is on the command line, which every user of this machine can list: give it with {instead}"
    )
}

/// What is to be said of a file with a secret in it, where everybody may read it.
pub(super) fn readable(path: &Path, file: &Metadata) -> Option<String> {
    everybody_may(file).then(|| {
        format!("every user of this machine can read the secret in {0}: run `chmod o= {0}`", path.display())
    })
}

#[cfg(unix)]
fn everybody_may(file: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.permissions().mode() & 0o007 != 0
}

/// Who may read a file is in its access list there, which nothing looks into.
#[cfg(windows)]
fn everybody_may(_: &Metadata) -> bool {
    false
}
