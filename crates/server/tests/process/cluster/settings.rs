//! Which recorders may be of one cluster: those that tell people apart alike, and that know the layout of its database.

use super::{Cluster, Node, replay};
use crate::start::refused;
use crate::support::{Upstream, send};

/// Tries to start one more with these flags beside those of the cluster. Returns what it says.
fn refuses(cluster: &Cluster, more: &[&str]) -> String {
    let data = tempfile::tempdir().unwrap();
    let flags = cluster.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).chain(more.iter().copied()).collect();
    refused(data.path(), &flags)
}

#[test]
fn one_that_would_give_to_all_what_is_somebodys_does_not_start() {
    let cluster = Cluster { flags: &["--scope-by", "cookie:sid"], ..Cluster::new() };
    let node = cluster.node();
    let at = cluster.psql("select url from df.nodes");
    for (more, here) in [
        (&[][..], "unset"),
        (&["--scope-by", "authorization"], "authorization"),
        (&["--token-secret", "0123456789abcdef0123456789abcdef"], "--token-secret"),
    ] {
        let said = refuses(&cluster, more);
        let differs = format!(
            "--scope-by is {here} here and cookie:sid in the recorder at {at}. It has to be the same"
        );
        assert!(said.contains(&differs), "{said}");
    }
    let said = refuses(&cluster, &["--unguessable-urls"]);
    assert!(said.contains("--unguessable-urls is true here and false in"), "{said}");
    assert_eq!(cluster.psql("select count(*) from df.nodes"), "1");
    // How long things are kept may differ while it is being changed.
    let other = Cluster { flags: &["--scope-by", "cookie:sid", "--ttl", "1h"], ..cluster };
    let _beside = other.node();
    assert_eq!(other.psql("select count(*) from df.nodes"), "2");
    drop(node);
}

#[test]
fn a_later_version_beside_this_one_decides_whether_this_one_may_stay() {
    let cluster = Cluster::new();
    let a = cluster.node();
    let upstream = Upstream::start();
    let (_, mut reply, mut stream) = a.begin(&upstream);
    // As a later version would, which adds to the layout.
    cluster.psql("alter table df.recordings add column later text; update df.version set version = 99");
    let b: Node = cluster.node();
    send(&mut stream, "whole");
    send(&mut stream, "");
    assert_eq!(reply.rest(), ("whole".to_owned(), true));
    for node in [&a, &b] {
        assert_eq!(replay(node, &upstream.url).1, "whole");
    }
    // One that writes what this version would misread.
    cluster.psql("update df.version set min_reader = 99");
    let said = refuses(&cluster, &[]);
    assert!(said.contains("layout 99") && said.contains("Update this program"), "{said}");
    // What serves already goes on: migrations only add.
    assert_eq!(replay(&a, &upstream.url).1, "whole");
}
