//! One request to a recorder, and its answer as it comes: nothing that tries again, or takes a cut for an end.

use std::io::{self, ErrorKind};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Heads of recorders are shorter.
const HEAD_MAX: usize = 64 << 10;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a str,
}

/// An answer whose body is to be read.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    stream: TcpStream,
    /// What has come and was not read.
    rest: Vec<u8>,
    left: Left,
}

/// What is left of a body.
#[derive(Debug, Clone, Copy)]
enum Left {
    Bytes(usize),
    /// Of a chunk, if one has begun.
    Chunks(usize),
    Nothing,
}

/// Asks the recorder on this port.
pub(crate) async fn ask(port: u16, ask: Ask<'_>) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut head = format!(
        "{} {} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\ncontent-length: {}\r\n",
        ask.method,
        ask.path,
        ask.body.len()
    );
    for (name, value) in ask.headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n{}", ask.body).as_bytes()).await?;
    let mut rest = Vec::new();
    let end = loop {
        if let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if rest.len() > HEAD_MAX {
            return Err(io::Error::new(ErrorKind::InvalidData, "a head without an end"));
        }
        more(&mut stream, &mut rest).await?;
    };
    let head = String::from_utf8_lossy(&rest[..end]).to_lowercase();
    rest.drain(..end + 4);
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "no status"))?;
    let mut answer = Answer { status, head, stream, rest, left: Left::Nothing };
    answer.left = match (answer.header("transfer-encoding"), answer.header("content-length")) {
        (Some("chunked"), _) => Left::Chunks(0),
        (_, Some(length)) => Left::Bytes(length.parse().map_err(io::Error::other)?),
        // A 204.
        _ => Left::Bytes(0),
    };
    Ok(answer)
}

async fn more(stream: &mut TcpStream, rest: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(rest).await? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The next bytes of the body; `None` at its clean end.
    ///
    /// # Errors
    /// Where it is cut.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            match self.left {
                Left::Nothing | Left::Bytes(0) => return Ok(None),
                Left::Chunks(0) => {
                    let line = self.line().await?;
                    let length = usize::from_str_radix(&line, 16).map_err(io::Error::other)?;
                    if length == 0 {
                        self.line().await?;
                        self.left = Left::Nothing;
                    } else {
                        self.left = Left::Chunks(length);
                    }
                }
                Left::Bytes(left) | Left::Chunks(left) if !self.rest.is_empty() => {
                    let taken: Vec<u8> = self.rest.drain(..left.min(self.rest.len())).collect();
                    let left = left - taken.len();
                    self.left = match self.left {
                        Left::Chunks(_) => Left::Chunks(left),
                        _ => Left::Bytes(left),
                    };
                    if matches!(self.left, Left::Chunks(0)) {
                        self.line().await?;
                    }
                    return Ok(Some(taken));
                }
                Left::Bytes(_) | Left::Chunks(_) => more(&mut self.stream, &mut self.rest).await?,
            }
        }
    }

    /// The whole body.
    pub(crate) async fn text(mut self) -> io::Result<String> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next().await? {
            all.extend(bytes);
        }
        String::from_utf8(all).map_err(io::Error::other)
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.rest.windows(2).position(|two| two == b"\r\n") {
                let line = String::from_utf8_lossy(&self.rest[..end]).into_owned();
                self.rest.drain(..end + 2);
                return Ok(line);
            }
            more(&mut self.stream, &mut self.rest).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const ASK: Ask<'_> = Ask { method: "GET", path: "/", headers: &[], body: "" };

    /// What is read of these bytes, and whether they end as bodies end.
    async fn read(sent: &'static str) -> (String, bool) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            // In pieces: a chunk's length may come in two.
            for part in sent.as_bytes().chunks(7) {
                stream.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let reading = async {
            let mut answer = ask(port, ASK).await.unwrap();
            assert_eq!((answer.status, answer.header("x-name")), (200, Some("value")));
            let mut all = Vec::new();
            loop {
                match answer.next().await {
                    Ok(Some(bytes)) => all.extend(bytes),
                    end => return (String::from_utf8(all).unwrap(), end.is_ok()),
                }
            }
        };
        tokio::join!(serving, reading).1
    }

    #[tokio::test]
    async fn an_end_is_told_from_a_cut() {
        let read = |text| async move { read(text).await };
        let whole = "HTTP/1.1 200 OK\r\nx-name: value\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(read(whole).await, ("hello".to_owned(), true));
        let short = "HTTP/1.1 200 OK\r\nx-name: value\r\ncontent-length: 6\r\n\r\nhello";
        assert_eq!(read(short).await, ("hello".to_owned(), false));
        let chunked = "HTTP/1.1 200 OK\r\nX-Name: value\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        assert_eq!(read(chunked).await, ("hello".to_owned(), true));
        let cut =
            "HTTP/1.1 200 OK\r\nx-name: value\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n";
        assert_eq!(read(cut).await, ("hello".to_owned(), false));
    }
}
