//! durablefetch conformance.
