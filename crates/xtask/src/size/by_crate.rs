//! Which crates the code of a module is from, by the names of its functions.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::package::sections::{Sections, number, take};

const CODE: u8 = 10;

/// Bytes of code by crate, the largest first. The module must have its names.
pub(super) fn by_crate(module: &[u8]) -> Result<Vec<(String, usize)>> {
    let sections = Sections::read(module)?;
    let names = sections.function_names()?;
    let mut code = sections.body(CODE).context("the module has no code")?;
    let mut crates: BTreeMap<String, usize> = BTreeMap::new();
    for index in 0..number(&mut code)? {
        let before = code.len();
        let length = number(&mut code)?;
        take(&mut code, length)?;
        let name = names.get(&(sections.imports.len() + index)).map_or("?", String::as_str);
        *crates.entry(owner(name)).or_default() += before - code.len();
    }
    let mut crates: Vec<_> = crates.into_iter().collect();
    crates.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    Ok(crates)
}

/// The crate of `<crate[hash]::path as …>::function`. What drops a value counts for the value's crate, and what
/// wasm-bindgen made of an exported function for the crate that exports it.
fn owner(name: &str) -> String {
    let name = name.strip_prefix("core::ptr::drop_in_place::").unwrap_or(name);
    let name = match name.split_once("]::ptr::drop_in_place::") {
        Some(("core[", _)) | None => name,
        Some((_, dropped)) => dropped,
    };
    if name.starts_with("client_") {
        return "durablefetch".into();
    }
    if name.starts_with("intounderlying") {
        return "wasm_streams".into();
    }
    let start = name.trim_start_matches(|c: char| !c.is_ascii_alphabetic() && c != '_');
    let start = start.trim_start_matches("mut ").trim_start_matches("dyn ");
    let end = start.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(start.len());
    let rest = &start[end..];
    if rest.starts_with("::") || rest.starts_with('[') { start[..end].into() } else { "(runtime)".into() }
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn functions_belong_to_the_crate_that_they_are_named_after() {
        for (name, wanted) in [
            ("durablefetch[47ead]::fetch::fetch::{closure#0}", "durablefetch"),
            ("<durablefetch_protocol[15b]::follow::Follower>::on", "durablefetch_protocol"),
            ("core[c59]::ptr::drop_in_place::<durablefetch[47e]::js::wakeup::Wakeup>", "durablefetch"),
            ("<&str as core[c59]::fmt::Debug>::fmt", "(runtime)"),
            ("client_fetch externref shim", "durablefetch"),
            ("intounderlyingsource_pull externref shim", "wasm_streams"),
            ("__externref_table_alloc", "(runtime)"),
        ] {
            assert_eq!(owner(name), wanted, "{name}");
        }
    }
}
