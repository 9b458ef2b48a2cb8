//! The boundary to workerd: what its JavaScript API looks like from here. No decision is made in this file.

use std::time::Duration;

use js_sys::{Array, ArrayBuffer, Function, JsString, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/src/js/flow.js")]
extern "C" {
    /// Reads a body to its end: see `flow.js`.
    #[wasm_bindgen(catch)]
    pub(crate) fn drain(
        stream: &web_sys::ReadableStream,
        size: u32,
        chunk: &Closure<dyn FnMut(Uint8Array) -> bool>,
        end: &Closure<dyn FnMut(bool)>,
    ) -> Result<(), JsValue>;

    /// Writes a piece: see `flow.js`.
    pub(crate) fn send(
        writer: &web_sys::WritableStreamDefaultWriter,
        piece: &Uint8Array,
        sent: &Closure<dyn FnMut()>,
        failed: &Closure<dyn FnMut()>,
    );
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    fn fetch_raw(url: &str, init: &Object) -> Promise;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, ms: f64) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(into: &Uint8Array);

    /// A pipe inside workerd: what is written on one side is read on the other, with no queue in between.
    pub(crate) type IdentityTransformStream;
    #[wasm_bindgen(constructor)]
    fn new() -> IdentityTransformStream;
    #[wasm_bindgen(method, getter)]
    fn readable(this: &IdentityTransformStream) -> web_sys::ReadableStream;
    #[wasm_bindgen(method, getter)]
    fn writable(this: &IdentityTransformStream) -> web_sys::WritableStream;

    /// The same with a length, which becomes `content-length`.
    #[wasm_bindgen(extends = IdentityTransformStream)]
    pub(crate) type FixedLengthStream;
    #[wasm_bindgen(constructor)]
    fn new(length: f64) -> FixedLengthStream;

    pub(crate) type ByobReader;
    #[wasm_bindgen(method, js_name = read)]
    fn read_raw(this: &ByobReader, view: Uint8Array) -> Promise;
    #[wasm_bindgen(method)]
    fn cancel(this: &ByobReader, reason: &JsValue) -> Promise;

    type ByteSource;
    #[wasm_bindgen(method, js_name = getReader, catch)]
    fn get_reader(this: &ByteSource, options: &Object) -> Result<ByobReader, JsValue>;

    type ReadResult;
    #[wasm_bindgen(method, getter)]
    fn done(this: &ReadResult) -> bool;
    #[wasm_bindgen(method, getter)]
    fn value(this: &ReadResult) -> Option<Uint8Array>;

    /// `ctx.storage`.
    pub(crate) type Storage;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn sql(this: &Storage) -> Sql;
    /// Runs the callback in a transaction, which is rolled back where the callback throws.
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    pub(crate) fn transaction(
        this: &Storage,
        callback: &mut dyn FnMut() -> Result<(), JsValue>,
    ) -> Result<(), JsValue>;

    /// `ctx.storage.sql`.
    pub(crate) type Sql;
    #[wasm_bindgen(method, catch, variadic)]
    pub(crate) fn exec(this: &Sql, query: &JsString, bindings: &Array) -> Result<Cursor, JsValue>;

    /// The rows of a query.
    pub(crate) type Cursor;
    #[wasm_bindgen(method)]
    pub(crate) fn raw(this: &Cursor) -> Rows;

    /// Rows as arrays.
    pub(crate) type Rows;
    #[wasm_bindgen(method, catch)]
    fn next(this: &Rows) -> Result<RowResult, JsValue>;

    type RowResult;
    #[wasm_bindgen(method, getter)]
    fn done(this: &RowResult) -> bool;
    #[wasm_bindgen(method, getter)]
    fn value(this: &RowResult) -> Array;
}

impl Rows {
    /// The next row, if there is one.
    pub(crate) fn row(&self) -> Result<Option<Array>, JsValue> {
        let result = self.next()?;
        Ok(if result.done() { None } else { Some(result.value()) })
    }
}

/// What `fetch` is called with.
pub(crate) fn fetch(url: &str, init: &Object) -> JsFuture {
    JsFuture::from(fetch_raw(url, init))
}

