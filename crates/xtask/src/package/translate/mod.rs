//! The client as plain JavaScript, for places that refuse WebAssembly: the same module through Binaryen's `wasm2js`.
//!
//! `wasm2js` takes no module with several tables, so that this one is made without references: JavaScript's values are
//! kept in an array of the glue. wasm-bindgen goes by what the module says of its features, and never by an option.

mod hermetic;
mod saturate;

pub(crate) use hermetic::tests;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::names::{Names, shortened};
use super::wasm_opt::{Module, OUTPUT, TRANSLATED as CLIENT, read};
use crate::progress::Step;
use crate::repo::Repo;

/// Where wasm-bindgen asks for the end of the values that are always there. It answers itself where there are
/// references; where there are none it does so too, but in Rust, and only if all was compiled without them.
const STATICS_END: &str =
    " (import \"__wbindgen_externref_xform__\" \"__wbindgen_externref_statics_end\" (func $";

/// The same number in the glue.
const STATICS_END_IN_GLUE: (&str, &str) = ("function dropObject(idx) {\n    if (idx < ", ")");

/// By which wasm2js returns the upper half of 64 bits.
const UPPER_HALF: &str = "TempRet0";

/// What wasm-bindgen makes of a module without references.
struct Bound {
    module: PathBuf,
    glue: String,
}

/// Translates what cargo made for wasm-pack. Returns the module as JavaScript; the glue that fits it is [`glue`].
pub(super) fn run(repo: &Repo, compiled: &Path) -> Result<String> {
    let bound = bind(repo, &CLIENT, compiled)?;
    let names = CLIENT.shrink(repo, &bound.module, |text| edited(&text, &bound.glue))?;
    only_32_bits(&read(&CLIENT.at(repo, "all.wat"))?, &names)?;
    fs::write(glue(repo), shortened(&bound.glue, &names)?)?;
    read(&translated(repo, &CLIENT)?)
}

/// The glue for the translated client.
pub(super) fn glue(repo: &Repo) -> PathBuf {
    CLIENT.at(repo, "durablefetch.short.js")
}

/// wasm-bindgen on the module, which says that it is made without references. What it says itself wins over options, so that
/// is forgotten first.
fn bind(repo: &Repo, module: &Module, compiled: &Path) -> Result<Bound> {
    fs::create_dir_all(module.at(repo, ""))?;
    let forgetful = module.at(repo, "forgetful.wasm");
    let mut forget = repo.command("wasm-opt");
    forget.args(["-g", "--strip-target-features"]).arg(compiled).arg("-o").arg(&forgetful);
    module.step(repo, "wasm-opt to forgetful.wasm", forget)?;
    module.wasm_opt(repo, &forgetful, &["-g", "--emit-target-features"], "compiled.wasm")?;

    let folder = module.at(repo, "bound");
    let mut bindgen = repo.command("wasm-bindgen");
    bindgen.args(["--target", "web", "--out-name", "durablefetch", "--out-dir"]).arg(&folder);
    bindgen.arg(module.at(repo, "compiled.wasm"));
    module.step(repo, "wasm-bindgen", bindgen)?;
    Ok(Bound { module: folder.join(super::MODULE), glue: read(&folder.join(super::GLUE))? })
}

/// The module, as text, with all that makes it fit for `wasm2js`.
fn edited(module: &str, glue: &str) -> Result<String> {
    saturate::by_functions(&with_statics_end(module, glue)?)
}

/// The module with a function of its own in the place of wasm-bindgen's.
fn with_statics_end(module: &str, glue: &str) -> Result<String> {
    let (before, after) = STATICS_END_IN_GLUE;
    let end = glue.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    let (end, _) =
        end.context("the glue does not say which values are always there: did wasm-bindgen change?")?;
    let line = module.lines().find(|line| line.starts_with(STATICS_END));
    let line =
        line.context("the module does not ask which values are always there: did wasm-bindgen change?")?;
    let name = line.trim_start_matches(STATICS_END).trim_end_matches(" (result i32)))");
    let function = format!(" (func ${name} (result i32)\n  (i32.const {end})\n )\n)");
    // Functions come after imports.
    let rest = module.replacen(&format!("{line}\n"), "", 1);
    let rest = rest.trim_end().strip_suffix(')').context("the module does not end")?;
    Ok([rest, &function, "\n"].concat())
}

