//! No circles between the modules of a crate: what uses what is read from the paths in its sources.
//!
//! A folder of modules is looked at like a house with rooms: each file in it is a room, and each folder in it is one,
//! together with the file of its name. A path from a file to another makes an arrow between the two rooms in which
//! they part. At each level, from `src` down, the arrows must not go in a circle.
//!
//! - `lib.rs`, `main.rs` and `mod.rs` stand for their folder: they may use what is in it and be used by it.
//! - Re-exports are followed to where a thing is, `use x::*` is not.
//! - Tests are left out: what is under `#[cfg(test)]`, and files and folders named `tests` or `…_tests`.
//! - Paths count that begin with `crate`, `self` or `super`, in a `use` or anywhere else.

mod uses;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use self::uses::{Use, uses};
use crate::repo::Repo;

/// Use lines that are shown of each arrow of a circle.
const SHOWN: usize = 3;

/// Looks for circles in every crate.
pub(super) fn check(repo: &Repo) -> Result<()> {
    let mut found = 0;
    for folder in crates(repo)? {
        let mut files = Vec::new();
        read(&repo.path(&folder), &folder, &mut files)?;
        for circle in circles(&files)? {
            eprintln!("{circle}");
            found += 1;
        }
    }
    if found > 0 {
        bail!("{found} circles of modules: move what both need into a module of its own, below them");
    }
    Ok(())
}

/// The source folders of all crates.
fn crates(repo: &Repo) -> Result<Vec<String>> {
    let mut folders = vec!["src".to_owned()];
    for entry in fs::read_dir(repo.path("crates")).context("reading crates")? {
        folders.push(format!("crates/{}/src", entry?.file_name().to_string_lossy()));
    }
    folders.sort();
    Ok(folders)
}

fn read(folder: &Path, name: &str, files: &mut Vec<File>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {name}"))? {
        let entry = entry?;
        let path = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &path, files)?;
        } else if path.ends_with(".rs") {
            files.push(File { path, text: fs::read_to_string(entry.path())? });
        }
    }
    Ok(())
}

struct File {
    /// From the root of the repository, through the crate's `src`.
    path: String,
    text: String,
}

/// Where a module is, from the crate's root.
type Module = Vec<String>;

/// One arrow between rooms, with the lines that make it.
type Arrows = BTreeMap<(String, String), Vec<String>>;

/// The circles of a crate, each told in a few lines.
fn circles(files: &[File]) -> Result<Vec<String>> {
    let mut modules: BTreeMap<Module, Vec<(&str, Use)>> = BTreeMap::new();
    for file in files {
        let Some(module) = module_of(&file.path) else { continue };
        let uses = uses(&file.text, &module).with_context(|| format!("cannot read {}", file.path))?;
        modules.entry(module).or_default().extend(uses.into_iter().map(|it| (file.path.as_str(), it)));
    }
    let mut levels: BTreeMap<Module, Arrows> = BTreeMap::new();
    for (from, uses) in &modules {
        for (file, it) in uses {
            let to = resolve(&it.path, &modules, 0);
            let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            // Without a room on either side, one of them stands for the folder of the other.
            let (Some(a), Some(b)) = (from.get(shared), to.get(shared)) else { continue };
            let arrows = levels.entry(from[..shared].to_vec()).or_default();
            let line = format!("{file}:{}: {}", it.line, it.path.join("::"));
            arrows.entry((a.clone(), b.clone())).or_default().push(line);
        }
    }
    Ok(levels.iter().flat_map(|(level, arrows)| circles_at(level, arrows, files)).collect())
}

