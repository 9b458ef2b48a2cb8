//! What is stored is for the owner alone, and stays in the data directory.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::crash::body_files;
use crate::start::refused;
use crate::support::{PATIENCE, Recorder, Upstream, command, send};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A directory's files and directories, at any depth.
fn below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        }
        found.push(path);
    }
    found
}

/// Starts one under this umask, with what it logs.
fn start(data: &Path, umask: &str, log: &Path) -> Recorder {
    let inner = command(data, &[]);
    let mut outer = Command::new("sh");
    outer.arg("-c").arg(format!("umask {umask} && exec \"$0\" \"$@\""));
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.env("RUST_LOG", "warn").stdout(Stdio::piped()).stderr(fs::File::create(log).unwrap());
    Recorder::spawn(&mut outer)
}

/// Has something recorded that has not ended: all files of a recorder at work are there then.
fn at_work(recorder: &Recorder, data: &Path) -> impl Sized + use<> {
    let upstream = Upstream::start();
    let (_, mut reply, mut stream) = recorder.begin(&upstream);
    send(&mut stream, "mine alone");
    reply.take(10);
    let until = Instant::now() + PATIENCE;
    while body_files(data).is_empty() {
        assert!(Instant::now() < until, "no body is written");
    }
    (upstream, reply, stream)
}

fn assert_private(data: &Path) {
    let all = below(data);
    let names: Vec<_> = all.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    for file in ["lock", "recordings.db", "recordings.db-wal", "recordings.db-shm", "bodies"] {
        assert!(names.contains(&file), "{file} is not in {names:?}");
    }
    assert!(
        all.iter().any(|path| path.components().count() == data.components().count() + 3),
        "a body: {all:?}"
    );
    for path in all {
        assert_eq!(mode(&path) & 0o077, 0, "{} is {:o}", path.display(), mode(&path));
    }
}

#[test]
fn all_that_is_made_is_for_its_owner_whatever_the_umask() {
    for umask in ["0", "022", "077"] {
        let parent = tempfile::tempdir().unwrap();
        // Two that are not there yet.
        let data = parent.path().join("state/durablefetch");
        let log = parent.path().join("log");
        let recorder = start(&data, umask, &log);
        let _work = at_work(&recorder, &data);
        assert_private(&data);
        assert_eq!((mode(&data), mode(data.parent().unwrap())), (0o700, 0o700), "umask {umask}");
        assert!(!fs::read_to_string(&log).unwrap().contains("chmod"), "there is nothing to warn of");
    }
}

#[test]
fn what_others_could_read_is_taken_from_them_and_the_directory_is_warned_of() {
    let parent = tempfile::tempdir().unwrap();
    let (data, log) = (parent.path().join("data"), parent.path().join("log"));
    let recorder = start(&data, "0", &log);
    let work = at_work(&recorder, &data);
    // Killed, so that log and shared memory are left.
    recorder.kill();
    drop(work);
    for open in [0o755, 0o750, 0o701, 0o777] {
        set_mode(&data, open);
        for path in fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()) {
            set_mode(&path, if path.is_dir() { open } else { open & 0o666 });
        }
        let recorder = start(&data, "0", &log);
        let work = at_work(&recorder, &data);
        assert_private(&data);
        let said = fs::read_to_string(&log).unwrap();
        assert!(said.contains(&format!("`chmod 700 {}`", data.display())), "{open:o}: {said}");
        assert_eq!(mode(&data), open, "the operator's own is left as it is");
        recorder.kill();
        drop(work);
    }
    set_mode(&data, 0o700);
    start(&data, "0", &log).kill();
    assert!(!fs::read_to_string(&log).unwrap().contains("chmod"));
}

/// Names of a recorder's own: where one is a link, the link is named and what it leads to is as it was.
#[test]
fn a_link_in_the_data_directory_is_named_and_not_followed() {
    let parent = tempfile::tempdir().unwrap();
    let elsewhere = parent.path().join("elsewhere");
    for name in ["lock", "recordings.db", "recordings.db-wal", "recordings.db-shm", "recordings.db-journal"] {
        let data = parent.path().join(format!("with-{name}"));
        fs::create_dir(&data).unwrap();
        set_mode(&data, 0o700);
        fs::write(&elsewhere, "somebody else's").unwrap();
        set_mode(&elsewhere, 0o644);
        symlink(&elsewhere, data.join(name)).unwrap();
        let message = refused(&data, &[]);
        assert!(
            message.contains(&format!("{name} is a symbolic link")) && message.contains("--data"),
            "{message}"
        );
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "somebody else's", "{name}");
        assert_eq!(mode(&elsewhere), 0o644, "{name}");
        // One that leads nowhere makes nothing there.
        fs::remove_file(&elsewhere).unwrap();
        assert!(refused(&data, &[]).contains("is a symbolic link"));
        assert!(!elsewhere.exists(), "{name}");
        fs::remove_file(data.join(name)).unwrap();
        Recorder::start(&data, &[]).kill();
    }
}

#[test]
fn bodies_are_not_looked_for_behind_links() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let recorder = Recorder::start(&data, &[]);
    let work = at_work(&recorder, &data);
    recorder.kill();
    drop(work);
    let bodies = data.join("bodies");
    let shard = fs::read_dir(&bodies).unwrap().next().unwrap().unwrap().path();
    let body = fs::read_dir(&shard).unwrap().next().unwrap().unwrap().path();
    for path in [body, shard, bodies] {
        let moved = parent.path().join("moved");
        fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        let message = refused(&data, &[]);
        assert!(message.contains(&format!("{} is a symbolic link", path.display())), "{message}");
        fs::remove_file(&path).unwrap();
        fs::rename(&moved, &path).unwrap();
    }
    Recorder::start(&data, &[]).kill();
    // The way to the data directory is the operator's own.
    let link = parent.path().join("link");
    symlink(&data, &link).unwrap();
    let recorder = Recorder::start(&link, &[]);
    let _work = at_work(&recorder, &data);
    assert_private(&data);
}
