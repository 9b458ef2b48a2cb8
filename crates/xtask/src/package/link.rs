//! The linker of the client's module: rustc's own, told to export less.
//!
//! wasm-bindgen exports the classes of every crate that is linked, among them halves of wasm-streams that a client of `fetch`
//! has no use for. Taken out of the finished module, an export leaves behind what only it needs: functions that stand in a
//! table and data that points at them, of which nothing tells afterwards that nobody comes for them. The linker knows.

use std::env;
use std::ffi::{OsStr, OsString};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

/// Says to this program that it is the linker.
const ROLE: &str = "DURABLEFETCH_LINKS";

/// What rustc would call. It puts the folder of this one into `PATH`.
const LINKER: &str = "rust-lld";

/// Parts of the names of what is not exported: writing, and reading into buffers.
const UNUSED: [&str; 2] = ["intounderlyingsink", "intounderlyingbytesource"];

/// Makes this program the linker of a build for WebAssembly.
pub(super) fn by_us(build: &mut Command) -> Result<()> {
    let own = env::current_exe().context("cannot tell where this program is")?;
    build.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", own).env(ROLE, "1");
    Ok(())
}

/// Links, where rustc calls this program as its linker.
pub(crate) fn asked() -> Option<ExitCode> {
    env::var_os(ROLE)?;
    let status = Command::new(LINKER).args(needed(env::args_os().skip(1))).env_remove(ROLE).status();
    Some(match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot run {LINKER}, the linker that comes with Rust: {error}");
            ExitCode::FAILURE
        }
    })
}

/// The arguments without the exports that nobody uses.
fn needed(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut needed = Vec::new();
    for argument in arguments {
        let is_name = needed.last().is_some_and(|last| last == "--export");
        if is_name && is_unused(&argument) {
            needed.pop();
        } else {
            needed.push(argument);
        }
    }
    needed
}

fn is_unused(symbol: &OsStr) -> bool {
    let symbol = symbol.to_string_lossy();
    UNUSED.iter().any(|part| symbol.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_uses_is_not_exported() {
        let given = "-flavor wasm --export client_fetch --export intounderlyingsink_write a.o \
                     --export __wbindgen_describe_intounderlyingbytesource_pull --export intounderlyingsource_pull";
        let needed = needed(given.split_whitespace().map(OsString::from));
        let expected = "-flavor wasm --export client_fetch a.o --export intounderlyingsource_pull";
        assert_eq!(needed, expected.split(' ').map(OsString::from).collect::<Vec<_>>());
    }
}
