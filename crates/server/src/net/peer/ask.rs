//! Asks another process something of its own.

use std::io;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::Way;

/// Its JSON.
pub(crate) async fn ask(way: Way, path: &'static str, asked: &Value) -> io::Result<Value> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(way)).await.map_err(io::Error::other)?;
    let connection = tokio::spawn(connection);
    let request = Request::post(path).header(header::HOST, "peer");
    let request = request.body(Full::new(Bytes::from(asked.to_string()))).map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let is_done = response.status().is_success();
    let body = response.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    connection.abort();
    let value: Value = serde_json::from_slice(&body)?;
    match value["error"].as_str() {
        Some(message) if !is_done => Err(io::Error::other(message.to_owned())),
        _ => Ok(value),
    }
}
