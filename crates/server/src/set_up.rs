//! The set-up as it was read, and read again at each SIGHUP: the same arguments and variables, and the files that they name.

use tracing::Level;
use tracing_subscriber::EnvFilter;

use crate::cli::{self, Cli, Command, ReadError, Setting};
use crate::reload::Reloads;
use crate::signals::Hangups;

/// What was read last, to compare with what is read again.
pub struct SetUp {
    settings: Vec<Setting>,
    /// Sets from which level on there are lines.
    set_level: Box<dyn Fn(Level) + Send>,
}

impl SetUp {
    /// What was read at the start, and how the program changes from which level on there are lines.
    pub fn new(settings: Vec<Setting>, set_level: impl Fn(Level) + Send + 'static) -> Self {
        Self { settings, set_level: Box::new(set_level) }
    }

    /// Reads again at each of these signals, and has the recorder take over what it may.
    pub async fn again_at_each(mut self, mut hangups: Hangups, reloads: Reloads) {
        loop {
            hangups.next().await;
            match self.again(&reloads) {
                Ok(changes) => say(&changes),
                Err(error) => tracing::error!("SIGHUP: {error}; everything stays as it was"),
            }
        }
    }

    fn again(&mut self, reloads: &Reloads) -> Result<cli::Changes, String> {
        let read = Cli::read(std::env::args_os()).map_err(|error| match error {
            ReadError::Arguments(error) => error.to_string(),
            ReadError::Settings(error) => error,
        })?;
        let Command::Serve(serve) = read.command else {
            return Err("the arguments are not those of serve".to_owned());
        };
        let level = serve.operating.log_level;
        let config = serve.into_config()?;
        reloads.reload(&config).map_err(|error| error.to_string())?;
        // What RUST_LOG says stays.
        if std::env::var_os(EnvFilter::DEFAULT_ENV).is_none() {
            (self.set_level)(level);
        }
        read.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        let changes = cli::changes(&self.settings, &read.settings);
        // What waits for a restart is still to be said the next time.
        for setting in &mut self.settings {
            if let Some(new) = read.settings.iter().find(|new| new.is_reloaded_as(setting)) {
                setting.clone_from(new);
            }
        }
        Ok(changes)
    }
}

fn say(changes: &cli::Changes) {
    let now = if changes.now.is_empty() { "no other setting".to_owned() } else { changes.now.join(", ") };
    tracing::info!("SIGHUP: secrets and certificate were read again; {now} changed");
    if !changes.after_restart.is_empty() {
        tracing::warn!("SIGHUP: takes a restart: {}", changes.after_restart.join(", "));
    }
}

impl std::fmt::Debug for SetUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetUp").finish_non_exhaustive()
    }
}
