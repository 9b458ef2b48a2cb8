//! Patches of generated code. One that does not match is an error: a silent one is a bug at a user's place.

use anyhow::{Context as _, Result, bail};

use super::table::{Find, Patch};

/// The text after all patches, in order.
pub(super) fn patch(mut text: String, patches: &[Patch]) -> Result<String> {
    for patch in patches {
        text = match patch.find {
            Find::Once(find) => match text.matches(find).count() {
                1 => text.replacen(find, patch.replace, 1),
                count => bail!("{}", complaint(patch, find, count)),
            },
            Find::Each(find) => match text.matches(find).count() {
                0 => bail!("{}", complaint(patch, find, 0)),
                _ => text.replace(find, patch.replace),
            },
            Find::Through(from, to) => match text.matches(from).count() {
                1 => through(&text, from, to, patch.replace).with_context(|| complaint(patch, to, 0))?,
                count => bail!("{}", complaint(patch, from, count)),
            },
        };
    }
    Ok(text)
}

fn complaint(patch: &Patch, find: &str, count: usize) -> String {
    format!(
        "a patch of the generated code matches {count} times: did wasm-bindgen change?\n  find:   {find}\n  reason: {}",
        patch.reason
    )
}

/// The text with all from `from` to the end of the next `to` replaced.
fn through(text: &str, from: &str, to: &str, with: &str) -> Option<String> {
    let (before, after) = text.split_once(from)?;
    let (_, after) = after.split_once(to)?;
    Some([before, with, after].concat())
}

#[cfg(test)]
mod tests {
    use super::{Find, Patch, patch};

    const ONCE: Patch = Patch { find: Find::Once("old"), replace: "new", reason: "a test" };

    fn patched(text: &str, one: Patch) -> anyhow::Result<String> {
        patch(text.into(), &[one])
    }

    #[test]
    fn a_patch_replaces_its_one_match() {
        assert_eq!(patched("an old text", ONCE).unwrap(), "an new text");
    }

    #[test]
    fn a_patch_that_matches_nothing_or_too_often_is_a_failure() {
        assert!(patched("a text", ONCE).unwrap_err().to_string().contains("matches 0 times"));
        assert!(patched("old, old", ONCE).is_err());
    }

    #[test]
    fn what_is_replaced_everywhere_has_to_be_somewhere() {
        const EACH: Patch = Patch { find: Find::Each("old"), replace: "new", reason: "a test" };
        assert_eq!(patched("old, old", EACH).unwrap(), "new, new");
        assert!(patched("a text", EACH).is_err());
    }

    #[test]
    fn a_passage_is_replaced_with_both_its_ends() {
        const PASSAGE: Patch = Patch { find: Find::Through("from", "to"), replace: "-", reason: "a test" };
        assert_eq!(patched("a from b to c to d", PASSAGE).unwrap(), "a - c to d");
        assert!(patched("to from b", PASSAGE).is_err());
        assert!(patched("from to from", PASSAGE).is_err());
    }
}
