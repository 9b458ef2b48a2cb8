//! Takes over a set-up that was read again, or nothing of it.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::Config;
use crate::error::StartError;
use crate::net::tls::Tls;
use crate::recorder::Recorder;

/// A handle on a recorder that runs.
#[derive(Clone)]
pub struct Reloads {
    recorder: Arc<Recorder>,
    tls: Option<Tls>,
    address: SocketAddr,
}

impl Reloads {
    pub(crate) fn new(recorder: Arc<Recorder>, tls: Option<Tls>, address: SocketAddr) -> Self {
        Self { recorder, tls, address }
    }

    /// Takes over, for requests to come, what may be fetched, whose pages may ask, the secrets and keys of tokens, and the
    /// limits of what is stored and in flight; and reads certificate and key again. What else the set-up says waits for
    /// a restart.
    ///
    /// # Errors
    /// Where any of it cannot be used; all stays as it was then.
    pub fn reload(&self, config: &Config) -> Result<(), StartError> {
        let config = self.recorder.config.reloaded(config)?;
        config.check(self.address)?;
        let certified = self.tls.as_ref().map(Tls::read_again).transpose()?;
        if let (Some(tls), Some(certified)) = (&self.tls, certified) {
            tls.show(certified);
        }
        self.recorder.go_by(&config);
        Ok(())
    }
}

impl std::fmt::Debug for Reloads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloads").field("address", &self.address).finish_non_exhaustive()
    }
}
