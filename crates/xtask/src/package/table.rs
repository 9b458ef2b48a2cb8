//! What `pkg/` is made of: the single source of truth. One row is one file or folder.

/// Where the content of a row comes from.
pub(crate) enum From {
    /// A file or folder of the repository, as it is.
    Repository(&'static str),
    /// `package.json` of the template, with the version of the workspace in it.
    Manifest(&'static str),
    /// A file that wasm-pack made, as it is.
    Generated(&'static str),
    /// JavaScript that wasm-pack made, after patches. A patch that matches nothing fails the build.
    Patched(&'static str, &'static [Patch]),
    /// The wasm module as a JavaScript module whose default export is its base64.
    Base64(&'static str),
}

/// One replacement in generated code. `find` must occur exactly once.
pub(crate) struct Patch {
    pub(crate) find: &'static str,
    pub(crate) replace: &'static str,
    /// Said when it does not match: what the patch is for.
    pub(crate) reason: &'static str,
}

/// Source → path in `pkg/`, in order: a later row may overwrite a file of an earlier folder row.
pub(crate) const TABLE: &[(From, &str)] = &[
    (From::Repository("pkg-template"), "."),
    (From::Manifest("pkg-template/package.json"), "package.json"),
    (From::Repository("LICENSE-MIT"), "LICENSE-MIT"),
    (From::Repository("LICENSE-APACHE"), "LICENSE-APACHE"),
    (From::Patched("durablefetch.js", GLUE_PATCHES), "wasm/durablefetch.js"),
    (From::Generated("durablefetch.d.ts"), "wasm/durablefetch.d.ts"),
    (From::Generated("durablefetch_bg.wasm"), "wasm/durablefetch_bg.wasm"),
    (From::Base64("durablefetch_bg.wasm"), "wasm/inline.js"),
];

const GLUE_PATCHES: &[Patch] = &[Patch {
    find: "module_or_path = new URL('durablefetch_bg.wasm', import.meta.url);",
    replace: "throw new TypeError('the wasm module must be passed in');",
    reason: "bundlers would follow this URL and ship the module a second time, as an asset",
}];
