//! The three places that configure the worker agree: workerd's, Wrangler's and the documentation.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(here().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Its comments stand on lines of their own.
fn wrangler() -> Value {
    let text = read("../../examples/cloudflare/wrangler.jsonc");
    let json: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    serde_json::from_str(&json).expect("wrangler.jsonc is JSON with comments")
}

/// What stands between `before` and the next quote, at every place.
fn quoted<'a>(text: &'a str, before: &str) -> BTreeSet<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn wrangler_and_workerd_run_the_same() {
    let (wrangler, workerd) = (wrangler(), read("workerd.capnp"));
    assert_eq!(
        quoted(&workerd, "compatibilityDate = \""),
        BTreeSet::from([wrangler["compatibility_date"].as_str().unwrap()])
    );
    let binding = &wrangler["durable_objects"]["bindings"][0];
    assert!(workerd.contains(&format!(
        "(name = {}, durableObjectNamespace = {})",
        binding["name"], binding["class_name"]
    )));
    assert_eq!(wrangler["migrations"][0]["new_sqlite_classes"][0], binding["class_name"]);
    assert!(
        read("src/object.rs").contains(&format!("pub struct {} ", binding["class_name"].as_str().unwrap()))
    );
    assert!(read("src/front/router.rs").contains(&format!("= {};", binding["name"])));
}

#[test]
fn wrangler_uploads_what_is_built() {
    let wrangler = wrangler();
    let main = here().join("../../examples/cloudflare").join(wrangler["main"].as_str().unwrap());
    let folder = main.parent().and_then(Path::parent).unwrap().canonicalize().unwrap();
    assert_eq!(folder, here().canonicalize().unwrap());
    assert!(read("workerd.capnp").contains("embed \"build/index.js\"") && main.ends_with("build/index.js"));
}

/// Without it a fetch of another host of the zone goes behind the rules that guard that host.
#[test]
fn wrangler_fetches_from_outside() {
    assert_eq!(wrangler()["compatibility_flags"][0], "global_fetch_strictly_public");
}

#[test]
fn every_variable_is_read_bound_and_documented() {
    let workerd = read("workerd.capnp");
    let bound: BTreeSet<_> = quoted(&workerd, "fromEnvironment = \"DURABLEFETCH_");
    let readme = read("../../examples/cloudflare/README.md");
    let documented: BTreeSet<_> =
        readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(bound, documented);
    let code = read("src/config.rs") + &read("src/access.rs");
    for name in &bound {
        assert!(code.contains(&format!("\"{name}\"")), "{name} is read");
    }
    let wrangler = wrangler();
    for name in wrangler["vars"].as_object().unwrap().keys() {
        assert!(bound.contains(name.as_str()), "{name} is a variable");
    }
}
