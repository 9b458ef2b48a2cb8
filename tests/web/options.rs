//! Options that cannot be used say which one and why.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[wasm_bindgen_test]
fn every_mistake_names_its_option() {
    for (options, says) in [
        ("7", "'options' must be an object"),
        (r#"{"durableFetchHost":"x"}"#, "Unknown option 'durableFetchHost'. There are: durablefetchHost"),
        (r#"{"durablefetchHost":7}"#, "'durablefetchHost' must be a string"),
        (r#"{"durablefetchHost":"ftp://x"}"#, "durablefetchHost must be a host"),
        (r#"{"durablefetchHost":"https://x/?q"}"#, "durablefetchHost must be a host"),
        (r#"{"durablefetchHost":"https://"}"#, "durablefetchHost must be a host"),
        (r#"{"durablefetchHost":"//x"}"#, "durablefetchHost must be a host"),
        (r#"{"token":7}"#, "'token' must be a string or a function"),
        (r#"{"fetch":"fetch"}"#, "must be a function"),
        (r#"{"onReconnect":{}}"#, "'onReconnect' must be a function"),
        (r#"{"retry":5}"#, "'retry' must be an object"),
        (r#"{"retry":{"giveUpAfter":1}}"#, "Unknown option 'retry.giveUpAfter'"),
        (
            r#"{"retry":{"initialDelayMs":0}}"#,
            "'initialDelayMs' must be a whole number of milliseconds, 1 or more",
        ),
        (r#"{"retry":{"maxDelayMs":1.5}}"#, "'maxDelayMs' must be a whole number"),
        (
            r#"{"retry":{"giveUpAfterMs":-1}}"#,
            "'giveUpAfterMs' must be a whole number of milliseconds, 0 or more",
        ),
        (r#"{"stallAfterMs":"15s"}"#, "'stallAfterMs' must be a whole number"),
        (r#"{"headers":"x-api-key: k"}"#, "'headers' must be Headers, a list or an object"),
        (r#"{"reuse":"no"}"#, "'reuse' must be 'always', 'live' or 'never'"),
        (r#"{"reuse":false}"#, "'reuse' must be 'always', 'live' or 'never'"),
    ] {
        let error = construct(&json(options)).expect_err(options);
        assert_eq!(string(&error, "code"), "invalid-option", "{options}");
        assert!(string(&error, "message").contains(says), "{options}: {error:?}");
    }
}

/// What an environment variable that is not set becomes, on various ways.
#[wasm_bindgen_test]
async fn an_option_that_is_there_and_says_nothing_is_no_choice_of_the_default() {
    for (options, says) in [
        ("{ durablefetchHost: undefined }", "is undefined"),
        ("{ durablefetchHost: null }", "is null"),
        ("{ durablefetchHost: '' }", "is empty"),
        ("Object.create({ durablefetchHost: undefined })", "is undefined"),
        ("{ durablefetchHost: `https://${undefined}` }", "is 'https://undefined'"),
        ("{ durablefetchHost: `http://${null}:8787/df` }", "is 'http://null:8787/df'"),
        ("{ durablefetchHost: `/${undefined}` }", "is '/undefined'"),
        ("{ durablefetchHost: String(undefined) }", "is 'undefined'"),
    ] {
        let options = js(&format!("return {options}"), &[]).await.unwrap();
        let error = construct(&options).expect_err(says);
        assert_eq!(string(&error, "code"), "invalid-option");
        let message = string(&error, "message");
        let begins = format!("'durablefetchHost' {says}: is the environment variable set? ");
        assert!(message.starts_with(&begins) && message.contains("leave the option out"), "{message}");
    }
    for options in [
        "undefined",
        "null",
        "{}",
        "{ durablefetchHost: 'undefined.example' }",
        "{ durablefetchHost: 'nullable.example' }",
    ] {
        construct(&js(&format!("return {options}"), &[]).await.unwrap()).expect(options);
    }
    // Of these the default takes nothing and sends nothing elsewhere.
    let harmless = "{ durablefetchHost: '/df', reuse: undefined, token: undefined, headers: undefined, fetch: undefined, \
        retry: { giveUpAfterMs: undefined }, stallAfterMs: null, onReconnect: undefined }";
    construct(&js(&format!("return {harmless}"), &[]).await.unwrap()).unwrap();
    for number in
        ["retry: { giveUpAfterMs: Number(undefined) }", "stallAfterMs: Number(undefined)", "stallAfterMs: ''"]
    {
        let options = js(&format!("return {{ {number} }}"), &[]).await.unwrap();
        assert_error(&construct(&options).unwrap_err(), "invalid-option", "must be a whole number");
    }
}

#[wasm_bindgen_test]
async fn what_is_named_and_got_lost_is_not_all_of_it() {
    let script = Script::new();
    let df = Df::new(&script);
    for (named, says) in [
        ("{ recording: undefined }", "'recording' is undefined"),
        ("{ recording: null }", "'recording' is null"),
        ("{ recording: '' }", "'recording' is empty"),
        ("{ request: undefined }", "'request' is undefined"),
        ("{ request: '' }", "'request' is empty"),
    ] {
        for method in ["stop", "delete", "isInProgress"] {
            let source = format!("return df.{method}('{URL}', {named}).catch((error) => error)");
            let error = js(&source, &[("df", &df.0)]).await.unwrap();
            assert_error(
                &error,
                "invalid-option",
                &format!("{says}: without it the call is about all recordings"),
            );
        }
    }
    for args in ["undefined, 'c1'", "'/api/chat', undefined", "'/api/chat', ''", "null, 'c1'", "'', 'c1'"] {
        let error =
            js(&format!("return df.stopChat({args}).catch((error) => error)"), &[("df", &df.0)]).await;
        assert_error(&error.unwrap(), "invalid-option", "it has to be that of the chat's transport");
    }
    let source = "return df.chatTransport({ api: '/a' }).prepareSendMessagesRequest({ id: '', messages: [] }).catch((error) => error)";
    let error = js(source, &[("df", &df.0)]).await.unwrap();
    assert_error(&error, "invalid-option", "'id' is empty: all chats without one would be the same");
    let empty = json(r#"{"api":""}"#);
    assert_error(&df.try_call("chatTransport", &[empty]).unwrap_err(), "invalid-option", "'api' is empty");
    assert_eq!(script.count(), 0);
}

#[wasm_bindgen_test]
fn messages_hold_the_words_of_lost_connections_only_as_names_of_options() {
    let error = construct(&json(r#"{"retry":5}"#)).unwrap_err();
    assert_error(&error, "invalid-option", "'retry' must be an object");
}

#[wasm_bindgen_test]
fn everything_that_is_documented_is_taken() {
    construct(&JsValue::UNDEFINED).unwrap();
    construct(&json("{}")).unwrap();
    for host in [
        "durablefetch.com",
        "recorder.example:8443",
        "http://localhost:8787",
        "https://r.example/base/",
        "/df",
        "/",
    ] {
        construct(&object(&[("durablefetchHost", host.into())])).expect(host);
    }
    for reuse in ["always", "live", "never"] {
        construct(&object(&[("reuse", reuse.into())])).expect(reuse);
    }
    let numbers = r#"{"retry":{"initialDelayMs":1,"maxDelayMs":1,"giveUpAfterMs":0},"stallAfterMs":4294967295,"token":"t"}"#;
    construct(&json(numbers)).unwrap();
}
