//! Several recorders behind one address, as one program: this one, started once more with `--balance`. Each connection goes to
//! the next of them. They die with it.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

const BALANCE: &str = "--balance";

/// The recorders that are to be started.
pub(crate) struct Several {
    url: String,
    peers: Vec<String>,
    data: PathBuf,
    /// The program of one of them, and its arguments.
    one: Vec<OsString>,
}

/// The command that starts them, each as this one does alone, on a directory of its own below `data`.
pub(crate) fn command(url: &str, peers: &[String], data: &Path, one: &std::process::Command) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([BALANCE, url, &peers.join(",")]).arg(data).arg(one.get_program()).args(one.get_args());
    command
}

/// What this program was started for, if it was for that.
pub(crate) fn asked_for() -> Option<Several> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != BALANCE {
        return None;
    }
    let mut text = || arguments.next()?.into_string().ok();
    let (url, peers) = (text()?, text()?.split(',').map(str::to_owned).collect());
    Some(Several { url, peers, data: arguments.next()?.into(), one: arguments.collect() })
}

impl Several {
    /// Balances until it is killed.
    pub(crate) async fn run(self) -> ExitCode {
        let (mut children, mut addresses, mut mount) = (Vec::new(), Vec::new(), String::new());
        for (number, peer) in self.peers.iter().enumerate() {
            let (child, said) = self.start(number, peer).await;
            let (address, path) = said.split_once('/').unwrap_or((&said, ""));
            addresses.push(address.parse::<SocketAddr>().unwrap());
            mount = path.to_owned();
            children.push(child);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("listening on http://{}/{mount}", listener.local_addr().unwrap());
        for address in addresses.iter().cycle() {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(pass(client, *address));
        }
        ExitCode::FAILURE
    }

    async fn start(&self, number: usize, peer: &str) -> (Child, String) {
        let data = self.data.join(number.to_string());
        fs::create_dir_all(&data).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).args(&self.one);
        command.arg("--data").arg(data).args(["--cluster", &self.url, "--peer-listen", peer]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("it says where it listens");
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let (_, said) = line.split_once("http://").unwrap();
        (child, said.to_owned())
    }
}

/// One connection to its end. What is cut on one side ends on the other, without a reset: what is on its way arrives.
async fn pass(client: TcpStream, address: SocketAddr) {
    let Ok(server) = TcpStream::connect(address).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
        std::future::pending::<()>().await
    };
    let down = async {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        let _ = to_client.shutdown().await;
    };
    tokio::select! { () = up => {} () = down => {} }
}
