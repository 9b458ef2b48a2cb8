//! Which recorder this is: one of this protocol, or one of durablefetch 0.1.0.
//!
//! 0.1.0 knows no headers of the protocol: it would start a request that was only to be resumed, and hand the
//! token on to the upstream. Its status says no `state`, which is how it is told apart.

use std::rc::Rc;

use crate::exported::ClientState;
use crate::fetch::app_request::AppRequest;
use crate::js::task::Task;
use crate::wire::control;
use crate::wire::recorder_url::RecorderUrl;

/// What is known of the recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecorderVersion {
    /// Nothing yet. Requests are spelled so that both understand them.
    Unknown,
    /// durablefetch 0.1.0.
    Seed,
    /// This protocol.
    Current,
}

impl RecorderVersion {
    /// Before the first answer.
    pub(crate) fn assumed(url: &RecorderUrl) -> Self {
        if url.is_path() { Self::Current } else { Self::Unknown }
    }
}

/// What the recorder is, asked for if need be. Where nothing answers it stays unknown, and the request itself
/// will find out why.
pub(crate) fn known<'a>(
    client: &'a Rc<ClientState>,
    app_request: &'a AppRequest,
) -> Task<'a, RecorderVersion> {
    Box::pin(find_out(client, app_request))
}

async fn find_out(client: &Rc<ClientState>, app_request: &AppRequest) -> RecorderVersion {
    if client.version.get() == RecorderVersion::Unknown
        && let Ok(status) = control::status(client, app_request, None).await
        && client.version.get() == RecorderVersion::Unknown
        && !status.tells_state
    {
        client.version.set(RecorderVersion::Seed);
    }
    client.version.get()
}
