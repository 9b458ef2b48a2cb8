//! What others must not be able to do. Each test is named by what must not happen.

mod disk;
mod floods;
mod handshakes;
mod memory;
mod upstreams;