/// Sets a property of a plain object.
pub(crate) fn set(object: &Object, name: &str, value: &JsValue) {
    // Setting a property of a plain object cannot fail.
    let _ = Reflect::set(object, &JsValue::from_str(name), value);
}

/// A property of a value, `undefined` where there is none.
pub(crate) fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// A pipe to a response's body. With a length, the response says it and exactly that much must be written.
pub(crate) fn pipe(length: Option<u64>) -> (web_sys::ReadableStream, web_sys::WritableStream) {
    let stream = match length {
        Some(length) => FixedLengthStream::new(length as f64).unchecked_into(),
        None => IdentityTransformStream::new(),
    };
    (stream.readable(), stream.writable())
}

/// Milliseconds since 1970. In a worker it stands still between events.
pub(crate) fn now_ms() -> u64 {
    js_sys::Date::now() as u64
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let view = Uint8Array::new_with_length(N as u32);
    get_random_values(&view);
    let mut bytes = [0; N];
    view.copy_to(&mut bytes);
    bytes
}

/// Bytes for JavaScript to keep.
pub(crate) fn to_js(bytes: &[u8]) -> Uint8Array {
    Uint8Array::from(bytes)
}

/// The bytes of an `ArrayBuffer` or `Uint8Array`; nothing for another value.
pub(crate) fn to_bytes(value: &JsValue) -> Option<Uint8Array> {
    match value.dyn_ref::<Uint8Array>() {
        Some(view) => Some(view.clone()),
        None => value.dyn_ref::<ArrayBuffer>().map(|buffer| Uint8Array::new(buffer)),
    }
}

/// Reads a body through one buffer that goes back and forth.
pub(crate) struct Reader {
    reader: ByobReader,
    buffer: Option<ArrayBuffer>,
}

impl Reader {
    /// `size` is the most bytes of one read.
    pub(crate) fn new(stream: &web_sys::ReadableStream, size: u32) -> Result<Self, JsValue> {
        let options = Object::new();
        set(&options, "mode", &"byob".into());
        let reader = stream.unchecked_ref::<ByteSource>().get_reader(&options)?;
        Ok(Self { reader, buffer: Some(ArrayBuffer::new(size)) })
    }

    /// The next bytes; `None` at the end. They are valid until the next read.
    pub(crate) async fn read(&mut self) -> Result<Option<Uint8Array>, JsValue> {
        let Some(buffer) = self.buffer.take() else { return Ok(None) };
        let result: ReadResult =
            JsFuture::from(self.reader.read_raw(Uint8Array::new(&buffer))).await?.unchecked_into();
        let value = result.value();
        self.buffer = value.as_ref().map(Uint8Array::buffer);
        Ok(if result.done() { None } else { value })
    }

    /// Says that no more will be read.
    pub(crate) fn cancel(&self) {
        drop(JsFuture::from(self.reader.cancel(&JsValue::UNDEFINED)));
    }
}

/// A timer that is cleared when it is dropped.
pub(crate) struct Timer {
    id: JsValue,
    _callback: Closure<dyn FnMut()>,
}

impl Timer {
    /// Calls back once, this much later.
    pub(crate) fn after(delay: Duration, callback: impl FnOnce() + 'static) -> Self {
        let mut callback = Some(callback);
        let callback = Closure::<dyn FnMut()>::new(move || {
            if let Some(callback) = callback.take() {
                callback();
            }
        });
        let id = set_timeout(callback.as_ref().unchecked_ref(), delay.as_millis() as f64);
        Self { id, _callback: callback }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.id);
    }
}

/// Waits. What nobody waits for any more leaves no timer behind.
pub(crate) async fn sleep(delay: Duration) {
    let mut timer = None;
    let promise = Promise::new(&mut |resolve, _| {
        timer = Some(Timer::after(delay, move || drop(resolve.call0(&JsValue::UNDEFINED))));
    });
    // A timer's promise is never rejected.
    let _ = JsFuture::from(promise).await;
    drop(timer);
}
