//! A reader of a stream at a target: what it asks, and what of it is the stream.

use std::cell::RefCell;

use anyhow::{Context, Result, ensure};

use crate::client::{self, Response};
use crate::rival::events::Events;
use crate::target::{Form, Target};

thread_local! {
    /// What comes from a socket is looked at and forgotten before the next one is read.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(client::buffer());
}

/// A reader whose first answer is here.
#[derive(Debug)]
pub struct Reading {
    /// `None` only while another is asked for.
    response: Option<Response>,
    form: Reads,
}

#[derive(Debug)]
enum Reads {
    Body,
    Events(Events),
    /// Long polls, and what is asked: where, the path, and headers.
    Polls(Target, String, String),
}

impl Reading {
    /// Asks for the upstream's `path` at `target`. `starts`: nobody has asked for it before.
    ///
    /// # Errors
    /// Without an answer of 200.
    pub async fn open(target: &Target, path: &str, headers: &str, starts: bool) -> Result<Self> {
        if let (Some(app), true) = (target.form.app(), starts) {
            let answer = Response::get(app, path, headers).await?;
            ensure!(answer.status == 200, "the app at {app} answered {}", answer.status);
        }
        let (query, form) = match target.form {
            Form::Body => ("", Reads::Body),
            Form::Events(_) => ("?offset=-1&live=sse", Reads::Events(Events::default())),
            Form::Polls(_) => {
                ("?offset=-1", Reads::Polls(target.clone(), path.to_owned(), headers.to_owned()))
            }
        };
        let asked = format!("{}{query}", target.path(path));
        let response = Response::get(target.address, &asked, headers).await?;
        ensure!(response.status == 200, "{} answered {}", target.address, response.status);
        Ok(Self { response: Some(response), form })
    }

    /// A header of the last answer. `name` is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.as_ref()?.header(name)
    }

    /// Gives the next bytes of the stream to `sink`; false at its end.
    ///
    /// # Errors
    /// Where it is cut, or `sink` fails.
    pub async fn next(&mut self, mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        let response = self.response.as_mut().context("this reader has failed before")?;
        loop {
            response.readable().await?;
            let read = BUFFER.with_borrow_mut(|buffer| match &mut self.form {
                Reads::Events(events) => response.try_read(buffer, |bytes| events.take(bytes, &mut sink)),
                Reads::Body | Reads::Polls(..) => response.try_read(buffer, &mut sink),
            })?;
            match (read, &self.form) {
                (None, _) => {}
                (Some(false), Reads::Polls(..)) => return self.poll().await,
                (Some(goes_on), _) => return Ok(goes_on),
            }
        }
    }

    /// The next of the long polls; false where the last one said that nothing follows.
    async fn poll(&mut self) -> Result<bool> {
        let Reads::Polls(target, path, headers) = &self.form else { return Ok(false) };
        let response = self.response.take().context("this reader has failed before")?;
        let header = |name: &str| response.header(name).map(str::to_owned);
        if header("stream-closed").is_some_and(|closed| closed == "true") {
            self.response = Some(response);
            return Ok(false);
        }
        let offset = header("stream-next-offset").context("the server names no next offset")?;
        let cursor = header("stream-cursor").map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let asked = format!("{}?offset={offset}&live=long-poll{cursor}", target.path(path));
        let stream = response.into_stream().await?;
        let next = Response::get_on(stream, target.address, &asked, headers).await?;
        ensure!(matches!(next.status, 200 | 204), "{} answered {}", target.address, next.status);
        self.response = Some(next);
        Ok(true)
    }
}
