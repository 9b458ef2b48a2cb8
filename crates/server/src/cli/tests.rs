use std::collections::BTreeSet;
use std::path::Path;

use durablefetch_protocol::access::PageOrigin;
use durablefetch_protocol::client_address::{Network, TrustedProxies};
use durablefetch_protocol::scope::Scoping;

use super::*;
use crate::Config;

/// The set-up that these flags make, or what is said instead.
fn serve(flags: &[&str]) -> Result<Config, String> {
    let arguments = ["durablefetch", "serve", "--data", "d"].iter().chain(flags);
    let cli = Cli::read(arguments.map(OsString::from)).map_err(|error| match error {
        ReadError::Arguments(error) => error.to_string(),
        ReadError::Settings(error) => error,
    })?;
    let Command::Serve(serve) = cli.command else { return Err("another command".into()) };
    serve.into_config()
}

/// The set-up that this file makes with these flags.
fn with_file(text: &str, flags: &[&str]) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("durablefetch.toml");
    std::fs::write(&path, text).unwrap();
    serve(&[&["--config", path.to_str().unwrap()], flags].concat())
}

#[test]
fn defaults_are_the_librarys() {
    let from_flags = serve(&[]).unwrap();
    assert_eq!(format!("{from_flags:?}"), format!("{:?}", Config::new("d")));
}

#[test]
fn pages_are_named_by_their_origins() {
    let config =
        serve(&["--origin", "HTTPS://App.Example:443/", "--origin", "tauri://localhost,app://*"]).unwrap();
    let named: Vec<_> = config.pages.named.iter().map(PageOrigin::as_text).collect();
    assert_eq!(
        (named.join(" ").as_str(), config.pages.null),
        ("https://app.example tauri://localhost app://*", false)
    );
    assert!(serve(&["--origin-null"]).unwrap().pages.null);
    for bad in
        ["app.example", "https://app.example/x", "null", "file:///x", "http://*.x", "https://*.example.com"]
    {
        assert!(serve(&["--origin", bad]).unwrap_err().contains("is not an origin"), "{bad}");
    }
    for bad in ["tauri://localhost", "https://*", "null"] {
        assert!(serve(&["--public-origin", bad]).is_err(), "{bad}");
    }
}

#[test]
fn a_public_origin_in_the_clear_is_warned_of() {
    for (origin, warned) in [
        ("http://app.example", true),
        ("http://10.0.0.1:8787", true),
        ("http://localhost.example", true),
        ("https://app.example", false),
        ("http://localhost:3000", false),
        ("http://127.0.0.1", false),
        ("http://[::1]:3000", false),
        ("http://app.localhost", false),
    ] {
        let warnings = serve(&["--public-origin", origin]).unwrap().warnings();
        assert_eq!(warnings.iter().any(|said| said.contains(origin)), warned, "{origin}: {warnings:?}");
    }
    assert_eq!(serve(&[]).unwrap().warnings(), [""; 0]);
}

#[test]
fn a_way_past_the_proxy_in_front_is_warned_of() {
    let map = |origin: &str| format!("{origin}=http://127.0.0.1:3000");
    for (mapped, warned) in
        [("https://app.example", true), ("https://app.example:443", true), ("https://api.example", false)]
    {
        let flags = ["--public-origin", "https://app.example", "--map", &map(mapped)];
        let warnings = serve(&flags).unwrap().warnings();
        assert_eq!(
            warnings.iter().any(|said| said.contains("--drop-header")),
            warned,
            "{mapped}: {warnings:?}"
        );
    }
}

#[test]
fn trusted_proxies_are_addresses_and_networks() {
    let proxies = |flags: &[&str]| serve(flags).unwrap().trusted_proxies;
    assert_eq!(proxies(&[]), TrustedProxies::default());
    let named = ["10.0.0.7", "fd00::/8"].map(|text| Network::parse(text).unwrap());
    assert_eq!(proxies(&["--trusted-proxies", "10.0.0.7,fd00::/8"]), TrustedProxies::new(named.to_vec()));
    assert!(serve(&["--trusted-proxies", "proxy"]).unwrap_err().contains("write 10.0.0.7"));
    let warned = serve(&["--trusted-proxies", "10.0.0.7"]).unwrap().warnings();
    assert!(warned[0].contains("--public-origin"), "{warned:?}");
}

#[test]
fn headers_to_drop_are_said_in_any_form() {
    let config = serve(&["--drop-header", "X_Remote_User,x-secret", "--drop-header", "x-third"]).unwrap();
    assert_eq!(config.drop_headers.len(), 3);
    assert!(serve(&["--drop-header", "no name"]).unwrap_err().contains("write x-remote-user"));
}

