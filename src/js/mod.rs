//! JavaScript, and what little this crate needs besides: the raw boundary, objects, time, ids, wake-ups.

#[cfg(target_arch = "wasm32")]
mod alloc;
pub(crate) mod clock;
pub(crate) mod id;
pub(crate) mod object;
pub(crate) mod sys;
pub(crate) mod task;
pub(crate) mod text;
pub(crate) mod wakeup;
