//! Asks a recorder that runs.

use std::path::Path;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::socket;

/// The connection to a recorder.
pub(super) struct Recorder {
    sender: SendRequest<Full<Bytes>>,
}

impl Recorder {
    /// Connects to the recorder that serves this directory.
    pub(super) async fn connect(data: &Path) -> Result<Self, String> {
        let stream = socket::connect(data)?;
        let failed = |error: hyper::Error| format!("the recorder does not answer: {error}");
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    async fn send(&mut self, path: &'static str, asked: &Value) -> Result<http::Response<Incoming>, String> {
        let body = Full::new(Bytes::from(asked.to_string()));
        let request = Request::post(path).header("host", "operator").body(body);
        let request = request.map_err(|error| error.to_string())?;
        self.sender
            .send_request(request)
            .await
            .map_err(|error| format!("the recorder does not answer: {error}"))
    }

    pub(super) async fn ask(&mut self, path: &'static str, asked: &Value) -> Result<Value, String> {
        read(self.send(path, asked).await?).await
    }

    /// Has the recorder keep all body files until what is returned is dropped.
    pub(super) async fn hold(mut self) -> Result<Held, String> {
        let response = self.send("/hold", &Value::Null).await?;
        if response.status() != StatusCode::OK {
            return Err(read(response).await.err().unwrap_or_else(refuses));
        }
        let mut body = response.into_body();
        match body.frame().await {
            Some(Ok(_)) => Ok(Held { _recorder: self, _body: body }),
            _ => Err("the recorder went away".to_owned()),
        }
    }
}

/// What it answers, or why it does not do it.
async fn read(response: http::Response<Incoming>) -> Result<Value, String> {
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    let value: Value =
        serde_json::from_slice(&body).map_err(|_| "the recorder is of another version".to_owned())?;
    match status {
        StatusCode::OK => Ok(value),
        _ => Err(value["error"].as_str().map_or_else(refuses, str::to_owned)),
    }
}

fn refuses() -> String {
    "the recorder refuses".to_owned()
}

/// The files stay while this is alive.
pub(super) struct Held {
    _recorder: Recorder,
    _body: Incoming,
}
