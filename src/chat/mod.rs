//! The AI SDK's chats: each is one key, `api?chatId=<id>`, whose recordings are its answers.

mod exchange;
mod key;
mod last_send;
mod options;
mod prepare;
mod stop;
mod transport;

pub(crate) use stop::stop;
pub(crate) use transport::transport;
