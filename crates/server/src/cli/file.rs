//! The configuration file: TOML, with the flags' names as keys.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use toml::{Table, Value};

use super::dry_run::NOT_SETTINGS;
use super::nearest::nearest;
use super::secrets;

/// What the file says.
pub(super) struct Said {
    /// As flags; without what was said by a flag or a variable.
    pub(super) arguments: Vec<OsString>,
    /// The flags that these are of.
    pub(super) keys: Vec<String>,
    /// What to warn of.
    pub(super) warning: Option<String>,
}

/// Reads the file.
pub(super) fn arguments(path: &Path, known: &Command, said: &ArgMatches) -> Result<Said, String> {
    let in_file = |why: String| format!("in {}: {why}", path.display());
    let text = fs::read_to_string(path)
        .map_err(|error| format!("the configuration file {} cannot be read: {error}", path.display()))?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        // Not the line itself, which may have a secret.
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        in_file(format!("line {line} is not TOML: {}", error.message()))
    })?;
    let is_key = |key: &str| !NOT_SETTINGS.contains(&key);
    let (mut arguments, mut keys) = (Vec::new(), Vec::new());
    for (key, value) in &table {
        let argument = known.get_arguments().find(|argument| is_key(key) && argument.get_long() == Some(key));
        let argument = argument.ok_or_else(|| in_file(unknown(key, known)))?;
        let given = said.value_source(argument.get_id().as_str());
        let values = values(key, argument, value).map_err(in_file)?;
        if !matches!(given, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            arguments.extend(values);
            keys.push(key.clone());
        }
    }
    let has_secret = arguments.iter().any(|argument| secrets::is_one(&argument.to_string_lossy()));
    let file = has_secret.then(|| fs::metadata(path).ok()).flatten();
    let warning = file.and_then(|file| secrets::readable(path, &file));
    Ok(Said { arguments, keys, warning })
}

fn values(key: &str, argument: &Arg, value: &Value) -> Result<Vec<OsString>, String> {
    let takes_value = argument.get_action().takes_values();
    let repeats = matches!(argument.get_action(), clap::ArgAction::Append);
    let one = |value: &Value| match value {
        Value::String(text) => Ok(format!("--{key}={text}").into()),
        Value::Integer(number) => Ok(format!("--{key}={number}").into()),
        _ => Err(format!("`{key}` is a text or a number")),
    };
    match value {
        Value::Boolean(on) if !takes_value => {
            Ok(if *on { vec![format!("--{key}").into()] } else { Vec::new() })
        }
        _ if !takes_value => Err(format!("`{key}` is true or false")),
        Value::Array(list) if repeats => list.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

/// Names the nearest of the keys that there are.
fn unknown(key: &str, known: &Command) -> String {
    let names = known.get_arguments().filter_map(Arg::get_long).filter(|name| !NOT_SETTINGS.contains(name));
    match nearest(key, names) {
        Some(name) => format!("no setting is called `{key}`; the nearest is `{name}`"),
        None => format!("no setting is called `{key}`"),
    }
}
