//! What `--all` adds: matrices of other people's programs. They tell a lot about the package, and take minutes.

use std::path::PathBuf;

use anyhow::Result;

use super::checks::{build_recorder, cargo, nginx, node_tests, node_tests_with, with_postgres};
use super::{Check, Context, previous};
use crate::apt::{self, Program};
use crate::progress::Step;
use crate::recorder_package::{self, For};
use crate::{image, npm, pypi, release, rust_tools};

pub(super) const MATRICES: &[Check] = &[
    Check { name: "failures in each engine", needs: &["package"], run: failures },
    Check { name: "behind nginx", needs: &["package"], run: exposed },
    Check { name: "under systemd", needs: &["tools"], run: systemd },
    Check { name: "container image", needs: &["tools"], run: container },
    Check { name: "libraries that take a fetch", needs: &["package"], run: |c| tests(c, "tests/users") },
    Check { name: "fidelity to native fetch", needs: &["package"], run: |c| tests(c, "tests/fidelity") },
    Check { name: "compatibility with 0.1.0", needs: &["package"], run: |c| tests(c, "tests/seed-compat") },
    Check { name: "versions", needs: &["package"], run: versions },
    Check { name: "conformance of clusters", needs: &[], run: conformance_of_clusters },
    Check { name: "two hundred kills", needs: &[], run: kills },
    Check { name: "ten thousand answers", needs: &[], run: ten_thousand_answers },
    Check { name: "chat on workerd", needs: &["package", "worker on workerd"], run: chat_on_workerd },
    Check { name: "chat on a cluster", needs: &["package"], run: chat_on_a_cluster },
    Check { name: "conformance of 0.1.0", needs: &[], run: conformance_of_the_original },
    Check { name: "runtimes and bundlers", needs: &["package"], run: runtimes },
    Check { name: "peers", needs: &["tools"], run: peers },
    Check { name: "newcomer", needs: &["package"], run: newcomer },
    Check { name: "node only", needs: &["package"], run: node_only },
    Check { name: "arm64", needs: &["tools"], run: arm64 },
    Check { name: "windows", needs: &["tools"], run: windows },
    Check { name: "guides", needs: &["package"], run: |c| projects(c, "tests/guides") },
    Check { name: "dependencies", needs: &[], run: dependencies },
    Check { name: "slow examples", needs: &["package"], run: slow_examples },
];

const DEBOOTSTRAP: Program = Program { variable: "DEBOOTSTRAP", names: &["debootstrap"] };

/// One folder of tests that use the recorder, the engines and what the end-to-end tests are made of.
fn tests(context: &Context<'_>, folder: &str) -> Result<()> {
    build_recorder(context)?;
    npm::ensure(context.repo, "tests/lib")?;
    npm::ensure(context.repo, folder)?;
    node_tests(context, folder)
}

/// The same where each project installs its own packages; only the browsers come from tests/lib.
fn projects(context: &Context<'_>, folder: &str) -> Result<()> {
    build_recorder(context)?;
    npm::ensure(context.repo, "tests/lib")?;
    node_tests(context, folder)
}

/// With the recorder's packages as they are given away, for those that install it.
fn runtimes(context: &Context<'_>) -> Result<()> {
    recorder_package::run(context.repo, For::Here)?;
    projects(context, "tests/runtimes")
}

/// What docs/peers.md says of others.
fn peers(context: &Context<'_>) -> Result<()> {
    const REMEDY: &str = "`sudo apt-get install redis-server`, or REDIS=/path/to/redis-server";
    let [redis] = apt::ensure(context.repo, [&apt::REDIS], &["redis-server"], REMEDY)?;
    npm::ensure(context.repo, "tests/peers")?;
    node_tests_with(context, "tests/peers", &[(apt::REDIS.variable, redis.as_os_str())])
}

