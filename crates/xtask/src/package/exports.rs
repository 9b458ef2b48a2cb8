//! Every file that the manifest names must be in the package: a typo there shows only at a user's place.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Checks `main`, `module`, `types` and every target in `exports`.
pub(crate) fn check(pkg: &Path) -> Result<()> {
    let text = fs::read_to_string(pkg.join("package.json")).context("pkg/ has no package.json")?;
    let json: Value = serde_json::from_str(&text)?;
    let mut targets = Vec::new();
    for field in ["main", "module", "types", "exports"] {
        collect(json.get(field).unwrap_or(&Value::Null), &mut targets);
    }
    let missing: Vec<_> = targets.iter().filter(|target| !pkg.join(target).is_file()).collect();
    if !missing.is_empty() {
        bail!("pkg/package.json names files that are not in the package: {missing:?}");
    }
    Ok(())
}

fn collect(value: &Value, targets: &mut Vec<String>) {
    match value {
        Value::String(target) if !target.contains('*') => targets.push(target.clone()),
        Value::Object(conditions) => conditions.values().for_each(|value| collect(value, targets)),
        Value::Array(fallbacks) => fallbacks.iter().for_each(|value| collect(value, targets)),
        _ => {}
    }
}