#[test]
fn a_base_path_has_no_trailing_slash() {
    assert_eq!(serve(&["--base-path", "/df/"]).unwrap().base_path, "/df");
    assert!(serve(&["--base-path", "df"]).unwrap_err().contains("write /df"));
}

#[test]
fn whose_recordings_are_whose_is_said_once() {
    let secret = "0123456789abcdef0123456789abcdef";
    let config = serve(&["--token-secret", secret]).unwrap();
    assert!(matches!(config.scoping, Scoping::Tokens(_)) && !format!("{config:?}").contains(secret));
    assert!(serve(&["--token-secret", "short"]).unwrap_err().contains("openssl rand"));
    assert!(serve(&["--token-secret", "@/nowhere"]).unwrap_err().contains("/nowhere"));
    let config = serve(&["--scope-by", "authorization,cookie:sid"]).unwrap();
    assert!(matches!(config.scoping, Scoping::Presented(ref by, _) if by.len() == 2));
    for two in [
        &["--token-secret", secret, "--unguessable-urls"][..],
        &["--token-secret", secret, "--scope-by", "authorization"],
        &["--scope-by", "authorization", "--unguessable-urls"],
    ] {
        assert!(serve(two).unwrap_err().contains("cannot be used with"), "{two:?}");
    }
}

#[test]
fn claims_of_signed_tokens_need_a_key_and_a_key_needs_them() {
    let secret = "0123456789abcdef0123456789abcdef";
    let by = "bearer-jwt:sub,cookie-jwt:session:sub";
    let config = serve(&["--scope-by", by, "--jwt-key", secret]).unwrap();
    assert!(matches!(config.scoping, Scoping::Presented(ref by, _) if by.len() == 2));
    assert!(!format!("{config:?}").contains(secret));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jwks.json");
    std::fs::write(
        &path,
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}"#,
    )
    .unwrap();
    assert!(serve(&["--scope-by", by, "--jwt-key", &format!("@{}", path.display())]).is_ok());
    for (flags, said) in [
        (&["--scope-by", by][..], "needs a key"),
        (&["--scope-by", "cookie:sid", "--jwt-key", secret], "of no use"),
        (&["--jwt-key", secret], "--scope-by"),
        (&["--scope-by", by, "--jwt-key", "short"], "can be guessed"),
        (&["--scope-by", by, "--jwt-key", "{}"], "no key for signatures"),
        (&["--scope-by", by, "--jwt-key", "@/nowhere"], "/nowhere"),
        (&["--scope-by", "bearer-jwt", "--jwt-key", secret], "bearer-jwt:sub"),
    ] {
        let error = serve(flags).unwrap_err();
        assert!(error.contains(said), "{flags:?}: {error}");
    }
    let warned = warnings(&["serve", "--scope-by", by, "--jwt-key", secret]);
    assert!(warned[0].contains("DURABLEFETCH_JWT_KEY"), "{warned:?}");
}

#[test]
fn a_secret_may_be_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    std::fs::write(&path, "0123456789abcdef0123456789abcdef\n").unwrap();
    let config = serve(&["--token-secret", &format!("@{}", path.display())]).unwrap();
    assert!(matches!(config.scoping, Scoping::Tokens(_)));
}

#[test]
fn what_makes_no_sense_is_refused_with_the_right_form() {
    for (flags, said) in [
        (["--ttl", "6"], "6 of what? write 6s, 6m or 6h"),
        (["--drain", "30"], "30 of what?"),
        (["--idle-timeout", "0s"], "write 1s or more"),
        (["--max-recordings", "0"], "write 1 or more"),
        (["--max-readers", "many"], "is not a number"),
        (["--max-disk-bytes", "100"], "write 1MiB or more"),
        (["--max-request-bytes", "0"], "write 1KiB or more"),
        (["--scope-by", "session"], "write cookie:session for the cookie, or header:session for the header"),
        (["--origin", "http://*.x"], "is not an origin"),
    ] {
        let error = serve(&flags).unwrap_err();
        assert!(error.contains(said), "{flags:?}: {error}");
    }
    assert_eq!(serve(&["--drain", "0s"]).unwrap().drain.as_secs(), 0, "nobody is waited for");
    assert!(serve(&["--scope-by", "x-api-key,header:x-user"]).is_ok());
}