/// With what a release attaches, served as a release is.
fn newcomer(context: &Context<'_>) -> Result<()> {
    release::make(context.repo, false)?;
    projects(context, "tests/newcomer")
}

/// The same on a machine of its own, which has Node and nothing else.
fn node_only(context: &Context<'_>) -> Result<()> {
    const REMEDY: &str = "run it as root on Debian or one of its relatives, with `debootstrap` installed";
    let [debootstrap] = apt::ensure(context.repo, [&DEBOOTSTRAP], &["debootstrap"], REMEDY)?;
    release::make(context.repo, false)?;
    npm::ensure(context.repo, "tests/lib")?;
    npm::ensure(context.repo, "tests/node-only/machine")?;
    node_tests_with(context, "tests/node-only", &[("DEBOOTSTRAP", debootstrap.as_os_str())])
}

/// The static program for Linux on arm64, under qemu.
fn arm64(context: &Context<'_>) -> Result<()> {
    const QEMU: Program =
        Program { variable: "QEMU_AARCH64", names: &["qemu-aarch64-static", "qemu-aarch64"] };
    const REMEDY: &str =
        "`sudo apt-get install qemu-user-static`, or name it: QEMU_AARCH64=/path/to/qemu-aarch64";
    let [qemu] = apt::ensure(context.repo, [&QEMU], &["qemu-user-static"], REMEDY)?;
    let recorder = recorder_package::program(context.repo, "linux-arm64")?;
    let variables = [(QEMU.variable, qemu.as_os_str()), ("ARM64_RECORDER", recorder.as_os_str())];
    node_tests_with(context, "tests/arm64", &variables)
}

/// Of a recorder whose rows are in PostgreSQL, and of three behind a balancer.
fn conformance_of_clusters(context: &Context<'_>) -> Result<()> {
    let arguments = ["test", "--workspace", "--exclude", "durablefetch", "--test", "cluster"];
    with_postgres(context, "conformance of one, and of three behind a balancer", &arguments)
}

/// The program for Windows, under wine.
fn windows(context: &Context<'_>) -> Result<()> {
    const WINE: Program = Program { variable: "WINE", names: &["wine64"] };
    const REMEDY: &str = "`sudo apt-get install wine64` (8.0 will do), or name it: WINE=/path/to/wine64";
    let [wine] = apt::ensure(context.repo, [&WINE], &["wine64"], REMEDY)?;
    let program = recorder_package::program(context.repo, "win32-x64")?;
    // The libraries of a program are looked for beside it first.
    let folder = context.repo.target().join("windows");
    let recorder = folder.join("durablefetch.exe");
    recorder_package::install(&program, &recorder)?;
    let library = folder.join("bcryptprimitives.dll");
    recorder_package::library_for_windows(context.repo, "tests/windows/bcryptprimitives.c", &library)?;
    let variables = [("WINE", wine.as_os_str()), ("WINDOWS_RECORDER", recorder.as_os_str())];
    node_tests_with(context, "tests/windows", &variables)
}

/// The version before this one, both ways, and its data. Drivers and pages are those of 0.1.0's tests.
fn versions(context: &Context<'_>) -> Result<()> {
    let previous = previous::ensure(context.repo)?;
    build_recorder(context)?;
    npm::ensure(context.repo, "tests/lib")?;
    npm::ensure(context.repo, "tests/seed-compat")?;
    let variables =
        [("PREVIOUS_BIN", previous.recorder.as_os_str()), ("PREVIOUS_PKG", previous.package.as_os_str())];
    node_tests_with(context, "tests/versions", &variables)
}

/// Its pages are those of the packed package; Vite is the example's, and nginx the system's.
fn failures(context: &Context<'_>) -> Result<()> {
    let nginx = nginx(context)?;
    build_recorder(context)?;
    npm::ensure(context.repo, "examples/chat")?;
    npm::ensure(context.repo, "tests/lib")?;
    node_tests_with(context, "tests/failures", &[("NGINX", nginx.as_os_str())])
}

