//! The command line: flags, their environment variables and the configuration file.

mod access;
mod file;
mod healthcheck;
mod limits;
mod listen;
mod secrets;
mod serve;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use healthcheck::Healthcheck;
pub use serve::{LogFormat, Serve};

use crate::check::Check;
use crate::operator;

/// Records upstream responses once and serves them to all who ask, live and later.
#[derive(Debug, Parser)]
#[command(
    name = "durablefetch",
    version,
    about,
    term_width = 100,
    after_help = "`durablefetch` alone is `durablefetch serve`."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What to warn of before it is done: secrets that others can read.
    #[arg(skip)]
    pub warnings: Vec<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a recorder.
    Serve(Box<Serve>),
    /// Measure the way to a recorder through all that stands in front of it, and say what to change.
    Check(Check),
    /// List recordings, with live numbers.
    Ls(operator::List),
    /// Show all about one recording.
    Show(operator::Show),
    /// Say what is stored, and whose it is.
    Du(operator::Disk),
    /// Remove a recording, or all that is stored of a person.
    Rm(operator::Remove),
    /// Copy all recordings while the recorder runs.
    Backup(operator::Backup),
    /// Ask the recorder of this machine whether it is well: for containers.
    Healthcheck(Healthcheck),
}

impl Cli {
    /// Reads the arguments, the environment and the configuration file. A flag goes before a variable, and a
    /// variable before the file.
    ///
    /// # Errors
    /// What clap says, which includes help that was asked for; or a sentence about the file.
    pub fn read<I: IntoIterator<Item = OsString>>(arguments: I) -> Result<Self, ReadError> {
        let mut arguments: Vec<OsString> = arguments.into_iter().collect();
        if arguments.len() == 1 {
            arguments.push("serve".into());
        }
        let mut matches = command().try_get_matches_from(&arguments).map_err(ReadError::Arguments)?;
        let mut warnings = secrets::on_the_command_line(&matches);
        if let Some((name @ ("serve" | "healthcheck"), said)) = matches.subcommand()
            && let Some(path) = said.get_one::<std::path::PathBuf>("config")
        {
            let command = command();
            let known = command.find_subcommand(name).ok_or_else(|| ReadError::File(String::new()))?;
            let said = file::arguments(path, known, said).map_err(ReadError::File)?;
            arguments.extend(said.arguments);
            warnings.extend(said.warning);
            matches = command.try_get_matches_from(&arguments).map_err(|error| {
                let error = error.render().to_string();
                let error = error.strip_prefix("error: ").unwrap_or(&error).trim_end();
                let error = error.split("\n\nFor more").next().unwrap_or(error);
                ReadError::File(format!("in {}: {error}", path.display()))
            })?;
        }
        let cli = Self::from_arg_matches(&matches).map_err(ReadError::Arguments)?;
        Ok(Self { warnings, ..cli })
    }
}

/// Why there is nothing to do.
#[derive(Debug)]
pub enum ReadError {
    /// The arguments or the environment.
    Arguments(clap::Error),
    /// The configuration file.
    File(String),
}

/// The commands, with an environment variable for every flag of `serve`.
fn command() -> clap::Command {
    let with_variables = |command: clap::Command| {
        command.mut_args(|argument| match argument.get_long().map(variable) {
            Some(name) => argument.env(name).hide_env(true).hide_env_values(true),
            None => argument,
        })
    };
    Cli::command()
        .mut_subcommand("serve", with_variables)
        .mut_subcommand("healthcheck", |command| healthcheck::short(with_variables(command)))
}

/// `DURABLEFETCH_MAX_RECORDINGS` for `max-recordings`.
fn variable(flag: &str) -> String {
    format!("DURABLEFETCH_{}", flag.replace('-', "_").to_uppercase())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
