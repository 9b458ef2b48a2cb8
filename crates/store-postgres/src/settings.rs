//! Settings that all processes should have alike: each tells its own when it joins, and learns what the others have.

use std::fmt;

/// One setting of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its flag, without the dashes.
    pub name: &'static str,
    /// Its value, as text.
    pub value: String,
    /// Whether a process that has it otherwise may not join.
    pub must_agree: bool,
}

/// A setting that another process, which lives, has otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its flag, without the dashes.
    pub name: &'static str,
    /// Its value in this process.
    pub here: String,
    /// Its value in the other one.
    pub there: String,
    /// Where that is reached.
    pub node: String,
    /// Whether it keeps this process from joining.
    pub must_agree: bool,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, here, there, node, .. } = self;
        write!(f, "--{name} is {here} here and {there} in the recorder at {node}")
    }
}

/// As the store has it.
pub(crate) fn stored(settings: &[Setting]) -> Vec<String> {
    settings.iter().map(|setting| format!("{}={}", setting.name, setting.value)).collect()
}

/// What another process has otherwise. A setting that it does not know, being of another version, is not compared.
pub(crate) fn differences(ours: &[Setting], theirs: &[String], node: &str) -> Vec<Difference> {
    let of = |name: &str| theirs.iter().find_map(|told| told.strip_prefix(name)?.strip_prefix('='));
    let differs = |setting: &Setting| {
        let there = of(setting.name).filter(|there| *there != setting.value)?;
        Some(Difference {
            name: setting.name,
            here: setting.value.clone(),
            there: there.to_owned(),
            node: node.to_owned(),
            must_agree: setting.must_agree,
        })
    };
    ours.iter().filter_map(differs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_both_know_is_compared() {
        let setting = |name, value: &str, must_agree| Setting { name, value: value.to_owned(), must_agree };
        let ours =
            [setting("ttl", "6h", false), setting("scope-by", "cookie:a=b", true), setting("new", "1", true)];
        let theirs = ["ttl=12h".to_owned(), "scope-by=cookie:a=b".to_owned(), "old=1".to_owned()];
        let found = differences(&ours, &theirs, "https://a:1");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].to_string(), "--ttl is 6h here and 12h in the recorder at https://a:1");
        assert!(differences(&ours, &stored(&ours), "https://a:1").is_empty());
    }
}
