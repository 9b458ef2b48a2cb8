//! The allocator. A client keeps a few hundred small things at a time, for which a list of what is free does; the
//! default one is larger than all that this crate does with JavaScript's objects.
#![allow(unsafe_code)]

use lol_alloc::{AssumeSingleThreaded, FreeListAllocator};

// SAFETY: the module has no threads. Its memory is not shared, and a worker has an instance of its own.
#[global_allocator]
static ALLOCATOR: AssumeSingleThreaded<FreeListAllocator> =
    unsafe { AssumeSingleThreaded::new(FreeListAllocator::new()) };
