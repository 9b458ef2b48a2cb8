//! The part of the conformance suite that uses nothing newer, against the worker of durablefetch 0.1.0 from npm. It
//! need not pass: what it fails is a table in the documents, and the table has to be true.

#[path = "workerd/command.rs"]
mod command;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use durablefetch_conformance::{Process, Settings, run_seed_subset};
use tokio::process::Command;
use tokio::runtime::Runtime;

const HEAD: &str = "# durablefetch 0.1.0 under the conformance suite

The cases of `crates/conformance` that use nothing but what 0.1.0 had (`src/cases/seed.rs`), against its worker as npm has
it, on workerd. The recorders of this repository pass all of them, on one machine and on Durable Objects. The program that
writes this page runs with `cargo xtask test --all` and fails where the page is not true:
`WRITE=1 cargo test -p durablefetch-worker --features original --test original` writes it.

| case | 0.1.0 | what came |
|---|---|---|
";

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The original on workerd, configured as it is for the benchmarks.
fn serve(_: &Settings, store: &Path) -> Command {
    let worker = repository("tests/seed-compat/node_modules/original/dist/cloudflare.js");
    assert!(worker.exists(), "{} is missing: run npm ci in tests/seed-compat", worker.display());
    fs::create_dir_all(store).expect("a directory");
    fs::copy(worker, store.join("cloudflare.js")).expect("a copy of the original");
    let config = store.join("original.capnp");
    fs::copy(repository("tests/seed-compat/original.capnp"), &config).expect("a configuration");
    command::workerd(&config, &store.join("storage"))
}

/// What a failed check said, in a line.
fn brief(why: &str) -> String {
    let lines = why.lines().map(str::trim).filter(|line| !line.contains(".rs:"));
    let said: Vec<_> = lines.take_while(|line| !line.contains(" → ")).take(3).collect();
    said.join(", ").split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn table(cases: &[(&str, Result<(), String>)]) -> String {
    let mut text = HEAD.to_owned();
    for (name, outcome) in cases {
        let (result, came) = match outcome {
            Ok(()) => ("passed", String::new()),
            Err(why) => ("**failed**", brief(why)),
        };
        writeln!(text, "| {name} | {result} | {came} |").expect("text");
    }
    let failed = cases.iter().filter(|(_, outcome)| outcome.is_err()).count();
    let passed = cases.len() - failed;
    writeln!(text, "\n{passed} passed, {failed} failed.").expect("text");
    text
}

#[test]
fn what_the_original_fails_is_in_the_documents() {
    let cases = run_seed_subset(&Runtime::new().unwrap(), Process::new(serve));
    println!("{cases:#?}");
    let table = table(&cases);
    println!("{table}");
    assert!(cases.iter().any(|(_, outcome)| outcome.is_ok()), "nothing passed: it did not run at all");
    let path = repository("docs/conformance-0.1.0.md");
    if env::var_os("WRITE").is_some() {
        fs::write(&path, &table).expect("docs/ can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == table, "{} is not what came; WRITE=1 writes it", path.display());
}