/// The recorder as others reach it, and what its operator looks at.
fn exposed(context: &Context<'_>) -> Result<()> {
    const PROMTOOL: Program = Program { variable: "PROMTOOL", names: &["promtool"] };
    const JQ: Program = Program { variable: "JQ", names: &["jq"] };
    const CADDY: Program = Program { variable: "CADDY", names: &["caddy"] };
    const HAPROXY: Program = Program { variable: "HAPROXY", names: &["haproxy"] };
    const REMEDY: &str = "install Prometheus (its promtool), jq, Caddy and haproxy, or name them: PROMTOOL=/path/to/promtool \
                          JQ=/path/to/jq CADDY=/path/to/caddy HAPROXY=/path/to/haproxy";
    let nginx = nginx(context)?;
    let packages = ["prometheus", "jq", "caddy", "haproxy"];
    let programs = [&PROMTOOL, &JQ, &CADDY, &HAPROXY];
    let [promtool, jq, caddy, haproxy] = apt::ensure(context.repo, programs, &packages, REMEDY)?;
    let validate = kubernetes_validate(context)?;
    build_recorder(context)?;
    npm::ensure(context.repo, "tests/lib")?;
    let programs = [
        ("NGINX", &nginx),
        ("PROMTOOL", &promtool),
        ("JQ", &jq),
        ("CADDY", &caddy),
        ("HAPROXY", &haproxy),
        ("KUBERNETES_VALIDATE", &validate),
    ];
    let programs = programs.map(|(name, path)| (name, path.as_os_str()));
    node_tests_with(context, "tests/exposed", &programs)
}

/// The unit of docs/, booted.
fn systemd(context: &Context<'_>) -> Result<()> {
    const NSPAWN: Program = Program { variable: "SYSTEMD_NSPAWN", names: &["systemd-nspawn"] };
    const REMEDY: &str = "run it as root on Debian or one of its relatives, with `systemd-container` and `debootstrap` installed";
    let packages = ["systemd-container", "debootstrap"];
    let [nspawn, debootstrap] = apt::ensure(context.repo, [&NSPAWN, &DEBOOTSTRAP], &packages, REMEDY)?;
    build_recorder(context)?;
    npm::ensure(context.repo, "tests/lib")?;
    let programs = [("SYSTEMD_NSPAWN", nspawn.as_os_str()), ("DEBOOTSTRAP", debootstrap.as_os_str())];
    node_tests_with(context, "tests/systemd", &programs)
}

/// The recorder's image under podman, and the files that deploy it, parsed by what they are for.
fn container(context: &Context<'_>) -> Result<()> {
    const PODMAN: Program = Program { variable: "PODMAN", names: &["podman"] };
    const COMPOSE: Program = Program { variable: "DOCKER_COMPOSE", names: &["docker-compose"] };
    const REMEDY: &str =
        "`sudo apt-get install podman docker-compose`, or name them: PODMAN=…, DOCKER_COMPOSE=…";
    let repo = context.repo;
    let (nginx, postgres) = (nginx(context)?, apt::postgres(context.repo)?);
    let [podman, compose] = apt::ensure(repo, [&PODMAN, &COMPOSE], &["podman", "docker-compose"], REMEDY)?;
    let validate = kubernetes_validate(context)?;
    let image = image::run(repo, &image::Options::default())?;
    npm::ensure(repo, "tests/container")?;
    let variables = [
        ("IMAGE", image.as_os_str()),
        ("PODMAN", podman.as_os_str()),
        ("DOCKER_COMPOSE", compose.as_os_str()),
        ("KUBERNETES_VALIDATE", validate.as_os_str()),
        ("NGINX", nginx.as_os_str()),
        (apt::POSTGRES, postgres.as_os_str()),
    ];
    node_tests_with(context, "tests/container", &variables)
}

