//! Environment variables: one for each flag of `serve`, and none of their form that is not one.

use std::ffi::OsString;

use clap::Command;

use super::nearest::nearest;

/// What the variables of all flags begin with.
const PREFIX: &str = "DURABLEFETCH_";
/// Not for the recorder: apps are told its address by the first, the npm package and the repository's tests its program by
/// the others.
const OTHERS: [&str; 3] = ["URL", "BINARY", "BIN"];

/// `DURABLEFETCH_MAX_RECORDINGS` for `max-recordings`.
pub(super) fn variable(flag: &str) -> String {
    format!("{PREFIX}{}", flag.replace('-', "_").to_uppercase())
}

/// Refuses a variable that looks like a setting and is none.
pub(super) fn check(set: impl Iterator<Item = OsString>, known: &Command) -> Result<(), String> {
    let flags = || known.get_arguments().filter_map(clap::Arg::get_long).filter(|flag| *flag != "help");
    for name in set.filter_map(|name| name.into_string().ok()) {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        if OTHERS.contains(&rest) || is_of_kubernetes(rest) || flags().any(|flag| variable(flag) == name) {
            continue;
        }
        let flag = rest.to_lowercase().replace('_', "-");
        let nearest = nearest(&flag, flags()).map(variable).unwrap_or_default();
        return Err(format!("no setting is called {name}; the nearest is {nearest}: rename or unset it"));
    }
    Ok(())
}

/// Kubernetes sets these in every container for each Service, here one whose name begins with `durablefetch`.
fn is_of_kubernetes(rest: &str) -> bool {
    let rest = format!("_{rest}");
    rest.ends_with("_SERVICE_HOST")
        || rest.contains("_SERVICE_PORT")
        || rest.ends_with("_PORT")
        || rest.contains("_PORT_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(name: &str) -> Result<(), String> {
        let command = super::super::command();
        let serve = command.find_subcommand("serve").unwrap();
        check([OsString::from(name)].into_iter(), serve)
    }

    #[test]
    fn a_variable_that_is_no_setting_is_refused_with_the_nearest() {
        for (name, nearest) in [
            ("DURABLEFETCH_TLL", "DURABLEFETCH_TTL"),
            ("DURABLEFETCH_MAX_RECORDING", "DURABLEFETCH_MAX_RECORDINGS"),
            ("DURABLEFETCH_TOKEN_SECRETS", "DURABLEFETCH_TOKEN_SECRET"),
            ("DURABLEFETCH_ttl", "DURABLEFETCH_TTL"),
        ] {
            let error = checked(name).unwrap_err();
            assert!(error.contains(name) && error.contains(&format!("nearest is {nearest}:")), "{error}");
        }
    }

    #[test]
    fn what_others_set_is_left_alone() {
        for name in [
            "DURABLEFETCH_TTL",
            "DURABLEFETCH_URL",
            "DURABLEFETCH_BINARY",
            "DURABLEFETCH_SERVICE_HOST",
            "DURABLEFETCH_SERVICE_PORT",
            "DURABLEFETCH_SERVICE_PORT_HTTP",
            "DURABLEFETCH_PORT",
            "DURABLEFETCH_PORT_8787_TCP",
            "DURABLEFETCH_PORT_8787_TCP_ADDR",
            "DURABLEFETCH_METRICS_SERVICE_HOST",
            "DURABLEFETCH_METRICS_PORT_9187_TCP_PROTO",
            "DURABLEFETCHER",
            "RUST_LOG",
        ] {
            assert_eq!(checked(name), Ok(()), "{name}");
        }
    }
}
