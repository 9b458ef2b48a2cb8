//! `cargo xtask size`: what `import { DurableFetchClient } from 'durablefetch'` adds to a production build.

mod by_crate;

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::progress::Step;
use crate::repo::Repo;
use crate::{npm, package};

/// The most bytes that the client may add, after `gzip -9`. `docs/decisions/0004-size.md` says why not less. Room
/// for what another minor version of the compiler makes of the same sources, and no more.
const BUDGET: usize = 61_960;
/// The same for `durablefetch/slim`, with the module that it fetches.
const BUDGET_SLIM: usize = 59_820;
/// The same for `durablefetch/js`: docs/decisions/0009-without-webassembly.md.
const BUDGET_JS: usize = 78_000;

/// Builds pages that use nothing but the client, with Vite's defaults, and measures what comes out.
pub(crate) fn run(repo: &Repo) -> Result<()> {
    package::run(repo)?;
    check(repo)
}

/// The same for `pkg/` as it is.
pub(crate) fn check(repo: &Repo) -> Result<()> {
    npm::ensure(repo, "examples/chat")?;
    let wasm = fs::read(repo.path("pkg/wasm/durablefetch_bg.wasm")).context("pkg/ holds no wasm module")?;
    let main = build(repo, "main", "import { DurableFetchClient } from 'durablefetch'")?;
    let slim = build(repo, "slim", "import { DurableFetchClient } from 'durablefetch/slim'")?;
    let js = build(repo, "js", "import { DurableFetchClient } from 'durablefetch/js'")?;
    let glue = build(
        repo,
        "glue",
        "import { glue as DurableFetchClient } from './node_modules/durablefetch/wasm/durablefetch.js'",
    )?;
    let text = package::text::encode(&wasm);
    let scripts = String::from_utf8_lossy(&main).replace(&text, "");
    if scripts.len() == main.len() {
        bail!("the bundle does not hold the module as text: was it written another way?");
    }
    let shipped = gzip(&main)?;
    let shipped_slim = gzip(&slim)? + gzip(&wasm)?;
    println!("{:48} {:>9} {:>9}", "bytes after vite build", "raw", "gzip -9");
    for (name, bytes) in [
        ("durablefetch: all, the module as text", &main[..]),
        ("  JavaScript", scripts.as_bytes()),
        ("    of that wasm-bindgen's and what it imports", &glue),
        ("  the module as a file", &wasm),
        ("durablefetch/slim: JavaScript", &slim),
        ("durablefetch/js: all, the module as JavaScript", &js),
    ] {
        println!("{name:48} {:>9} {:>9}", bytes.len(), gzip(bytes)?);
    }
    println!("{:48} {:>9} {shipped_slim:>9}", "durablefetch/slim: with the module", slim.len() + wasm.len());
    println!("\n{:48} {:>9}", "code in the module, by crate", "raw");
    for (name, bytes) in by_crate::by_crate(&package::functions(repo)?) {
        println!("  {name:46} {bytes:>9}");
    }
    println!();
    within("durablefetch", shipped, BUDGET)?;
    within("durablefetch/slim", shipped_slim, BUDGET_SLIM)?;
    within("durablefetch/js", gzip(&js)?, BUDGET_JS)
}

fn within(entry: &str, shipped: usize, budget: usize) -> Result<()> {
    if shipped > budget {
        bail!(
            "{entry} ships {shipped} bytes, the budget is {budget}\n  what to do: see in the table above what grew; \
             if it is worth it, raise the budget in crates/xtask/src/size.rs and say why in docs/decisions"
        );
    }
    println!("{entry}: {shipped} of {budget} bytes");
    Ok(())
}

/// The scripts of a page that begins with this import.
fn build(repo: &Repo, name: &str, import: &str) -> Result<Vec<u8>> {
    let project = repo.target().join("size").join(name);
    let _ = fs::remove_dir_all(&project);
    let modules = project.join("node_modules");
    fs::create_dir_all(&modules)?;
    std::os::unix::fs::symlink(repo.path("pkg"), modules.join("durablefetch"))?;
    fs::write(project.join("index.html"), "<script type=\"module\" src=\"/main.js\"></script>\n")?;
    fs::write(project.join("main.js"), format!("{import}\nglobalThis.df = new DurableFetchClient()\n"))?;
    let mut vite = repo.command("node");
    vite.arg(repo.path("examples/chat/node_modules/vite/bin/vite.js")).arg("build").current_dir(&project);
    Step::new(repo, format!("vite build of a page with {name} alone"), vite).run()?;
    read_scripts(&project.join("dist/assets"))
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
