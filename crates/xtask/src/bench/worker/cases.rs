//! What is measured, and what each figure should be.

use std::ops::Range;

/// What is run, by the arguments of the load generator, and which of its runs counts.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) arguments: &'static [&'static str],
    /// Who is measured, a range of [`PEERS`](super::peers::PEERS).
    pub(super) peers: Range<usize>,
    /// Of the lines that the load generator prints, those that are measured begin here.
    pub(super) from: usize,
    pub(super) figures: &'static [Figure],
}

pub(super) struct Figure {
    pub(super) name: &'static str,
    /// The field of the load generator's JSON.
    pub(super) field: &'static str,
    pub(super) goal: Goal,
}

/// What the figure should be.
pub(super) enum Goal {
    /// At most so many times the original's.
    Ratio(f64),
    /// At least so many times the original's.
    Times(f64),
    /// Less than this, whatever the original's.
    Below(f64),
    Nothing,
}

const fn figure(name: &'static str, field: &'static str, goal: Goal) -> Figure {
    Figure { name, field, goal }
}

/// The two that are compared.
const COMPARED: Range<usize> = 0..2;
/// And what workerd takes for itself.
const ALL: Range<usize> = 0..4;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "50 streams × 1 reader, 150 B every 20 ms",
        arguments: &["live", "--streams", "50", "--readers", "1", "--seconds", "4"],
        peers: ALL,
        from: 0,
        figures: &[
            figure("CPU per chunk, µs", "cpu_us", Goal::Ratio(0.25)),
            figure("latency p50, ms", "p50", Goal::Nothing),
            figure("latency p99, ms", "p99", Goal::Below(50.0)),
            figure("delivered while measured", "delivered", Goal::Nothing),
        ],
    },
    Case {
        name: "10 streams × 20 readers, 150 B every 20 ms",
        arguments: &["live", "--streams", "10", "--readers", "20", "--seconds", "4"],
        peers: ALL,
        from: 0,
        figures: &[
            figure("CPU per delivered chunk, µs", "cpu_us", Goal::Ratio(1.0 / 3.0)),
            figure("latency p50, ms", "p50", Goal::Nothing),
            figure("latency p99, ms", "p99", Goal::Nothing),
            figure("delivered while measured", "delivered", Goal::Nothing),
        ],
    },
    Case {
        name: "replay of 20,000 × 200 B",
        arguments: &["bulk", "--megabytes", "4", "--chunk", "200", "--times", "4"],
        peers: COMPARED,
        from: 1,
        figures: &[
            figure("MB/s", "mb_s", Goal::Times(50.0)),
            figure("first byte, ms", "first_ms", Goal::Below(20.0)),
        ],
    },
    Case {
        name: "ingest of 16 KiB chunks, 32 MB",
        arguments: &["bulk", "--megabytes", "32", "--chunk", "16384", "--times", "1"],
        peers: COMPARED,
        from: 0,
        figures: &[figure("MB/s", "mb_s", Goal::Times(10.0))],
    },
];
