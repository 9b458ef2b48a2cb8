//! What goes to the recorder and comes back from it.

pub(crate) mod call;
pub(crate) mod client_headers;
pub(crate) mod control;
pub(crate) mod head;
pub(crate) mod recorder;
pub(crate) mod recorder_url;
pub(crate) mod recorder_version;
pub(crate) mod request;
pub(crate) mod send;
pub(crate) mod status;
pub(crate) mod token;
