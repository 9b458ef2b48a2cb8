//! Recorded bytes are identity-coded: what the upstream encodes although it was asked not to is decoded here,
//! as it comes. workerd decodes gzip and brotli by itself.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use bytes::Bytes;
use durablefetch_protocol::ErrorCode;
use js_sys::Uint8Array;
use wasm_bindgen::prelude::Closure;

use super::zstd::Zstd;
use crate::js::sys;

/// The most bytes of one read.
const PIECE: u32 = 64 << 10;

/// A body that is read to its end, decoded.
pub(crate) struct Decoded {
    body: web_sys::ReadableStream,
    zstd: Option<Zstd>,
}

/// Reads a body of this `content-encoding`.
///
/// # Errors
/// [`ErrorCode::UpstreamFailed`] for a coding that nobody here can undo.
pub(crate) fn identity(body: web_sys::ReadableStream, coding: Option<&str>) -> Result<Decoded, ErrorCode> {
    let (body, zstd) = match coding {
        None | Some("" | "identity" | "gzip" | "x-gzip" | "br") => (body, None),
        Some("deflate") => (sys::inflate(&body), None),
        Some("zstd") => (body, Some(Zstd::default())),
        Some(_) => return Err(ErrorCode::UpstreamFailed),
    };
    Ok(Decoded { body, zstd })
}

/// What a body has come to: the end of its reading, and who waits for that.
#[derive(Default)]
struct Finish {
    with: Cell<Option<Result<(), ErrorCode>>>,
    waker: RefCell<Option<Waker>>,
}

impl Finish {
    fn set(&self, with: Result<(), ErrorCode>) {
        self.with.set(Some(with));
        let waker = self.waker.take();
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Decoded {
    /// Reads to the end. `publish` gets the bytes as they come, never none, and says whether to go on; where it
    /// says no, the body is let go of.
    ///
    /// # Errors
    /// [`ErrorCode::UpstreamFailed`] where the body broke or is not in its coding.
    pub(crate) async fn drain(self, publish: impl Fn(Bytes) -> bool + 'static) -> Result<(), ErrorCode> {
        let Self { body, zstd } = self;
        let zstd = Rc::new(RefCell::new(zstd));
        let finish = Rc::new(Finish::default());
        let chunk = {
            let (zstd, finish) = (Rc::clone(&zstd), Rc::clone(&finish));
            Closure::<dyn FnMut(Uint8Array) -> bool>::new(move |view: Uint8Array| {
                let went_on = match &mut *zstd.borrow_mut() {
                    None => Ok(view.length() == 0 || publish(Bytes::from(view.to_vec()))),
                    Some(zstd) => zstd.decode(&view.to_vec(), |piece| publish(Bytes::from(piece))),
                };
                let goes_on = match went_on {
                    Ok(goes_on) => goes_on,
                    Err(code) => {
                        finish.set(Err(code));
                        return false;
                    }
                };
                if !goes_on {
                    finish.set(Ok(()));
                }
                goes_on
            })
        };
        let end = {
            let finish = Rc::clone(&finish);
            Closure::<dyn FnMut(bool)>::new(move |broke| {
                finish.set(match &mut *zstd.borrow_mut() {
                    _ if broke => Err(ErrorCode::UpstreamFailed),
                    None => Ok(()),
                    Some(zstd) => zstd.end(),
                });
            })
        };
        sys::drain(&body, PIECE, &chunk, &end).map_err(|_| ErrorCode::UpstreamFailed)?;
        poll_fn(|cx| match finish.with.take() {
            Some(with) => Poll::Ready(with),
            None => {
                *finish.waker.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
        })
        .await
    }
}
