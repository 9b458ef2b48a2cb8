//! Bodies of upstreams, decoded as they come.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use bytes::Bytes;
use durablefetch_protocol::coding::{Codings, Decoder, Undecodable};
use durablefetch_protocol::{ErrorCode, ProtocolError};
use http::header::{CONTENT_ENCODING, HeaderMap};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::Closure;

use crate::js::sys;

/// The most bytes of one read.
const PIECE: u32 = 64 << 10;

/// What is left to undo of the codings that a head names.
///
/// # Errors
/// See [`Codings::of`].
pub(crate) fn codings(answered: &HeaderMap) -> Result<Codings, ProtocolError> {
    // These two, so written, workerd has undone.
    match answered.get(CONTENT_ENCODING).map(http::HeaderValue::as_bytes) {
        Some(b"gzip" | b"br") => Ok(Codings::default()),
        _ => Codings::of(answered),
    }
}

/// A body that is read to its end, decoded.
pub(crate) struct Decoded {
    body: web_sys::ReadableStream,
    decoder: Option<Decoder>,
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
    pub(crate) fn new(body: web_sys::ReadableStream, codings: &Codings) -> Self {
        Self { body, decoder: (!codings.is_empty()).then(|| Decoder::new(codings)) }
    }

    /// Reads to the end. `publish` gets the bytes as they come, never none, and says whether to go on; where it
    /// says no, the body is let go of.
    ///
    /// # Errors
    /// [`ErrorCode::UpstreamFailed`] where the body broke or is not in its coding.
    pub(crate) async fn drain(self, publish: impl Fn(Bytes) -> bool + 'static) -> Result<(), ErrorCode> {
        let Self { body, decoder } = self;
        let state = Rc::new(RefCell::new((decoder, publish)));
        let finish = Rc::new(Finish::default());
        let chunk = {
            let (state, finish) = (Rc::clone(&state), Rc::clone(&finish));
            Closure::<dyn FnMut(Uint8Array) -> bool>::new(move |view: Uint8Array| {
                let (decoder, publish) = &mut *state.borrow_mut();
                let went_on = match decoder {
                    None => Ok(view.length() == 0 || publish(Bytes::from(view.to_vec()))),
                    Some(decoder) => {
                        decoder.push(Bytes::from(view.to_vec()));
                        pieces(decoder, publish)
                    }
                };
                match went_on {
                    Ok(true) => return true,
                    Ok(false) => finish.set(Ok(())),
                    Err(_) => finish.set(Err(ErrorCode::UpstreamFailed)),
                }
                false
            })
        };
        let end = {
            let finish = Rc::clone(&finish);
            Closure::<dyn FnMut(bool)>::new(move |broke: bool| {
                let (decoder, publish) = &mut *state.borrow_mut();
                let rest = decoder.as_mut().filter(|_| !broke).map_or(Ok(true), |decoder| {
                    decoder.end();
                    pieces(decoder, publish)
                });
                let is_whole = !broke && rest.is_ok();
                finish.set(if is_whole { Ok(()) } else { Err(ErrorCode::UpstreamFailed) });
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

/// Publishes what there is. False where `publish` said not to go on.
fn pieces(decoder: &mut Decoder, publish: &impl Fn(Bytes) -> bool) -> Result<bool, Undecodable> {
    while let Some(piece) = decoder.piece()? {
        if !publish(piece) {
            return Ok(false);
        }
    }
    Ok(true)
}
