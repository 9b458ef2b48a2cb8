//! The cases, one file per area of the protocol.

mod addresses;
mod admission_complete;
mod admission_connecting;
mod admission_failed;
mod admission_nothing;
mod admission_stopped;
mod admission_streaming;
mod allowances;
mod bytes;
mod concurrency;
mod connections;
mod continuation;
mod control;
mod cookies;
mod cors;
mod cuts;
mod encoding;
mod fingerprints;
mod guards;
mod headers_down;
mod headers_up;
mod hints;
mod inert;
mod known_ids;
mod limits;
mod matching;
mod pages;
mod passthrough;
mod public;
mod redirects;
mod request_body;
mod request_ids;
mod restart;
mod retention;
mod retired;
mod routing;
mod scopes;
mod seed;
mod settled;
mod side_by_side;
mod slow;
mod status;
mod stop_delete;
mod strangers;

use crate::case::{Case, Suite};

pub(crate) fn all() -> Vec<Case> {
    let mut suite = Suite::default();
    macro_rules! add { ($($area:ident)*) => { $($area::add(&mut suite);)* } }
    add! {
        pages addresses guards public strangers cookies scopes allowances cors
        inert headers_up headers_down request_body encoding redirects
        passthrough admission_nothing admission_connecting admission_streaming admission_complete admission_stopped
        admission_failed continuation request_ids control cuts concurrency
        connections bytes slow limits restart retention
        side_by_side matching fingerprints retired hints known_ids
        status stop_delete routing settled
        seed
    }
    suite.cases
}

/// Those that use nothing but what durablefetch 0.1.0 had.
pub(crate) fn seed() -> Vec<Case> {
    let mut suite = Suite::default();
    seed::add(&mut suite);
    suite.cases
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    const PROTOCOL: &str = include_str!("../../../../PROTOCOL.md");

    const MUTATIONS: &str = include_str!("../../mutations.toml");

    /// Rules that no HTTP client can see broken.
    const OUT_OF_SIGHT: [&str; 1] = ["W10"];

    /// The numbered rules that concern a recorder; those of clients begin with K.
    fn rules() -> BTreeSet<&'static str> {
        let is_rule = |text: &&str| {
            let (letter, number) = text.split_at_checked(1).unwrap_or_default();
            !number.is_empty()
                && letter.chars().all(|c| c.is_ascii_uppercase() && c != 'K')
                && number.chars().all(|c| c.is_ascii_digit())
        };
        PROTOCOL.split("**").filter(is_rule).collect()
    }

    /// Error codes that the suite cannot bring about: it cannot break the
    /// recorder's disk or code, and the client that cut the upload is not there to be told.
    const OUT_OF_REACH: [&str; 6] = [
        "storage-failed",
        "internal",
        "request-incomplete",
        "too-many-readers",
        "too-many-uploads",
        "too-many-connections",
    ];

    #[test]
    fn every_error_code_has_a_case() {
        let rows = PROTOCOL.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let codes = rows.filter(|(_, rest)| rest.starts_with(['4', '5'])).map(|(code, _)| code);
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cases");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let source: String = files
            .filter(|path| !path.ends_with("mod.rs"))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        let (have, lack): (Vec<_>, Vec<_>) = codes.partition(|code| source.contains(&format!("\"{code}\"")));
        assert!(have.len() > 20, "PROTOCOL.md has lost its error table: {have:?}");
        assert_eq!(
            lack.iter().collect::<BTreeSet<_>>(),
            OUT_OF_REACH.iter().collect(),
            "codes without a case"
        );
    }

    #[test]
    fn every_rule_of_the_protocol_has_a_case() {
        let cases = super::all();
        let checked: BTreeSet<_> = cases.iter().flat_map(|case| case.rules.split_whitespace()).collect();
        let due: BTreeSet<_> = rules().into_iter().filter(|rule| !OUT_OF_SIGHT.contains(rule)).collect();
        assert!(due.len() > 40, "PROTOCOL.md has lost its rules: {due:?}");
        assert_eq!(due.difference(&checked).collect::<Vec<_>>(), Vec::<&&str>::new(), "rules without a case");
        assert_eq!(checked.difference(&due).collect::<Vec<_>>(), Vec::<&&str>::new(), "cases without a rule");
    }

    #[test]
    fn every_rule_of_the_protocol_has_a_mutation() {
        let lines =
            MUTATIONS.lines().filter_map(|line| line.strip_prefix("rules = ")?.trim().strip_prefix('"'));
        let broken: BTreeSet<_> =
            lines.flat_map(|line| line.trim_end_matches('"').split_whitespace()).collect();
        let due = rules();
        assert_eq!(
            broken.difference(&due).collect::<Vec<_>>(),
            Vec::<&&str>::new(),
            "mutations without a rule"
        );
        let lack: Vec<_> = due.difference(&broken).filter(|rule| !OUT_OF_SIGHT.contains(rule)).collect();
        assert_eq!(lack, Vec::<&&str>::new(), "rules without a mutation");
    }

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let mut names = HashSet::new();
        for case in super::all() {
            assert!(names.insert(case.name), "two cases are called {:?}", case.name);
        }
    }
}
