//! What a source file uses: the paths in it that begin with `crate`, `self` or `super`.

use std::collections::BTreeSet;
use std::str::FromStr;

use anyhow::{Context as _, Result, anyhow};
use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};

/// A path in a file.
pub(super) struct Use {
    pub(super) line: usize,
    pub(super) path: Vec<String>,
    /// What a `use` names it; `None` elsewhere and for `*`.
    pub(super) name: Option<String>,
}

/// The paths of a file, each from the crate's root. What is for tests alone is left out.
pub(super) fn uses(text: &str, module: &[String]) -> Result<Vec<Use>> {
    let tokens = TokenStream::from_str(text).map_err(|error| anyhow!("{error}"))?;
    let all: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let child = |it: &[TokenTree]| match it {
        [TokenTree::Ident(word), TokenTree::Ident(name), end] if word == "mod" && is(end, ';') => {
            Some(name.to_string())
        }
        _ => None,
    };
    let children = all.windows(3).filter_map(child).collect();
    let mut reader = Reader { module, children, found: Vec::new() };
    reader.read(tokens, 0)?;
    Ok(reader.found)
}

struct Reader<'a> {
    module: &'a [String],
    /// Modules that the file declares: a `use` of one may leave out `self`.
    children: BTreeSet<String>,
    found: Vec<Use>,
}

impl Reader<'_> {
    /// `inner` is how many modules of the file itself are around these tokens.
    fn read(&mut self, tokens: TokenStream, inner: usize) -> Result<()> {
        let all: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < all.len() {
            if let Some(is_for_tests) = attribute(&all[at..]) {
                at += 2;
                if is_for_tests {
                    while attribute(&all[at..]).is_some() {
                        at += 2;
                    }
                    at += item(&all[at..]);
                }
                continue;
            }
            match &all[at..] {
                // Not the `use<'a>` of a type.
                [TokenTree::Ident(word), next, ..] if word == "use" && !is(next, '<') => {
                    let end =
                        at + all[at..].iter().position(|it| is(it, ';')).context("a use without an end")?;
                    let item: syn::ItemUse = syn::parse2(all[at..=end].iter().cloned().collect())?;
                    self.tree(&item.tree, &[], inner);
                    at = end;
                }
                [TokenTree::Ident(word), _, TokenTree::Group(body), ..] if word == "mod" => {
                    self.read(body.stream(), inner + 1)?;
                    at += 2;
                }
                [TokenTree::Ident(first), ..]
                    if ["crate", "self", "super"].iter().any(|word| first == word)
                        && !at.checked_sub(1).is_some_and(|before| is(&all[before], '$')) =>
                {
                    let mut path = vec![first.to_string()];
                    while let [_, a, b, TokenTree::Ident(segment), ..] = &all[at..]
                        && is(a, ':')
                        && is(b, ':')
                    {
                        path.push(segment.to_string());
                        at += 3;
                    }
                    if path.len() > 1 {
                        self.add(first.span(), path, None, inner);
                    }
                }
                [TokenTree::Group(group), ..] => self.read(group.stream(), inner)?,
                _ => {}
            }
            at += 1;
        }
        Ok(())
    }

    fn tree(&mut self, tree: &syn::UseTree, prefix: &[String], inner: usize) {
        let joined = |ident: &Ident| [prefix, &[ident.to_string()]].concat();
        match tree {
            syn::UseTree::Path(it) => self.tree(&it.tree, &joined(&it.ident), inner),
            syn::UseTree::Group(it) => it.items.iter().for_each(|tree| self.tree(tree, prefix, inner)),
            syn::UseTree::Name(it) if it.ident == "self" => {
                self.add(it.ident.span(), prefix.to_vec(), prefix.last().cloned(), inner);
            }
            syn::UseTree::Name(it) => {
                self.add(it.ident.span(), joined(&it.ident), Some(it.ident.to_string()), inner)
            }
            syn::UseTree::Rename(it) => {
                self.add(it.ident.span(), joined(&it.ident), Some(it.rename.to_string()), inner)
            }
            syn::UseTree::Glob(it) => {
                self.add(it.star_token.spans[0], prefix.to_vec(), None, inner);
            }
        }
    }

    fn add(&mut self, at: Span, mut path: Vec<String>, name: Option<String>, inner: usize) {
        if path.first().is_some_and(|first| self.children.contains(first)) {
            path.insert(0, "self".into());
        }
        if let Some(path) = absolute(&path, self.module, inner) {
            self.found.push(Use { line: at.start().line, path, name: name.filter(|_| inner == 0) });
        }
    }
}

fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// Where an attribute begins: whether it says that what follows is for tests alone.
fn attribute(all: &[TokenTree]) -> Option<bool> {
    let [sign, TokenTree::Group(group), ..] = all else { return None };
    (is(sign, '#') && group.delimiter() == Delimiter::Bracket).then(|| {
        let text = group.stream().to_string();
        let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric()).collect();
        words[0] == "cfg" && words.contains(&"test") && !words.contains(&"not")
    })
}

/// How many tokens an item, a statement, a field or an arm has.
fn item(all: &[TokenTree]) -> usize {
    const ITEMS: &[&str] =
        &["pub", "fn", "mod", "impl", "struct", "enum", "trait", "unsafe", "async", "extern"];
    let is_item = all.first().is_some_and(|first| ITEMS.contains(&first.to_string().as_str()));
    let is_last = |token: &TokenTree| match token {
        TokenTree::Group(group) => is_item && group.delimiter() == Delimiter::Brace,
        token => is(token, ';') || !is_item && is(token, ','),
    };
    all.iter().position(is_last).map_or(all.len(), |last| last + 1)
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
