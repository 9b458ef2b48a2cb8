//! A datagram to the socket of systemd, and the descriptors that it hands over.

use std::ffi::OsStr;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;

use listenfd::ListenFd;

pub(super) fn send(socket: &OsStr, text: &[u8]) -> io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    // A manager that does not listen must not hold up what is served.
    sender.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    if let Some(name) = std::os::unix::ffi::OsStrExt::as_bytes(socket).strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        return sender.send_to_addr(text, &address).map(drop);
    }
    sender.send_to(text, socket).map(drop)
}

pub(super) fn sockets() -> Result<Vec<TcpListener>, String> {
    let mut handed = ListenFd::from_env();
    let count = handed.len();
    if count > 2 {
        return Err(format!(
            "the service manager hands over {count} sockets: one to serve, and one for --metrics-listen, are taken"
        ));
    }
    let socket = |index| {
        let taken = handed.take_tcp_listener(index).map_err(|error| {
            format!("socket {index} of the service manager is not a TCP socket that listens: {error}")
        })?;
        taken.ok_or_else(|| format!("socket {index} of the service manager is not there"))
    };
    (0..count).map(socket).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::ServiceManager;
    use super::*;

    fn told(name: &OsStr, listener: &UnixDatagram) -> String {
        let manager =
            ServiceManager { socket: Some(name.to_owned()), watchdog: Some(Duration::from_secs(4)) };
        assert_eq!(manager.beat(), Some(Duration::from_secs(2)));
        manager.ready("listening");
        let mut buffer = [0; 100];
        let length = listener.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn it_is_told_by_a_path_and_by_an_abstract_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        assert_eq!(told(path.as_os_str(), &listener), "READY=1\nSTATUS=listening");
        #[cfg(target_os = "linux")]
        {
            use std::os::linux::net::SocketAddrExt;
            let name = format!("durablefetch-{}", std::process::id());
            let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
            let listener = UnixDatagram::bind_addr(&address).unwrap();
            assert_eq!(told(OsStr::new(&format!("@{name}")), &listener), "READY=1\nSTATUS=listening");
        }
    }
}
