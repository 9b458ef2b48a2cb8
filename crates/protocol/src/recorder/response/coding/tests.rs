use std::io::Write as _;

use compression_codecs::core::util::{PartialBuffer, WriteBuffer};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn headers(values: &[&str]) -> HeaderMap {
    values.iter().map(|value| (CONTENT_ENCODING, HeaderValue::from_str(value).unwrap())).collect()
}

fn names(values: &[&str]) -> Result<Vec<Coding>, String> {
    Codings::of(&headers(values)).map(|codings| codings.0).map_err(|error| error.message)
}

#[test]
fn a_list_of_codings_is_read_as_browsers_do() {
    use Coding::{Brotli, Deflate, Gzip, Zstd};
    for nothing in ["", "identity", "none", "utf-8", "UTF-8", "binary", "aws-chunked", " , identity,"] {
        assert_eq!(names(&[nothing]), Ok(vec![]), "{nothing}");
    }
    assert_eq!(names(&[]), Ok(vec![]));
    for gzip in ["gzip", "GZIP", "x-gzip", "X-GZip", " gzip ", "identity, gzip", "gzip,"] {
        assert_eq!(names(&[gzip]), Ok(vec![Gzip]), "{gzip}");
    }
    assert_eq!(names(&["deflate, br", "zstd"]), Ok(vec![Deflate, Brotli, Zstd]));
    for bad in ["gzip, none", "aws-chunked, gzip", "gzip, gzip, gzip, gzip", "a, b"] {
        let said = names(&[bad]).unwrap_err();
        assert!(said.contains(bad), "{said}");
    }
}

/// One way of coding, by the encoders of other crates.
#[derive(Debug, Clone, Copy)]
enum How {
    Gzip,
    Zlib,
    Bare,
    Brotli,
    Zstd,
}

impl How {
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib | Self::Bare => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    fn encode(self, bytes: &[u8]) -> Vec<u8> {
        fn written<W: std::io::Write>(
            mut encoder: W,
            bytes: &[u8],
            finish: impl FnOnce(W) -> Vec<u8>,
        ) -> Vec<u8> {
            encoder.write_all(bytes).unwrap();
            // What comes at once may be read at once.
            encoder.flush().unwrap();
            finish(encoder)
        }
        let level = Compression::default();
        match self {
            Self::Gzip => written(GzEncoder::new(vec![], level), bytes, |encoder| encoder.finish().unwrap()),
            Self::Zlib => {
                written(ZlibEncoder::new(vec![], level), bytes, |encoder| encoder.finish().unwrap())
            }
            Self::Bare => {
                written(DeflateEncoder::new(vec![], level), bytes, |encoder| encoder.finish().unwrap())
            }
            Self::Brotli => {
                let mut coded = vec![];
                brotli::CompressorWriter::new(&mut coded, 4096, 5, 20).write_all(bytes).unwrap();
                coded
            }
            Self::Zstd => {
                let mut encoder = zstd::Encoder::new(vec![], 3).unwrap();
                encoder.include_checksum(bytes.len().is_multiple_of(2)).unwrap();
                written(encoder, bytes, |encoder| encoder.finish().unwrap())
            }
        }
    }
}

/// Decodes coded bytes that come in pieces of these lengths, over and over.
fn decode(codings: &Codings, coded: &[u8], splits: &[usize], most: usize) -> Result<Vec<u8>, Vec<u8>> {
    let mut decoder = Decoder { most, ..Decoder::new(codings) };
    let mut decoded = Vec::new();
    let mut rest = coded;
    for split in splits.iter().cycle() {
        let (piece, later) = rest.split_at((*split).min(rest.len()));
        rest = later;
        if piece.is_empty() {
            decoder.end();
        } else {
            decoder.push(Bytes::copy_from_slice(piece));
        }
        loop {
            match decoder.piece() {
                Ok(None) => break,
                Ok(Some(piece)) => {
                    assert!(!piece.is_empty() && (piece.len() <= most || codings.is_empty()));
                    decoded.extend_from_slice(&piece);
                }
                Err(_) => return Err(decoded),
            }
        }
        if piece.is_empty() {
            break;
        }
    }
    Ok(decoded)
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![Just(How::Gzip), Just(How::Zlib), Just(How::Bare), Just(How::Brotli), Just(How::Zstd)]
}

fn members() -> impl Strategy<Value = Vec<Vec<u8>>> {
    // Some of it compresses, some does not.
    let run = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        (any::<u8>(), 0..5000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ];
    prop::collection::vec(run, 1..=4)
}

