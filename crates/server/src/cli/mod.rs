//! The command line: flags, their environment variables and the configuration file.

mod access;
mod changes;
mod cluster;
mod dry_run;
mod file;
mod healthcheck;
mod limits;
mod listen;
mod nearest;
mod secrets;
mod serve;
mod values;
mod variables;
mod version;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use changes::{Changes, changes};
pub use dry_run::{Setting, shown};
pub use healthcheck::Healthcheck;
pub use serve::{LogFormat, Serve};
use variables::variable;

use crate::check::Check;
use crate::operator;

/// Records upstream responses once and serves them to all who ask, live and later.
#[derive(Debug, Parser)]
#[command(
    name = "durablefetch",
    version = version::TEXT,
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
    /// What `serve` is set to.
    #[arg(skip)]
    pub settings: Vec<Setting>,
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
    /// Print completions for a shell.
    Completions {
        /// Which.
        shell: clap_complete::Shell,
    },
    /// Print a manual page.
    Man {
        /// The command that it is about. [default: all]
        command: Option<String>,
    },
}

impl Cli {
    /// Reads the arguments, the environment and the configuration file. A flag goes before a variable, and a
    /// variable before the file.
    ///
    /// # Errors
    /// What clap says, which includes help that was asked for; or a sentence about the file or a variable.
    pub fn read<I: IntoIterator<Item = OsString>>(arguments: I) -> Result<Self, ReadError> {
        let mut arguments: Vec<OsString> = arguments.into_iter().collect();
        if arguments.len() == 1 {
            arguments.push("serve".into());
        }
        let command = command();
        let mut matches = command.clone().try_get_matches_from(&arguments).map_err(ReadError::Arguments)?;
        let mut warnings = secrets::on_the_command_line(&matches);
        let mut settings = Vec::new();
        if let Some((name @ ("serve" | "healthcheck"), said)) = matches.subcommand()
            && let Some(known) = command.find_subcommand(name)
        {
            // All are the recorder's, even where this command looks at a few.
            let all = command.find_subcommand("serve").unwrap_or(known);
            variables::check(std::env::vars_os().map(|(name, _)| name), all).map_err(ReadError::Settings)?;
            let mut from_file = None;
            if let Some(path) = said.get_one::<std::path::PathBuf>("config").cloned() {
                let said = file::arguments(&path, known, said).map_err(ReadError::Settings)?;
                arguments.extend(said.arguments);
                warnings.extend(said.warning);
                matches = with_file(command.clone(), &arguments, &path)?;
                from_file = Some((path, said.keys));
            }
            if let Some(("serve", serve)) = matches.subcommand() {
                settings = dry_run::settings(known, serve, &from_file);
            }
        }
        let cli = Self::from_arg_matches(&matches).map_err(ReadError::Arguments)?;
        Ok(Self { warnings, settings, ..cli })
    }

    /// What a shell completes.
    #[must_use]
    pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
        let mut out = Vec::new();
        clap_complete::generate(shell, &mut command(), "durablefetch", &mut out);
        out
    }

    /// The manual page of the program or of one of its commands, for man(1).
    ///
    /// # Errors
    /// Where no command is called so.
    pub fn manual(of: Option<&str>) -> Result<Vec<u8>, String> {
        let whole = command();
        let page = match of {
            None => whole,
            Some(name) => {
                let mut whole = whole.flatten_help(false);
                whole.build();
                let found = whole.find_subcommand(name).cloned();
                let named = found.ok_or_else(|| {
                    let all = whole.get_subcommands().map(clap::Command::get_name);
                    let all: Vec<_> = all.filter(|name| *name != "help").collect();
                    format!("`{name}` is not a command: write one of {}", all.join(", "))
                })?;
                named.name(format!("durablefetch-{name}")).version(version::TEXT)
            }
        };
        let mut out = Vec::new();
        clap_mangen::Man::new(page).render(&mut out).map_err(|error| error.to_string())?;
        Ok(out)
    }
}

/// The arguments once more, with what the file says. What is wrong now is wrong there.
fn with_file(
    command: clap::Command,
    arguments: &[OsString],
    path: &std::path::Path,
) -> Result<clap::ArgMatches, ReadError> {
    command.try_get_matches_from(arguments).map_err(|error| {
        let error = error.render().to_string();
        let error = error.strip_prefix("error: ").unwrap_or(&error).trim_end();
        let error = error.split("\n\nFor more").next().unwrap_or(error);
        ReadError::Settings(format!("in {}: {error}", path.display()))
    })
}

/// Why there is nothing to do.
#[derive(Debug)]
pub enum ReadError {
    /// The arguments or the environment.
    Arguments(clap::Error),
    /// The configuration file, or a variable that does not exist.
    Settings(String),
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

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