/// What has Kubernetes' schemas.
fn kubernetes_validate(context: &Context<'_>) -> Result<PathBuf> {
    let programs = pypi::ensure(context.repo, "kubernetes-validate", &["kubernetes-validate==1.37.0"])?;
    Ok(programs.join("kubernetes-validate"))
}

/// Licences, sources and duplicates. Not the advisories, whose database is on GitHub: before a release, `cargo deny
/// check` asks for all.
fn dependencies(context: &Context<'_>) -> Result<()> {
    rust_tools::ensure_deny(context.repo)?;
    let mut command = context.repo.command("cargo-deny");
    command.args(["--workspace", "check", "bans", "licenses", "sources"]);
    Step::new(context.repo, "cargo deny", command).run()
}

/// Next.js, and the demos as their one command starts them.
fn slow_examples(context: &Context<'_>) -> Result<()> {
    build_recorder(context)?;
    npm::ensure(context.repo, "tests/lib")?;
    npm::ensure(context.repo, "examples/next")?;
    node_tests(context, "tests/examples/slow")
}

const PROCESS_TESTS: [&str; 6] = ["test", "--workspace", "--exclude", "durablefetch", "--test", "process"];

/// The native tests kill the recorder fifteen times; this is the long form.
fn kills(context: &Context<'_>) -> Result<()> {
    let mut arguments = PROCESS_TESTS.to_vec();
    arguments.extend(["kills", "--", "--nocapture"]);
    cargo(context, "kill -9 at 200 moments", &arguments, &[("KILLS", "200"), ("HAND_OVER_KILLS", "100")])
}

/// Of one URL. The native tests have the same in small.
fn ten_thousand_answers(context: &Context<'_>) -> Result<()> {
    let mut arguments = PROCESS_TESTS.to_vec();
    arguments.extend(["many", "--", "--ignored", "--nocapture"]);
    cargo(context, "ten thousand answers of one URL", &arguments, &[])
}

/// What durablefetch 0.1.0 fails of the suite is a table in docs/. Here that is compared, not demanded.
fn conformance_of_the_original(context: &Context<'_>) -> Result<()> {
    npm::ensure(context.repo, "crates/worker/tools")?;
    npm::ensure(context.repo, "tests/seed-compat")?;
    let mut suite = context.repo.command("cargo");
    suite.args(["test", "-p", "durablefetch-worker", "--features", "original", "--test", "original"]);
    Step::new(context.repo, "the suite against durablefetch 0.1.0", suite)
        .remedy("docs/conformance-0.1.0.md says how it is written anew")
        .run()
}

/// The end-to-end tests of the chat once more, through the recorder on Durable Objects.
/// But for the demo, which is of one recorder, and what is about one that a page reaches by itself.
fn chat_on_a_cluster(context: &Context<'_>) -> Result<()> {
    let (nginx, postgres) = (nginx(context)?, apt::postgres(context.repo)?);
    build_recorder(context)?;
    npm::ensure(context.repo, "examples/chat")?;
    npm::ensure(context.repo, "tests/lib")?;
    let variables = [
        ("E2E_RECORDER", "cluster".as_ref()),
        ("E2E_FILES", "[1-8]-*.test.js 11-*.test.js 12-*.test.js".as_ref()),
        ("ENGINE", "chromium".as_ref()),
        ("NGINX", nginx.as_os_str()),
        (apt::POSTGRES, postgres.as_os_str()),
    ];
    node_tests_with(context, "tests/e2e", &variables)
}

fn chat_on_workerd(context: &Context<'_>) -> Result<()> {
    npm::ensure(context.repo, "examples/chat")?;
    npm::ensure(context.repo, "tests/lib")?;
    // Which engine asks is nothing to a recorder.
    let variables = [("E2E_RECORDER", "worker".as_ref()), ("ENGINE", "chromium".as_ref())];
    node_tests_with(context, "tests/e2e", &variables)
}
