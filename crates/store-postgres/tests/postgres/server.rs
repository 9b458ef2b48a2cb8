//! A server of PostgreSQL in a folder of its own, on a port that is free, for as long as a test needs it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::thread;

use tempfile::TempDir;

/// The versions that are looked for where Debian keeps them.
const VERSIONS: std::ops::RangeInclusive<u32> = 15..=18;

pub(crate) struct Server {
    folder: TempDir,
    pub(crate) programs: PathBuf,
    pub(crate) port: u16,
    child: Mutex<Child>,
}

/// The one that runs, or a new one: the last test that uses it stops it.
pub(crate) fn server() -> Arc<Server> {
    static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap();
    running.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Server::start());
        *running = Arc::downgrade(&server);
        server
    })
}

impl Server {
    pub(crate) fn start() -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(folder.path().join("cert.pem"), certified.cert.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
        run(Command::new("chmod").arg("600").arg(folder.path().join("key.pem")));
        if is_root() {
            run(Command::new("chown").args(["-R", "postgres"]).arg(folder.path()));
        }
        run(server_command(&programs.join("initdb"))
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "-D"])
            .arg(&data));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = server_command(&programs.join("postgres"));
        command.arg("-D").arg(&data).arg("-p").arg(port.to_string()).arg("-k").arg(folder.path());
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            "max_connections=600".to_owned(),
            // Nothing here outlives the machine.
            "fsync=off".to_owned(),
            "wal_level=minimal".to_owned(),
            "max_wal_senders=0".to_owned(),
            "max_wal_size=64MB".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", folder.path().join("cert.pem").display()),
            format!("ssl_key_file={}", folder.path().join("key.pem").display()),
        ];
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        wait_until_ready(&mut child);
        Self { folder, programs, port, child: Mutex::new(child) }
    }

    /// Makes a database.
    #[allow(dead_code, reason = "the store's own tests have another way")]
    pub(crate) fn create(&self, database: &str) {
        let mut create = Command::new(self.programs.join("createdb"));
        create.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string(), database]);
        run(&mut create);
    }

    /// Removes it.
    #[allow(dead_code, reason = "the same")]
    pub(crate) fn drop_database(&self, database: &str) {
        let mut drop = Command::new(self.programs.join("dropdb"));
        drop.args(["--force", "-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string(), database]);
        run(&mut drop);
    }

    /// The certificate that vouches for it, as `localhost`.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        run(server_command(&self.programs.join("pg_ctl")).args(["stop", "--mode=immediate", "-D"]).arg(data));
        let _ = self.child.lock().unwrap().wait();
    }
}

/// Reads what it says until it is ready, and then on.
fn wait_until_ready(child: &mut Child) {
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (ready, is_ready) = mpsc::channel();
    thread::spawn(move || {
        let mut said = String::new();
        for line in lines.map_while(Result::ok) {
            said += &format!("{line}\n");
            if line.contains("database system is ready to accept connections") {
                let _ = ready.send(Ok(()));
            }
        }
        let _ = ready.send(Err(said));
    });
    if let Err(said) = is_ready.recv().unwrap() {
        panic!("PostgreSQL does not start:\n{said}");
    }
}

/// The folder of the server's programs.
fn programs() -> PathBuf {
    if let Some(named) = std::env::var_os("POSTGRES_BIN").map(PathBuf::from) {
        assert!(
            named.join("initdb").is_file(),
            "POSTGRES_BIN names {}, which has no initdb",
            named.display()
        );
        return named;
    }
    let folders = VERSIONS.rev().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    folders.into_iter().find(|folder| folder.join("initdb").is_file()).unwrap_or_else(|| {
        panic!(
            "PostgreSQL is missing.\n  what to do: `apt-get install postgresql-15` (15 or later), or name the folder of its \
             programs: POSTGRES_BIN=/path/to/bin"
        )
    })
}

/// One of its programs. They refuse to be run by root.
fn server_command(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program).current_dir("/");
    command
}

fn is_root() -> bool {
    let said = Command::new("id").arg("-u").output().unwrap();
    said.stdout.starts_with(b"0\n")
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
