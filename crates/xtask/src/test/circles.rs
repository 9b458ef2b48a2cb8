//! No circles between the modules of a crate: what uses what is read from the paths in its sources.
//!
//! A folder of modules is looked at like a house with rooms: each file in it is a room, and each folder in it is one,
//! together with the file of its name. A path from a file to another makes an arrow between the two rooms in which
//! they part. At each level, from `src` down, the arrows must not go in a circle.
//!
//! - `lib.rs`, `main.rs` and `mod.rs` stand for their folder: they may use what is in it and be used by it.
//! - Re-exports are followed to where a thing is, `use x::*` is not.
//! - Tests are left out: what is under `#[cfg(test)]`, and files named `tests.rs` or `*_tests.rs`.
//! - Paths count that begin with `crate`, `self` or `super`, in a `use` or anywhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::repo::Repo;

const CRATES: &[&str] = &[
    "src",
    "crates/protocol/src",
    "crates/server/src",
    "crates/worker/src",
    "crates/conformance/src",
    "crates/xtask/src",
    "crates/bench/src",
    "crates/chaos/src",
];
/// Use lines that are shown of each arrow of a circle.
const SHOWN: usize = 3;

/// Looks for circles in every crate.
pub(super) fn check(repo: &Repo) -> Result<()> {
    let mut found = 0;
    for folder in CRATES {
        let mut files = Vec::new();
        read(&repo.path(folder), folder, &mut files)?;
        for circle in circles(&files) {
            eprintln!("{circle}");
            found += 1;
        }
    }
    if found > 0 {
        bail!("{found} circles of modules: move what both need into a module of its own, below them");
    }
    Ok(())
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

/// A path in a file.
struct Use {
    line: usize,
    path: Vec<String>,
    /// What a `use` names it; `None` elsewhere and for `*`.
    name: Option<String>,
}

/// One arrow between rooms, with the lines that make it.
type Arrows = BTreeMap<(String, String), Vec<String>>;

/// The circles of a crate, each told in a few lines.
fn circles(files: &[File]) -> Vec<String> {
    let mut modules: BTreeMap<Module, Vec<(&str, Use)>> = BTreeMap::new();
    for file in files {
        let Some(module) = module_of(&file.path) else { continue };
        let uses = uses(&tokens(&file.text), &module);
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
    levels.iter().flat_map(|(level, arrows)| circles_at(level, arrows, files)).collect()
}

fn circles_at(level: &[String], arrows: &Arrows, files: &[File]) -> Vec<String> {
    let root = files.first().map_or("", |file| file.path.split("src/").next().unwrap_or_default());
    let place = [&[format!("{root}src")], level].concat().join("/");
    let mut told = Vec::new();
    for rooms in knots(arrows) {
        let circle = shortest_circle(&rooms, arrows);
        let mut text = format!("{place}: {}", circle.join(" → "));
        if rooms.len() >= circle.len() {
            let all: Vec<_> = rooms.iter().map(String::as_str).collect();
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
fn knots(arrows: &Arrows) -> Vec<BTreeSet<String>> {
    let rooms: BTreeSet<&String> = arrows.keys().flat_map(|(a, b)| [a, b]).collect();
    let reached: BTreeMap<&String, BTreeSet<String>> =
        rooms.iter().map(|room| (*room, reach(room, arrows))).collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for room in rooms {
        if reached[room].contains(room) && !found.iter().any(|knot| knot.contains(room)) {
            found.push(reached[room].iter().filter(|other| reached[other].contains(room)).cloned().collect());
        }
    }
    found
}

fn reach(start: &str, arrows: &Arrows) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut next = vec![start.to_owned()];
    while let Some(room) = next.pop() {
        for (_, to) in arrows.keys().filter(|(from, _)| *from == room) {
            if seen.insert(to.clone()) {
                next.push(to.clone());
            }
        }
    }
    seen
}

/// The fewest rooms of a knot that make a circle; the first stands at both ends.
fn shortest_circle(knot: &BTreeSet<String>, arrows: &Arrows) -> Vec<String> {
    let ways = knot.iter().filter_map(|start| {
        let mut ways = vec![vec![start.clone()]];
        let mut seen = BTreeSet::new();
        while !ways.is_empty() {
            let mut longer = Vec::new();
            for way in ways {
                for (_, to) in arrows.keys().filter(|(from, _)| Some(from) == way.last()) {
                    let grown = [way.as_slice(), std::slice::from_ref(to)].concat();
                    if to == start {
                        return Some(grown);
                    }
                    if seen.insert(to.clone()) {
                        longer.push(grown);
                    }
                }
            }
            ways = longer;
        }
        None
    });
    ways.min_by_key(Vec::len).unwrap_or_default()
}

/// `None` for a file of tests.
fn module_of(path: &str) -> Option<Module> {
    let (_, inside) = path.rsplit_once("src/")?;
    let mut module: Module = inside.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    let name = module.last()?.as_str();
    if name == "tests" || name.ends_with("_tests") {
        return None;
    }
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

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    line: usize,
    text: String,
}

/// Words and signs, without comments and literals, and without what is for tests alone.
fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let start = at;
        match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            '/' if chars.get(at + 1) == Some(&'*') => {
                at += 2;
                while at < chars.len() && !(chars[at] == '/' && chars[at - 1] == '*') {
                    at += 1;
                }
                at += 1;
            }
            '"' => at = after_string(&chars, at),
            '\'' => at = after_quote(&chars, at),
            c if c.is_alphanumeric() || c == '_' => {
                while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                    at += 1;
                }
                let word: String = chars[start..at].iter().collect();
                if matches!(word.as_str(), "r" | "br") && matches!(chars.get(at), Some('"' | '#')) {
                    at = after_raw_string(&chars, at);
                } else {
                    out.push(Token { line, text: word });
                }
            }
            ':' if chars.get(at + 1) == Some(&':') => {
                at += 2;
                out.push(Token { line, text: "::".into() });
            }
            c => {
                at += 1;
                if !c.is_whitespace() {
                    out.push(Token { line, text: c.into() });
                }
            }
        }
        line += chars[start..at.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    without_tests(&out)
}

fn after_string(chars: &[char], mut at: usize) -> usize {
    at += 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// After a character, or after the quote of a lifetime.
fn after_quote(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => (at + 3..chars.len()).find(|i| chars[*i] == '\'').map_or(chars.len(), |i| i + 1),
        (_, Some('\'')) => at + 3,
        _ => at + 1,
    }
}

/// `at` is that of the first `#` or of the quote. What begins like one and is none is a raw identifier.
fn after_raw_string(chars: &[char], at: usize) -> usize {
    let hashes = chars[at..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + hashes) != Some(&'"') {
        return at + hashes;
    }
    let is_end = |i: &usize| {
        chars[*i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    (at + hashes + 1..chars.len()).find(is_end).map_or(chars.len(), |i| i + 1 + hashes)
}

fn without_tests(all: &[Token]) -> Vec<Token> {
    let is = |at: usize, text: &str| all.get(at).is_some_and(|token| token.text == text);
    let mut out = Vec::new();
    let mut at = 0;
    while at < all.len() {
        if !(is(at, "#") && is(at + 1, "[")) {
            out.push(all[at].clone());
            at += 1;
            continue;
        }
        let end = closing(all, at + 1);
        let attribute: Vec<&str> = all[at..end].iter().map(|token| token.text.as_str()).collect();
        at = end;
        if attribute.get(2) == Some(&"cfg") && attribute.contains(&"test") && !attribute.contains(&"not") {
            while is(at, "#") {
                at = closing(all, at + 1);
            }
            at = after_item(all, at);
        }
    }
    out
}

/// After the bracket that closes the one at `at`.
fn closing(all: &[Token], at: usize) -> usize {
    let mut depth = 0_usize;
    for (i, token) in all.iter().enumerate().skip(at) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    all.len()
}

/// After an item, a statement, a field or an arm.
fn after_item(all: &[Token], mut at: usize) -> usize {
    const ITEMS: &[&str] = &["fn", "mod", "impl", "struct", "enum", "trait", "unsafe", "async", "extern"];
    if all.get(at).is_some_and(|token| token.text == "pub") {
        at += 1;
        if all.get(at).is_some_and(|token| token.text == "(") {
            at = closing(all, at);
        }
    }
    let Some(first) = all.get(at) else { return at };
    let is_item = ITEMS.contains(&first.text.as_str());
    while let Some(token) = all.get(at) {
        match token.text.as_str() {
            ";" => return at + 1,
            "," if !is_item => return at + 1,
            "}" => return at,
            "{" if is_item => return closing(all, at),
            "(" | "[" | "{" => at = closing(all, at),
            _ => at += 1,
        }
    }
    at
}

/// The paths of a file, each from the crate's root.
fn uses(all: &[Token], module: &[String]) -> Vec<Use> {
    let text = |at: usize| all.get(at).map_or("", |token| token.text.as_str());
    let mut out = Vec::new();
    // The modules that are written out in the file, with the brackets that were open.
    let mut inner: Vec<(String, usize)> = Vec::new();
    let mut children: BTreeSet<&str> = BTreeSet::new();
    for at in 0..all.len() {
        if text(at) == "mod" && text(at + 2) == ";" {
            children.insert(text(at + 1));
        }
    }
    let (mut at, mut depth) = (0, 0_usize);
    while at < all.len() {
        match text(at) {
            "mod" if text(at + 2) == "{" => {
                depth += 1;
                inner.push((text(at + 1).to_owned(), depth));
                at += 3;
            }
            "{" => {
                depth += 1;
                at += 1;
            }
            "}" => {
                if inner.last().is_some_and(|(_, opened)| *opened == depth) {
                    inner.pop();
                }
                depth = depth.saturating_sub(1);
                at += 1;
            }
            "use" => {
                let mut leaves = Vec::new();
                let line = all[at].line;
                at = use_tree(all, at + 1, &[], &mut leaves);
                for (line_of, path, name) in leaves {
                    // Where it is a child, a `use` may leave out `self`.
                    let bare = path.first().is_some_and(|first| children.contains(first.as_str()));
                    let path = if bare { [&["self".to_owned()], path.as_slice()].concat() } else { path };
                    if let Some(path) = absolute(&path, module, inner.len()) {
                        out.push(Use {
                            line: line_of.unwrap_or(line),
                            path,
                            name: name.filter(|_| inner.is_empty()),
                        });
                    }
                }
            }
            "crate" | "self" | "super"
                if text(at + 1) == "::" && !matches!(at.checked_sub(1).map(text), Some("$" | "::")) =>
            {
                let line = all[at].line;
                let mut path = vec![text(at).to_owned()];
                at += 1;
                while text(at) == "::" && text(at + 1).starts_with(|c: char| c.is_alphabetic() || c == '_') {
                    path.push(text(at + 1).to_owned());
                    at += 2;
                }
                if let Some(path) = absolute(&path, module, inner.len()) {
                    out.push(Use { line, path, name: None });
                }
            }
            _ => at += 1,
        }
    }
    out
}

type Leaf = (Option<usize>, Vec<String>, Option<String>);

/// Reads a tree of a `use` up to what follows it.
fn use_tree(all: &[Token], mut at: usize, prefix: &[String], leaves: &mut Vec<Leaf>) -> usize {
    let text = |at: usize| all.get(at).map_or("", |token| token.text.as_str());
    let mut path = prefix.to_vec();
    let line = all.get(at).map(|token| token.line);
    loop {
        match text(at) {
            "::" => at += 1,
            "{" => {
                at += 1;
                while !matches!(text(at), "}" | "") {
                    at = use_tree(all, at, &path, leaves);
                    if text(at) == "," {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "*" => {
                leaves.push((line, path, None));
                return at + 1;
            }
            "as" => {
                leaves.push((line, path, Some(text(at + 1).to_owned())));
                return at + 2;
            }
            "self" if path.len() == prefix.len() && !prefix.is_empty() => at += 1,
            "," | "}" | ";" | "" => {
                let name = path.last().cloned();
                leaves.push((line, path, name));
                return at;
            }
            word => {
                path.push(word.to_owned());
                at += 1;
            }
        }
    }
}

/// A path from the crate's root; `None` for one into another crate. `inner` is how many modules of the file itself are
/// around it.
fn absolute(path: &[String], module: &[String], inner: usize) -> Option<Vec<String>> {
    let mut base: Vec<String> = module.to_vec();
    // Modules of the file itself are a part of it: what is in them is in the file.
    let mut inner = inner;
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => return Some(rest[1..].to_vec()),
        "self" => rest = &rest[1..],
        "super" => {}
        _ => return None,
    }
    if path[0] == "self" && inner > 0 {
        return Some(base);
    }
    while rest.first().is_some_and(|segment| segment == "super") {
        rest = &rest[1..];
        if inner > 0 {
            inner -= 1;
        } else {
            base.pop();
        }
    }
    if inner > 0 {
        return Some(base);
    }
    Some([base.as_slice(), rest].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(files: &[(&str, &str)]) -> Vec<String> {
        let file = |(path, text): &(&str, &str)| File { path: format!("x/src/{path}"), text: (*text).into() };
        circles(&files.iter().map(file).collect::<Vec<_>>())
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
