//! Patches of generated code. One that does not match is an error: a silent one is a bug at a user's place.

use anyhow::{Context as _, Result, bail};

use super::table::{Find, Patch};

/// The text after all patches, in order. Afterwards no import of wasm-pack's `snippets/` folder may be left.
pub(super) fn patch(mut text: String, patches: &[Patch]) -> Result<String> {
    for patch in patches {
        text = match patch.find {
            Find::Once(find) => match text.matches(find).count() {
                1 => text.replacen(find, patch.replace, 1),
                count => bail!("{}", complaint(patch, find, count)),
            },
            Find::Through(from, to) => match text.matches(from).count() {
                1 => through(&text, from, to, patch.replace).with_context(|| complaint(patch, to, 0))?,
                count => bail!("{}", complaint(patch, from, count)),
            },
            Find::Paths(from, to) => match replace_paths(&text, from, to, patch.replace) {
                (_, 0) => bail!("{}", complaint(patch, from, 0)),
                (patched, _) => patched,
            },
        };
    }
    if text.lines().any(|line| line.starts_with("import ") && line.contains("./snippets/")) {
        bail!("the generated code still imports from snippets/, which is not in the package");
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

/// Replaces `from … to` in import statements wherever no quote lies in between. Returns how often. The same path
/// elsewhere is a name: the module asks for its imports by it.
fn replace_paths(text: &str, from: &str, to: &str, with: &str) -> (String, usize) {
    let mut count = 0;
    let patched = text
        .split_inclusive('\n')
        .map(|line| match line.starts_with("import ").then(|| replaced(line, from, to, with)).flatten() {
            Some(patched) => {
                count += 1;
                patched
            }
            None => line.to_owned(),
        })
        .collect();
    (patched, count)
}

fn replaced(line: &str, from: &str, to: &str, with: &str) -> Option<String> {
    let (before, after) = line.split_once(from)?;
    let literal = after.find(['\'', '"']).unwrap_or(after.len());
    let end = after[..literal].find(to)?;
    Some([before, with, &after[end + to.len()..]].concat())
}

#[cfg(test)]
mod tests {
    use super::{Find, Patch, patch};

    const ONCE: Patch = Patch { find: Find::Once("old"), replace: "new", reason: "a test" };
    const PATHS: Patch =
        Patch { find: Find::Paths("./snippets/x-", "/dir/"), replace: "../", reason: "a test" };

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
        assert!(patched("import './other/dir/a.js'", PATHS).is_err());
    }

    #[test]
    fn a_passage_is_replaced_with_both_its_ends() {
        const PASSAGE: Patch = Patch { find: Find::Through("from", "to"), replace: "-", reason: "a test" };
        assert_eq!(patched("a from b to c to d", PASSAGE).unwrap(), "a - c to d");
        assert!(patched("to from b", PASSAGE).is_err());
        assert!(patched("from to from", PASSAGE).is_err());
    }

    #[test]
    fn paths_are_replaced_everywhere_and_none_may_be_left() {
        let text = "import './snippets/x-12ab/dir/a.js'\nimport \"./snippets/x-34/dir/b.js\"\n";
        assert_eq!(patched(text, PATHS).unwrap(), "import '../a.js'\nimport \"../b.js\"\n");
        let text = "import { a } from './snippets/x-1/dir/a.js'\nf({ './snippets/x-1/dir/a.js': a })\n";
        let wanted = "import { a } from '../a.js'\nf({ './snippets/x-1/dir/a.js': a })\n";
        assert_eq!(patched(text, PATHS).unwrap(), wanted, "the name of an import is no path");
        let text = "import './snippets/x-12ab/dir/a.js'\nimport './snippets/x-12ab/inline0.js'\n";
        assert!(patched(text, PATHS).unwrap_err().to_string().contains("snippets/"));
    }
}
