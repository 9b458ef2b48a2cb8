//! The page's localStorage where it works, memory where it does not: workers, servers, private windows, full
//! disks. The only module that knows gloo-storage.

use gloo_storage::{LocalStorage, Storage as _};
use js_sys::{Map, Reflect};
use wasm_bindgen::JsValue;
use web_sys::Storage;

use crate::js::sys;

thread_local! {
    static STORAGE: Option<Storage> = probe();
    /// What storage would not take. Looked at first.
    static MEMORY: Map = sys::memory();
}

/// `LocalStorage::raw` throws without a window or where the window forbids it, and what throws in there is
/// not caught: so look first, by means that can fail.
fn probe() -> Option<Storage> {
    let global = js_sys::global();
    Reflect::get(&global, &"window".into()).ok().filter(JsValue::is_object)?;
    Reflect::get(&global, &"localStorage".into()).ok().filter(JsValue::is_object)?;
    let storage = LocalStorage::raw();
    let probe = "durablefetch:probe";
    storage.set_item(probe, probe).ok()?;
    storage.remove_item(probe).ok()?;
    Some(storage)
}

/// The value, wherever it is.
pub(crate) fn get(key: &str) -> Option<String> {
    MEMORY
        .with(|memory| memory.get(&key.into()).as_string())
        .or_else(|| STORAGE.with(|storage| storage.as_ref()?.get_item(key).ok().flatten()))
}

/// Stores it, in memory if need be.
pub(crate) fn set(key: &str, value: &str) {
    remove(key);
    let stored =
        STORAGE.with(|storage| storage.as_ref().is_some_and(|storage| storage.set_item(key, value).is_ok()));
    if !stored {
        MEMORY.with(|memory| memory.set(&key.into(), &value.into()));
    }
}

/// Removes it everywhere.
pub(crate) fn remove(key: &str) {
    MEMORY.with(|memory| memory.delete(&key.into()));
    STORAGE.with(|storage| {
        if let Some(storage) = storage {
            // A storage that takes no removal is one that could not be read either.
            let _ = storage.remove_item(key);
        }
    });
}
