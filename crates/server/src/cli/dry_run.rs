//! `serve --dry-run`: every setting that counts, and where it came from, as a configuration file has it.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use durablefetch_protocol::scope::Scoping;

use super::secrets;
use super::variables::variable;
use crate::config::Config;

/// Flags that are about the file, or about one start: neither settings nor in the file.
pub(super) const NOT_SETTINGS: [&str; 5] = ["help", "config", "dry-run", "detach", "detached-from"];

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub(super) flag: String,
    /// As TOML. None: it is not set, and has no value of its own.
    pub(super) value: Option<String>,
    pub(super) from: String,
}

/// What was read of the configuration file, and where that is.
pub(super) type FromFile = Option<(PathBuf, Vec<String>)>;

/// All of them, in the order of the help.
pub(super) fn settings(serve: &Command, said: &ArgMatches, file: &FromFile) -> Vec<Setting> {
    let arguments = serve.get_arguments().filter(|argument| !argument.is_hide_set());
    let flags = arguments.filter_map(|argument| Some((argument, argument.get_long()?)));
    flags
        .filter(|(_, flag)| !NOT_SETTINGS.contains(flag))
        .map(|(argument, flag)| Setting {
            flag: flag.to_owned(),
            value: value(argument, flag, said),
            from: from(argument, flag, said, file),
        })
        .collect()
}

fn value(argument: &Arg, flag: &str, said: &ArgMatches) -> Option<String> {
    let id = argument.get_id().as_str();
    if !argument.get_action().takes_values() {
        return Some(said.get_flag(id).to_string());
    }
    let shown = |text: String| toml(if secrets::is_secret(flag, &text) { "(secret)" } else { &text });
    let raw = said.get_raw(id)?.map(|value| shown(value.to_string_lossy().into_owned())).collect::<Vec<_>>();
    match argument.get_action() {
        clap::ArgAction::Append => Some(format!("[{}]", raw.join(", "))),
        _ => raw.into_iter().next(),
    }
}

/// What JSON writes is a text of TOML, too.
fn toml(text: &str) -> String {
    let is_number = text.parse::<i64>().is_ok_and(|number| number.to_string() == text);
    if is_number { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

fn from(argument: &Arg, flag: &str, said: &ArgMatches, file: &FromFile) -> String {
    match said.value_source(argument.get_id().as_str()) {
        Some(ValueSource::EnvVariable) => variable(flag),
        Some(ValueSource::CommandLine) => match file {
            Some((path, flags)) if flags.iter().any(|said| said == flag) => path.display().to_string(),
            _ => format!("--{flag}"),
        },
        _ => "default".to_owned(),
    }
}

/// What `--dry-run` prints.
#[must_use]
pub fn shown(settings: &[Setting], config: &Config) -> String {
    let lines: Vec<_> = settings.iter().map(|setting| (line(setting, config), &setting.from)).collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width <= 60).max();
    let width = width.unwrap_or(0);
    lines.iter().map(|(line, from)| format!("{line:width$}  # {from}\n")).collect()
}

fn line(Setting { flag, value, .. }: &Setting, config: &Config) -> String {
    match value.clone().or_else(|| by_itself(flag, config)) {
        Some(value) => format!("{flag} = {value}"),
        None => format!("# {flag}"),
    }
}

/// What counts where nothing was said and the default depends on other settings.
fn by_itself(flag: &str, config: &Config) -> Option<String> {
    let mut limits = config.limits.clone();
    limits.share();
    let tells_apart = !matches!(config.scoping, Scoping::Shared);
    match flag {
        "data" => Some(toml(&config.data.display().to_string())),
        "max-scope-recordings" if tells_apart => limits.scope_recordings.map(|count| count.to_string()),
        "max-scope-disk-bytes" if tells_apart => {
            limits.scope_disk_bytes.map(|bytes| toml(&bytes.to_string()))
        }
        _ => None,
    }
}
