# The worker of durablefetch 0.1.0 on workerd, with what it needs and a date of its time. Whoever runs it puts
# `dist/cloudflare.js` of the npm package beside a copy of this, and names a folder: --directory-path=storage=DIR.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .original),
    (name = "storage", disk = (writable = true)),
    # The upstreams of tests and benchmarks are on this machine.
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const original :Workerd.Worker = (
  modules = [(name = "cloudflare.js", esModule = embed "cloudflare.js")],
  compatibilityDate = "2025-06-01",
  durableObjectNamespaces = [(className = "DurableFetch", uniqueKey = "durablefetch")],
  durableObjectStorage = (localDisk = "storage"),
  bindings = [(name = "DURABLE_FETCH", durableObjectNamespace = "DurableFetch")],
);