#[test]
fn a_dry_run_shows_what_counts_and_where_it_came_from() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("durablefetch.toml");
    std::fs::write(
        &path,
        "ttl = \"1h\"\ndrain = \"5s\"\nscope-by = [\"authorization\", \"cookie:sid\"]\nmax-readers = 7\n",
    )
    .unwrap();
    let file = path.to_str().unwrap();
    let arguments = ["durablefetch", "serve", "--dry-run", "--config", file, "--drain", "9s", "--data", "d"];
    let cli = Cli::read(arguments.map(OsString::from)).map_err(|error| format!("{error:?}")).unwrap();
    let Command::Serve(serve) = cli.command else { panic!() };
    let said = shown(&cli.settings, &serve.into_config().unwrap());
    let lines: Vec<Vec<&str>> = said
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect())
        .collect();
    for expected in [
        ["ttl = \"1h\"", &format!("# {file}")],
        ["drain = \"9s\"", "# --drain"],
        ["scope-by = [\"authorization\", \"cookie:sid\"]", &format!("# {file}")],
        ["max-readers = 7", &format!("# {file}")],
        ["max-recordings = 10000", "# default"],
        ["max-scope-recordings = 100", "# default"],
        ["max-scope-disk-bytes = 2147483648", "# default"],
        ["allow-any = false", "# default"],
        ["# public-origin", "# default"],
    ] {
        assert!(lines.iter().any(|line| line == &expected), "{expected:?} is not in\n{said}");
    }
    // It is a configuration file.
    std::fs::write(&path, &said).unwrap();
    let again = with_file(&said, &[]).unwrap();
    assert_eq!((again.ttl.as_secs(), again.drain.as_secs(), again.limits.readers), (3600, 9, 7));
}

#[test]
fn a_dry_run_shows_no_secret() {
    let secret = "0123456789abcdef0123456789abcdef";
    let arguments = ["durablefetch", "serve", "--data", "d", "--token-secret", secret];
    let cli = Cli::read(arguments.map(OsString::from)).map_err(|error| format!("{error:?}")).unwrap();
    let Command::Serve(serve) = cli.command else { panic!() };
    let said = shown(&cli.settings, &serve.into_config().unwrap());
    assert!(said.contains("token-secret = [\"(secret)\"]") && !said.contains(secret), "{said}");
}

#[test]
fn completions_and_manual_pages_name_the_flags() {
    for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish] {
        let text = String::from_utf8(Cli::completions(shell)).unwrap();
        assert!(text.contains("max-recordings") && text.contains("completions"), "{shell}");
    }
    let page = |of| Cli::manual(of).map(|page| String::from_utf8(page).unwrap());
    assert!(page(None).unwrap().contains("durablefetch\\-serve"));
    let serve = page(Some("serve")).unwrap();
    assert!(serve.contains("max\\-recordings") && serve.contains(".TH durablefetch-serve"), "{serve}");
    let error = page(Some("sreve")).unwrap_err();
    for name in ["serve", "check", "ls", "healthcheck", "man"] {
        assert!(error.contains(&format!(" {name}")) && !error.ends_with("help"), "{error}");
    }
}

/// What is warned of with these arguments.
fn warnings(arguments: &[&str]) -> Vec<String> {
    let arguments = ["durablefetch"].iter().chain(arguments);
    Cli::read(arguments.map(OsString::from)).map_err(|error| format!("{error:?}")).unwrap().warnings
}

