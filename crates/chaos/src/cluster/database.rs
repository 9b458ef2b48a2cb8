//! A server of PostgreSQL of one lane's own: it is stopped, started again, and made slow.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::ports::port;

/// The versions that are looked for where Debian keeps them.
const VERSIONS: std::ops::RangeInclusive<u32> = 15..=18;
/// A machine that does other things, too, starts one within this time.
const PATIENCE: Duration = Duration::from_secs(60);
const NAME: &str = "chaos";

pub(crate) struct Database {
    // Before the folder, so that the program is gone when its files are removed.
    child: Child,
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Database {
    pub(crate) async fn start(programs: &Path) -> Result<Self> {
        let folder = TempDir::with_prefix("durablefetch-chaos-database-")?;
        if is_root().await? {
            run(Command::new("chown").arg("postgres").arg(folder.path())).await?;
        }
        let data = folder.path().join("data");
        let mut make = server(&programs.join("initdb")).await?;
        make.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "-D"]).arg(&data);
        run(&mut make).await?;
        let port = port()?;
        let child = launch(programs, folder.path(), port).await?;
        let database = Self { child, programs: programs.to_owned(), folder, port };
        database.psql_in("postgres", &format!("create database {NAME}")).await?;
        Ok(database)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Its address behind a pipe.
    pub(crate) fn url_at(port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/{NAME}?sslmode=disable")
    }

    /// Stops it: as an operator does, or as if the machine had lost power, but for what the disk has.
    pub(crate) async fn stop(&mut self, at_once: bool) -> Result<()> {
        let pid = self.child.id().context("PostgreSQL has ended by itself")?;
        let signal = if at_once { "-QUIT" } else { "-INT" };
        run(Command::new("kill").args([signal, &pid.to_string()])).await?;
        timeout(PATIENCE, self.child.wait()).await.context("PostgreSQL does not stop")??;
        Ok(())
    }

    pub(crate) async fn start_again(&mut self) -> Result<()> {
        self.child = launch(&self.programs, self.folder.path(), self.port).await?;
        Ok(())
    }

    /// What it says, without the recorders' ways to it.
    pub(crate) async fn psql(&self, sql: &str) -> Result<String> {
        self.psql_in(NAME, sql).await
    }

    async fn psql_in(&self, database: &str, sql: &str) -> Result<String> {
        let mut ask = Command::new(self.programs.join("psql"));
        ask.args([
            "-X",
            "-q",
            "-At",
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-d",
            database,
            "-v",
            "ON_ERROR_STOP=1",
        ]);
        ask.args(["-p", &self.port.to_string(), "-c", sql]);
        Ok(run(&mut ask).await?.trim().to_owned())
    }

    /// Has every commit to its tables sleep for as long as [`Database::set_slow`] says. The tables are there.
    pub(crate) async fn can_be_slow(&self) -> Result<()> {
        self.psql(SLOWLY).await.map(drop)
    }

    /// How long each commit takes from now on.
    pub(crate) async fn set_slow(&self, by: Duration) -> Result<()> {
        self.psql(&format!("update chaos.slow set seconds = {}", by.as_secs_f64())).await.map(drop)
    }
}

/// Once in each transaction, at its end.
const SLOWLY: &str = "
create schema chaos;
create table chaos.slow (seconds double precision);
insert into chaos.slow values (0);
create function chaos.slowly() returns trigger language plpgsql as $$ begin
    if coalesce(current_setting('chaos.slept', true), '') = '' then
        perform set_config('chaos.slept', 'yes', true), pg_sleep(seconds) from chaos.slow where seconds > 0;
    end if;
    return null;
end $$;
do $$ declare of text; begin
    for of in select tablename from pg_tables where schemaname = 'df' loop
        execute format('create constraint trigger slowly after insert or update or delete on df.%I
            deferrable initially deferred for each row execute function chaos.slowly()', of);
    end loop;
end $$";

async fn launch(programs: &Path, folder: &Path, port: u16) -> Result<Child> {
    let mut command = server(&programs.join("postgres")).await?;
    command.arg("-D").arg(folder.join("data")).args(["-p", &port.to_string()]).arg("-k").arg(folder);
    // What it has written outlives it, if not the machine.
    let settings = ["listen_addresses=127.0.0.1", "fsync=off", "max_wal_size=64MB", "shared_buffers=32MB"];
    command.args(settings.iter().flat_map(|setting| ["-c", setting]));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("cannot start PostgreSQL")?;
    let mut lines = BufReader::new(child.stderr.take().context("no stderr")?).lines();
    let ready = async {
        let mut said = String::new();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains("database system is ready to accept connections") {
                return Ok(());
            }
            said += &format!("{line}\n");
        }
        bail!("PostgreSQL does not start:\n{said}")
    };
    timeout(PATIENCE, ready).await.context("PostgreSQL does not start in time")??;
    // Read to its end: a pipe that is full would stop it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(child)
}

/// The folder of the server's programs.
pub(crate) fn programs() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("POSTGRES_BIN").map(PathBuf::from) {
        ensure!(
            named.join("initdb").is_file(),
            "POSTGRES_BIN names {}, which has no initdb",
            named.display()
        );
        return Ok(named);
    }
    let folders = VERSIONS.rev().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    folders.into_iter().find(|folder| folder.join("initdb").is_file()).context(
        "PostgreSQL is missing.\n  what to do: `apt-get install postgresql` (15 or later), or name the folder of its programs: \
         POSTGRES_BIN=/path/to/bin",
    )
}

/// One of its programs. They refuse to be run by root.
async fn server(program: &Path) -> Result<Command> {
    if !is_root().await? {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program).current_dir("/");
    Ok(command)
}

async fn is_root() -> Result<bool> {
    Ok(run(Command::new("id").arg("-u")).await?.trim() == "0")
}

async fn run(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("cannot start {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
