//! Bodies as an upstream that compresses would send them.

use std::io::{Cursor, Read, Write};

use crate::check::{Checked, Oops};

/// `content-encoding: gzip`
pub fn gzip(body: &[u8]) -> Checked<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).and_then(|()| encoder.finish()).map_err(|e| failed("gzip", &e))
}

/// What was compressed to this.
pub fn gunzip(body: &[u8]) -> Checked<Vec<u8>> {
    let mut out = Vec::new();
    let read = flate2::read::GzDecoder::new(body).read_to_end(&mut out);
    read.map_err(|e| Oops::new(format!("no gzip, although it says so: {e}")))?;
    Ok(out)
}

/// `content-encoding: deflate`, in the wrapper that RFC 9110 asks for.
pub fn zlib(body: &[u8]) -> Checked<Vec<u8>> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).and_then(|()| encoder.finish()).map_err(|e| failed("deflate", &e))
}

/// `content-encoding: deflate`, bare.
pub fn deflate(body: &[u8]) -> Checked<Vec<u8>> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).and_then(|()| encoder.finish()).map_err(|e| failed("deflate", &e))
}

/// `content-encoding: br`
pub fn brotli(body: &[u8]) -> Checked<Vec<u8>> {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 5, ..Default::default() };
    brotli::BrotliCompress(&mut Cursor::new(body), &mut out, &params).map_err(|e| failed("br", &e))?;
    Ok(out)
}

/// `content-encoding: zstd`
pub fn zstd(body: &[u8]) -> Checked<Vec<u8>> {
    zstd::encode_all(body, 3).map_err(|e| failed("zstd", &e))
}

fn failed(coding: &str, error: &std::io::Error) -> Oops {
    Oops::new(format!("the suite cannot encode {coding}: {error}"))
}
