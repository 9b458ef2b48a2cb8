//! What a check that did not hold says, and where in the case it stood.

use std::fmt::{self, Debug, Display};
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

/// How long the suite waits for something that the protocol promises to happen at once.
///
/// Generous: it only bounds how long a failing case takes, and the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A check that did not hold. Helpers return it; `?` inside a case turns it into a [`Failure`], which
/// knows the line.
#[derive(Debug, Clone)]
pub struct Oops {
    what: String,
    context: Vec<String>,
}

impl Oops {
    /// A failure that a sentence describes.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), context: Vec::new() }
    }

    /// The difference between what the protocol says and what came.
    pub fn differs(what: impl Display, expected: impl Debug, got: impl Debug) -> Self {
        Self::new(format!("{what}\n  expected {expected:?}\n  got      {got:?}"))
    }

    /// Adds a line that helps to understand the failure, such as the head of the response.
    pub fn context(mut self, line: impl Display) -> Self {
        self.context.push(line.to_string());
        self
    }
}

impl Display for Oops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.context.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// Why a case failed, and at which line of it.
#[derive(Debug)]
pub struct Failure {
    what: String,
    at: &'static Location<'static>,
}

impl From<Oops> for Failure {
    // `?` passes its own caller on, so this is the line of the case.
    #[track_caller]
    fn from(oops: Oops) -> Self {
        Self { what: oops.to_string(), at: Location::caller() }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}\n{}", self.at.file(), self.at.line(), self.what)
    }
}

/// What a helper returns.
pub type Checked<T = ()> = Result<T, Oops>;

/// What a case returns.
pub type CaseResult = Result<(), Failure>;

/// Checks that two values are the same. `what` names the thing compared.
pub fn same<G, E>(what: impl Display, got: G, expected: E) -> Checked
where
    G: PartialEq<E> + Debug,
    E: Debug,
{
    if got == expected { Ok(()) } else { Err(Oops::differs(what, expected, got)) }
}

/// Checks that a claim holds.
pub fn holds(claim: impl Display, is_true: bool) -> Checked {
    if is_true { Ok(()) } else { Err(Oops::new(format!("does not hold: {claim}"))) }
}

/// Compares bodies. The message gives lengths and the first difference, not megabytes.
pub fn same_bytes(what: impl Display, got: &[u8], expected: &[u8]) -> Checked {
    if got == expected {
        return Ok(());
    }
    let at = got.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let show = |bytes: &[u8]| {
        let from = at.saturating_sub(8);
        String::from_utf8_lossy(&bytes[from.min(bytes.len())..(at + 40).min(bytes.len())]).into_owned()
    };
    Err(Oops::new(format!(
        "{what}\n  expected {} bytes, …{:?}\n  got      {} bytes, …{:?}\n  first difference at byte {at}",
        expected.len(),
        show(expected),
        got.len(),
        show(got),
    )))
}

/// Waits for something that must happen, at most [`PATIENCE`].
pub async fn soon<T>(what: impl Display, event: impl Future<Output = T>) -> Checked<T> {
    tokio::time::timeout(PATIENCE, event)
        .await
        .map_err(|_| Oops::new(format!("did not happen within {PATIENCE:?}: {what}")))
}
