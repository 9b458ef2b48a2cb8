//! A start that returns to its caller once the recorder listens, which goes on in the background.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
#[cfg(unix)]
use std::time::Duration;

/// Starts the same again, and returns once it listens, or with the status that it ends with.
///
/// # Errors
/// A sentence, where it cannot be started.
pub fn detach() -> Result<ExitCode, String> {
    let failed = |error: std::io::Error| format!("the recorder cannot be started in the background: {error}");
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).arg("--detached-from").arg(std::process::id().to_string());
    #[cfg(unix)]
    // What ends the caller's job does not end it.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(failed)?;
    }
    if line.is_empty() {
        let status = child.wait().map_err(failed)?;
        return Ok(status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from));
    }
    let _ = std::io::stdout().write_all(line.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// Waits until the process is gone that has started this one. Blocks.
pub fn until_gone(parent: Option<u32>) {
    #[cfg(unix)]
    {
        let is_parent = |pid: rustix::process::Pid| u32::try_from(pid.as_raw_nonzero().get()).ok() == parent;
        while parent.is_some() && rustix::process::getppid().is_some_and(is_parent) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    #[cfg(windows)]
    let _ = parent;
}
