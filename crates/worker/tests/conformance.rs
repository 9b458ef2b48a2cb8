//! The conformance suite against the worker on workerd.

mod workerd;

use durablefetch_conformance::{Ability, Process, run_launched};

use workerd::serve;

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_passes_the_suite() {
    // workerd ends when it is told to, but waits for what is live as long as that lives; each object has a
    // database of its own; fetch sends no body with a GET and no Host but that of its URL.
    let process = Process::new(serve).lacking([
        Ability::Terminate,
        Ability::DiskQuota,
        Ability::ResetHttp10,
        Ability::NoticeIdleReaders,
        Ability::GetBody,
        Ability::Maps,
    ]);
    run_launched(process).await.assert_passed();
}
