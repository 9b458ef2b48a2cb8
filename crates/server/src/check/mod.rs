//! `durablefetch check URL`: measures the way to a recorder, through all that stands in front of it, and says what
//! to change.

mod advice;
mod headers;
mod probe;
mod upstream;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use durablefetch_protocol::demo::SILENCE_MAX_S;
use durablefetch_protocol::units;
use url::Url;

use probe::Way;

/// The arguments of `durablefetch check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Where a browser reaches the recorder, such as `https://app.example/df`.
    #[arg(value_name = "URL", value_parser = parse_url)]
    url: Url,

    /// A header to send, as durablefetch-token:VALUE or durablefetch-token:@FILE; may be repeated.
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = parse_header)]
    headers: Vec<(http::HeaderName, http::HeaderValue)>,

    /// How long to look whether an answer is cut that is silent, or that takes its time.
    #[arg(long, value_name = "TIME", default_value = "70s", value_parser = parse_silence)]
    silence: Duration,

    /// A URL that the app fetches, and that answers GET: whether the recorder fetches it. It is asked with HEAD.
    #[arg(long, value_name = "URL", value_parser = parse_upstream)]
    upstream: Option<Url>,

    /// Print JSON: a list of what was found, each with `verdict` (`good`, `fair` or `bad`), `what` and `remedy`.
    #[arg(long)]
    json: bool,

    /// Take any certificate.
    #[arg(long)]
    insecure: bool,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    pub(crate) what: String,
    /// What to change, where something is to be changed.
    pub(crate) remedy: Option<String>,
}

/// How it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As it should be.
    Good,
    /// It works, and could be better.
    Fair,
    /// Something is to be changed.
    Bad,
}

impl Finding {
    pub(crate) fn good(what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Good, what: what.into(), remedy: None }
    }

    fn json(&self) -> serde_json::Value {
        let verdict = match self.verdict {
            Verdict::Good => "good",
            Verdict::Fair => "fair",
            Verdict::Bad => "bad",
        };
        serde_json::json!({ "verdict": verdict, "what": self.what, "remedy": self.remedy })
    }

    pub(crate) fn fair(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fair, what: what.into(), remedy: Some(remedy.into()) }
    }

    pub(crate) fn bad(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, what: what.into(), remedy: Some(remedy.into()) }
    }
}

/// Looks at everything and prints it. Fails where something is to be changed.
pub async fn run(check: Check) -> ExitCode {
    let is_json = check.json;
    if !is_json {
        println!("{}", check.url);
    }
    let way = match Way::new(check.url, check.headers, check.insecure) {
        Ok(way) => way,
        Err(error) => {
            eprintln!("durablefetch: {error}");
            return ExitCode::FAILURE;
        }
    };
    let recorder = probe::recorder(&way).await;
    let is_there = recorder.iter().all(|finding| finding.verdict != Verdict::Bad);
    let print = |findings: &[Finding]| {
        if !is_json {
            print(findings);
        }
    };
    print(&recorder);
    let mut found = recorder;
    if is_there {
        if !is_json {
            println!("  …    listening for {:?} whether an answer is cut", check.silence);
        }
        let held = check.silence.min(HELD);
        let (streaming, patience, upload, both_ways, large, held, fetched) = tokio::join!(
            probe::streaming(&way),
            probe::patience(&way, check.silence),
            probe::upload(&way),
            headers::both_ways(&way),
            headers::large_head(&way),
            headers::held_head(&way, held),
            upstream::fetched(&way, check.upstream.as_ref()),
        );
        for findings in [fetched, both_ways, streaming, upload, large, held, patience] {
            print(&findings);
            found.extend(findings);
        }
    }
    if is_json {
        println!("{:#}", serde_json::Value::from(found.iter().map(Finding::json).collect::<Vec<_>>()));
    }
    let is_bad = found.iter().any(|finding| finding.verdict == Verdict::Bad);
    if is_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// A model thinks for so long now and then.
const HELD: Duration = Duration::from_secs(40);

fn print(findings: &[Finding]) {
    for Finding { verdict, what, remedy } in findings {
        let mark = match verdict {
            Verdict::Good => "ok",
            Verdict::Fair => "note",
            Verdict::Bad => "BAD",
        };
        println!("  {mark:<4} {what}");
        if let Some(remedy) = remedy {
            println!("       → {remedy}");
        }
    }
}

fn parse_upstream(text: &str) -> Result<Url, String> {
    let help =
        || format!("`{text}` is not a URL that a recorder fetches: write https://api.example.com/v1/models");
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(help)
}

fn parse_url(text: &str) -> Result<Url, String> {
    let help = || format!("`{text}` is not a URL of a recorder: write https://app.example/df");
    let mut url = Url::parse(text).map_err(|_| help())?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
        return Err(help());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn parse_header(text: &str) -> Result<(http::HeaderName, http::HeaderValue), String> {
    let help = || "a header is NAME:VALUE, such as durablefetch-token:eyJ…".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(help)?;
    let value = match value.trim().strip_prefix('@') {
        None => value.to_owned(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| format!("the header's file {path} cannot be read: {error}"))?,
    };
    let mut value: http::HeaderValue = value.trim().parse().map_err(|_| help())?;
    value.set_sensitive(true);
    Ok((name.trim().parse().map_err(|_| help())?, value))
}

fn parse_silence(text: &str) -> Result<Duration, String> {
    let silence = units::duration(text)?;
    if (1..=SILENCE_MAX_S).contains(&silence.as_secs()) {
        Ok(silence)
    } else {
        Err(format!("`{text}` is not between 1s and {SILENCE_MAX_S}s"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_may_be_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cr3t\n").unwrap();
        let (name, value) = parse_header(&format!("durablefetch-token:@{}", file.path().display())).unwrap();
        assert_eq!((name.as_str(), value.as_bytes()), ("durablefetch-token", &b"s3cr3t"[..]));
        assert!(parse_header("cookie:@/nowhere").unwrap_err().contains("/nowhere"));
        assert_eq!(parse_header("cookie: a=b").unwrap().1, "a=b");
    }
}
