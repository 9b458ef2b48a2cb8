//! What a console tells the programs that run in it.

use std::future::pending;
use std::io;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_logoff,
    ctrl_shutdown,
};

/// What asks for an end: Ctrl-C, Ctrl-Break, and the end of the console, of the session or of the system. After one of the
/// last three Windows ends the process within seconds, whatever is live.
pub(super) struct Ends {
    c: CtrlC,
    stop: CtrlBreak,
    close: CtrlClose,
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
}

impl Ends {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            c: ctrl_c()?,
            stop: ctrl_break()?,
            close: ctrl_close()?,
            logoff: ctrl_logoff()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.c.recv() => {}
            _ = self.stop.recv() => {}
            _ = self.close.recv() => {}
            _ = self.logoff.recv() => {}
            _ = self.shutdown.recv() => {}
        }
    }
}

/// Nothing asks for the set-up to be read again: Windows lacks SIGHUP.
pub(super) struct Reloads;

impl Reloads {
    #[expect(clippy::unnecessary_wraps, reason = "where there are signals, one may be refused")]
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) {
        pending().await
    }
}
