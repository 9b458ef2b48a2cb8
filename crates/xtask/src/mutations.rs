//! `cargo xtask mutations`: breaks a recorder in many small ways and sees to it that the conformance suite notices
//! each. With `--on worker` it is the recorder on Durable Objects, which takes about half a minute for each of them. What the
//! suite cannot see, since its upstream speaks HTTP/1.1 alone, a test of the native recorder has to notice.
//!
//! It works in a copy of the checkout with a target folder of its own, so that nothing here is touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::progress::{Step, seconds};
use crate::repo::Repo;
use crate::worker::{self, Build, Building};

const LIST: &str = "crates/conformance/mutations.toml";
/// How a run ends in which cases failed. One that fails without it was broken otherwise.
const NOTICED: &str = "test result: FAILED";
/// Every file that the copy is made of; the rest is neither built nor run.
const COPIED: [&str; 6] = ["Cargo.toml", "Cargo.lock", "PROTOCOL.md", "clippy.toml", "src", "crates"];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the mutations whose description contains this.
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// Which recorder to break.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) on: Recorder,
}

/// The recorder that is broken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Recorder {
    /// The program.
    #[default]
    Native,
    /// The same on workerd.
    Worker,
}

impl Recorder {
    /// Whether it has what is broken.
    fn has(self, mutation: &Mutation) -> bool {
        match self {
            Self::Native => !mutation.file.starts_with("crates/worker/"),
            Self::Worker => {
                let is_natives = mutation.file.starts_with("crates/server/") || mutation.test.is_some();
                !is_natives && mutation.native.is_none()
            }
        }
    }
}

/// One deliberate breakage.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutation {
    /// What is wrong then, for people.
    what: String,
    /// The rules of PROTOCOL.md that it breaks, separated by blanks.
    rules: String,
    file: String,
    /// Stands exactly once in the file.
    find: String,
    replace: String,
    /// Parts of names of the cases that must notice, separated by `|`.
    case: Option<String>,
    /// In place of cases: the test of the native recorder that must notice.
    test: Option<String>,
    /// Why the worker does not have this, where it does not.
    native: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutation: Vec<Mutation>,
}

/// What has to notice a mutation.
enum Notices<'a> {
    /// The cases whose names contain one of these.
    Cases(&'a str),
    /// Tests of the native recorder with these names.
    Tests(Vec<&'a str>),
}

impl Mutation {
    fn notices(&self) -> Result<Notices<'_>> {
        match (&self.case, &self.test) {
            (Some(case), None) => Ok(Notices::Cases(case)),
            (None, Some(test)) => Ok(Notices::Tests(vec![test])),
            _ => bail!("the entry `{}` of {LIST} has to have either `case` or `test`", self.what),
        }
    }

    /// The file's text with the breakage in it.
    fn apply(&self, text: &str) -> Result<String> {
        let found = text.matches(&self.find).count();
        ensure!(
            found == 1,
            "{:?} stands {found} times in {}, not once: bring the entry `{}` of {LIST} up to date",
            self.find,
            self.file,
            self.what
        );
        ensure!(self.find != self.replace, "`{}` of {LIST} changes nothing", self.what);
        Ok(text.replacen(&self.find, &self.replace, 1))
    }
}

/// Makes every mutation in turn and prints which ones the suite did not notice.
pub(crate) fn run(repo: &Repo, options: &Options) -> Result<()> {
    let all = read(repo)?;
    let wanted = |mutation: &&Mutation| options.only.as_ref().is_none_or(|text| mutation.what.contains(text));
    let here = |mutation: &&Mutation| options.on.has(mutation);
    let mutations: Vec<_> = all.iter().filter(wanted).filter(here).collect();
    ensure!(!mutations.is_empty(), "no mutation is described so; see {LIST}");
    let copy = Copy::make(repo, options.on)?;

    // What no case notices without a mutation either would prove nothing.
    let (mut cases, mut tests) = (Vec::new(), Vec::new());
    for mutation in &mutations {
        match mutation.notices()? {
            Notices::Cases(names) => cases.push(names),
            Notices::Tests(names) => tests.extend(names),
        }
    }
    if let Some(build) = copy.build() {
        Step::new(repo, "build the worker without a mutation", build).run()?;
    }
    let cases = cases.join("|");
    if !cases.is_empty() {
        Step::new(repo, "the suite without a mutation", copy.command(&Notices::Cases(&cases))).run()?;
    }
    if !tests.is_empty() {
        let sound = copy.command(&Notices::Tests(tests));
        Step::new(repo, "the tests without a mutation", sound).run()?;
    }

    let mut missed = Vec::new();
    for mutation in &mutations {
        let started = Instant::now();
        let noticed = copy.notices(mutation)?;
        let mark = if noticed { '✓' } else { '✗' };
        eprintln!("  {mark} {} ({}, {})", mutation.what, mutation.rules, seconds(started.elapsed()));
        if !noticed {
            missed.push(mutation.what.as_str());
        }
    }
    println!("{} of {} mutations noticed", mutations.len() - missed.len(), mutations.len());
    if !missed.is_empty() {
        bail!("the conformance suite did not notice: {}", missed.join("; "));
    }
    Ok(())
}

fn read(repo: &Repo) -> Result<Vec<Mutation>> {
    let list: List = toml::from_str(&repo.read(LIST)?).with_context(|| format!("cannot read {LIST}"))?;
    Ok(list.mutation)
}

/// The copy that is broken again and again.
struct Copy {
    root: PathBuf,
    target: PathBuf,
    /// The tools of the worker, where that is what is broken.
    worker: Option<Building>,
}

