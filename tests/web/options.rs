//! Options that cannot be used say which one and why.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[wasm_bindgen_test]
fn every_mistake_names_its_option() {
    for (options, says) in [
        ("7", "'options' must be an object"),
        (r#"{"durableFetchHost":"x"}"#, "no option 'durableFetchHost'. There are: durablefetchHost"),
        (r#"{"durablefetchHost":7}"#, "'durablefetchHost' must be a string"),
        (r#"{"durablefetchHost":""}"#, "durablefetchHost must be a host"),
        (r#"{"durablefetchHost":"ftp://x"}"#, "durablefetchHost must be a host"),
        (r#"{"durablefetchHost":"https://x/?q"}"#, "durablefetchHost must be a host"),
        (r#"{"durablefetchHost":"https://"}"#, "durablefetchHost must be a host"),
        (r#"{"durablefetchHost":"//x"}"#, "durablefetchHost must be a host"),
        (r#"{"token":7}"#, "'token' must be a string or a function"),
        (r#"{"fetch":"fetch"}"#, "must be a function"),
        (r#"{"onReconnect":{}}"#, "'onReconnect' must be a function"),
        (r#"{"retry":5}"#, "'retry' must be an object"),
        (r#"{"retry":{"giveUpAfter":1}}"#, "no option 'retry.giveUpAfter'"),
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
        (r#"{"reuse":"no"}"#, "'reuse' must be 'always', 'live' or 'never'"),
        (r#"{"reuse":false}"#, "'reuse' must be 'always', 'live' or 'never'"),
    ] {
        let error = construct(&json(options)).expect_err(options);
        assert_eq!(string(&error, "code"), "invalid-option", "{options}");
        assert!(string(&error, "message").contains(says), "{options}: {error:?}");
    }
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
