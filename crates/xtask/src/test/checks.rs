//! The checks, in order. Cheap ones come first, so that a slip shows within a minute.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::{Check, Context, circles};
use crate::chaos::{Entry, Seeds};
use crate::progress::Step;
use crate::{apt, browser, chaos, npm, package, recorder_package, rust_tools, size, worker};

const WASM: &str = "wasm32-unknown-unknown";

pub(super) const CHECKS: &[Check] = &[
    Check { name: "format", needs: &[], run: format },
    Check { name: "import circles", needs: &[], run: |context| circles::check(context.repo) },
    Check { name: "lints", needs: &[], run: lints },
    Check { name: "unit and conformance tests", needs: &[], run: native_tests },
    Check { name: "documentation", needs: &[], run: documentation },
    Check { name: "tools", needs: &[], run: tools },
    Check { name: "lints of the client", needs: &["tools"], run: client_lints },
    Check { name: "client in the browser", needs: &["tools"], run: browser_tests },
    Check { name: "client in each engine", needs: &["client in the browser"], run: hermetic_in_each_engine },
    Check { name: "client without WebAssembly", needs: &["tools"], run: hermetic_translated },
    Check { name: "package", needs: &["tools"], run: |context| package::run(context.repo) },
    Check { name: "size", needs: &["package"], run: |context| size::check(context.repo) },
    Check { name: "recorder package", needs: &["tools"], run: recorder_package },
    Check { name: "package in use", needs: &["package"], run: package_tests },
    Check { name: "other systems", needs: &[], run: |context| recorder_package::check(context.repo) },
    Check { name: "end to end", needs: &["package"], run: end_to_end },
    Check { name: "three engines", needs: &["package"], run: three_engines },
    Check { name: "faults by seed", needs: &["package"], run: faults_by_seed },
    Check { name: "deploys of a cluster", needs: &["package"], run: deploys_of_a_cluster },
    Check { name: "examples", needs: &["package"], run: examples },
    Check { name: "documentation in use", needs: &["package"], run: documentation_in_use },
    Check { name: "worker on workerd", needs: &["tools"], run: worker_on_workerd },
];

fn format(context: &Context<'_>) -> Result<()> {
    cargo(context, "cargo fmt --check", &["fmt", "--all", "--check"], &[])?;
    npm::ensure(context.repo, "crates/xtask/tools")?;
    let mut command = context.repo.command("biome");
    command.args(["ci", "--error-on-warnings"]);
    Step::new(context.repo, "biome ci", command)
        .remedy("`crates/xtask/tools/node_modules/.bin/biome check --write` puts most of it right")
        .run()
}

fn lints(context: &Context<'_>) -> Result<()> {
    let arguments =
        ["clippy", "--workspace", "--exclude", "durablefetch", "--all-targets", "--", "-D", "warnings"];
    cargo(context, "cargo clippy", &arguments, &[])
}

/// The client is for wasm32 only; its logic is the protocol crate's and is tested there.
fn native_tests(context: &Context<'_>) -> Result<()> {
    with_postgres(context, "cargo test", &["test", "--workspace", "--exclude", "durablefetch"])
}

/// Tests that start a PostgreSQL.
pub(super) fn with_postgres(context: &Context<'_>, name: &str, arguments: &[&str]) -> Result<()> {
    let programs = apt::postgres(context.repo)?;
    cargo(context, name, arguments, &[(apt::POSTGRES, programs.to_str().unwrap_or_default())])
}

fn documentation(context: &Context<'_>) -> Result<()> {
    let arguments = ["doc", "--workspace", "--exclude", "durablefetch", "--no-deps"];
    cargo(context, "cargo doc", &arguments, &[("RUSTDOCFLAGS", "-D warnings")])
}

fn tools(context: &Context<'_>) -> Result<()> {
    npm::ensure(context.repo, "crates/xtask/tools")?;
    rust_tools::ensure(context.repo)?;
    let _ = context.engines.set(browser::ensure_engines(context.repo)?);
    Ok(())
}

