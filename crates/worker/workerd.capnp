# The worker on plain workerd, with the storage of its Durable Objects on disk.
#
#   workerd serve crates/worker/workerd.capnp --socket-addr http=127.0.0.1:8787 --directory-path storage=DIR
#
# `cargo xtask worker` does that. Its variables come from the environment, each as DURABLEFETCH_<name>.

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "recorder", worker = .recorder),
    # Upstreams on this machine may be fetched as well: the recorder listens on loopback and checks by itself.
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
    (name = "storage", disk = (writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "recorder")],
);

const recorder :Workerd.Worker = (
  modules = [
    (name = "index.js", esModule = embed "build/index.js"),
    (name = "index_bg.wasm", wasm = embed "build/index_bg.wasm"),
  ],
  compatibilityDate = "2026-10-01",
  bindings = [
    (name = "RECORDINGS", durableObjectNamespace = "RecordingObject"),
    (name = "PUBLIC_ORIGIN", fromEnvironment = "DURABLEFETCH_PUBLIC_ORIGIN"),
    (name = "ORIGINS", fromEnvironment = "DURABLEFETCH_ORIGINS"),
    (name = "ORIGIN_NULL", fromEnvironment = "DURABLEFETCH_ORIGIN_NULL"),
    (name = "ALLOW", fromEnvironment = "DURABLEFETCH_ALLOW"),
    (name = "DROP_HEADERS", fromEnvironment = "DURABLEFETCH_DROP_HEADERS"),
    (name = "ALLOW_ANY", fromEnvironment = "DURABLEFETCH_ALLOW_ANY"),
    (name = "TOKEN_SECRET", fromEnvironment = "DURABLEFETCH_TOKEN_SECRET"),
    (name = "SCOPE_BY", fromEnvironment = "DURABLEFETCH_SCOPE_BY"),
    (name = "JWT_KEY", fromEnvironment = "DURABLEFETCH_JWT_KEY"),
    (name = "SCOPE_SECRET", fromEnvironment = "DURABLEFETCH_SCOPE_SECRET"),
    (name = "UNGUESSABLE_URLS", fromEnvironment = "DURABLEFETCH_UNGUESSABLE_URLS"),
    (name = "BASE_PATH", fromEnvironment = "DURABLEFETCH_BASE_PATH"),
    (name = "TTL", fromEnvironment = "DURABLEFETCH_TTL"),
    (name = "MAX_AGE", fromEnvironment = "DURABLEFETCH_MAX_AGE"),
    (name = "MAX_RECORDING_BYTES", fromEnvironment = "DURABLEFETCH_MAX_RECORDING_BYTES"),
    (name = "MAX_RECORDINGS", fromEnvironment = "DURABLEFETCH_MAX_RECORDINGS"),
    (name = "MAX_REQUEST_BYTES", fromEnvironment = "DURABLEFETCH_MAX_REQUEST_BYTES"),
    (name = "CONNECT_TIMEOUT", fromEnvironment = "DURABLEFETCH_CONNECT_TIMEOUT"),
    (name = "HEADER_TIMEOUT", fromEnvironment = "DURABLEFETCH_HEADER_TIMEOUT"),
    (name = "IDLE_TIMEOUT", fromEnvironment = "DURABLEFETCH_IDLE_TIMEOUT"),
  ],
  durableObjectNamespaces = [(className = "RecordingObject", uniqueKey = "durablefetch", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),
);
