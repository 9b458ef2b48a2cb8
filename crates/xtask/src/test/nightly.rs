//! What `cargo xtask night` runs: searches that find more the longer they run.

use anyhow::Result;

use super::checks::cargo;
use super::{Check, Context};
use crate::chaos::{self, Entry, Seeds};
use crate::mutations::{self, Recorder};
use crate::soak;

pub(super) const NIGHT: &[Check] = &[
    Check { name: "lives of a key", needs: &[], run: lives },
    Check { name: "three hundred seeds in each", needs: &["package"], run: |c| seeds(c, Entry::Wasm) },
    Check { name: "three hundred without WebAssembly", needs: &["package"], run: |c| seeds(c, Entry::Js) },
    Check {
        name: "three hundred of a cluster",
        needs: &["package"],
        run: |c| chaos::cluster_at_length(c.repo),
    },
    Check { name: "loads", needs: &[], run: |c| soak::run(c.repo, &soak::Options::whole(false)) },
    Check {
        name: "attacks, each alone",
        needs: &[],
        run: |c| soak::run(c.repo, &soak::Options::whole(true)),
    },
    Check { name: "mutations", needs: &[], run: |c| mutations(c, Recorder::Native) },
    Check { name: "mutations of the worker", needs: &["tools"], run: |c| mutations(c, Recorder::Worker) },
];

/// The property test of the machine, with forty times the lives of the unit tests.
fn lives(context: &Context<'_>) -> Result<()> {
    let arguments = ["test", "--release", "-p", "durablefetch-protocol", "every_life"];
    cargo(context, "twelve thousand lives of a key", &arguments, &[("LIVES", "12000")])
}

/// In Node and in each engine.
fn seeds(context: &Context<'_>, entry: Entry) -> Result<()> {
    chaos::short(context.repo, Seeds::New, entry)
}

fn mutations(context: &Context<'_>, on: Recorder) -> Result<()> {
    mutations::run(context.repo, &mutations::Options { on, only: None })
}