fn client_lints(context: &Context<'_>) -> Result<()> {
    let lints = ["clippy", "-p", "durablefetch", "--target", WASM, "--all-targets", "--", "-D", "warnings"];
    cargo(context, "cargo clippy of the client", &lints, &[])?;
    let docs = ["doc", "-p", "durablefetch", "--target", WASM, "--no-deps"];
    cargo(context, "cargo doc of the client", &docs, &[("RUSTDOCFLAGS", "-D warnings")])
}

fn browser_tests(context: &Context<'_>) -> Result<()> {
    let mut command = context.repo.command("wasm-pack");
    command.args(["test", "--headless", "--chrome", "--mode", "no-install", "--chromedriver"]);
    command.arg(&context.engines()?.chromium.chromedriver);
    // The default of 20 s is for the whole run, on whatever machine.
    command.env("WASM_BINDGEN_TEST_TIMEOUT", "300");
    Step::new(context.repo, "wasm-pack test --headless --chrome", command)
        .remedy("\"invalid session id\" means that Chromium and chromedriver are of different versions: install both from one source")
        .run()
}

/// The same tests in all three engines, by our own driver.
fn hermetic_in_each_engine(context: &Context<'_>) -> Result<()> {
    let tests = built_hermetic(context, &[])?;
    let runner = context.repo.tools_root().join("bin/wasm-bindgen-test-runner");
    let variables = [("WASM_TEST_RUNNER", runner.as_os_str()), ("WASM_TESTS", tests.as_ref())];
    node_tests_with(context, "tests/web", &variables)
}

/// The same tests, translated as `durablefetch/js` is.
fn hermetic_translated(context: &Context<'_>) -> Result<()> {
    let tests = built_hermetic(context, &["--profile", "wasm"])?;
    let folder = package::translate::tests(context.repo, tests.as_ref())?;
    node_tests_with(context, "tests/translated", &[("TRANSLATED_TESTS", folder.as_os_str())])
}

/// Builds the hermetic tests, and says where they are.
fn built_hermetic(context: &Context<'_>, profile: &[&str]) -> Result<String> {
    let repo = context.repo;
    npm::ensure(repo, "tests/lib")?;
    let listed = repo.target().join("hermetic-tests.json");
    let mut build = repo.command("cargo");
    build.args(["test", "-p", "durablefetch", "--target", WASM, "--test", "web", "--no-run"]);
    build.args(profile).arg("--message-format=json-render-diagnostics");
    let name = ["cargo test --no-run, for the hermetic tests", profile.last().unwrap_or(&"")].join(" ");
    Step::new(repo, name.trim(), build).stdout(&listed).run()?;
    executable(&fs::read_to_string(&listed)?)
}

/// What cargo says that it has built.
fn executable(messages: &str) -> Result<String> {
    let built = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut executables = built.filter_map(|message| Some(message["executable"].as_str()?.to_owned()));
    executables.next().context("cargo has not said where the tests are")
}

fn package_tests(context: &Context<'_>) -> Result<()> {
    build_recorder(context)?;
    // The example's types are checked, and the libraries of the end-to-end tests are used.
    npm::ensure(context.repo, "examples/chat")?;
    npm::ensure(context.repo, "tests/lib")?;
    npm::ensure(context.repo, "tests/package")?;
    node_tests(context, "tests/package")
}

/// The launcher and what plugins stand on, with the recorder of a debug build.
fn recorder_package(context: &Context<'_>) -> Result<()> {
    npm::ensure(context.repo, "tests/lib")?;
    build_recorder(context)?;
    node_tests(context, "tests/recorder-package")
}

fn end_to_end(context: &Context<'_>) -> Result<()> {
    build_recorder(context)?;
    npm::ensure(context.repo, "examples/chat")?;
    npm::ensure(context.repo, "tests/lib")?;
    node_tests(context, "tests/e2e")
}

/// What has to be the same in Chromium, Firefox and WebKit.
fn three_engines(context: &Context<'_>) -> Result<()> {
    build_recorder(context)?;
    npm::ensure(context.repo, "tests/lib")?;
    node_tests(context, "tests/engines")
}

