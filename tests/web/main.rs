//! Hermetic tests of the client in a browser: `wasm-pack test --headless --chrome`. There is no server; the
//! transport under the client is a script.

#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::too_many_arguments)]

mod support;

mod abort;
mod attach;
mod body;
mod bypass;
mod chat;
mod control;
mod evidence;
mod headers;
mod last;
mod leaks;
mod methods;
mod options;
mod pollers;
mod reconnect;
mod redirects;
mod request;
mod response;
mod reuse;
mod seed;
mod start;
mod stop_chat;
mod token;
mod unreachable;
mod versions;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
