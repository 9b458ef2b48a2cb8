//! What `/metrics` tells. Handles are made once, so that counting a chunk is an atomic addition; only the count of
//! requests looks up its label, once for each response.

use std::fmt;
use std::time::{Duration, Instant};

use durablefetch_protocol::{ErrorCode, State};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

use super::described::describe;
use super::process::Collector;
use super::removal::Removal;
use crate::cluster;

/// The content type of what [`Metrics::render`] returns.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How often what was measured is folded into the histogram, which otherwise keeps every single value.
pub(crate) const FOLD_EVERY: Duration = Duration::from_secs(5);

/// Seconds: from what memory answers to what a slow model thinks before its first byte.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0];

/// What an upstream can do wrong, and being one that is refused only when it is asked.
const UPSTREAM_ERRORS: [ErrorCode; 6] = [
    ErrorCode::UpstreamUnreachable,
    ErrorCode::UpstreamFailed,
    ErrorCode::UpstreamTimeout,
    ErrorCode::UpstreamIdle,
    ErrorCode::TooManyRedirects,
    ErrorCode::UpstreamNotAllowed,
];

/// What a recording can fail of.
const CAUSES: [ErrorCode; 11] = [
    ErrorCode::UpstreamUnreachable,
    ErrorCode::UpstreamFailed,
    ErrorCode::UpstreamTimeout,
    ErrorCode::UpstreamIdle,
    ErrorCode::TooManyRedirects,
    ErrorCode::UpstreamNotAllowed,
    ErrorCode::RecordingTooLarge,
    ErrorCode::StorageFull,
    ErrorCode::StorageFailed,
    ErrorCode::Interrupted,
    ErrorCode::Internal,
];

/// States in which a recording ends.
const ENDS: [State; 6] =
    [State::Complete, State::Stopped, State::Failed, State::Interrupted, State::Superseded, State::Deleted];

/// What is counted.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    /// Bytes that upstreams have sent.
    pub(crate) bytes_in: Counter,
    /// Bytes of bodies that readers were given.
    pub(crate) bytes_out: Counter,
    /// Reads of live recordings that memory could not serve.
    pub(crate) ring_misses: Counter,
    /// Responses that follow or replay a recording.
    pub(crate) readers: Gauge,
    /// Recordings that were started.
    pub(crate) started: Counter,
    ended: [Counter; ENDS.len()],
    upstream_errors: [Counter; UPSTREAM_ERRORS.len()],
    connecting: Gauge,
    streaming: Gauge,
    bodies: Gauge,
    database: Gauge,
    connections: Gauge,
    unwritten: Gauge,
    difference: Gauge,
    stored: Gauge,
    draining: Gauge,
    latency: Histogram,
    first_byte: Histogram,
    process: Collector,
}

/// What is known at the moment of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    /// Recordings whose upstream has not answered.
    pub(crate) connecting: usize,
    /// Recordings whose upstream is sending.
    pub(crate) streaming: usize,
    /// Bytes of all bodies.
    pub(crate) bodies: u64,
    /// What the database and its log take.
    pub(crate) database: u64,
    /// Connections that are open.
    pub(crate) connections: usize,
    /// Bytes of live recordings that are not on disk yet: how far the writer is behind.
    pub(crate) unwritten: u64,
    /// Recordings that are stored.
    pub(crate) stored: u64,
    /// The recorder shuts down.
    pub(crate) is_draining: bool,
    /// Keys in memory.
    pub(crate) keys: usize,
    /// In a cluster: what is known of it.
    pub(crate) cluster: Option<cluster::Now>,
    /// When the certificate expires, in seconds since 1970.
    pub(crate) certificate_until_s: Option<u64>,
}

impl Metrics {
    /// `node` is what the process is called.
    pub(crate) fn new(node: Option<&str>) -> Self {
        let builder = PrometheusBuilder::new();
        // Fails for an empty list alone.
        let builder = builder.set_buckets(&BUCKETS).unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let process = Collector::default();
        let made = with_local_recorder(&recorder, || {
            describe();
            process.describe();
            known_from_the_start(node);
            (
                [
                    counter!("durablefetch_upstream_bytes_total"),
                    counter!("durablefetch_reader_bytes_total"),
                    counter!("durablefetch_ring_misses_total"),
                    counter!("durablefetch_recordings_started_total"),
                ],
                ENDS.map(|state| counter!("durablefetch_recordings_ended_total", "state" => state.as_str())),
                UPSTREAM_ERRORS
                    .map(|code| counter!("durablefetch_upstream_errors_total", "code" => code.as_str())),
                [
                    gauge!("durablefetch_readers"),
                    gauge!("durablefetch_recordings", "state" => State::Connecting.as_str()),
                    gauge!("durablefetch_recordings", "state" => State::Streaming.as_str()),
                    gauge!("durablefetch_stored_bytes", "of" => "bodies"),
                    gauge!("durablefetch_stored_bytes", "of" => "database"),
                    gauge!("durablefetch_connections"),
                    gauge!("durablefetch_unwritten_bytes"),
                    gauge!("durablefetch_accounting_difference_bytes"),
                    gauge!("durablefetch_stored_recordings"),
                    gauge!("durablefetch_draining"),
                ],
                [
                    histogram!("durablefetch_http_response_seconds"),
                    histogram!("durablefetch_upstream_first_byte_seconds"),
                ],
            )
        });
        let (counters, ended, upstream_errors, gauges, [latency, first_byte]) = made;
        let [bytes_in, bytes_out, ring_misses, started] = counters;
        let [
            readers,
            connecting,
            streaming,
            bodies,
            database,
            connections,
            unwritten,
            difference,
            stored,
            draining,
        ] = gauges;
        // What has no value yet is not shown, and a rate needs its zero.
        for zero in
            [&bytes_in, &bytes_out, &ring_misses, &started].into_iter().chain(&ended).chain(&upstream_errors)
        {
            zero.increment(0);
        }
        readers.set(0.0);
        difference.set(0.0);
        Self {
            recorder,
            bytes_in,
            bytes_out,
            ring_misses,
            readers,
            started,
            ended,
            upstream_errors,
            connecting,
            streaming,
            bodies,
            database,
            connections,
            unwritten,
            difference,
            stored,
            draining,
            latency,
            first_byte,
            process,
        }
    }

