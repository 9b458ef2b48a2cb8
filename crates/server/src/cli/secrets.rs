//! Secrets that others on this machine can read, and what to do instead.

use std::fs::Metadata;
use std::path::Path;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::variables::variable;

/// The flags of `serve` whose values are secrets.
const FLAGS: [&str; 2] = ["token-secret", "jwt-key"];
/// The flag whose value is a URL, with a password or without.
const URL: &str = "cluster";
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
            .chain([URL])
            .filter(|flag| {
                let given = values(serve, &flag.replace('-', "_"));
                let mut given = given.iter().flat_map(|value| value.split(','));
                given.any(|value| is_secret(flag, value))
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
    flag.is_some_and(|(flag, value)| is_secret(flag, value))
}

/// Whether this value of the flag is a secret, and does not only say where one is.
pub(super) fn is_secret(flag: &str, value: &str) -> bool {
    let is_file = value.starts_with('@');
    let has_password = || url::Url::parse(value).map_or(true, |url| url.password().is_some());
    !is_file && (FLAGS.contains(&flag) || flag == URL && has_password())
}

/// A secret, or what the file @FILE has.
pub(super) fn read(text: &str) -> Result<String, String> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let failed = |error| format!("the secret {path} cannot be read: {error}");
    let text = std::fs::read_to_string(path).map_err(failed)?;
    // A JWKS of public keys is not a secret.
    let is_secret = !text.trim_start().starts_with('{') || text.contains("oct");
    if is_secret && let Some(warning) = readable(Path::new(path), &std::fs::metadata(path).map_err(failed)?) {
        tracing::warn!("{warning}");
    }
    Ok(text.trim().to_owned())
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
