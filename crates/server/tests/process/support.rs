//! A recorder as a process, a scripted upstream, and as much HTTP as the tests need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Nothing here takes that long; a test that waits longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// `durablefetch serve`, killed when dropped.
pub(crate) struct Recorder {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

pub(crate) fn command(data: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_durablefetch"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(flags);
    command.env("RUST_LOG", "error").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Recorder {
    /// Starts one and waits for the line that says where it listens.
    pub(crate) fn start(data: &Path, flags: &[&str]) -> Self {
        Self::spawn(command(data, flags).stderr(Stdio::inherit()))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("durablefetch: listening on http").unwrap();
        let address = address.trim_start_matches('s').trim_start_matches("://");
        Self { address: address.parse().unwrap(), child }
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends a signal, named as `kill` wants it: `-HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits until the process has ended by itself.
    pub(crate) fn ended(mut self) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < until, "the recorder does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a request and returns what is left to be read.
    pub(crate) fn send(&self, head: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut text = format!("{head} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(text.as_bytes()).unwrap();
        Reply { reader: BufReader::new(stream) }
    }

    /// Starts a recording of what the upstream sends: its id, what its reader gets, and the upstream's side.
    pub(crate) fn begin(&self, upstream: &Upstream) -> (String, Reply, TcpStream) {
        let mut reply = self.send("GET /", &[("durablefetch-url", &upstream.url)], "");
        let mut stream = upstream.asked();
        answer(&mut stream);
        let id = header(&reply.head(), "durablefetch-recording").to_uppercase();
        (id, reply, stream)
    }

    /// What `in-progress` says.
    pub(crate) fn status(&self, url: &str) -> String {
        let body = format!("{{\"url\":\"{url}\"}}");
        self.send("POST /in-progress", &[], &body).all().1
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A response.
pub(crate) struct Reply {
    reader: BufReader<TcpStream>,
}

impl Reply {
    /// The head, as one text in lower case.
    pub(crate) fn head(&mut self) -> String {
        let mut head = String::new();
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
                return head;
            }
            head.push_str(&line.to_ascii_lowercase());
        }
    }

    /// One chunk; `None` at the last one.
    pub(crate) fn chunk(&mut self) -> std::io::Result<Option<String>> {
        let mut size = String::new();
        if self.reader.read_line(&mut size)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let mut data = vec![0; usize::from_str_radix(size.trim(), 16).unwrap() + 2];
        self.reader.read_exact(&mut data)?;
        data.truncate(data.len() - 2);
        Ok((!data.is_empty()).then(|| String::from_utf8(data).unwrap()))
    }

    /// Chunks until there are this many bytes.
    pub(crate) fn take(&mut self, bytes: usize) -> String {
        let mut out = String::new();
        while out.len() < bytes {
            out.push_str(&self.chunk().unwrap().unwrap());
        }
        out
    }

    /// All that is left, and whether it ended as a chunked body ends.
    pub(crate) fn rest(&mut self) -> (String, bool) {
        let mut out = String::new();
        loop {
            match self.chunk() {
                Ok(Some(chunk)) => out.push_str(&chunk),
                Ok(None) => return (out, true),
                Err(_) => return (out, false),
            }
        }
    }

    /// This many bytes of a body that says its length.
    pub(crate) fn plain(&mut self, bytes: usize) -> String {
        let mut out = vec![0; bytes];
        self.reader.read_exact(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Head and body of a response that says its length.
    pub(crate) fn all(mut self) -> (String, String) {
        let head = self.head();
        let mut body = String::new();
        self.reader.read_to_string(&mut body).unwrap();
        (head, body)
    }
}

impl Reply {
    /// Everything, whether it comes to an end or is cut.
    pub(crate) fn all_or_cut(mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let _ = self.reader.read_to_end(&mut out);
        out
    }
}

/// The value of a header in a head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("{name} is missing in {head}"))
}

/// An upstream that takes one connection after the other; the test writes what it answers.
pub(crate) struct Upstream {
    pub(crate) url: String,
    connections: mpsc::Receiver<TcpStream>,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/stream", listener.local_addr().unwrap());
        let (sender, connections) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                while reader.read_line(&mut line).unwrap_or(0) > 0 && line != "\r\n" {
                    line.clear();
                }
                if sender.send(stream).is_err() {
                    return;
                }
            }
        });
        Self { url, connections }
    }

    /// The next request, its head read.
    pub(crate) fn asked(&self) -> TcpStream {
        self.connections.recv_timeout(PATIENCE).expect("the upstream is asked")
    }

    pub(crate) fn assert_not_asked(&self) {
        assert!(self.connections.try_recv().is_err(), "the upstream was asked again");
    }
}

/// Answers with the head of a chunked body.
pub(crate) fn answer(stream: &mut TcpStream) {
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
}

pub(crate) fn send(stream: &mut TcpStream, chunk: &str) {
    stream.write_all(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes()).unwrap();
}

/// A connection that is used more than once.
pub(crate) struct Kept {
    reply: Reply,
}

impl Kept {
    pub(crate) fn open(recorder: &Recorder) -> Self {
        let stream = TcpStream::connect(recorder.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { reply: Reply { reader: BufReader::new(stream) } }
    }

    /// The head of the answer, in lower case; its body is read past.
    pub(crate) fn get(&mut self, path: &str) -> String {
        self.ask(&format!("GET {path}"), &[], "").0
    }

    /// Head, in lower case, and body of the answer, which comes to an end as answers do.
    pub(crate) fn ask(&mut self, line: &str, headers: &[(&str, &str)], body: &str) -> (String, String) {
        let mut request = format!("{line} HTTP/1.1\r\nhost: localhost\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        let Reply { reader } = &mut self.reply;
        reader.get_mut().write_all(request.as_bytes()).unwrap();
        let head = self.reply.head();
        assert!(!head.is_empty(), "the connection is closed");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let body = match length {
            Some(length) => self.reply.plain(length.parse().unwrap()),
            None => {
                let (body, clean) = self.reply.rest();
                assert!(clean, "the answer is cut after {body:?}");
                body
            }
        };
        (head, body)
    }
}

/// An upstream that plays each connection in a task of its own. Returns its address.
pub(crate) async fn serve_each<P>(play: impl Fn(tokio::net::TcpStream) -> P + Send + 'static) -> SocketAddr
where
    P: Future<Output = Option<()>> + Send + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(play(stream));
        }
    });
    address
}
