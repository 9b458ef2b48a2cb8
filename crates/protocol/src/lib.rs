//! durablefetch protocol.
