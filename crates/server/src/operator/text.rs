//! What the commands print for people.

use std::fmt::Write;

use serde_json::Value;

/// `1.2 MB`
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 99.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// `3 min`
fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn or_dash(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `failed (upstream-idle)`
fn state(recording: &Value) -> String {
    match recording["cause"].as_str() {
        Some(cause) => format!("{} ({cause})", or_dash(&recording["state"])),
        None => or_dash(&recording["state"]),
    }
}

/// A table whose columns are as wide as they have to be; those named are numbers.
fn table(head: &[&str], numbers: &[usize], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = String::new();
    let head: Vec<String> = head.iter().map(|text| (*text).to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            let _ = if numbers.contains(&column) {
                write!(line, "{cell:>width$}  ")
            } else {
                write!(line, "{cell:<width$}  ")
            };
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// One line a recording, the latest first.
pub(super) fn list(value: &Value, now_ms: u64) -> String {
    let recordings = value["recordings"].as_array().cloned().unwrap_or_default();
    if recordings.is_empty() {
        return "no recordings\n".to_owned();
    }
    // Of a cluster, each says who has its URL.
    let is_shared = recordings.iter().any(|recording| recording.get("node").is_some());
    let rows: Vec<Vec<String>> = recordings
        .iter()
        .map(|recording| {
            let mut row = vec![
                or_dash(&recording["recording"]),
                state(recording),
                or_dash(&recording["upstream_status"]),
                size(number(&recording["bytes"])),
                age(now_ms.saturating_sub(number(&recording["started_ms"]))),
                recording["readers"].to_string(),
                or_dash(&recording["scope"]),
            ];
            if is_shared {
                row.push(or_dash(&recording["node"]));
            }
            row.push(or_dash(&recording["url"]));
            row
        })
        .collect();
    let mut head = vec!["RECORDING", "STATE", "STATUS", "SIZE", "AGE", "READERS", "SCOPE", "URL"];
    if is_shared {
        head.insert(head.len() - 1, "NODE");
    }
    let mut out = table(&head, &[2, 3, 4, 5], &rows);
    if value["more"] == true {
        let _ = writeln!(out, "and more: --limit shows them");
    }
    out
}

/// All of one recording.
pub(super) fn show(value: &Value, now_ms: u64) -> String {
    let ago = |name: &str| match value[name].as_u64() {
        Some(at_ms) => format!("{} ago", age(now_ms.saturating_sub(at_ms))),
        None => "-".to_owned(),
    };
    let mut rows = vec![
        ("recording", or_dash(&value["recording"])),
        ("url", or_dash(&value["url"])),
        ("scope", or_dash(&value["scope"])),
        ("state", state(value)),
        ("upstream status", or_dash(&value["upstream_status"])),
        ("size", format!("{} ({} bytes)", size(number(&value["bytes"])), value["bytes"])),
        ("chunks", value["chunks"].to_string()),
        ("readers", value["readers"].to_string()),
        ("started", ago("started_ms")),
        ("ended", ago("ended_ms")),
        ("last used", ago("used_ms")),
    ];
    if let Some(node) = value.get("node") {
        rows.push(("node", or_dash(node)));
    }
    if value["retired"] == true {
        rows.push(("retired", "a later one has replaced it: it answers continuations only".to_owned()));
    }
    for (label, name) in [
        ("request", "request"),
        ("method", "method"),
        ("traceparent", "traceparent"),
        ("first byte after, ms", "first_byte_ms"),
        ("readers so far", "readers_so_far"),
    ] {
        if !value[name].is_null() {
            rows.push((label, or_dash(&value[name])));
        }
    }
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (label, text) in rows {
        let _ = writeln!(out, "{label:<width$}  {text}");
    }
    for header in value["headers"].as_array().into_iter().flatten() {
        let _ = writeln!(out, "  {}", or_dash(header));
    }
    out
}

/// What is stored, and whose it is.
pub(super) fn usage(value: &Value) -> String {
    let mut out = String::new();
    let bytes = |name: &str| size(number(&value[name]));
    let _ = match value.get("limit") {
        Some(_) => writeln!(
            out,
            "{} of {} (--max-disk-bytes): {} in bodies, {} in the database",
            bytes("bytes"),
            bytes("limit"),
            bytes("bodies"),
            bytes("database")
        ),
        None => writeln!(
            out,
            "{} of {} (--max-cluster-bytes) in bodies; the tables in the cluster's database take {}",
            bytes("bodies"),
            bytes("cluster_limit"),
            bytes("bytes")
        ),
    };
    let _ = writeln!(out, "{} recordings, {} of them live", value["recordings"], value["live"]);
    if !value["free"].is_null() {
        let _ = writeln!(out, "{} are free on the disk", bytes("free"));
    }
    let scopes: Vec<Vec<String>> = value["scopes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|scope| {
            vec![or_dash(&scope["scope"]), size(number(&scope["bytes"])), scope["recordings"].to_string()]
        })
        .collect();
    if !scopes.is_empty() {
        let _ = write!(out, "\n{}", table(&["SCOPE", "SIZE", "RECORDINGS"], &[1, 2], &scopes));
    }
    match number(&value["more_scopes"]) {
        0 => {}
        more => _ = writeln!(out, "and {more} more scopes with less"),
    }
    out
}

/// What `rm` has done.
pub(super) fn removed(value: &Value) -> String {
    match number(&value["removed"]) {
        1 => "1 recording is removed\n".to_owned(),
        many => format!("{many} recordings are removed\n"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_and_ages_are_for_people() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (99_949, "99.9 kB"),
            (100_000, "100 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (17_179_869_184, "17.2 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        for (ms, text) in
            [(0, "0 s"), (119_999, "119 s"), (120_000, "2 min"), (7_200_000, "2 h"), (172_800_000, "2 d")]
        {
            assert_eq!(age(ms), text);
        }
    }

    #[test]
    fn a_list_has_a_line_for_each_and_says_that_there_are_more() {
        let recording = json!({ "recording": "A", "state": "failed", "cause": "upstream-idle", "bytes": 1500,
            "readers": 0, "started_ms": 1000, "url": "https://a.example/" });
        let text = list(&json!({ "recordings": [recording], "more": true }), 61_000);
        assert_eq!(
            text,
            "RECORDING  STATE                   STATUS    SIZE   AGE  READERS  SCOPE  URL\n\
             A          failed (upstream-idle)       -  1.5 kB  60 s        0  -      https://a.example/\n\
             and more: --limit shows them\n"
        );
        assert_eq!(list(&json!({ "recordings": [] }), 0), "no recordings\n");
    }
}