impl Copy {
    fn make(repo: &Repo, on: Recorder) -> Result<Self> {
        let (root, target) = (repo.target().join("mutations/tree"), repo.target().join("mutations/target"));
        let worker = match on {
            Recorder::Native => None,
            Recorder::Worker => Some(worker::building(repo)?),
        };
        let copy = Self { root, target, worker };
        if copy.root.exists() {
            fs::remove_dir_all(&copy.root)
                .with_context(|| format!("cannot empty {}", copy.root.display()))?;
        }
        let listed =
            repo.command("git").args(["ls-files", "--"]).args(COPIED).output().context("cannot run git")?;
        ensure!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
        for file in String::from_utf8(listed.stdout)?.lines() {
            let from = repo.path(file);
            // Listed and deleted since.
            if from.is_file() {
                let to = copy.root.join(file);
                fs::create_dir_all(to.parent().unwrap_or(Path::new(".")))?;
                fs::copy(&from, &to).with_context(|| format!("cannot copy {file}"))?;
            }
        }
        if on == Recorder::Worker {
            for tools in worker::TOOL_FOLDERS {
                let installed = repo.path(tools).join("node_modules");
                std::os::unix::fs::symlink(&installed, copy.root.join(tools).join("node_modules"))
                    .with_context(|| format!("cannot link {}", installed.display()))?;
            }
        }
        Ok(copy)
    }

    /// Builds the worker, where that is what is broken.
    fn build(&self) -> Option<Command> {
        self.worker.as_ref().map(|tools| tools.command(&self.root, &self.target.join("worker"), Build::Quick))
    }

    /// The recorder under what has to notice.
    fn command(&self, notices: &Notices<'_>) -> Command {
        let mut command = Command::new("cargo");
        command.current_dir(&self.root).arg("test");
        match self.worker {
            None => command.args(["-p", "durablefetch-server"]),
            Some(_) => command.args(["-p", "durablefetch-worker", "--features", "workerd"]),
        };
        match notices {
            Notices::Cases(cases) => {
                command.args(["--test", "conformance", "--", "--skip", "library: ", cases]);
            }
            Notices::Tests(names) => {
                command.args(["--lib", "--test", "process", "--"]).args(names);
            }
        }
        command.env("CARGO_TARGET_DIR", &self.target);
        // What is broken on purpose need not be beautiful.
        command.env("RUSTFLAGS", "--cap-lints=allow").stdin(Stdio::null());
        command
    }

    fn notices(&self, mutation: &Mutation) -> Result<bool> {
        let path = self.root.join(&mutation.file);
        let sound = fs::read_to_string(&path).with_context(|| format!("cannot read {}", mutation.file))?;
        fs::write(&path, mutation.apply(&sound)?)?;
        let noticed = self.fails(mutation);
        fs::write(&path, sound)?;
        noticed
    }

    /// Whether a case fails now that the mutation is made.
    fn fails(&self, mutation: &Mutation) -> Result<bool> {
        if let Some(mut build) = self.build() {
            let built = build.output().context("cannot run worker-build")?;
            let said = String::from_utf8_lossy(&built.stderr);
            ensure!(
                built.status.success(),
                "with the mutation `{}` it does not build:\n{said}",
                mutation.what
            );
        }
        let output = self.command(&mutation.notices()?).output().context("cannot run cargo")?;
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            return Ok(false);
        }
        ensure!(
            said.contains(NOTICED),
            "with the mutation `{}` nothing was tested; it does not build, or the recorder does not start:\n{said}",
            mutation.what
        );
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn mutation(find: &str, replace: &str) -> Mutation {
        let [what, rules, file] = ["", "", ""].map(str::to_owned);
        let (find, replace) = (find.into(), replace.into());
        Mutation { what, rules, file, find, replace, case: None, test: None, native: None }
    }

    #[test]
    fn a_mutation_applies_where_its_text_stands_once() {
        assert_eq!(mutation("b", "x").apply("abc").unwrap(), "axc");
        for (find, replace) in [("z", "x"), ("a", "x"), ("b", "b")] {
            assert!(mutation(find, replace).apply("aabc").is_err(), "{find} {replace}");
        }
    }

    /// So that the list does not rot between two runs of it, which take minutes.
    #[test]
    fn every_mutation_applies_and_names_a_case() {
        let repo = Repo::find().unwrap();
        let mutations = read(&repo).unwrap();
        assert!(mutations.len() >= 25, "{} mutations", mutations.len());
        let folder = repo.path("crates/conformance/src/cases");
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let cases: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
        let natives = ["src/upstream/kept.rs", "tests/process/kept/mod.rs"];
        let tests: String = natives.map(|file| repo.read(&format!("crates/server/{file}")).unwrap()).concat();
        let protocol = repo.read("PROTOCOL.md").unwrap();
        let mut described = BTreeSet::new();
        for mutation in &mutations {
            mutation.apply(&repo.read(&mutation.file).unwrap()).unwrap();
            assert!(described.insert(&mutation.what), "two are described {:?}", mutation.what);
            match mutation.notices().unwrap() {
                Notices::Cases(names) => {
                    for part in names.split('|') {
                        assert!(cases.contains(part), "{}: no case is called {part:?}", mutation.what);
                    }
                }
                Notices::Tests(names) => {
                    for name in names {
                        let is_there = tests.contains(&format!("async fn {name}()"));
                        assert!(is_there, "{}: no test is called {name}", mutation.what);
                    }
                }
            }
            for rule in mutation.rules.split_whitespace() {
                assert!(protocol.contains(&format!("**{rule}**")), "{}: no rule {rule}", mutation.what);
            }
        }
    }
}
