//! What `pkg/` is made of: the single source of truth. One row is one file or folder.

/// Where the content of a row comes from.
pub(crate) enum From {
    /// A file of the repository, as it is.
    File(&'static str),
    /// A folder of the repository, without the files of these names.
    Folder(&'static str, &'static [&'static str]),
    /// `package.json` of the template, with the version of the workspace in it.
    Manifest(&'static str),
    /// wasm-bindgen's JavaScript after patches. A patch that matches nothing fails the build.
    Glue(&'static [&'static [Patch]]),
    /// The wasm module.
    Module,
    /// The wasm module as a JavaScript module whose default export is its text.
    ModuleAsText,
    /// The wasm module as JavaScript that does the same.
    Translated,
    /// wasm-bindgen's JavaScript for that, after patches.
    JsGlue(&'static [&'static [Patch]]),
}

/// One replacement in generated code. It must occur, or the build fails.
pub(crate) struct Patch {
    pub(crate) find: Find,
    pub(crate) replace: &'static str,
    /// Said when it does not match: what the patch is for.
    pub(crate) reason: &'static str,
}

/// What a patch looks for.
pub(crate) enum Find {
    /// This text, exactly once.
    Once(&'static str),
    /// From the first text through the second, exactly once.
    Through(&'static str, &'static str),
    /// This text, wherever it occurs.
    Each(&'static str),
}

/// Source → path in `pkg/`, in order: a later row may overwrite a file of an earlier folder row.
/// `pkg-template/ASSEMBLY.md` says the same for people.
pub(crate) const TABLE: &[(From, &str)] = &[
    (From::Folder("pkg-template", &["ASSEMBLY.md"]), "."),
    (From::Manifest("pkg-template/package.json"), "package.json"),
    (From::File("LICENSE-MIT"), "LICENSE-MIT"),
    (From::File("LICENSE-APACHE"), "LICENSE-APACHE"),
    (From::Glue(&[PATCHES, WASM_PATCHES]), "wasm/durablefetch.js"),
    (From::Module, "wasm/durablefetch_bg.wasm"),
    (From::ModuleAsText, "wasm/inline.js"),
    (From::JsGlue(&[PATCHES, JS_PATCHES, MEMORY_PATCHES]), "translated/durablefetch.js"),
    (From::Translated, "translated/module.js"),
];

/// Of the glue in both forms.
const PATCHES: &[Patch] = &[
    Patch {
        find: Find::Once("/* @ts-self-types=\"./durablefetch.d.ts\" */\n"),
        replace: "import { streamOf } from '../stream.js'\n",
        reason: "those types are of the unpatched code; nobody imports this file but the package itself",
    },
    Patch {
        find: Find::Once("new ReadableStream("),
        replace: "streamOf(",
        reason: "a content script of Firefox cannot make a stream of its own objects",
    },
    Patch {
        find: Find::Once("export class Client {"),
        replace: "export function glue(guard) {\nclass Client {",
        reason: "all state of the generated code belongs to one instance, and after a trap there is a second",
    },
    Patch {
        find: Find::Through("class IntoUnderlyingByteSource {", "\nclass IntoUnderlyingSource {"),
        replace: "class IntoUnderlyingSource {",
        reason: "classes of wasm-streams whose functions the module does not export any more",
    },
    Patch {
        find: Find::Through(
            "const IntoUnderlyingByteSourceFinalization",
            "const IntoUnderlyingSourceFinalization",
        ),
        replace: "const IntoUnderlyingSourceFinalization",
        reason: "as above",
    },
    Patch {
        find: Find::Once("function makeClosure(arg0, arg1, f) {\n"),
        replace: "function makeClosure(arg0, arg1, f) {\n    f = guard.closure(f);\n",
        reason: "timers and listeners of an instance that is gone must not throw at nobody",
    },
    Patch {
        find: Find::Once("function makeMutClosure(arg0, arg1, f) {\n"),
        replace: "function makeMutClosure(arg0, arg1, f) {\n    f = guard.closure(f);\n",
        reason: "as above",
    },
    Patch {
        find: Find::Through("async function __wbg_load(", "function initSync(module) {"),
        replace: "function initSync(module) {",
        reason: "the module is compiled by instance.js; bundlers do not drop what is unused within a function",
    },
    Patch {
        find: Find::Through("let __wbg_init_promise;", "export { initSync, __wbg_init as default };"),
        replace: "return { Client, initSync };\n}",
        reason: "as above; and bundlers would follow the URL in there and ship the module a second time",
    },
];

/// Of the glue for WebAssembly.
const WASM_PATCHES: &[Patch] = &[
    Patch {
        find: Find::Once("    wasmInstance = instance;\n    wasm = instance.exports;\n"),
        replace: "    wasm = guard.exports(instance.exports, APP, LOUD);\n",
        reason: "every call into the module is guarded, lest anything runs in it after a trap",
    },
    Patch {
        find: Find::Once("if (!(module instanceof WebAssembly.Module)) {"),
        replace: "if (ArrayBuffer.isView(module) || module instanceof ArrayBuffer) {",
        reason: "Next's edge runtime hands over a module of another realm",
    },
];

/// Of the glue for the translated module.
const JS_PATCHES: &[Patch] = &[
    Patch {
        find: Find::Through("function __wbg_finalize_init(", "return { Client, initSync };"),
        replace: "function initSync(instantiate) {\n    \
                  wasm = guard.exports(instantiate(__wbg_get_imports()), APP, LOUD, heap);\n}\n\n\
                  return { Client, initSync };",
        reason: "there is nothing to compile; and every call into the module is guarded, as with WebAssembly",
    },
    Patch {
        find: Find::Each("from '../platform.js';"),
        replace: "from '../bare.js';",
        reason: "this glue also runs where the platform is not all of a browser's",
    },
    Patch {
        find: Find::Once("const ret = getObject(arg0).reason;"),
        replace: "const ret = reasonOf(getObject(arg0));",
        reason: "signals of React Native have no reason",
    },
    Patch {
        find: Find::Once("const APP = "),
        replace: "import { reasonOf } from '../bare.js';\nconst APP = ",
        reason: "as above",
    },
    Patch {
        find: Find::Each("cachedTextDecoder.decode();"),
        replace: "",
        reason: "decoders that apps load for React Native do not decode nothing",
    },
    Patch {
        find: Find::Each("return takeObject(ret);"),
        replace: "return guard.given(takeObject(ret));",
        reason: "functions of the module answer with a place in the heap, and the promise that waits for it is there",
    },
];

/// Of the glue for whatever is translated.
pub(super) const MEMORY_PATCHES: &[Patch] = &[
    Patch {
        find: Find::Once(
            "cachedDataViewMemory0.buffer.detached === true || \
             (cachedDataViewMemory0.buffer.detached === undefined && ",
        ),
        replace: "(",
        reason: "a memory that grows is another buffer, and nothing tells the old one from one in use",
    },
    Patch {
        find: Find::Once("cachedUint8ArrayMemory0.byteLength === 0"),
        replace: "cachedUint8ArrayMemory0.buffer !== getDataViewMemory0().buffer",
        reason: "as above",
    },
];
