//! What each metric is, as `/metrics` says.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(super) fn describe() {
    describe_gauge!("durablefetch_recordings", "Recordings in flight.");
    describe_counter!("durablefetch_recordings_started_total", "Recordings that were started.");
    describe_counter!("durablefetch_recordings_ended_total", "Recordings that have ended, by how.");
    describe_gauge!("durablefetch_readers", "Responses that follow or replay a recording.");
    describe_gauge!("durablefetch_connections", "Connections that are open.");
    describe_gauge!(
        "durablefetch_stored_bytes",
        Unit::Bytes,
        "What is stored: bodies, and the database with its log."
    );
    describe_gauge!(
        "durablefetch_accounting_difference_bytes",
        Unit::Bytes,
        "Bytes of bodies that were counted beyond those in the directory, when that was last looked at."
    );
    describe_gauge!(
        "durablefetch_unwritten_bytes",
        Unit::Bytes,
        "How far the writer is behind what was published."
    );
    describe_counter!("durablefetch_upstream_bytes_total", Unit::Bytes, "Bytes that upstreams have sent.");
    describe_counter!("durablefetch_reader_bytes_total", Unit::Bytes, "Bytes that readers were given.");
    describe_counter!("durablefetch_ring_misses_total", "Reads of live recordings that went to storage.");
    describe_counter!("durablefetch_upstream_errors_total", "What upstreams did wrong, by error code.");
    describe_counter!("durablefetch_http_responses_total", "Responses, by status.");
    describe_histogram!(
        "durablefetch_http_response_seconds",
        Unit::Seconds,
        "From a request to the head of its response; that of a start waits for its upstream."
    );
    describe_gauge!(
        "durablefetch_build_info",
        "1, with the version as a label, and what --node calls the process."
    );
    describe_gauge!(
        "durablefetch_cluster_stored_bytes",
        Unit::Bytes,
        "Bytes of bodies in the cluster's database. Looked at every 30 s."
    );
    describe_gauge!(
        "durablefetch_cluster_nodes",
        "Recorders of the cluster that live. Looked at every 30 s."
    );
    describe_gauge!("durablefetch_cluster_keys", "URLs that this recorder of the cluster has.");
    describe_gauge!(
        "durablefetch_cluster_lease",
        "1 while the cluster's database has heard of this recorder within its lease, else 0."
    );
    describe_gauge!("durablefetch_draining", "1 while the recorder shuts down and starts nothing, else 0.");
    describe_gauge!("durablefetch_limit", "What there may be at most, by what it limits.");
    describe_gauge!("durablefetch_stored_recordings", "Recordings that are stored, live ones among them.");
    describe_gauge!(
        "durablefetch_oldest_recording_timestamp_seconds",
        Unit::Seconds,
        "When the oldest stored recording began, in seconds since 1970; 0 where none is stored. Looked at every 30 s."
    );
    describe_gauge!(
        "durablefetch_certificate_not_after_timestamp_seconds",
        Unit::Seconds,
        "When the certificate expires, in seconds since 1970. Only with TLS."
    );
    describe_counter!(
        "durablefetch_recordings_failed_total",
        "Recordings that failed or were interrupted, by cause."
    );
    describe_counter!("durablefetch_upstream_responses_total", "Answers of upstreams, by status.");
    describe_counter!("durablefetch_removed_total", "Stored recordings that were removed, by reason.");
    describe_counter!("durablefetch_storage_errors_total", "Failures of storage, by error code.");
    describe_counter!(
        "durablefetch_refusals_total",
        "Requests that were answered with an error, by error code."
    );
    describe_histogram!(
        "durablefetch_upstream_first_byte_seconds",
        Unit::Seconds,
        "From a start to the first byte of the upstream's body."
    );
}
