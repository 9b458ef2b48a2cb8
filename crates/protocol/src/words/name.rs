//! The names of the protocol's headers. All are lower case, as HTTP/2 wants them.

/// Every header of the protocol begins with this; a recorder eats them all and forwards none.
pub const PREFIX: &str = "durablefetch-";

/// Request: the exact upstream URL. Where it is present the path of the request is decoration.
pub const URL: &str = "durablefetch-url";
/// Request: how to treat what is stored, a [`Mode`](super::Mode).
pub const MODE: &str = "durablefetch-mode";
/// Request: the id of one intent to start, which makes starting idempotent. Response: the same again.
pub const REQUEST: &str = "durablefetch-request";
/// Request: with [`OFFSET`] a continuation of exactly this recording. Response: the recording of this body.
pub const RECORDING: &str = "durablefetch-recording";
/// Request: with [`RECORDING`] the first byte wanted. Response: the offset at which this body begins.
pub const OFFSET: &str = "durablefetch-offset";
/// Request: the caller's token, where the recorder asks for one.
pub const TOKEN: &str = "durablefetch-token";
/// Request: the upstream URL again, for intermediaries that route by it. It says what the request says otherwise.
pub const FOR: &str = "durablefetch-for";
/// Request: the recording that a status spoke of just before; a fetch that finds nothing of its own joins it.
pub const ATTACH: &str = "durablefetch-attach";
/// Request: the recording of this URL that the client has read to its end last.
pub const READ: &str = "durablefetch-read";
/// Request: [`APP`] where the app itself sends a password upstream (`authorization: Basic`).
pub const AUTHORIZATION: &str = "durablefetch-authorization";
/// The only value of [`AUTHORIZATION`].
pub const APP: &str = "app";

/// Response: the version of the protocol, [`VERSION`]; on every response of a recorder. One that sends none is of
/// version 2 or earlier.
pub const PROTOCOL: &str = "durablefetch-protocol";
/// Response: a [`State`](super::State), [`UNRECORDED`] or [`NONE`]; on every response of a recorder.
pub const STATE: &str = "durablefetch-state";
/// Response: the whole length of a recording that has ended, in bytes. It, and not how a connection closed,
/// tells a client that it has everything; `content-length` will not do, because intermediaries drop it.
pub const LENGTH: &str = "durablefetch-length";
/// Response: the upstream's reason phrase, which HTTP/2 cannot carry. Percent-encoded UTF-8.
pub const STATUS_TEXT: &str = "durablefetch-status-text";
/// Response: challenges of the upstream's `www-authenticate` that a browser would answer by itself.
pub const CHALLENGE: &str = "durablefetch-challenge";
/// Response: what the process is called that answers, for a balancer; a recorder sends it where it was given a name.
pub const NODE: &str = "durablefetch-node";
/// Response: an [`ErrorCode`](super::ErrorCode).
pub const ERROR: &str = "durablefetch-error";

/// Value of [`STATE`] where an upstream's answer is passed through and not recorded.
pub const UNRECORDED: &str = "unrecorded";
/// Value of [`STATE`] on all that is not an upstream's answer: errors, 204, control answers, pages.
pub const NONE: &str = "none";
/// Value of [`PROTOCOL`].
pub const VERSION: u8 = 3;
