//! What a set-up that is read again changes.

use super::dry_run::Setting;
use crate::rules::reloaded;

/// What differs between two set-ups, each as `flag = value`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What counts from now on.
    pub now: Vec<String>,
    /// What counts after a restart.
    pub after_restart: Vec<String>,
}

/// Compares what is set with what was read again. Secrets are not told apart.
#[must_use]
pub fn changes(old: &[Setting], new: &[Setting]) -> Changes {
    let mut changes = Changes::default();
    for new in new {
        let old = old.iter().find(|old| old.flag == new.flag);
        let was = old.and_then(|old| old.value.as_deref());
        if was == new.value.as_deref() {
            continue;
        }
        let shown = |value: Option<&str>| value.unwrap_or("unset").to_owned();
        let text = format!("{} = {} (was {})", new.flag, shown(new.value.as_deref()), shown(was));
        let is_reloaded = reloaded().any(|flag| flag == new.flag);
        if is_reloaded { &mut changes.now } else { &mut changes.after_restart }.push(text);
    }
    changes
}

impl Setting {
    /// Whether this is what an older reading of the same setting is replaced with at once.
    #[must_use]
    pub fn is_reloaded_as(&self, old: &Self) -> bool {
        self.flag == old.flag && reloaded().any(|flag| flag == self.flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_again_is_told_from_what_waits_for_a_restart() {
        let setting = |flag: &str, value: Option<&str>| Setting {
            flag: flag.to_owned(),
            value: value.map(str::to_owned),
            from: "default".to_owned(),
        };
        let old = [setting("allow", None), setting("ttl", Some("\"6h\"")), setting("max-readers", Some("7"))];
        let new = [
            setting("allow", Some("[\"a\"]")),
            setting("ttl", Some("\"1h\"")),
            setting("max-readers", Some("7")),
        ];
        let changes = changes(&old, &new);
        assert_eq!(changes.now, ["allow = [\"a\"] (was unset)"]);
        assert_eq!(changes.after_restart, ["ttl = \"1h\" (was \"6h\")"]);
    }

    #[test]
    fn what_is_read_again_are_flags() {
        let command = super::super::command();
        let serve = command.find_subcommand("serve").unwrap();
        for flag in reloaded() {
            assert!(serve.get_arguments().any(|argument| argument.get_long() == Some(flag)), "{flag}");
        }
    }

    #[test]
    fn the_page_for_operators_names_what_is_read_again() {
        let page = include_str!("../../../../docs/deploy.md");
        let section = page.split("### Settings without a restart").nth(1).unwrap();
        let section = section.split("\n#").next().unwrap();
        for flag in reloaded() {
            assert!(section.contains(&format!("`{flag}`")), "{flag}");
        }
    }
}
