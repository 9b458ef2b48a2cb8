//! What of wasm-bindgen's output nobody uses, and names that need not be long.
//!
//! wasm-bindgen exports all that its crates could export, and the glue has a function for all that any of it
//! imports. `wasm-opt` drops and renames in the module; here the glue is made to fit.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// How closures are called from JavaScript: by an export, never by the table of functions.
const INVOKE: &str = "::convert::closures::_::invoke";

/// The same in the name of such an export.
const INVOKE_EXPORT: &str = "convert__closures_____invoke";

/// What wasm-bindgen calls its own functions in the glue.
const GLUE: &str = "./durablefetch_bg.js";

/// Names before and after `wasm-opt --minify-imports-and-exports-and-modules`, as it prints them. Every import is
/// then from `a`.
#[derive(Deserialize)]
pub(super) struct Names {
    /// Module, name, short name.
    pub(super) imports: Vec<(String, String, String)>,
    exports: Vec<(String, String)>,
}

/// js-sys says of each of its functions that takes a callback how JavaScript would call one. wasm-bindgen reads that
/// and exports what is needed under a name; the others stay in the table of functions, where nobody looks for them.
/// Here another function takes their place. `module` is WebAssembly text.
pub(super) fn without_closures(module: &str) -> Result<String> {
    let table = |line: &&str| line.starts_with(" (elem ");
    let line = module.lines().find(table).context("the module has no table of functions")?;
    // A module without references does not say of what kind its table is.
    let filled = line.split_once(" func $").or_else(|| line.split_once(") $"));
    let (_, functions) = filled.context("the table is filled in another way")?;
    let functions: Vec<_> = functions.trim_end_matches(')').split(" $").collect();
    let (invokes, others): (Vec<&str>, Vec<&str>) = functions.iter().partition(|name| name.contains(INVOKE));
    let (false, Some(other)) = (invokes.is_empty(), others.first()) else {
        bail!("no function in the table is called {INVOKE}: did wasm-bindgen change, or are there no names?");
    };
    let kept = functions.iter().map(|name| if name.contains(INVOKE) { other } else { name });
    let kept = kept.map(|name| format!(" ${name}")).collect::<String>();
    let begin = line.len() - functions.iter().map(|name| name.len() + 2).sum::<usize>() - 1;
    Ok(module.replacen(line, &format!("{}{kept})", &line[..begin]), 1))
}

/// The glue with short names for what passes between it and the module, and without what the module does not import.
/// What comes from the package's own files keeps its names there.
pub(super) fn shortened(glue: &str, names: &Names) -> Result<String> {
    let mut own: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (from, name, short) in names.imports.iter().filter(|(from, ..)| from != GLUE) {
        own.entry(from).or_default().push((name, short));
    }
    let mut made = String::new();
    let mut objects = String::new();
    // wasm-bindgen imports each file whole, which keeps bundlers from dropping anything of it.
    for (path, imports) in own {
        let fields: Vec<_> = imports.iter().map(|(name, _)| format!("{name} as own_{name}")).collect();
        made += &format!("import {{ {} }} from '{}';\n", fields.join(", "), not_a_copy(path)?);
        objects += &imports
            .iter()
            .map(|(name, short)| format!("        {short}: own_{name},\n"))
            .collect::<String>();
    }
    let exports = |is: fn(&str) -> bool| {
        let short = names.exports.iter().filter(|(name, _)| is(name)).map(|(_, short)| short);
        short.collect::<Vec<_>>()
    };
    let app = exports(|name| name.starts_with("client_"));
    let loud = exports(|name| name.ends_with("_pull") || name.contains(INVOKE_EXPORT));
    if app.is_empty() || loud.len() < 2 {
        bail!("the module exports no client, no stream or no closure: did wasm-bindgen change?");
    }
    made += &format!("const APP = {app:?}, LOUD = {loud:?};\n");
    made += &with_short_exports(&used(glue, names)?, names);
    for (find, with) in [
        ("    const import0 = {\n", format!("    const import0 = {{\n{objects}")),
        (&format!("        \"{GLUE}\": import0,\n"), "        a: import0,\n".into()),
    ] {
        if made.matches(find).count() != 1 {
            bail!("the glue does not have {find:?} once: did wasm-bindgen change?");
        }
        made = made.replacen(find, &with, 1);
    }
    Ok(made)
}

