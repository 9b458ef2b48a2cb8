//! What of wasm-bindgen's output nobody uses, and names that need not be long.
//!
//! wasm-bindgen exports whatever its crates could export, and the glue has a function for whatever any of it
//! imports. Here the exports go that nothing calls; wasm-opt then drops what only they needed, and the glue what
//! the module imports no more.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Result, bail};

use super::sections::Sections;

/// Halves of wasm-streams that a client of `fetch` has no use for: writing, and reading into buffers.
const UNUSED: &[&str] = &["intounderlyingsink", "intounderlyingbytesource"];

/// How closures are called from JavaScript: by an export, never by the table of functions.
const INVOKE: &str = "::convert::closures::_::invoke";

/// The same in the name of such an export.
const INVOKE_EXPORT: &str = "convert__closures_____invoke";

/// What wasm-bindgen calls its own functions in the glue.
const GLUE: &str = "./durablefetch_bg.js";

/// The module without the exports that nothing calls.
pub(super) fn without_unused_exports(module: &[u8]) -> Result<Vec<u8>> {
    let mut module = Sections::read(module)?;
    let before = module.exports.len();
    module.exports.retain(|export| {
        let name = export.names[0].trim_start_matches("__wbg_");
        !UNUSED.iter().any(|unused| name.strip_prefix(unused).is_some_and(|rest| rest.starts_with('_')))
    });
    if module.exports.len() == before {
        bail!("wasm-streams exports no sink and no byte source: did it change?");
    }
    forget_closures(&mut module)?;
    Ok(module.write())
}

/// js-sys says of each of its functions that takes a callback how JavaScript would call one. wasm-bindgen reads that
/// and exports what is needed under a name; the others stay in the table of functions, where nobody looks for them.
fn forget_closures(module: &mut Sections) -> Result<()> {
    let names = module.function_names()?;
    let invokes = |function: usize| names.get(&function).is_some_and(|name| name.contains(INVOKE));
    // The first import: any function will do, and this one is there.
    if module.replace_in_table(invokes, 0)? == 0 {
        bail!(
            "no function of the module is called {INVOKE}: did wasm-bindgen change, or are there no names?"
        );
    }
    Ok(())
}

/// Module and glue with short names for what passes between them, and the glue without what the module does not
/// import. What comes from the package's own files keeps its names there.
pub(super) fn shortened(module: &[u8], glue: &str) -> Result<(Vec<u8>, String)> {
    let mut module = Sections::read(module)?;
    let mut short = HashMap::new();
    let mut own: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for import in &mut module.imports {
        let [from, field] = &mut import.names[..] else { bail!("an import without a name") };
        if from == GLUE {
            let name = short_name(short.len());
            short.insert(std::mem::replace(field, name.clone()), name);
            "a".clone_into(from);
        } else {
            own.entry(from.clone()).or_default().push(field.clone());
        }
    }
    if short.is_empty() {
        bail!("the module imports nothing from {GLUE}: did wasm-bindgen change?");
    }
    let glue = with_short_closures(&mut module, with_own_files(&used(glue, &short)?, &own)?)?;
    for (index, from) in own.keys().enumerate() {
        let name = short_name(index + 1);
        module.imports.iter_mut().filter(|import| import.names[0] == *from).for_each(|import| {
            name.clone_into(&mut import.names[0]);
        });
    }
    Ok((module.write(), glue))
}