/// [`OUTPUT`] as a file with an ES module, whose one export makes instances.
fn translated(repo: &Repo, module: &Module) -> Result<PathBuf> {
    // For Emscripten it is a function that makes instances, and else it is one instance, made at import.
    let arguments = [&["-Oz", "--emscripten"], module.features].concat();
    let input = module.at(repo, OUTPUT);
    let long = module.at(repo, "long.js");
    module.unless_made(repo, "wasm2js", &input, &arguments, "long.js", || {
        let mut wasm2js = repo.command("wasm2js");
        wasm2js.args(&arguments).arg(&input).arg("-o").arg(&long);
        module.step(repo, "wasm2js", wasm2js)?;
        let made = read(&long)?;
        if !made.starts_with("function instantiate(info) {") || made.contains(UPPER_HALF) {
            bail!(
                "wasm2js makes no function `instantiate`, or one that returns 64 bits: did Binaryen change?"
            );
        }
        Ok(fs::write(&long, made + "\nexport { instantiate };\n")?)
    })?;
    minified(repo, module, &long)
}

/// Fails if a number of 64 bits crosses: it would come in two parts, of which wasm-bindgen's glue knows nothing.
fn only_32_bits(module: &str, names: &Names) -> Result<()> {
    let imports = module.lines().filter(|line| line.starts_with(" (import"));
    let signature = |line: &str| line.find(" (param").or(line.find(" (result")).unwrap_or(line.len());
    let mut wide = imports.filter(|line| line[signature(line)..].contains("i64"));
    match wide.find(|line| names.imports.iter().any(|(_, name, _)| line.contains(&format!("\"{name}\"")))) {
        None => Ok(()),
        Some(line) => bail!(
            "a number of 64 bits would pass between the client and JavaScript:{line}\n  \
             what to do: pass it as f64, as clock::now does"
        ),
    }
}

/// Half as long: wasm2js writes a line for each instruction.
fn minified(repo: &Repo, module: &Module, long: &Path) -> Result<PathBuf> {
    let short = module.at(repo, "short.js");
    let mut esbuild = repo.command("esbuild");
    esbuild.arg(long).args(["--minify", "--format=esm"]).arg(format!("--outfile={}", short.display()));
    Step::new(repo, format!("{}: esbuild", module.folder), esbuild).run()?;
    Ok(short)
}

#[cfg(test)]
mod tests {
    use super::{Names, only_32_bits, with_statics_end};

    const GLUE: &str = "function dropObject(idx) {\n    if (idx < 1028) return;\n}\n";

    #[test]
    fn a_function_answers_for_wasm_bindgen() {
        let module = "(module\n (import \"__wbindgen_externref_xform__\" \"__wbindgen_externref_statics_end\" \
                      (func $\"a[1]::end\" (result i32)))\n (memory $0 17)\n)\n";
        let wanted =
            "(module\n (memory $0 17)\n (func $\"a[1]::end\" (result i32)\n  (i32.const 1028)\n )\n)\n";
        assert_eq!(with_statics_end(module, GLUE).unwrap(), wanted);
        assert!(with_statics_end("(module\n)\n", GLUE).is_err());
        assert!(with_statics_end(module, "").is_err());
    }

    #[test]
    fn numbers_of_64_bits_stay_inside() {
        let names = r#"{ "imports": [["a", "f", "x"], ["a", "g", "y"]], "exports": [] }"#;
        let names: Names = serde_json::from_str(names).unwrap();
        let fine =
            " (import \"a\" \"f\" (func $f (param i32)))\n (import \"a\" \"unused\" (func $h (param i64)))\n";
        assert!(only_32_bits(fine, &names).is_ok());
        for wide in ["(param i64)", "(param i32 i64)", "(result i64)"] {
            assert!(
                only_32_bits(&format!("{fine} (import \"a\" \"g\" (func $g {wide}))\n"), &names).is_err()
            );
        }
    }
}
