//! durablefetch server.
