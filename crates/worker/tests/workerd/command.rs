//! workerd as a program that prints a URL.

use std::path::Path;

use tokio::process::Command;

/// workerd tells its port as JSON to a file descriptor; the suite reads a URL.
const SERVE: &str = r#"
    exec "$WORKERD" serve "$CONFIG" --socket-addr http=127.0.0.1:0 --directory-path "storage=$STORE" --control-fd=3 \
        3> >(sed -un "s|.*\"port\":\([0-9]*\).*|http://127.0.0.1:\1$DURABLEFETCH_BASE_PATH|p")
"#;

/// workerd with this configuration, on a free port. `store` is where its service `storage` keeps what it stores.
pub(crate) fn workerd(config: &Path, store: &Path) -> Command {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workerd = here.join("tools/node_modules/.bin/workerd");
    assert!(workerd.exists(), "{} is missing: run npm ci in crates/worker/tools", workerd.display());
    std::fs::create_dir_all(store).expect("a directory for the store");
    let mut command = Command::new("bash");
    command.arg("-c").arg(SERVE).env("WORKERD", workerd).env("CONFIG", config).env("STORE", store);
    command
}