/// The glue with the functions that the module imports under their short names, and without the others.
fn used(glue: &str, names: &Names) -> Result<String> {
    let imports = names.imports.iter().filter(|(from, ..)| from == GLUE);
    let short: BTreeMap<_, _> = imports.map(|(_, name, short)| (name.as_str(), short)).collect();
    let mut kept = String::with_capacity(glue.len());
    let (mut within, mut keep, mut found) = (false, true, 0);
    for line in glue.split_inclusive('\n') {
        // Files imported whole, and their places in what the module is given.
        if line.starts_with("import * as import") || line.starts_with("        \"") && !line.contains(GLUE) {
            continue;
        }
        if line.starts_with("import ") {
            kept += &not_a_copy(line)?;
            continue;
        }
        let indented = line.strip_prefix("        ").filter(|rest| !rest.starts_with([' ', '}']));
        if line.starts_with("    const import0 = {") {
            within = true;
        } else if line.starts_with("    }") {
            (within, keep) = (false, true);
        } else if within && let Some((name, rest)) = indented.and_then(|rest| rest.split_once(": function("))
        {
            keep = short.contains_key(name);
            if let Some(name) = short.get(name) {
                found += 1;
                kept += &format!("        {name}: function({rest}");
            }
            continue;
        }
        if keep {
            kept += line;
        }
    }
    if found == 0 || found != short.len() {
        bail!("the glue has {found} of the {} functions that the module imports", short.len());
    }
    Ok(kept)
}

/// The path of a file of the package itself: wasm-bindgen's copy of it would be a second error class.
fn not_a_copy(text: &str) -> Result<String> {
    let own = text.split_once("./snippets/").and_then(|(before, rest)| {
        let (_, file) = rest.split_once("/pkg-template/")?;
        Some([before, "../", file].concat())
    });
    own.with_context(|| format!("the package has no such file: {text}"))
}

/// `wasm.name` becomes `wasm.short`. What the module exports no more stays as it is.
fn with_short_exports(glue: &str, names: &Names) -> String {
    let mut parts = glue.split("wasm.");
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        let short = names.exports.iter().find(|(long, _)| long == name).map_or(name, |(_, short)| short);
        made += &["wasm.", short, rest].concat();
    }
    made
}

#[cfg(test)]
mod tests {
    use super::{Names, shortened, without_closures};

    const GLUE: &str = "\
import * as import1 from './snippets/x-1/pkg-template/own.js'
import { an } from './snippets/x-1/pkg-template/error.js'
const outside = {
        kept: function() {},
};
    const import0 = {
        __proto__: null,
        one_1: function(arg0) {
            return { a: arg0 };
        },
        two_2: function() { return handle(function () {
            wasm.client_new(wasm.gone)
        }, arguments); },
    };
    return {
        \"./durablefetch_bg.js\": import0,
        \"./snippets/x-1/pkg-template/own.js\": import1,
    };
";

    fn names() -> Names {
        let names = r#"{
            "imports": [
                ["./durablefetch_bg.js", "two_2", "$"],
                ["./snippets/x-1/pkg-template/own.js", "now", "A"]
            ],
            "exports": [["client_new", "B"], ["source_pull", "C"], ["x_convert__closures_____invoke_1", "D"]]
        }"#;
        serde_json::from_str(names).unwrap()
    }

    #[test]
    fn functions_that_nobody_imports_go_and_the_others_are_renamed() {
        let wanted = "\
import { now as own_now } from '../own.js';
const APP = [\"B\"], LOUD = [\"C\", \"D\"];
import { an } from '../error.js'
const outside = {
        kept: function() {},
};
    const import0 = {
        A: own_now,
        __proto__: null,
        $: function() { return handle(function () {
            wasm.B(wasm.gone)
        }, arguments); },
    };
    return {
        a: import0,
    };
";
        assert_eq!(shortened(GLUE, &names()).unwrap(), wanted);
    }

    #[test]
    fn a_function_that_is_not_there_is_an_error() {
        let mut names = names();
        names.imports.push(("./durablefetch_bg.js".into(), "three".into(), "E".into()));
        assert!(shortened(GLUE, &names).is_err());
    }

    #[test]
    fn the_table_forgets_closures() {
        let text =
            "(module\n (elem $0 (i32.const 1) func $a $\"x::convert::closures::_::invoke::<b>\" $c)\n)";
        let made = without_closures(text).unwrap();
        assert_eq!(made, "(module\n (elem $0 (i32.const 1) func $a $a $c)\n)");
        let text = "(module\n (elem $0 (i32.const 1) $\"x::convert::closures::_::invoke::<b>\" $c)\n)";
        assert_eq!(without_closures(text).unwrap(), "(module\n (elem $0 (i32.const 1) $c $c)\n)");
        assert!(without_closures("(module\n (elem $0 (i32.const 1) func $a)\n)").is_err());
    }
}
