//! The systems and processors that a recorder is made for.

/// One of them.
pub(crate) struct Platform {
    /// As Node names it: `process.platform` and `process.arch`.
    pub(crate) os: &'static str,
    pub(crate) cpu: &'static str,
    /// As rustc names it.
    pub(crate) target: &'static str,
    /// What the program is called there.
    pub(crate) file: &'static str,
}

/// Which platforms a recorder is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// This machine's.
    Here,
    /// Those that an image may be of.
    Linux,
    All,
}

impl For {
    /// What `--all-platforms` says, or does not.
    pub(crate) fn all_or_here(all_platforms: bool) -> Self {
        if all_platforms { Self::All } else { Self::Here }
    }

    pub(crate) fn includes(self, platform: &Platform) -> bool {
        match self {
            Self::Here => platform.is_here(),
            Self::Linux => platform.os == "linux",
            Self::All => true,
        }
    }
}

pub(crate) const PLATFORMS: &[Platform] = &[
    Platform { os: "linux", cpu: "x64", target: "x86_64-unknown-linux-musl", file: "durablefetch" },
    Platform { os: "linux", cpu: "arm64", target: "aarch64-unknown-linux-musl", file: "durablefetch" },
    Platform { os: "darwin", cpu: "x64", target: "x86_64-apple-darwin", file: "durablefetch" },
    Platform { os: "darwin", cpu: "arm64", target: "aarch64-apple-darwin", file: "durablefetch" },
    Platform { os: "win32", cpu: "x64", target: "x86_64-pc-windows-gnu", file: "durablefetch.exe" },
];

impl Platform {
    /// `linux-x64`.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.os, self.cpu)
    }

    /// The npm package that has its program.
    pub(crate) fn package(&self) -> String {
        format!("durablefetch-recorder-{}", self.name())
    }

    /// Whether this machine has its system.
    pub(crate) fn is_of_this_system(&self) -> bool {
        let os = match std::env::consts::OS {
            "macos" => "darwin",
            "windows" => "win32",
            other => other,
        };
        self.os == os
    }

    /// Whether this machine is one.
    pub(crate) fn is_here(&self) -> bool {
        let cpu = match std::env::consts::ARCH {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            other => other,
        };
        self.is_of_this_system() && self.cpu == cpu
    }
}

#[cfg(test)]
mod tests {
    use super::{PLATFORMS, Platform};

    #[test]
    fn the_launcher_knows_the_same() {
        let launcher = include_str!("../../../../pkg-recorder-template/lib/binary.cjs");
        let names: Vec<_> = PLATFORMS.iter().map(Platform::name).collect();
        assert!(launcher.contains(&format!("PLATFORMS = ['{}']", names.join("', '"))), "{names:?}");
    }
}
