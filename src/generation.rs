//! Which recorder this is: one of this protocol, or one of durablefetch 0.1.0.
//!
//! 0.1.0 knows no headers of the protocol: it would start a request that was only to be resumed, and hand the
//! token on to the upstream. Its status says no `state`, which is how it is told apart.

use std::rc::Rc;

use crate::base::Base;
use crate::client::Inner;
use crate::control;
use crate::order::Order;
use crate::task::Task;

/// What is known of the recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generation {
    /// Nothing yet. Requests are spelled so that both understand them.
    Unknown,
    /// durablefetch 0.1.0.
    Seed,
    /// This protocol.
    Current,
}

impl Generation {
    /// Before the first answer.
    pub(crate) fn assumed(base: &Base) -> Self {
        if base.is_path() { Self::Current } else { Self::Unknown }
    }
}

/// What the recorder is, asked for if need be. Where nothing answers it stays unknown, and the request itself
/// will find out why.
pub(crate) fn known<'a>(client: &'a Rc<Inner>, order: &'a Order) -> Task<'a, Generation> {
    Box::pin(find_out(client, order))
}

async fn find_out(client: &Rc<Inner>, order: &Order) -> Generation {
    if client.generation.get() == Generation::Unknown
        && let Ok(status) = control::status(client, order, None).await
        && client.generation.get() == Generation::Unknown
        && !status.tells_state
    {
        client.generation.set(Generation::Seed);
    }
    client.generation.get()
}
