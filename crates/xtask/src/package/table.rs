//! What `pkg/` is made of: the single source of truth. One row is one file or folder.

/// Where the content of a row comes from.
pub(crate) enum From {
    /// A file of the repository, as it is.
    File(&'static str),
    /// A folder of the repository, without the files of these names.
    Folder(&'static str, &'static [&'static str]),
    /// `package.json` of the template, with the version of the workspace in it.
    Manifest(&'static str),
    /// A file that wasm-pack made, as it is.
    Generated(&'static str),
    /// JavaScript that wasm-pack made, after patches. A patch that matches nothing fails the build.
    Patched(&'static str, &'static [Patch]),
    /// The wasm module.
    Module,
    /// The wasm module as a JavaScript module whose default export is its base64.
    ModuleAsBase64,
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
    /// From the first text to the second within one string literal, once or more: a path with a hash in it.
    Paths(&'static str, &'static str),
}

/// Source → path in `pkg/`, in order: a later row may overwrite a file of an earlier folder row.
/// `pkg-template/ASSEMBLY.md` says the same for people.
pub(crate) const TABLE: &[(From, &str)] = &[
    (From::Folder("pkg-template", &["ASSEMBLY.md"]), "."),
    (From::Manifest("pkg-template/package.json"), "package.json"),
    (From::File("README.md"), "README.md"),
    (From::File("LICENSE-MIT"), "LICENSE-MIT"),
    (From::File("LICENSE-APACHE"), "LICENSE-APACHE"),
    (From::Patched("durablefetch.js", GLUE_PATCHES), "wasm/durablefetch.js"),
    (From::Generated("durablefetch.d.ts"), "wasm/durablefetch.d.ts"),
    (From::Module, "wasm/durablefetch_bg.wasm"),
    (From::ModuleAsBase64, "wasm/inline.js"),
];

const GLUE_PATCHES: &[Patch] = &[
    Patch {
        find: Find::Once("module_or_path = new URL('durablefetch_bg.wasm', import.meta.url);"),
        replace: "throw new TypeError('the wasm module must be passed in');",
        reason: "bundlers would follow this URL and ship the module a second time, as an asset",
    },
    Patch {
        find: Find::Paths("./snippets/durablefetch-", "/pkg-template/"),
        replace: "../",
        reason: "the module must use the package's own files: a copy would be a second error class",
    },
    Patch {
        find: Find::Once("if (!(module instanceof WebAssembly.Module)) {"),
        replace: "if (ArrayBuffer.isView(module) || module instanceof ArrayBuffer) {",
        reason: "Next's edge runtime hands over a module of another realm",
    },
];