fn faults_by_seed(context: &Context<'_>) -> Result<()> {
    let seeds = if context.all { Seeds::New } else { Seeds::Fixed };
    chaos::short(context.repo, seeds, Entry::Wasm)?;
    chaos::cluster(context.repo, seeds)
}

/// Under live chats; `--all` has ten.
fn deploys_of_a_cluster(context: &Context<'_>) -> Result<()> {
    let (nginx, postgres) = (nginx(context)?, apt::postgres(context.repo)?);
    build_recorder(context)?;
    npm::ensure(context.repo, "tests/lib")?;
    let mut variables = vec![("NGINX", nginx.as_os_str()), (apt::POSTGRES, postgres.as_os_str())];
    if !context.all {
        variables.extend([("DEPLOYS", "1".as_ref()), ("CHATS", "50".as_ref())]);
    }
    node_tests_with(context, "tests/cluster", &variables)
}

/// The ones that start at once; `--all` has the others.
fn examples(context: &Context<'_>) -> Result<()> {
    build_recorder(context)?;
    for folder in ["tests/lib", "examples/vanilla", "examples/node", "examples/openai"] {
        npm::ensure(context.repo, folder)?;
    }
    node_tests(context, "tests/examples")
}

/// README and docs/: their code against the package, their commands against the programs.
fn documentation_in_use(context: &Context<'_>) -> Result<()> {
    build_recorder(context)?;
    for folder in ["examples/chat", "examples/openai", "tests/docs"] {
        npm::ensure(context.repo, folder)?;
    }
    node_tests(context, "tests/docs")
}

/// The recorder on Durable Objects: its lints, which only a build for wasm32 has, the conformance suite and its memory.
fn worker_on_workerd(context: &Context<'_>) -> Result<()> {
    worker::build(context.repo)?;
    let lints = ["clippy", "-p", "durablefetch-worker", "--target", WASM, "--", "-D", "warnings"];
    cargo(context, "cargo clippy of the worker", &lints, &[])?;
    let suite = ["test", "-p", "durablefetch-worker", "--features", "workerd"];
    cargo(context, "conformance and memory of the worker", &suite, &[])
}

/// As part of the tests: they build it anyway, and `cargo build -p` would build its dependencies once more, with
/// the features that it alone asks for.
pub(super) fn build_recorder(context: &Context<'_>) -> Result<()> {
    let arguments = ["test", "--workspace", "--exclude", "durablefetch", "--no-run"];
    cargo(context, "cargo test --no-run, for the recorder", &arguments, &[])
}

pub(super) fn nginx(context: &Context<'_>) -> Result<PathBuf> {
    const REMEDY: &str =
        "`sudo apt-get install nginx-light` (any nginx will do), or name it: NGINX=/path/to/nginx";
    let [nginx] = apt::ensure(context.repo, [&apt::NGINX], &["nginx-light"], REMEDY)?;
    Ok(nginx)
}

pub(super) fn node_tests(context: &Context<'_>, folder: &str) -> Result<()> {
    node_tests_with(context, folder, &[])
}

pub(super) fn node_tests_with(
    context: &Context<'_>,
    folder: &str,
    variables: &[(&str, &OsStr)],
) -> Result<()> {
    let repo = context.repo;
    let mut command = repo.command("npm");
    command.args(["test"]).current_dir(repo.path(folder));
    command.envs(context.engines()?.variables());
    command.env("RECORDER_BIN", repo.recorder());
    command.env("XTASK_BIN", env::current_exe()?);
    command.envs(variables.iter().copied());
    if context.all {
        command.env("E2E_ROUNDS", "10");
    }
    Step::new(repo, format!("npm test in {folder}"), command).run()
}

pub(super) fn cargo(
    context: &Context<'_>,
    name: &str,
    arguments: &[&str],
    env: &[(&str, &str)],
) -> Result<()> {
    let mut command = context.repo.command("cargo");
    command.args(arguments).envs(env.iter().copied());
    Step::new(context.repo, name, command).run()
}
