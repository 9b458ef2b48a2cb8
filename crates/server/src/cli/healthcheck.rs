//! `durablefetch healthcheck`: the settings of `serve`, of which it needs those that say where the recorder is reached.

use clap::{Arg, Args, Command};

use super::serve::Serve;
use crate::healthcheck::Question;

/// The flags that matter to it. It takes the others too, so that one environment and one file serve both.
const SHOWN: [&str; 6] = ["listen", "public-origin", "base-path", "tls-cert", "tls-key", "config"];

/// The arguments of `durablefetch healthcheck`.
#[derive(Debug, Args)]
pub struct Healthcheck {
    #[command(flatten)]
    serve: Box<Serve>,
}

impl Healthcheck {
    /// What is to be asked.
    ///
    /// # Errors
    /// A sentence, where the settings do not say which port it is.
    pub fn question(&self) -> Result<Question, String> {
        let at = &self.serve.at;
        Question::new(at.listen, at.tls_cert.is_some(), at.public_origin.as_deref(), &at.base_path)
    }
}

/// Its help shows what matters to it.
pub(super) fn short(command: Command) -> Command {
    let is_beside_it = |argument: &Arg| argument.get_long().is_none_or(|flag| !SHOWN.contains(&flag));
    command
        .mut_args(|argument| if is_beside_it(&argument) { argument.hide(true) } else { argument })
        .after_help("It takes every flag, variable and file of `durablefetch serve`. Exit code 0: the recorder is well.")
}
