//! Which crate functions are from, by their names.

use std::collections::BTreeMap;

/// Bytes of code by crate, the largest first.
pub(super) fn by_crate(functions: &[(String, usize)]) -> Vec<(String, usize)> {
    let mut crates: BTreeMap<String, usize> = BTreeMap::new();
    for (name, bytes) in functions {
        *crates.entry(owner(name)).or_default() += bytes;
    }
    let mut crates: Vec<_> = crates.into_iter().collect();
    crates.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    crates
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
