//! The conformance suite against the worker on workerd.

mod workerd;

use std::io;
use std::process::ExitCode;

use durablefetch_conformance::{Ability, Process, Tests};
use tokio::runtime::Runtime;

use workerd::serve;

fn main() -> io::Result<ExitCode> {
    // workerd ends when it is told to, but waits for what is live as long as that lives; each object has a
    // database of its own; fetch sends no body with a GET and no Host but that of its URL, and makes a GET once more whose
    // kept connection ends before its answer.
    let process = Process::new(serve).lacking([
        Ability::Terminate,
        Ability::DiskQuota,
        Ability::ResetHttp10,
        Ability::NoticeIdleReaders,
        Ability::AskOnce,
        Ability::GetBody,
        Ability::Maps,
    ]);
    Ok(Tests::new(&Runtime::new()?).launching("worker", process).run())
}
