//! Other commits of this repository, each in a worktree below `target/`.

use std::path::Path;

use anyhow::Result;

use crate::progress::Step;
use crate::repo::Repo;

/// Has the folder hold this commit. `what` names it in messages.
pub(crate) fn at(repo: &Repo, root: &Path, commit: &str, what: &str) -> Result<()> {
    let mut command = repo.command("git");
    if root.join(".git").exists() {
        command.args(["checkout", "--force", "--detach", commit]).current_dir(root);
    } else {
        // One that was removed with `target/` is still registered, which --force passes over.
        command.args(["worktree", "add", "--force", "--detach"]).arg(root).arg(commit);
    }
    Step::new(repo, format!("check out {what}"), command)
        .remedy("this needs the history of the repository: `git fetch --unshallow` brings it")
        .run()
}
