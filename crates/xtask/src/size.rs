//! `cargo xtask size`: what `import { DurableFetchClient } from 'durablefetch'` adds to a production build.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::progress::Step;
use crate::repo::Repo;
use crate::{npm, package};

/// Builds a page that uses nothing but the client, with Vite's defaults, and measures what comes out.
pub(crate) fn run(repo: &Repo) -> Result<()> {
    package::run(repo)?;
    npm::ensure(repo, "examples/chat")?;
    let project = repo.target().join("size");
    write_project(repo, &project)?;
    let mut build = repo.command("node");
    build.arg(repo.path("examples/chat/node_modules/vite/bin/vite.js")).arg("build").current_dir(&project);
    Step::new(repo, "vite build of a page with the client alone", build).run()?;

    let wasm = fs::read(repo.path("pkg/wasm/durablefetch_bg.wasm")).context("pkg/ holds no wasm module")?;
    let bundle = read_scripts(&project.join("dist/assets"))?;
    let glue = String::from_utf8_lossy(&bundle).replace(&package::text::encode(&wasm), "");
    println!("{:32} {:>9} {:>9}", "bytes", "raw", "gzip -9");
    for (name, bytes) in [
        ("bundle (glue + wasm, inlined)", bundle.as_slice()),
        ("  glue alone", glue.as_bytes()),
        ("  wasm alone", wasm.as_slice()),
    ] {
        println!("{name:32} {:>9} {:>9}", bytes.len(), gzip(bytes)?);
    }
    Ok(())
}

fn write_project(repo: &Repo, project: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(project);
    let modules = project.join("node_modules");
    fs::create_dir_all(&modules)?;
    std::os::unix::fs::symlink(repo.path("pkg"), modules.join("durablefetch"))?;
    fs::write(project.join("index.html"), "<script type=\"module\" src=\"/main.js\"></script>\n")?;
    let main =
        "import { DurableFetchClient } from 'durablefetch'\nglobalThis.df = new DurableFetchClient()\n";
    fs::write(project.join("main.js"), main)?;
    Ok(())
}

fn read_scripts(dir: &Path) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("no {}", dir.display()))? {
        all.extend(fs::read(entry?.path())?);
    }
    Ok(all)
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}