    /// One more of a metric with a label.
    fn count(&self, name: &'static str, label: &'static str, value: impl Into<metrics::SharedString>) {
        with_local_recorder(&self.recorder, || counter!(name, label => value.into()).increment(1));
    }

    /// A recording has failed of this, or was interrupted.
    pub(crate) fn failed(&self, cause: ErrorCode) {
        self.count("durablefetch_recordings_failed_total", "cause", cause.as_str());
    }

    /// An upstream has answered.
    pub(crate) fn upstream_answered(&self, status: u16) {
        self.count("durablefetch_upstream_responses_total", "status", status.to_string());
    }

    /// A stored recording is removed.
    pub(crate) fn removed(&self, why: Removal) {
        self.count("durablefetch_removed_total", "reason", why.as_str());
    }

    /// Storage has failed.
    pub(crate) fn storage_error(&self, code: ErrorCode) {
        self.count("durablefetch_storage_errors_total", "code", code.as_str());
    }

    /// A request was answered with an error.
    pub(crate) fn refused(&self, code: ErrorCode) {
        self.count("durablefetch_refusals_total", "code", code.as_str());
    }

    /// The first byte of an upstream's body came so long after the start.
    pub(crate) fn first_byte(&self, ms: u64) {
        self.first_byte.record(Duration::from_millis(ms));
    }

    /// When the oldest stored recording began, in milliseconds since 1970.
    pub(crate) fn set_first_started(&self, ms: Option<u64>) {
        let seconds = ms.unwrap_or(0) as f64 / 1000.0;
        with_local_recorder(&self.recorder, || {
            gauge!("durablefetch_oldest_recording_timestamp_seconds").set(seconds);
        });
    }

