//! The page's storage where it works, memory where it does not: workers, servers, private windows, full disks. The
//! only module that knows gloo-storage.

use gloo_storage::{LocalStorage, SessionStorage, Storage as _};
use js_sys::{JSON, Map, Reflect};
use wasm_bindgen::JsValue;
use web_sys::Storage;

use crate::js::sys;

thread_local! {
    static LOCAL: Option<Storage> = probe("localStorage", LocalStorage::raw);
    static SESSION: Option<Storage> = probe("sessionStorage", SessionStorage::raw);
    /// What storage would not take. Looked at first.
    static MEMORY: Map = sys::memory();
}

/// How long a value is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// In this browser, for all tabs: localStorage.
    Here,
    /// In this tab, reloads included: sessionStorage.
    InTab,
}

/// `raw` throws where there is no window or the window forbids it, and what throws in there is not caught: so look
/// first, by means that can fail.
fn probe(name: &str, raw: fn() -> Storage) -> Option<Storage> {
    let global = js_sys::global();
    Reflect::get(&global, &"window".into()).ok().filter(JsValue::is_object)?;
    Reflect::get(&global, &name.into()).ok().filter(JsValue::is_object)?;
    let storage = raw();
    let probe = "durablefetch:probe";
    storage.set_item(probe, probe).ok()?;
    storage.remove_item(probe).ok()?;
    Some(storage)
}

impl Kept {
    fn with<T>(self, work: impl FnOnce(&Storage) -> Option<T>) -> Option<T> {
        let storage = if self == Self::Here { &LOCAL } else { &SESSION };
        storage.with(|storage| storage.as_ref().and_then(work))
    }

    /// Stores a value as JSON, in memory if need be.
    pub(crate) fn save(self, key: &str, value: &JsValue) -> Result<(), JsValue> {
        let text = JsValue::from(JSON::stringify(value)?).as_string();
        self.remove(key);
        // undefined has no JSON
        if let Some(text) = text
            && self.with(|storage| storage.set_item(key, &text).ok()).is_none()
        {
            MEMORY.with(|memory| memory.set(&key.into(), &text.into()));
        }
        Ok(())
    }

    /// The value, wherever it is, or undefined. What is no JSON is dropped.
    pub(crate) fn load(self, key: &str) -> JsValue {
        let text = MEMORY
            .with(|memory| memory.get(&key.into()).as_string())
            .or_else(|| self.with(|storage| storage.get_item(key).ok().flatten()));
        let Some(text) = text else { return JsValue::UNDEFINED };
        JSON::parse(&text).unwrap_or_else(|_| {
            self.remove(key);
            JsValue::UNDEFINED
        })
    }

    /// Removes it everywhere.
    pub(crate) fn remove(self, key: &str) {
        MEMORY.with(|memory| memory.delete(&key.into()));
        // A storage that takes no removal is one that could not be read either.
        self.with(|storage| storage.remove_item(key).ok());
    }
}
