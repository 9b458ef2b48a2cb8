//! An upstream that is not there.

use durablefetch_conformance::upstream::Nobody;

use crate::support::Recorder;

#[test]
fn is_named_with_the_reason() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let nobody = Nobody::bind().unwrap();
    let (_, body) = recorder.send("GET /", &[("durablefetch-url", &nobody.url())], "").all();
    let url = nobody.url();
    let host = url.split('/').nth(2).unwrap();
    assert!(body.contains(host) && body.contains("refused"), "{body}");
}
