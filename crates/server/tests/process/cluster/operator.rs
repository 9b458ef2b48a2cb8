//! `ls`, `show`, `du` and `rm`, asked of one of a cluster: they tell of all, and reach what another one has.

use serde_json::Value;

use super::{Cluster, Node, resume, starts, until};
use crate::operator::{json, refused, text};
use crate::support::{Recorder, Upstream, header, send};

fn node_of(node: &Node) -> Value {
    json(node.data.path(), &["ls"])["recordings"][0].clone()
}

/// A recording that is complete, and its id.
fn whole(node: &Recorder, upstream: &Upstream, body: &str) -> String {
    let (id, mut reply, mut stream) = node.begin(upstream);
    send(&mut stream, body);
    send(&mut stream, "");
    assert_eq!(reply.rest(), (body.to_owned(), true));
    id
}

#[test]
fn any_of_them_lists_what_lives_in_another() {
    let cluster = Cluster::new();
    let [a, b] = cluster.nodes();
    let upstream = Upstream::start();
    let (id, mut reply, mut stream) = a.begin(&upstream);
    send(&mut stream, "hello");
    assert_eq!(reply.take(5), "hello");
    let at = cluster.psql("select n.url from df.keys k join df.nodes n on n.id = k.owner");
    for node in [&a, &b] {
        let listed = node_of(node);
        assert_eq!(listed["recording"], id, "{listed}");
        assert_eq!(listed["state"], "streaming", "{listed}");
        // Of the process's memory: the store has them a moment later.
        assert_eq!((listed["bytes"].as_u64(), listed["readers"].as_u64()), (Some(5), Some(1)), "{listed}");
        assert_eq!(listed["node"], at.as_str(), "{listed}");
        let list = text(node.data.path(), &["ls"]);
        assert!(list.contains("NODE") && list.contains(&at), "{list}");
        let shown = text(node.data.path(), &["show", &id]);
        for part in [at.as_str(), "streaming", "GET", "readers so far"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
    send(&mut stream, "");
    assert_eq!(reply.rest(), (String::new(), true));
    let used = json(b.data.path(), &["du"]);
    let counted = ["recordings", "live", "bodies"].map(|name| used[name].as_u64());
    assert_eq!(counted, [Some(1), Some(0), Some(5)], "{used}");
    assert!(text(b.data.path(), &["du"]).contains("5 B of 17.2 GB (--max-cluster-bytes) in bodies"));
    let to = tempfile::tempdir().unwrap();
    let backup = refused(a.data.path(), &["backup", to.path().to_str().unwrap()]);
    assert!(backup.contains("pg_dump"), "{backup}");
}

#[test]
fn what_another_one_has_is_removed_and_its_readers_are_cut() {
    let cluster = Cluster::new();
    let [a, b] = cluster.nodes();
    let upstream = Upstream::start();
    let (id, mut reply, mut stream) = a.begin(&upstream);
    send(&mut stream, "hello");
    assert_eq!(reply.take(5), "hello");
    assert_eq!(text(b.data.path(), &["rm", &id]), "1 recording is removed\n");
    assert!(!reply.rest().1, "its reader is cut");
    assert_eq!(cluster.psql("select count(*) from df.recordings"), "0");
    for node in [&a, &b] {
        assert!(resume(node, &upstream.url).0.starts_with("http/1.1 204"));
    }
    // What nobody has.
    let id = whole(&a, &upstream, "all");
    a.terminate();
    assert_eq!(a.recorder.ended(), Some(0));
    assert_eq!(text(b.data.path(), &["rm", &id]), "1 recording is removed\n");
    assert_eq!(cluster.psql("select count(*) from df.recordings"), "0");
    assert!(refused(b.data.path(), &["rm", &id]).contains("is not stored"));
}

#[test]
fn all_of_a_person_is_removed_wherever_it_is() {
    let cluster = Cluster { flags: &["--scope-by", "cookie:sid"], ..Cluster::new() };
    let [a, b] = cluster.nodes();
    let upstream = Upstream::start();
    for (node, sid, query) in [(&a, "alice", "?1"), (&b, "alice", "?2"), (&a, "bob", "?3")] {
        let (url, cookie) = (format!("{}{query}", upstream.url), format!("sid={sid}"));
        let headers =
            [("durablefetch-url", url.as_str()), ("cookie", &cookie), ("durablefetch-request", "one")];
        let mut reply = node.send("GET /", &headers, "");
        let mut stream = upstream.asked();
        crate::support::answer(&mut stream);
        let _ = header(&reply.head(), "durablefetch-recording");
        send(&mut stream, "all");
        send(&mut stream, "");
        assert_eq!(reply.rest(), ("all".to_owned(), true));
    }
    let listed = json(a.data.path(), &["ls", "--url", "?1"]);
    let alice = listed["recordings"][0]["scope"].as_str().unwrap();
    assert_eq!(text(a.data.path(), &["rm", "--scope", alice]), "2 recordings are removed\n");
    let left = json(b.data.path(), &["ls"]);
    let left = left["recordings"].as_array().unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_ne!(left[0]["scope"], alice);
}

/// What `/metrics` has of this name.
fn metric(node: &Recorder, name: &str) -> u64 {
    let (_, body) = node.send("GET /metrics", &[], "").all();
    let line = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name}: {body}")).parse().unwrap()
}

#[test]
fn the_oldest_goes_where_the_database_has_more_than_it_may_and_then_nothing_starts() {
    // Looked at every three seconds.
    let cluster = Cluster { flags: &["--max-cluster-bytes", "10000", "--ttl", "12s"], ..Cluster::new() };
    let [a, b] = cluster.nodes();
    let upstreams = [Upstream::start(), Upstream::start(), Upstream::start()];
    let ids =
        [&upstreams[0], &upstreams[1], &upstreams[2]].map(|upstream| whole(&a, upstream, &"x".repeat(4000)));
    let listed = || json(b.data.path(), &["ls"])["recordings"].as_array().unwrap().clone();
    until("the oldest has gone", || listed().len() == 2);
    assert!(listed().iter().all(|one| one["recording"] != ids[0].as_str()), "{:?}", listed());
    assert_eq!(cluster.stored(&ids[0]), 0, "its bytes are gone as well");
    assert_eq!(metric(&b, "durablefetch_cluster_nodes"), 2);

    // What lives cannot go.
    let upstream = Upstream::start();
    let (id, _reply, mut stream) = a.begin(&upstream);
    send(&mut stream, &"y".repeat(12_000));
    until("it is in the store", || cluster.stored(&id) == 12_000);
    until("it is counted", || metric(&b, "durablefetch_cluster_stored_bytes") > 11_250);
    let refused = || {
        let (head, body) = b.send("POST /", &[("durablefetch-url", "http://127.0.0.1:9/")], "").all();
        assert!(head.starts_with("http/1.1 507") || head.starts_with("http/1.1 502"), "{head}");
        body.contains("--max-cluster-bytes")
    };
    until("nothing starts", refused);
    // Room again, and it starts.
    assert_eq!(text(b.data.path(), &["rm", &id]), "1 recording is removed\n");
    until("it is counted", || metric(&b, "durablefetch_cluster_stored_bytes") <= 10_000);
    let request = [("durablefetch-url", upstreams[0].url.as_str())];
    assert_eq!(starts(&b, &upstreams[0], &request).rest(), ("more".to_owned(), true));
}
