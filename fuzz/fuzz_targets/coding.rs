//! Content codings. The first byte says how the body is cut on its way, the next line is `content-encoding`, the rest is
//! the body: decoded as it is, and coded in the ways it names, with several members, and decoded again.
#![no_main]

use std::io::Write;

use durablefetch_protocol::coding::{Codings, Decoder, LAYERS_MAX, Undecodable};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

/// What a piece is at most, as its documentation says.
const PIECE: usize = 16 << 10;
/// Decoding a bomb stops after so many bytes, as a reader may stop after any piece.
const ENOUGH: usize = 1 << 20;

/// The decoded bytes of a body that comes in parts of this length, and whether they are all.
fn decode(codings: &Codings, coded: &[u8], part: usize) -> (Vec<u8>, Option<Undecodable>) {
    let mut decoder = Decoder::new(codings);
    let mut out = Vec::new();
    let mut parts = coded.chunks(part.max(1));
    loop {
        let ended = decoder.has_ended();
        match decoder.piece() {
            Err(error) => return (out, Some(error)),
            Ok(Some(piece)) => {
                assert!(!piece.is_empty() && piece.len() <= PIECE, "a piece of {} bytes", piece.len());
                out.extend_from_slice(&piece);
                if out.len() > ENOUGH {
                    return (out, None);
                }
            }
            Ok(None) if ended => return (out, None),
            Ok(None) => match parts.next() {
                Some(part) => decoder.push(part.to_vec().into()),
                None => decoder.end(),
            },
        }
    }
}

fn codings(value: &[u8]) -> Option<Codings> {
    let mut headers = HeaderMap::new();
    headers.insert("content-encoding", HeaderValue::from_bytes(value).ok()?);
    Codings::of(&headers).ok()
}

/// Codes a body so; `None` for what only others code.
fn code(name: &str, body: &[u8]) -> Option<Vec<u8>> {
    let level = Compression::fast();
    let mut out = Vec::new();
    match name {
        "gzip" | "x-gzip" => {
            let mut one = GzEncoder::new(&mut out, level);
            one.write_all(body).ok()?;
            one.finish().ok()?;
        }
        "deflate" if body.len() % 2 == 0 => {
            let mut one = ZlibEncoder::new(&mut out, level);
            one.write_all(body).ok()?;
            one.finish().ok()?;
        }
        "deflate" => {
            let mut one = DeflateEncoder::new(&mut out, level);
            one.write_all(body).ok()?;
            one.finish().ok()?;
        }
        _ => return None,
    }
    Some(out)
}

fuzz_target!(|input: &[u8]| {
    let Some((&cut, rest)) = input.split_first() else { return };
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (value, body) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
    let Some(of) = codings(value) else { return };
    let names = String::from_utf8_lossy(value).to_ascii_lowercase();
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    assert!(names.iter().filter(|name| code(name, b"").is_some()).count() <= LAYERS_MAX);

    // However it is cut, a body is the same bytes, or the same prefix of them.
    let (whole, error) = decode(&of, body, usize::MAX);
    let (cut_up, other) = decode(&of, body, usize::from(cut));
    assert_eq!(error.is_some(), other.is_some(), "{error:?} {other:?}");
    let shared = whole.len().min(cut_up.len());
    assert!(whole[..shared] == cut_up[..shared]);
    assert!(whole.len() == cut_up.len() || error.is_some() || shared > ENOUGH, "{} {}", whole.len(), cut_up.len());
    if of.is_empty() {
        assert!(whole == body, "what is not coded passes as it is");
    }

    // What was coded so comes back; gzip also in two members.
    let mut coded = body.to_vec();
    for (layer, name) in names.iter().enumerate() {
        if of.is_empty() || matches!(*name, "" | "identity") {
            continue;
        }
        let two = layer == 0 && name.ends_with("gzip");
        let (one, rest) = coded.split_at(if two { coded.len() / 2 } else { coded.len() });
        let Some(mut members) = code(name, one) else { return };
        if two {
            members.extend(code(name, rest).unwrap_or_default());
        }
        coded = members;
    }
    let (back, error) = decode(&of, &coded, usize::from(cut));
    assert!(error.is_none() && back == body, "{names:?} {error:?}");
});