    /// What there may be at most.
    pub(crate) fn set_limits(&self, limits: &[(&'static str, u64)]) {
        with_local_recorder(&self.recorder, || {
            for (of, most) in limits {
                gauge!("durablefetch_limit", "of" => *of).set(*most as f64);
            }
        });
    }

    /// A recording has ended.
    pub(crate) fn ended(&self, state: State) {
        if let Some(index) = ENDS.iter().position(|end| *end == state) {
            self.ended[index].increment(1);
        }
    }

    /// Counts what is an upstream's fault, and ignores the rest.
    pub(crate) fn upstream_error(&self, code: ErrorCode) {
        if let Some(index) = UPSTREAM_ERRORS.iter().position(|known| *known == code) {
            self.upstream_errors[index].increment(1);
        }
    }

    /// The head of a response goes out.
    pub(crate) fn answered(&self, status: u16, since: Instant) {
        self.latency.record(since.elapsed());
        with_local_recorder(&self.recorder, || {
            counter!("durablefetch_http_responses_total", "status" => status.to_string()).increment(1);
        });
    }

    /// By so many bytes the last look at all files differed from what was counted.
    pub(crate) fn set_difference(&self, bytes: i64) {
        self.difference.set(bytes as f64);
    }

    /// To be called from time to time: see [`FOLD_EVERY`].
    pub(crate) fn fold(&self) {
        self.recorder.handle().run_upkeep();
    }

    /// Everything in Prometheus' text format.
    pub(crate) fn render(&self, now: Now) -> String {
        self.connecting.set(now.connecting as f64);
        self.streaming.set(now.streaming as f64);
        self.bodies.set(now.bodies as f64);
        self.database.set(now.database as f64);
        self.connections.set(now.connections as f64);
        self.unwritten.set(now.unwritten as f64);
        self.stored.set(now.stored as f64);
        self.draining.set(f64::from(u8::from(now.is_draining)));
        with_local_recorder(&self.recorder, || {
            self.process.collect();
            now.cluster.iter().for_each(|cluster| of_cluster(cluster, now.keys));
            if let Some(until) = now.certificate_until_s {
                gauge!("durablefetch_certificate_not_after_timestamp_seconds").set(until as f64);
            }
        });
        self.recorder.handle().render()
    }
}

/// What only a process of a cluster has.
fn of_cluster(cluster: &cluster::Now, keys: usize) {
    gauge!("durablefetch_cluster_stored_bytes").set(cluster.stored as f64);
    gauge!("durablefetch_limit", "of" => "cluster-bytes").set(cluster.most as f64);
    gauge!("durablefetch_cluster_nodes").set(cluster.nodes as f64);
    gauge!("durablefetch_cluster_keys").set(keys as f64);
    gauge!("durablefetch_cluster_lease").set(f64::from(u8::from(cluster.is_reached)));
}

/// Shows what has no value yet: a rate needs its zero.
fn known_from_the_start(node: Option<&str>) {
    let version = env!("CARGO_PKG_VERSION");
    match node.map(str::to_owned) {
        Some(node) => gauge!("durablefetch_build_info", "version" => version, "node" => node).set(1.0),
        None => gauge!("durablefetch_build_info", "version" => version).set(1.0),
    }
    gauge!("durablefetch_oldest_recording_timestamp_seconds").set(0.0);
    for cause in CAUSES {
        counter!("durablefetch_recordings_failed_total", "cause" => cause.as_str()).increment(0);
    }
    for why in Removal::ALL {
        counter!("durablefetch_removed_total", "reason" => why.as_str()).increment(0);
    }
    for code in [ErrorCode::StorageFull, ErrorCode::StorageFailed] {
        counter!("durablefetch_storage_errors_total", "code" => code.as_str()).increment(0);
    }
    for code in ErrorCode::ALL {
        counter!("durablefetch_refusals_total", "code" => code.as_str()).increment(0);
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now = Now {
        connecting: 2,
        streaming: 3,
        bodies: 4,
        database: 7,
        connections: 5,
        unwritten: 6,
        stored: 8,
        is_draining: true,
        keys: 9,
        cluster: Some(cluster::Now { stored: 10, most: 11, nodes: 3, is_reached: true }),
        certificate_until_s: Some(1_800_000_000),
    };

    #[test]
    fn everything_is_shown_from_the_start() {
        let text = Metrics::new(None).render(NOW);
        for line in [
            "durablefetch_recordings{state=\"connecting\"} 2",
            "durablefetch_recordings{state=\"streaming\"} 3",
            "durablefetch_stored_bytes{of=\"bodies\"} 4",
            "durablefetch_stored_bytes{of=\"database\"} 7",
            "durablefetch_accounting_difference_bytes 0",
            "durablefetch_connections 5",
            "durablefetch_unwritten_bytes 6",
            "durablefetch_readers 0",
            "durablefetch_stored_recordings 8",
            "durablefetch_draining 1",
            "durablefetch_cluster_stored_bytes 10",
            "durablefetch_cluster_nodes 3",
            "durablefetch_cluster_keys 9",
            "durablefetch_cluster_lease 1",
            "durablefetch_limit{of=\"cluster-bytes\"} 11",
            "durablefetch_certificate_not_after_timestamp_seconds 1800000000",
            "durablefetch_oldest_recording_timestamp_seconds 0",
            "durablefetch_recordings_failed_total{cause=\"storage-full\"} 0",
            "durablefetch_removed_total{reason=\"expired\"} 0",
            "durablefetch_refusals_total{code=\"misdirected-host\"} 0",
            concat!("durablefetch_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "durablefetch_recordings_ended_total{state=\"superseded\"} 0",
            "durablefetch_upstream_errors_total{code=\"upstream-idle\"} 0",
            "# TYPE durablefetch_recordings gauge",
            "# TYPE durablefetch_upstream_bytes_total counter",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        assert_eq!(text.contains("# TYPE process_open_fds gauge\n"), !cfg!(target_os = "macos"), "{text}");
    }

    #[test]
    fn two_recorders_in_one_process_count_for_themselves() {
        let (one, other) = (Metrics::new(None), Metrics::new(None));
        one.bytes_in.increment(7);
        one.upstream_error(ErrorCode::UpstreamFailed);
        one.upstream_error(ErrorCode::RecordingTooLarge);
        one.answered(502, Instant::now());
        one.fold();
        let (one, other) = (one.render(NOW), other.render(NOW));
        assert!(one.contains("durablefetch_upstream_bytes_total 7\n"), "{one}");
        assert!(one.contains("durablefetch_http_responses_total{status=\"502\"} 1\n"), "{one}");
        assert!(one.contains("durablefetch_http_response_seconds_bucket{le=\"0.001\"} 1\n"), "{one}");
        assert!(
            one.contains("upstream_errors_total{code=\"upstream-failed\"} 1\n")
                && !one.contains("upstream_errors_total{code=\"recording-too-large"),
            "{one}"
        );
        assert!(other.contains("durablefetch_upstream_bytes_total 0\n"), "{other}");
        assert!(!other.contains("502"), "{other}");
    }
}
