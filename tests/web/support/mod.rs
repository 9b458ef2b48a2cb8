//! The scripted transport and what tests say about it. Fixtures are in JavaScript, assertions in Rust.

use durablefetch::Client;
use js_sys::{Array, Function, Object, Promise, Reflect, Set};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// A recording's id.
pub const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
/// Where the tests' recorder is, and what is fetched.
pub const HOST: &str = "https://recorder.example";
pub const URL: &str = "https://api.example/answer?id=1";
/// Silence, in milliseconds, where what follows it comes at once: on a busy machine, at once takes some hundred.
pub const SILENT_MS: u32 = 1_000;
/// The address of `URL` before anything is known of the recorder, and after.
pub const FIRST: &str = "https://recorder.example/api.example/answer?id=1";
pub const LATER: &str = "https://recorder.example/https:/api.example/answer?id=1";

/// The status where nothing is recorded.
pub const NOTHING: &str =
    r#"{"inProgress":false,"activeConnections":0,"chunksStored":0,"completed":false,"state":"none"}"#;

#[wasm_bindgen(module = "/tests/web/support/script.js")]
extern "C" {
    pub type Script;
    #[wasm_bindgen(constructor)]
    pub fn new() -> Script;
    #[wasm_bindgen(method, getter)]
    pub fn fetch(this: &Script) -> Function;
    #[wasm_bindgen(method, getter)]
    pub fn calls(this: &Script) -> Array;
    #[wasm_bindgen(method, getter)]
    pub fn open(this: &Script) -> i32;
    #[wasm_bindgen(method)]
    fn body(this: &Script, status: u16, headers: &JsValue, chunks: Vec<String>, end: &str);
    #[wasm_bindgen(method)]
    fn text(this: &Script, status: u16, headers: &JsValue, text: Option<&str>);
    #[wasm_bindgen(method)]
    pub fn fail(this: &Script);
    #[wasm_bindgen(method)]
    pub fn silence(this: &Script);
    #[wasm_bindgen(method)]
    pub fn by(this: &Script, answer: &Function);
    #[wasm_bindgen(method)]
    pub fn speaks(this: &Script, protocol: u32);
    /// The answer to a control call.
    #[wasm_bindgen(method)]
    pub fn control(this: &Script, json: &str);
    #[wasm_bindgen(method)]
    fn called(this: &Script, count: u32) -> Promise;

    fn settled() -> Promise;
    #[wasm_bindgen(js_name = unhandledRejections)]
    pub fn unhandled_rejections() -> u32;
    #[wasm_bindgen(js_name = takeWarnings)]
    pub fn take_warnings() -> String;
    #[wasm_bindgen(js_name = isTypeError)]
    pub fn is_type_error(value: &JsValue) -> bool;
    fn evaluate(source: &str, names: Vec<String>, values: Array) -> Promise;
}

#[wasm_bindgen(module = "/tests/web/support/script.js")]
extern "C" {
    #[wasm_bindgen(js_name = clientClass)]
    fn client_class(living: &Function) -> Function;
    fn living(create: &Function) -> Function;
}

/// Has the file served, which `script.js` imports.
#[wasm_bindgen(module = "/pkg-template/client.js")]
extern "C" {
    #[wasm_bindgen(js_name = clientClass)]
    fn imported_by_script(living: &Function) -> Function;
}

#[wasm_bindgen(module = "/pkg-template/error.js")]
extern "C" {
    #[wasm_bindgen(js_name = isDurableFetchError)]
    pub fn is_durable_fetch_error(value: &JsValue) -> bool;
}

/// What the transport plays, in order.
impl Script {
    /// A live recording from this offset: chunks, then `end`, `cut` or `hang`.
    pub fn live(&self, offset: u64, chunks: &[&str], end: &str) {
        self.recorded(200, "streaming", offset, None, &[], chunks, end);
    }

    /// A recording that has ended in this state with this whole length, from this offset.
    pub fn ended(&self, state: &str, offset: u64, length: u64, chunks: &[&str], end: &str) {
        self.recorded(200, state, offset, Some(length), &[], chunks, end);
    }