#[test]
fn a_secret_on_the_command_line_is_warned_of() {
    let secret = "0123456789abcdef0123456789abcdef";
    let pair = format!("@/etc/secret,{secret}");
    for given in [
        &["serve", "--token-secret", secret][..],
        &["serve", "--token-secret", "@/etc/secret", "--token-secret", secret],
        &["serve", "--token-secret", &pair],
    ] {
        let [warning] = &warnings(given)[..] else { panic!("{given:?}") };
        assert!(warning.contains("DURABLEFETCH_TOKEN_SECRET or --token-secret @FILE"), "{warning}");
        assert!(!warning.contains(secret), "{warning}");
    }
    for header in ["durablefetch-token:s3cr3t", "Authorization: Bearer s3cr3t", "cookie:sid=s3cr3t"] {
        let [warning] = &warnings(&["check", "https://a.example/df", "--header", header])[..] else {
            panic!("{header}")
        };
        let name = header.split(':').next().unwrap();
        assert!(
            warning.contains(&format!("--header {name}:@FILE")) && !warning.contains("s3cr3t"),
            "{warning}"
        );
    }
    for harmless in [
        &["serve", "--token-secret", "@/etc/secret"][..],
        &["serve", "--scope-by", "authorization"],
        &["check", "https://a.example/df", "--header", "x-region:eu"],
    ] {
        assert_eq!(warnings(harmless), [""; 0], "{harmless:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_secret_in_a_file_that_all_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("durablefetch.toml");
    let secret = "token-secret = \"0123456789abcdef0123456789abcdef\"";
    for (text, mode, is_warned_of) in [
        (secret, 0o644, true),
        (secret, 0o604, true),
        (secret, 0o640, false),
        (secret, 0o600, false),
        ("token-secret = [\"@/etc/secret\"]", 0o644, false),
        ("ttl = \"1h\"", 0o644, false),
    ] {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let warnings = warnings(&["serve", "--config", path.to_str().unwrap()]);
        assert_eq!(warnings.len(), usize::from(is_warned_of), "{text} {mode:o}: {warnings:?}");
        assert!(warnings.iter().all(|warning| warning.contains("chmod o= ")), "{warnings:?}");
    }
}

#[test]
fn the_file_says_what_flags_do_not() {
    let text = "ttl = \"1h\"\nmax-recordings = 7\nallow-any = true\nunguessable-urls = false\n\
                allow = [\"https://a.example/\", \"https://b.example/\"]\nbase-path = \"/df\"\n";
    let config = with_file(text, &[]).unwrap();
    assert_eq!((config.ttl.as_secs(), config.limits.recordings, config.allow.len()), (3600, 7, 2));
    assert!(config.allow_any && !config.unguessable_urls);
    let config = with_file(text, &["--ttl", "2h", "--allow", "https://c.example"]).unwrap();
    assert_eq!((config.ttl.as_secs(), config.allow.len(), config.base_path.as_str()), (7200, 1, "/df"));
}

#[test]
fn a_file_that_is_wrong_says_where() {
    for (text, said) in [
        ("tll = \"1h\"", "no setting is called `tll`; the nearest is `ttl`"),
        ("max_recordings = 1", "the nearest is `max-recordings`"),
        ("config = \"x\"", "no setting is called `config`"),
        ("\nttl = ", "line 2 is not TOML"),
        ("ttl = \"soon\"", "`soon` is not a duration"),
        ("ttl = true", "`ttl` is a text or a number"),
        ("allow-any = \"yes\"", "`allow-any` is true or false"),
        ("ttl = [\"1h\"]", "`ttl` is a text or a number"),
        ("[limits]\nttl = \"1h\"", "no setting is called `limits`"),
    ] {
        let error = with_file(text, &[]).unwrap_err();
        assert!(error.contains(said) && error.contains("durablefetch.toml"), "{text}: {error}");
    }
    let error = serve(&["--config", "/nowhere.toml"]).unwrap_err();
    assert!(error.contains("/nowhere.toml cannot be read"), "{error}");
    let error = with_file("token-secret = \"hunter2hunter2", &[]).unwrap_err();
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn every_flag_is_a_variable_and_a_key() {
    let command = command();
    let serve = command.find_subcommand("serve").unwrap();
    let flags: BTreeSet<_> = serve.get_arguments().filter_map(clap::Arg::get_long).collect();
    assert!(flags.len() > 20, "{flags:?}");
    for argument in serve.get_arguments().filter(|argument| argument.get_long() != Some("help")) {
        let flag = argument.get_long().unwrap();
        let name = argument.get_env().unwrap_or_else(|| panic!("{flag} has no variable"));
        assert_eq!(name.to_str().unwrap(), variable(flag));
    }
}

#[test]
fn help_fits_a_screen() {
    for flag in ["-h", "--help"] {
        let help = command().try_get_matches_from(["durablefetch", "serve", flag]).unwrap_err().to_string();
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        assert!(help.lines().count() <= 70, "{} lines: {help}", help.lines().count());
    }
}

#[test]
fn the_health_check_takes_what_serve_takes_and_shows_what_matters() {
    let command = command();
    let flags = |name: &str| {
        let command = command.find_subcommand(name).unwrap();
        command.get_arguments().filter_map(|flag| flag.get_long().map(str::to_owned)).collect::<BTreeSet<_>>()
    };
    assert_eq!(flags("serve"), flags("healthcheck"));
    let help = ["durablefetch", "healthcheck", "--help"];
    let help = super::command().try_get_matches_from(help).unwrap_err().to_string();
    assert!(help.contains("--listen") && help.contains("--tls-cert") && !help.contains("--ttl"), "{help}");
    assert!(help.lines().count() < 24, "{help}");
}

#[test]
fn the_documented_file_is_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/durablefetch.toml");
    let config = serve(&["--config", path.to_str().unwrap()]);
    assert!(config.is_ok(), "{config:?}");
}

#[test]
fn the_documented_unit_starts_what_there_is() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/durablefetch.service");
    let unit = std::fs::read_to_string(unit).unwrap();
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/")).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/durablefetch.toml");
    let line =
        line.replace("%t/durablefetch/durablefetch.toml", file.to_str().unwrap()).replace("%S", "/var/lib");
    let cli = Cli::read(line.split(' ').map(OsString::from)).map_err(|error| format!("{error:?}"));
    let Ok(Cli { command: Command::Serve(serve), .. }) = cli else { panic!("{cli:?}") };
    assert_eq!(serve.into_config().unwrap().data, Path::new("/var/lib/durablefetch"));
}
