//! What `/metrics` tells of the process itself: memory, processor time, open files.

#[cfg(not(target_os = "macos"))]
pub(super) use metrics_process::Collector;

/// Tells nothing on macOS: what collects it there cannot be built on another system.
#[cfg(target_os = "macos")]
#[derive(Debug, Default)]
pub(super) struct Collector {}

#[cfg(target_os = "macos")]
impl Collector {
    #[expect(clippy::unused_self, reason = "elsewhere there is something to describe")]
    pub(super) fn describe(&self) {}

    #[expect(clippy::unused_self, reason = "elsewhere there is something to collect")]
    pub(super) fn collect(&self) {}
}