fn circles_at(level: &[String], arrows: &Arrows, files: &[File]) -> Vec<String> {
    let root = files.first().map_or("", |file| file.path.split("src/").next().unwrap_or_default());
    let place = [&[format!("{root}src")], level].concat().join("/");
    let mut told = Vec::new();
    for rooms in knots(arrows) {
        let circles = rooms.iter().filter_map(|room| way(room, room, arrows));
        let circle = circles.min_by_key(Vec::len).unwrap_or_default();
        let mut text = format!("{place}: {}", circle.join(" → "));
        if rooms.len() >= circle.len() {
            let all: Vec<_> = rooms.iter().map(|room| room.as_str()).collect();
            text += &format!("\n  and more circles among {}", all.join(", "));
        }
        for pair in circle.windows(2) {
            let lines = &arrows[&(pair[0].clone(), pair[1].clone())];
            for line in lines.iter().take(SHOWN) {
                text += &format!("\n  {line}");
            }
            if lines.len() > SHOWN {
                text += &format!("\n  … {} more from {} to {}", lines.len() - SHOWN, pair[0], pair[1]);
            }
        }
        told.push(text);
    }
    told
}

/// Sets of rooms of which each reaches each.
fn knots(arrows: &Arrows) -> Vec<BTreeSet<&String>> {
    let rooms: BTreeSet<&String> = arrows.keys().flat_map(|(a, b)| [a, b]).collect();
    let leads = |from: &str, to: &str| way(from, to, arrows).is_some();
    let mut found: Vec<BTreeSet<&String>> = Vec::new();
    for room in &rooms {
        if leads(room, room) && !found.iter().any(|knot| knot.contains(room)) {
            found.push(
                rooms.iter().copied().filter(|other| leads(room, other) && leads(other, room)).collect(),
            );
        }
    }
    found
}

/// The rooms from one to another, or around to itself, over the fewest arrows. Both ends are in it.
fn way(start: &str, end: &str, arrows: &Arrows) -> Option<Vec<String>> {
    let mut ways = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for (_, to) in arrows.keys().filter(|(from, _)| Some(from) == way.last()) {
                let grown = [way.as_slice(), std::slice::from_ref(to)].concat();
                if to == end {
                    return Some(grown);
                }
                if seen.insert(to) {
                    longer.push(grown);
                }
            }
        }
        ways = longer;
    }
    None
}

/// `None` for a file of tests.
fn module_of(path: &str) -> Option<Module> {
    let (_, inside) = path.rsplit_once("src/")?;
    let mut module: Module = inside.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    if module.iter().any(|name| name == "tests" || name.ends_with("_tests")) {
        return None;
    }
    let name = module.last()?.as_str();
    if name == "mod" || module.len() == 1 && matches!(name, "lib" | "main") {
        module.pop();
    }
    Some(module)
}

