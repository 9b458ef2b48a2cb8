//! Starting what is measured, each as a user would set it up.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::native::Programs;
use crate::process::Processes;
use crate::target::{Form, Target};

/// Connections that one nginx worker may have.
const CONNECTIONS: usize = 16_384;

/// A running server; dropped, it ends.
#[derive(Debug)]
pub struct Server {
    /// The last one is ended first.
    children: Vec<Child>,
    /// How clients reach it.
    pub target: Target,
    /// What it consists of.
    pub processes: Processes,
    folder: Option<PathBuf>,
}

impl Server {
    /// Nothing between client and upstream.
    #[must_use]
    pub fn direct(upstream: SocketAddr) -> Self {
        Self {
            children: Vec::new(),
            target: Target::direct(upstream),
            processes: Processes::default(),
            folder: None,
        }
    }

    /// The recorder, with its defaults and an empty store.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn recorder(programs: &Programs, upstream: SocketAddr) -> Result<Self> {
        Self::of_program(&programs.recorder, upstream)
    }

    /// This recorder, with its defaults and an empty store.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn of_program(program: &Path, upstream: SocketAddr) -> Result<Self> {
        let folder = fresh("recorder")?;
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&folder);
        // It writes its lines, and nobody reads them here.
        command.stderr(Stdio::null());
        Self::announced(command, upstream, "/{upstream}", Some(folder))
    }

    /// One of the peers on Node.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn node(programs: &Programs, script: &str, upstream: SocketAddr, prefix: &str) -> Result<Self> {
        let mut command = Command::new("node");
        command.arg(script).current_dir(&programs.peers).env("UPSTREAM", format!("http://{upstream}"));
        Self::announced(command, upstream, prefix, None)
    }

    /// A program that prints `listening on http://ADDRESS`.
    ///
    /// # Errors
    /// Where it ends before it does.
    pub fn announced(
        mut command: Command,
        upstream: SocketAddr,
        prefix: &str,
        folder: Option<PathBuf>,
    ) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let out = child.stdout.take().context("no stdout")?;
        let processes = Processes::new(vec![child.id()]);
        let mut server = Self { children: vec![child], target: Target::direct(upstream), processes, folder };
        let mut lines = BufReader::new(out).lines();
        let line = lines.by_ref().find_map(|line| {
            line.map(|line| line.split_once("listening on ").map(|(_, url)| url.to_owned())).transpose()
        });
        // Some write more, and end where nobody takes it.
        std::thread::spawn(move || lines.for_each(drop));
        let url = line.with_context(|| format!("{command:?} ended"))??;
        server.target = Target::parse(&format!("{}{prefix}", url.trim_end_matches('/')), upstream)?;
        Ok(server)
    }

    /// nginx as Debian has it: passes everything to the upstream without buffering, and serves `files` below
    /// `/files/`.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn nginx(programs: &Programs, upstream: SocketAddr, files: &Path) -> Result<Self> {
        let folder = fresh("nginx")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let at = folder.display();
        let config = format!(
            "worker_processes auto;\nworker_rlimit_nofile {CONNECTIONS};\ndaemon off;\npid {at}/pid;\n\
             error_log {at}/error.log;\nevents {{ worker_connections {CONNECTIONS}; }}\nhttp {{\n\
             access_log off;\nsendfile on;\ntcp_nopush on;\n\
             client_body_temp_path {at}/1;\nproxy_temp_path {at}/2;\nfastcgi_temp_path {at}/3;\n\
             uwsgi_temp_path {at}/4;\nscgi_temp_path {at}/5;\n\
             server {{\nlisten 127.0.0.1:{port} backlog=4096;\nlocation / {{\nproxy_pass http://{upstream};\n\
             proxy_http_version 1.1;\nproxy_set_header Connection \"\";\nproxy_buffering off;\n}}\n\
             location /files/ {{ alias {}/; }}\n}}\n}}\n",
            files.display()
        );
        let path = folder.join("nginx.conf");
        fs::write(&path, config)?;
        let mut command = Command::new(&programs.nginx);
        command.arg("-c").arg(&path).arg("-p").arg(&folder);
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let processes = Processes::new(vec![child.id()]);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let server =
            Self { children: vec![child], target: Target::direct(address), processes, folder: Some(folder) };
        until_listening(address, "nginx")?;
        Ok(server)
    }

    /// The Rust server of durable-streams with its defaults (an append is answered once it is on disk) and an empty store,
    /// and an app beside it that fills it; both are measured. `form` says how it is read, from the app's address.
    ///
    /// # Errors
    /// Where one of the two does not start.
    pub fn durable_streams(
        programs: &Programs,
        upstream: SocketAddr,
        form: fn(SocketAddr) -> Form,
    ) -> Result<Self> {
        let folder = fresh("durable-streams")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut command = Command::new(&programs.durable_streams);
        command.args(["--port", &port.to_string(), "--data-dir"]).arg(&folder);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let mut server = Self {
            children: vec![child],
            target: Target::direct(address),
            processes: Processes::default(),
            folder: Some(folder),
        };
        until_listening(address, "durable-streams-server")?;
        let mut app = Command::new(std::env::current_exe()?);
        app.arg("append")
            .arg("--upstream")
            .arg(upstream.to_string())
            .arg("--server")
            .arg(address.to_string());
        let mut app = Self::announced(app, upstream, "", None)?;
        server.children.append(&mut app.children);
        server.target.form = form(app.target.address);
        server.processes = Processes::new(server.children.iter().map(Child::id).collect());
        Ok(server)
    }

    /// Bytes of all body files of a recorder.
    ///
    /// # Errors
    /// Without a store.
    pub fn stored(&self) -> Result<u64> {
        let bodies = self.folder.as_ref().context("it stores nothing")?.join("bodies");
        let mut sum = 0;
        for shard in fs::read_dir(bodies)? {
            for file in fs::read_dir(shard?.path())? {
                sum += file?.metadata()?.len();
            }
        }
        Ok(sum)
    }
}

fn until_listening(address: SocketAddr, name: &str) -> Result<()> {
    let since = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        ensure!(since.elapsed() < Duration::from_secs(10), "{name} does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

impl Drop for Server {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            // SIGTERM: some have children of their own to end.
            if let Ok(pid) = i32::try_from(child.id()) {
                let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGTERM);
            }
            let since = Instant::now();
            while matches!(child.try_wait(), Ok(None)) {
                if since.elapsed() > Duration::from_secs(5) {
                    let _ = child.kill();
                    let _ = child.wait();
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// An empty folder that is this run's own.
///
/// # Errors
/// Without room for it.
pub fn fresh(name: &str) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("durablefetch-bench-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}