proptest! {
    /// Whatever the codings, the members, the pieces in which they come and the room: either exactly what was coded,
    /// or an error behind a prefix of it; never a clean short end.
    #[test]
    fn a_body_is_decoded_whole_or_not_at_all(
        layers in prop::collection::vec((how(), any::<bool>()), 1..=3),
        members in members(),
        splits in prop::collection::vec(1..300_usize, 1..6),
        most in prop_oneof![1..40_usize, Just(PIECE)],
        cut in any::<prop::sample::Index>(),
    ) {
        let plain = members.concat();
        let mut coded = Vec::new();
        for (at, (how, _)) in layers.iter().enumerate() {
            coded = if at == 0 {
                members.iter().flat_map(|member| how.encode(member)).collect()
            } else {
                how.encode(&coded)
            };
        }
        let list = layers.iter().map(|(how, upper)| {
            if *upper { how.name().to_uppercase() } else { how.name().to_owned() }
        });
        let list = list.collect::<Vec<_>>().join(", ");
        let codings = Codings::of(&headers(&[&list])).unwrap();
        prop_assert_eq!(decode(&codings, &coded, &splits, most), Ok(plain.clone()), "{}", list);

        let cut = cut.index(coded.len());
        match decode(&codings, &coded[..cut], &splits, most) {
            Err(prefix) => prop_assert!(plain.starts_with(&prefix)),
            // Between two members nothing tells that more was to come, and an empty body is not coded at all.
            Ok(whole) => {
                let is_boundary = layers.len() == 1 && (0..members.len()).any(|so_many| {
                    let before: usize = members[..so_many].iter().map(|member| layers[0].0.encode(member).len()).sum();
                    before == cut && whole == members[..so_many].concat()
                });
                prop_assert!(cut == 0 && whole.is_empty() || is_boundary, "{list}: clean at {cut} of {}", coded.len());
            }
        }
    }

    /// The decoder that WebAssembly has gives the same.
    #[test]
    fn zstandard_without_c_decodes_the_same(
        plain in members(),
        split in 1..300_usize,
        room in 1..5000_usize,
        checksum in any::<bool>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let plain = plain.concat();
        let mut encoder = zstd::Encoder::new(vec![], 1).unwrap();
        encoder.include_checksum(checksum).unwrap();
        encoder.write_all(&plain).unwrap();
        let coded = encoder.finish().unwrap();
        let behind = [&coded[..], b"more"].concat();
        prop_assert_eq!(frame(&behind, split, room).unwrap(), (plain.clone(), coded.len()));
        prop_assert!(frame(&coded[..cut.index(coded.len())], split, room).is_err());
    }
}

/// What the decoder of WebAssembly makes of one frame, and how long that was.
fn frame(mut coded: &[u8], split: usize, room: usize) -> std::io::Result<(Vec<u8>, usize)> {
    use compression_codecs::DecodeV2 as _;
    let whole = coded.len();
    let mut decoder = zstd_in_rust::ZstdDecoder::default();
    let (mut decoded, mut room) = (Vec::new(), vec![0; room]);
    loop {
        let mut output = WriteBuffer::new_initialized(&mut room);
        let mut input = PartialBuffer::new(&coded[..split.min(coded.len())]);
        let is_done = if coded.is_empty() {
            decoder.finish(&mut output)?
        } else {
            decoder.decode(&mut input, &mut output)?
        };
        decoded.extend_from_slice(output.written());
        coded = &coded[input.written_len()..];
        if is_done {
            return Ok((decoded, whole - coded.len()));
        }
    }
}

#[test]
fn what_follows_a_member_is_another_or_padding() {
    let gzip = Codings(vec![Coding::Gzip]);
    let member = How::Gzip.encode(b"one ");
    let padded = [&member[..], &[0; 512]].concat();
    assert_eq!(decode(&gzip, &padded, &[100], PIECE), Ok(b"one ".to_vec()));
    let behind = [&member[..], b"rubbish"].concat();
    assert_eq!(decode(&gzip, &behind, &[1], PIECE), Err(b"one ".to_vec()));
    // A skippable frame says nothing.
    let skippable = [0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let frames = [&skippable[..], &How::Zstd.encode(b"one"), &skippable, &How::Zstd.encode(b" two")].concat();
    let zstd = Codings(vec![Coding::Zstd]);
    assert_eq!(decode(&zstd, &frames, &[2], PIECE), Ok(b"one two".to_vec()));
    assert_eq!(frame(&skippable, 2, 10).unwrap(), (vec![], skippable.len()));
}

#[test]
fn what_was_flushed_is_there_at_once() {
    for (name, flushed) in [
        ("gzip", {
            let mut it = GzEncoder::new(vec![], Compression::fast());
            it.write_all(b"now").unwrap();
            it.flush().unwrap();
            it.get_ref().clone()
        }),
        ("deflate", {
            let mut it = ZlibEncoder::new(vec![], Compression::fast());
            it.write_all(b"now").unwrap();
            it.flush().unwrap();
            it.get_ref().clone()
        }),
        ("zstd", {
            let mut it = zstd::Encoder::new(vec![], 1).unwrap();
            it.write_all(b"now").unwrap();
            it.flush().unwrap();
            it.get_ref().clone()
        }),
    ] {
        let mut decoder = Decoder::new(&Codings::of(&headers(&[name])).unwrap());
        decoder.push(flushed.into());
        assert_eq!(decoder.piece().unwrap().as_deref(), Some(&b"now"[..]), "{name}");
        assert_eq!(decoder.piece(), Ok(None), "{name}");
    }
}

#[test]
fn a_bomb_goes_off_piece_by_piece() {
    for how in [How::Gzip, How::Zlib, How::Brotli, How::Zstd] {
        let mut coded = how.encode(&vec![0; 64 << 20]);
        assert!(coded.len() < 100_000);
        coded.truncate(coded.len() - 1);
        let mut decoder = Decoder::new(&Codings::of(&headers(&[how.name()])).unwrap());
        decoder.push(coded.into());
        let first = decoder.piece().unwrap().unwrap();
        assert!(first.len() <= PIECE, "{how:?}");
    }
}