    pub fn recorded(
        &self,
        status: u16,
        state: &str,
        offset: u64,
        length: Option<u64>,
        more: &[(&str, &str)],
        chunks: &[&str],
        end: &str,
    ) {
        let mut headers = vec![
            ("durablefetch-state", state.to_owned()),
            ("durablefetch-recording", ID.to_owned()),
            ("durablefetch-offset", offset.to_string()),
        ];
        headers.extend(length.map(|length| ("durablefetch-length", length.to_string())));
        headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self.body(status, &object(&headers), chunks.iter().map(|chunk| (*chunk).into()).collect(), end);
    }

    /// An answer of the recorder's own; with a code it is an error.
    pub fn own(&self, status: u16, code: Option<&str>) {
        let mut headers = vec![("durablefetch-state", "none".to_owned())];
        headers.extend(code.map(|code| ("durablefetch-error", code.to_owned())));
        let text = code.map(|code| format!(r#"{{"error":{{"code":"{code}","message":"told: {code}"}}}}"#));
        self.text(status, &object(&headers), text.as_deref());
    }

    /// An answer with these headers.
    pub fn answer(&self, status: u16, headers: &[(&str, &str)], text: Option<&str>) {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.text(status, &object(&headers), text);
    }

    /// One of the requests made.
    pub fn call(&self, index: u32) -> Call {
        Call(self.calls().get(index))
    }

    pub fn count(&self) -> u32 {
        self.calls().length()
    }

    /// Waits until so many requests have been made.
    pub async fn reaches(&self, count: u32) {
        JsFuture::from(self.called(count)).await.unwrap();
    }
}

/// A request as the transport saw it.
pub struct Call(JsValue);

impl Call {
    pub fn address(&self) -> String {
        get(&self.0, "address").as_string().unwrap()
    }
    pub fn method(&self) -> String {
        get(&self.0, "method").as_string().unwrap()
    }
    pub fn header(&self, name: &str) -> Option<String> {
        web_sys::Headers::from(get(&self.0, "headers")).get(name).unwrap()
    }
    /// The names of its headers, in order.
    pub fn names(&self) -> Vec<String> {
        let headers = web_sys::Headers::from(get(&self.0, "headers"));
        headers.keys().into_iter().map(|name| name.unwrap().as_string().unwrap()).collect()
    }
    pub fn init(&self, name: &str) -> JsValue {
        get(&get(&self.0, "init"), name)
    }
    /// Its request body.
    pub async fn text(&self) -> String {
        let text =
            js("return await new Response(body).text()", &[("body", &self.init("body"))]).await.unwrap();
        text.as_string().unwrap()
    }
    pub fn aborted(&self) -> bool {
        web_sys::AbortSignal::from(self.init("signal")).aborted()
    }
    /// How its body ended: `end`, `cut`, `aborted`, `cancelled`, or nothing yet.
    pub fn ended(&self) -> String {
        get(&self.0, "ended").as_string().unwrap()
    }
}

/// A `DurableFetchClient`: the class of the package around the Rust of this build.
pub struct Df(pub JsValue);

impl Df {
    /// A client whose transport is the script.
    pub fn new(script: &Script) -> Self {
        Self::with(script, &[])
    }

    /// The same with more options, as JavaScript expressions.
    pub fn with(script: &Script, more: &[(&str, JsValue)]) -> Self {
        let options = Object::new();
        set(&options, "durablefetchHost", &HOST.into());
        set(&options, "fetch", &script.fetch());
        for (name, value) in more {
            set(&options, name, value);
        }
        Self(construct(&options).unwrap())
    }

    /// The same when it is known already that the recorder is of this protocol.
    pub async fn known(script: &Script, more: &[(&str, JsValue)]) -> Self {
        let df = Self::with(script, more);
        script.control(NOTHING);
        df.ask("isInProgress", &[URL.into()]).await.unwrap();
        script.calls().set_length(0);
        df
    }

    /// The same when it is known already that the recorder speaks protocol 3.
    pub async fn third(script: &Script, more: &[(&str, JsValue)]) -> Self {
        script.speaks(3);
        Self::known(script, more).await
    }

    pub fn fetch(&self, input: impl Into<JsValue>, init: JsValue) -> Promise {
        self.call("fetch", &[input.into(), init]).unchecked_into()
    }

    /// Fetches `URL` and resolves to the response.
    pub async fn get(&self) -> Result<Response, JsValue> {
        response(self.fetch(URL, JsValue::UNDEFINED)).await
    }

    pub fn call(&self, method: &str, args: &[JsValue]) -> JsValue {
        self.try_call(method, args).unwrap()
    }

    pub fn try_call(&self, method: &str, args: &[JsValue]) -> Result<JsValue, JsValue> {
        let function: Function = get(&self.0, method).dyn_into().unwrap();
        function.apply(&JsValue::UNDEFINED, &args.iter().collect::<Array>())
    }

    /// Awaits a method's promise.
    pub async fn ask(&self, method: &str, args: &[JsValue]) -> Result<JsValue, JsValue> {
        JsFuture::from(self.call(method, args).unchecked_into::<Promise>()).await
    }
}

/// `new DurableFetchClient(options)`.
pub fn construct(options: &JsValue) -> Result<JsValue, JsValue> {
    let create = Closure::<dyn Fn(JsValue) -> Result<JsValue, JsValue>>::new(|options: JsValue| {
        Client::new(&options, Set::new(&JsValue::UNDEFINED)).map(JsValue::from)
    });
    let class = client_class(&living(create.as_ref().unchecked_ref()));
    let made = Reflect::construct(&class, &Array::of1(options));
    create.forget();
    made
}

pub async fn response(promise: Promise) -> Result<Response, JsValue> {
    JsFuture::from(promise).await.map(JsCast::unchecked_into)
}

pub async fn text(response: &Response) -> Result<String, JsValue> {
    JsFuture::from(response.text().unwrap()).await.map(|text| text.as_string().unwrap())
}

/// The error that a body ends with.
pub async fn broken(response: &Response) -> JsValue {
    text(response).await.expect_err("the body must not end clean")
}

pub async fn awaited(promise: impl Into<JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(Promise::resolve(&promise.into())).await
}

/// All that is under way without waiting for anything is done.
pub async fn quiet() {
    JsFuture::from(settled()).await.unwrap();
}

/// A tab that has not been here before.
pub async fn new_tab() {
    js("sessionStorage.clear()", &[]).await.unwrap();
}

/// Runs JavaScript with these values; the source may await and returns its result.
pub async fn js(source: &str, values: &[(&str, &JsValue)]) -> Result<JsValue, JsValue> {
    let names = values.iter().map(|(name, _)| (*name).to_owned()).collect();
    let values = values.iter().map(|(_, value)| (*value).clone()).collect();
    JsFuture::from(evaluate(source, names, values)).await
}

/// A function with this body, of a `message`.
pub async fn function(body: &str) -> Function {
    js(&format!("return (message) => {{ {body} }}"), &[]).await.unwrap().unchecked_into()
}

pub fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap()
}

pub fn set(object: &Object, name: &str, value: &JsValue) {
    Reflect::set(object, &name.into(), value).unwrap();
}

pub fn string(object: &JsValue, name: &str) -> String {
    get(object, name).as_string().unwrap_or_else(|| panic!("{name} is not a string"))
}

pub fn object(entries: &[(&str, String)]) -> JsValue {
    let object = Object::new();
    for (name, value) in entries {
        set(&object, name, &value.into());
    }
    object.into()
}

/// A value written as JSON.
pub fn json(text: &str) -> JsValue {
    js_sys::JSON::parse(text).unwrap()
}

/// Short delays, so that a test waits for milliseconds. `give_up` as given.
pub fn hasty(give_up: u32) -> (&'static str, JsValue) {
    let retry = format!(r#"{{"initialDelayMs":1,"maxDelayMs":2,"giveUpAfterMs":{give_up}}}"#);
    ("retry", json(&retry))
}

/// The checks that every error passes.
pub fn assert_error(error: &JsValue, code: &str, says: &str) {
    assert_eq!(string(error, "name"), "DurableFetchError", "{error:?}");
    assert_eq!(string(error, "code"), code, "{error:?}");
    assert!(is_type_error(error) && is_durable_fetch_error(error), "{error:?}");
    let message = string(error, "message");
    assert!(message.contains(says), "{message}");
    let lost = ["network", "unreachable", "intermediary", "failed", "interrupted"].contains(&code);
    assert_eq!(message.starts_with("network error"), lost, "{message}");
    let lower = message.to_lowercase();
    assert!(lost || !(lower.contains("network") || lower.contains("fetch")), "{message}");
}
