//! durablefetch client.
