//! HTTP/2 connections of frames that cost their sender little: the recorder ends them or stops reading, holds little of
//! what they send, and answers others meanwhile.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::memory::resident;
use crate::support::{PATIENCE, Recorder};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What is sent of each kind, if the recorder takes it.
const BYTES: usize = 24 << 20;
/// What the recorder may hold of it, with what it allocates for itself.
const HELD: u64 = 32 << 20;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

/// The fields of a request, none of them compressed.
fn fields(method: &str, path: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in
        [(":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost")]
    {
        out.push(0);
        for text in [name, value] {
            out.push(u8::try_from(text.len()).unwrap());
            out.extend_from_slice(text.as_bytes());
        }
    }
    out
}

type Again = Box<dyn Fn(u32) -> Vec<u8> + Send + Sync>;

/// One kind of flood: what opens it, and what is sent again and again, by its number.
struct Flood {
    what: &'static str,
    opens: Vec<u8>,
    again: Again,
}

fn floods() -> Vec<Flood> {
    let flood = |what, opens, again: Again| Flood { what, opens, again };
    let id = |number: u32| 1 + 2 * number;
    let open = || frame(HEADERS, END_HEADERS, 1, &fields("POST", "/demo/x"));
    // A field of 4,000 bytes that the table keeps, and then a reference of one byte to it, as often as it fits.
    let bomb = move |number| {
        let mut block = fields("GET", "/healthz");
        block.extend_from_slice(&[0x40, 3, b'x', b'-', b'b', 0x7f, 0xa1, 0x1e]);
        block.extend(std::iter::repeat_n(b'b', 4_000));
        block.extend(std::iter::repeat_n(0xbe, 12_000));
        let (first, rest) = block.split_at(16_000);
        [frame(HEADERS, END_STREAM, id(number), first), frame(CONTINUATION, END_HEADERS, id(number), rest)]
            .concat()
    };
    vec![
        flood(
            "requests that are reset at once",
            Vec::new(),
            Box::new(move |number| {
                let asks = frame(HEADERS, END_HEADERS | END_STREAM, id(number), &fields("GET", "/demo/x"));
                [asks, frame(RST_STREAM, 0, id(number), &[0, 0, 0, 8])].concat()
            }),
        ),
        flood(
            "requests whose answers nobody takes",
            Vec::new(),
            Box::new(move |number| frame(HEADERS, END_HEADERS | END_STREAM, id(number), &fields("GET", "/"))),
        ),
        flood(
            "requests that the recorder has to reset",
            Vec::new(),
            Box::new(move |number| {
                // A window that grows by nothing is an error of its stream.
                let asks = frame(HEADERS, END_HEADERS, id(number), &fields("POST", "/in-progress"));
                [asks, frame(WINDOW_UPDATE, 0, id(number), &[0; 4])].concat()
            }),
        ),
        flood("pings", Vec::new(), Box::new(|number| frame(PING, 0, 0, &u64::from(number).to_be_bytes()))),
        flood(
            "settings",
            Vec::new(),
            Box::new(|number| {
                // The size of the table, another one each time.
                let size = (number % 4096).to_be_bytes();
                frame(SETTINGS, 0, 0, &[&[0, 1], &size[..]].concat())
            }),
        ),
        flood(
            "a head without an end",
            frame(HEADERS, END_STREAM, 1, &fields("GET", "/healthz")),
            Box::new(|_| {
                frame(
                    CONTINUATION,
                    0,
                    1,
                    &[&[0, 3, b'x', b'-', b'a', 127, 129, 125][..], &[b'a'; 16_128]].concat(),
                )
            }),
        ),
        flood(
            "a head of nothing without an end",
            frame(HEADERS, END_STREAM, 1, &[]),
            Box::new(|_| frame(CONTINUATION, 0, 1, &[])),
        ),
        flood("heads that are small packed and large unpacked", Vec::new(), Box::new(bomb)),
        flood("a body of nothing", open(), Box::new(|_| frame(DATA, 0, 1, &[]))),
        flood("windows", open(), Box::new(|_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]))),
        flood(
            "priorities",
            Vec::new(),
            Box::new(move |number| frame(PRIORITY, 0, id(number % (1 << 29)), &[0, 0, 0, 0, 7])),
        ),
        flood("frames of no known kind", Vec::new(), Box::new(|_| frame(0xfa, 0, 0, &[0; 1000]))),
    ]
}

/// Sends a flood until all of it is sent, or the recorder ends it, or takes no more for a while. The other side is read
/// from where `reads` says so.
fn send(recorder: &Recorder, flood: &Flood, reads: bool) -> usize {
    let mut stream = TcpStream::connect(recorder.address).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut reading = stream.try_clone().unwrap();
    let reader = reads.then(|| {
        reading.set_read_timeout(Some(PATIENCE)).unwrap();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while reading.read(&mut buffer).is_ok_and(|length| length > 0) {}
        })
    });
    let mut sent = 0;
    let mut number = 0;
    let mut wire = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &flood.opens].concat();
    while sent < BYTES {
        while wire.len() < 1 << 16 {
            wire.extend((flood.again)(number));
            number += 1;
        }
        match stream.write_all(&wire) {
            Ok(()) => sent += wire.len(),
            Err(error) => {
                let expected = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::WouldBlock];
                assert!(expected.contains(&error.kind()), "{}: {error}", flood.what);
                break;
            }
        }
        wire.clear();
    }
    let _ = stream.shutdown(std::net::Shutdown::Both);
    if let Some(reader) = reader {
        reader.join().unwrap();
    }
    sent
}

#[test]
fn floods_of_frames_cost_little_and_keep_nobody_out() {
    for flood in floods() {
        for reads in [false, true] {
            let data = tempfile::tempdir().unwrap();
            let recorder = Recorder::start(data.path(), &["--request-timeout", "2s"]);
            assert!(recorder.send("GET /healthz", &[], "").head().starts_with("http/1.1 200"));
            let before = resident(&recorder);
            let flooding = std::thread::scope(|scope| {
                let sending = scope.spawn(|| send(&recorder, &flood, reads));
                let (mut most, mut slowest, mut answered) = (0, Duration::ZERO, 0);
                while !sending.is_finished() || answered == 0 {
                    let since = Instant::now();
                    let head = recorder.send("GET /healthz", &[], "").head();
                    assert!(head.starts_with("http/1.1 200"), "{}: {head}", flood.what);
                    slowest = slowest.max(since.elapsed());
                    most = most.max(resident(&recorder));
                    answered += 1;
                }
                (sending.join().unwrap(), most.max(resident(&recorder)), slowest)
            });
            let (sent, most, slowest) = flooding;
            let held = most.saturating_sub(before);
            assert!(held < HELD, "{}: {held} bytes are held of {sent}", flood.what);
            assert!(slowest < PATIENCE / 4, "{}: somebody else waited for {slowest:?}", flood.what);
            assert!(
                recorder.send("GET /healthz", &[], "").head().starts_with("http/1.1 200"),
                "{}",
                flood.what
            );
            // What it had open is let go.
            let until = Instant::now() + PATIENCE;
            loop {
                let metrics = recorder.send("GET /metrics", &[], "").all().1;
                let open = metrics.lines().find_map(|line| line.strip_prefix("durablefetch_connections "));
                if open.is_some_and(|open| open.trim() == "1") {
                    break;
                }
                assert!(Instant::now() < until, "{}: {open:?} connections are open", flood.what);
            }
        }
    }
}
