//! One who reads a recording, leaves now and then and comes back, and checks every record.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::net::TcpSocket;

use crate::client::Response;
use crate::record::Records;

/// A reader with what it has read so far.
pub(super) struct Follower {
    address: SocketAddr,
    path: String,
    records: Records,
    record: usize,
    bytes: u64,
    recording: Option<String>,
    response: Option<Response>,
}

/// What came of a read.
pub(super) enum Step {
    More,
    End,
}

impl Follower {
    /// Of a stream of records of this size. Nothing is asked before the first read.
    pub(super) fn new(address: SocketAddr, path: String, record: usize) -> Self {
        Self {
            address,
            path,
            records: Records::new(record),
            record,
            bytes: 0,
            recording: None,
            response: None,
        }
    }

    pub(super) fn records(&self) -> u64 {
        self.records.count()
    }

    /// Hangs up. The next read goes on where this one was.
    pub(super) fn leave(&mut self) {
        self.response = None;
    }

    /// Hangs up, and reads from the start the next time.
    pub(super) fn start_over(&mut self) {
        self.response = None;
        self.records = Records::new(self.record);
        self.bytes = 0;
        self.recording = None;
    }

    /// Connects, with a receive buffer of this size where one is named.
    pub(super) async fn connect(&mut self, buffer: Option<u32>) -> Result<()> {
        let headers = match &self.recording {
            Some(id) => format!("durablefetch-recording: {id}\r\ndurablefetch-offset: {}\r\n", self.bytes),
            None => String::new(),
        };
        let socket = TcpSocket::new_v4()?;
        if let Some(size) = buffer {
            socket.set_recv_buffer_size(size)?;
        }
        let stream = socket.connect(self.address).await.context("cannot connect")?;
        let response = Response::get_on(stream, self.address, &self.path, &headers).await?;
        ensure!(
            response.status == 200,
            "{} answered {} {}",
            self.path,
            response.status,
            response.header("durablefetch-error").unwrap_or_default()
        );
        self.recording = response.header("durablefetch-recording").map(str::to_owned);
        ensure!(self.recording.is_some(), "{} is not a recording", self.path);
        self.response = Some(response);
        Ok(())
    }

    /// Reads once; `late` is told the date of each record.
    pub(super) async fn read(&mut self, buffer: &mut [u8], mut late: impl FnMut(u64)) -> Result<Step> {
        if self.response.is_none() {
            self.connect(None).await?;
        }
        let Some(response) = &mut self.response else { bail!("not connected") };
        let (records, bytes) = (&mut self.records, &mut self.bytes);
        let more = response
            .read(buffer, |part| {
                *bytes += part.len() as u64;
                records.take(part, &mut late)
            })
            .await
            .with_context(|| format!("{} after {} records", self.path, self.records.count()))?;
        Ok(if more { Step::More } else { Step::End })
    }
}