/// The glue with the functions that are in `short` under their short names, and without the others.
fn used(glue: &str, short: &HashMap<String, String>) -> Result<String> {
    let mut kept = String::with_capacity(glue.len());
    let mut within = false;
    let mut keep = true;
    let mut found = 0;
    for line in glue.split_inclusive('\n') {
        let indented = line.strip_prefix("        ").filter(|rest| !rest.starts_with([' ', '}']));
        if line.starts_with("    const import0 = {") {
            within = true;
        } else if line.starts_with("    }") {
            within = false;
            keep = true;
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
    if found != short.len() {
        bail!("the glue has {found} of the {} functions that the module imports", short.len());
    }
    Ok(kept)
}

/// Closures are exported under the names of their types. `guard.js` knows them by `_func_elem_`, as wasm-bindgen has
/// it where a module comes without names.
fn with_short_closures(module: &mut Sections, mut glue: String) -> Result<String> {
    let closures = module.exports.iter_mut().map(|export| &mut export.names[0]);
    let mut closures: Vec<_> = closures.filter(|name| name.contains(INVOKE_EXPORT)).collect();
    if closures.is_empty() {
        bail!("the module exports no closure as …{INVOKE_EXPORT}…: did wasm-bindgen change?");
    }
    // One name may be the beginning of another.
    closures.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for (index, name) in closures.into_iter().enumerate() {
        let short = format!("closure_func_elem_{index}");
        glue = glue.replace(&**name, &short);
        *name = short;
    }
    Ok(glue)
}

/// The glue with what the module imports from the package's own files named one by one. wasm-bindgen imports each
/// file whole, which keeps bundlers from dropping anything of it.
fn with_own_files(glue: &str, own: &BTreeMap<String, Vec<String>>) -> Result<String> {
    let mut statements = String::new();
    let mut objects = String::from("        a: import0,\n");
    for (index, (path, fields)) in own.iter().enumerate() {
        let fields = |text: fn(&String) -> String| fields.iter().map(text).collect::<Vec<_>>().join(", ");
        statements +=
            &format!("import {{ {} }} from '{path}';\n", fields(|name| format!("{name} as own_{name}")));
        let named = fields(|name| format!("{name}: own_{name}"));
        objects += &format!("        {}: {{ {named} }},\n", short_name(index + 1));
    }
    let given = format!("        \"{GLUE}\": import0,\n");
    if glue.matches(&given).count() != 1 {
        bail!("the glue does not hand over its imports as {given:?}: did wasm-bindgen change?");
    }
    let whole = |line: &&str| {
        !line.starts_with("import * as import") && !line.trim_start().starts_with("\"./snippets/")
    };
    let rest: String = glue.split_inclusive('\n').filter(whole).collect();
    Ok(statements + &rest.replacen(&given, &objects, 1))
}

/// `a`, `b` … `z`, `A` … `Z`, `aa`, `ab` …
fn short_name(mut index: usize) -> String {
    let mut name = String::new();
    loop {
        let letter = (index % 52) as u8;
        name.push(char::from(if letter < 26 { b'a' + letter } else { b'A' + letter - 26 }));
        index /= 52;
        if index == 0 {
            return name;
        }
        index -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::{short_name, used};

    const GLUE: &str = "\
const outside = {
        kept: function() {},
};
    const import0 = {
        __proto__: null,
        one_1: function(arg0) {
            return { a: arg0 };
        },
        two_2: function() { return handle(function () {
        }, arguments); },
    };
";

    #[test]
    fn functions_that_nobody_imports_go_and_the_others_are_renamed() {
        let short = HashMap::from([("two_2".to_owned(), "a".to_owned())]);
        let made = used(GLUE, &short).unwrap();
        assert!(!made.contains("one_1") && !made.contains("arg0"));
        assert!(made.contains(
            "        a: function() { return handle(function () {\n        }, arguments); },\n    };"
        ));
        assert!(made.contains("kept"));
    }

    #[test]
    fn a_function_that_is_not_there_is_an_error() {
        assert!(used(GLUE, &HashMap::from([("three".to_owned(), "a".to_owned())])).is_err());
    }

    #[test]
    fn short_names_are_all_different() {
        let names: HashSet<String> = (0..5000).map(short_name).collect();
        assert_eq!(names.len(), 5000);
        assert_eq!([short_name(0), short_name(51), short_name(52)], ["a", "Z", "aa"].map(str::to_owned));
    }
}