/// The module in which a path (from the crate's root) ends, through re-exports.
fn resolve(path: &[String], modules: &BTreeMap<Module, Vec<(&str, Use)>>, depth: usize) -> Module {
    let mut module = Module::new();
    for (at, segment) in path.iter().enumerate() {
        module.push(segment.clone());
        // A folder without a file of its own is none.
        if modules.contains_key(&module) {
            continue;
        }
        module.pop();
        let again =
            modules.get(&module).into_iter().flatten().find(|(_, it)| it.name.as_ref() == Some(segment));
        return match again {
            Some((_, it)) if depth < 8 => {
                resolve(&[it.path.as_slice(), &path[at + 1..]].concat(), modules, depth + 1)
            }
            _ => module,
        };
    }
    module
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(files: &[(&str, &str)]) -> Vec<String> {
        let file = |(path, text): &(&str, &str)| File { path: format!("x/src/{path}"), text: (*text).into() };
        circles(&files.iter().map(file).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_circle_is_told_with_its_lines() {
        let found = told(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "//! A.\nuse crate::b::{self, B};"),
            ("b.rs", "use crate::c;"),
            ("c.rs", "fn f() { super::a::g() }"),
        ]);
        assert_eq!(found.len(), 1);
        let lines: Vec<&str> = found[0].lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "x/src: a → b → c → a",
                "x/src/a.rs:2: crate::b",
                "x/src/a.rs:2: crate::b::B",
                "x/src/b.rs:1: crate::c",
                "x/src/c.rs:1: crate::a::g",
            ]
            .map(|line| line.replace("crate::", ""))
        );
    }

    #[test]
    fn one_way_is_no_circle() {
        let files = [
            ("lib.rs", "pub mod a; mod b; pub use b::B;"),
            ("a.rs", "use crate::B;"),
            ("b.rs", "use std::fmt;"),
        ];
        assert!(told(&files).is_empty());
    }

    #[test]
    fn what_the_root_exports_again_is_where_it_is() {
        let files =
            [("lib.rs", "mod a; mod b; pub use b::B;"), ("a.rs", "use crate::B;"), ("b.rs", "use crate::a;")];
        assert!(told(&files)[0].starts_with("x/src: a → b → a"));
        let renamed = [
            ("lib.rs", "mod a; mod b; pub use b as q;"),
            ("a.rs", "fn f() -> crate::q::B {}"),
            ("b.rs", "use super::a::*;"),
        ];
        assert_eq!(told(&renamed).len(), 1);
    }

    #[test]
    fn a_folder_is_one_room_and_has_rooms_of_its_own() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod one; mod two; pub use self::one::One;"),
            ("a/one.rs", "use crate::b::B;"),
            ("a/two.rs", "use super::One;"),
            ("b.rs", ""),
        ];
        assert!(told(&files).is_empty());
        let mut outer = files;
        outer[4].1 = "use crate::a::two::Two;";
        assert!(told(&outer)[0].starts_with("x/src: a → b → a"), "{:?}", told(&outer));
        let mut inner = files;
        inner[2].1 = "use super::two::Two;";
        assert!(told(&inner)[0].starts_with("x/src/a: one → two → one"), "{:?}", told(&inner));
    }

    #[test]
    fn the_file_of_a_folder_stands_for_it() {
        let files = [
            ("main.rs", "mod a; use a::A; fn f() {}"),
            ("a.rs", "mod one; use one::One; pub struct A;"),
            ("a/one.rs", "use super::A; fn g() { crate::f() }"),
        ];
        assert!(told(&files).is_empty(), "{:?}", told(&files));
    }

    #[test]
    fn tests_comments_and_texts_are_not_looked_at() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B;"),
            (
                "b.rs",
                "// use crate::a;\n/* crate::a::A */ /// [`A`](crate::a::A)\n#[cfg(test)]\nuse crate::a::{A, B};\n\
                 const T: (&str, &str, char) = (\"crate::a::A\", r#\"\"crate::a::A\"#, '\"');\n\
                 #[cfg(all(test, feature = \"x\"))]\n#[path = \"b_tests.rs\"]\nmod tests;\n\
                 #[cfg(test)]\nmod more { use crate::a; }\nstruct S<'a> { #[cfg(test)] a: crate::a::A, b: &'a str }",
            ),
            ("b_tests.rs", "use crate::a;"),
            ("b/tests.rs", "use crate::a;"),
        ];
        assert!(told(&files).is_empty(), "{:?}", told(&files));
    }

    #[test]
    fn a_module_in_a_file_is_a_part_of_it() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "mod inner { use super::A; use super::super::b::B; mod deep { use super::super::A; } } struct A;",
            ),
            ("b.rs", "use crate::a::inner::X;"),
        ];
        assert_eq!(told(&files).len(), 1);
        let one_way = [files[0], files[1], ("b.rs", "")];
        assert!(told(&one_way).is_empty());
    }

    #[test]
    fn of_many_circles_the_shortest_is_told() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b;"),
            ("b.rs", "use crate::c;"),
            ("c.rs", "use crate::{a, b};"),
        ];
        let found = told(&files);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("x/src: b → c → b\n  and more circles among a, b, c"), "{}", found[0]);
    }
}
