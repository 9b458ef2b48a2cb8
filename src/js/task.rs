//! Futures without their types. Each `async fn` that is awaited in several places, and each that becomes a promise,
//! would be compiled anew for every one of them; behind a box it is compiled once.

use std::future::Future;
use std::pin::Pin;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

/// A future of this output.
pub(crate) type Task<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The promise of what an exported function returns.
pub(crate) fn promise(future: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    of(Box::pin(future))
}

#[inline(never)]
fn of(task: Task<'static, Result<JsValue, JsValue>>) -> Promise {
    future_to_promise(task)
}
