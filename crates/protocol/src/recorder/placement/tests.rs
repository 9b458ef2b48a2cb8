use super::*;

const ME: Owner = Owner(1);
const OTHER: Owner = Owner(2);

fn request(only_reads: bool, is_repeatable: bool, is_forwarded: bool) -> Request {
    Request { only_reads, is_repeatable, is_forwarded }
}

fn other() -> Heard {
    Heard::Place(Some(Holder { owner: OTHER, epoch: 1 }))
}

#[test]
fn an_owner_is_read_as_it_is_written() {
    let owner = Owner(0x00ab_cdef);
    assert_eq!(owner.to_string(), format!("{:0>32}", "abcdef"));
    assert_eq!(Owner::parse(&owner.to_string()), Some(owner));
    for odd in ["", "abcdef", "+0000000000000000000000000abcdef", &"A".repeat(32), &"0".repeat(33)] {
        assert_eq!(Owner::parse(odd), None, "{odd}");
    }
}

#[test]
fn what_is_here_is_served_and_what_is_elsewhere_is_passed_on_once() {
    let mut asking = Asking::new(ME, request(false, false, false), true);
    assert_eq!(asking.begin(Known::Here), Step::Serve);
    assert_eq!(asking.begin(Known::Elsewhere(OTHER)), Step::Forward(OTHER));
    assert_eq!(asking.on(Heard::NotThere), Step::Look { after_ms: 10 });
    assert_eq!(asking.on(other()), Step::Forward(OTHER));
    assert_eq!(asking.on(Heard::NotThere), Step::Look { after_ms: 40 });
    assert_eq!(asking.on(Heard::Place(None)), Step::Claim);
    assert_eq!(asking.on(Heard::Claimed(false)), Step::Look { after_ms: 160 });
    assert_eq!(asking.on(other()), Step::Forward(OTHER));
    assert_eq!(asking.on(Heard::NotThere), Step::Later);

    let mut forwarded = Asking::new(ME, request(false, false, true), true);
    assert_eq!(forwarded.begin(Known::Elsewhere(OTHER)), Step::NotHere);
    for heard in [other(), Heard::Place(None), Heard::Claimed(false)] {
        assert_eq!(forwarded.on(heard), Step::NotHere, "{heard:?}");
    }
}

#[test]
fn what_only_reads_never_claims_and_who_drains_does_not_either() {
    let mut reads = Asking::new(ME, request(true, true, false), true);
    assert_eq!(reads.begin(Known::Nothing), Step::Look { after_ms: 0 });
    assert_eq!(reads.on(Heard::Place(None)), Step::Read);
    assert_eq!(reads.on(Heard::TakesKey), Step::Claim, "to note its id");
    assert_eq!(reads.on(Heard::Claimed(true)), Step::Serve);
    let mut drains = Asking::new(ME, request(false, true, false), false);
    assert_eq!(drains.on(Heard::Place(None)), Step::Look { after_ms: 10 });
    assert_eq!(
        Asking::new(ME, request(true, true, false), false).on(Heard::TakesKey),
        Step::Look { after_ms: 10 }
    );
    assert_eq!(drains.begin(Known::Elsewhere(OTHER)), Step::Forward(OTHER));
    assert_eq!(drains.on(Heard::Lost { may_be_made: true }), Step::Probe(OTHER));
    assert_eq!(drains.on(Heard::Lives(false)), Step::Look { after_ms: 40 }, "somebody else takes over");
}

#[test]
fn a_lost_request_is_made_again_only_where_it_may_be() {
    let mut once = Asking::new(ME, request(false, false, false), true);
    assert_eq!(once.begin(Known::Elsewhere(OTHER)), Step::Forward(OTHER));
    assert_eq!(once.on(Heard::Lost { may_be_made: true }), Step::Break);
    assert_eq!(once.on(Heard::Lost { may_be_made: false }), Step::Probe(OTHER));
    assert_eq!(once.on(Heard::Lives(true)), Step::Look { after_ms: 10 });
    assert_eq!(once.on(Heard::Lives(false)), Step::TakeOver(OTHER));
    assert_eq!(once.on(Heard::Claimed(true)), Step::Serve);
    let mut again = Asking::new(ME, request(false, true, false), true);
    assert_eq!(again.begin(Known::Elsewhere(OTHER)), Step::Forward(OTHER));
    assert_eq!(again.on(Heard::Lost { may_be_made: true }), Step::Probe(OTHER));
}

#[test]
fn a_process_drains_until_nothing_lives_in_it_and_no_longer_than_it_may() {
    let drain = Drain { alone_ms: 30, succeeded_ms: 900 };
    let seen = Seen { keys: 1, live: 1, is_announced: false, others: 0 };
    let idle = Seen { keys: 0, live: 0, is_announced: true, ..seen };
    let mut process = Process::new(ME, drain);
    assert_eq!(process.next(seen, 1000), Next::Wait { until_ms: None });
    assert!(process.may_be_succeeded(OTHER) && !process.may_be_succeeded(ME));
    process.succeeded(100);
    assert!(!process.claims() && !process.may_be_succeeded(OTHER));
    assert_eq!(process.next(seen, 100), Next::Wait { until_ms: Some(1000) });
    assert_eq!(process.next(idle, 100), Next::Leave);
    let unannounced = Seen { is_announced: false, ..idle };
    assert_eq!(process.next(unannounced, 100), Next::Wait { until_ms: Some(1000) });
    assert_eq!(process.next(seen, 1000), Next::Interrupt);
    let read = Seen { keys: 1, ..idle };
    assert_eq!(process.next(read, 999), Next::Wait { until_ms: Some(1000) }, "somebody reads");
    assert_eq!(process.next(read, 1000), Next::Leave);

    assert!(process.takes_the_place_of(OTHER) && !process.takes_the_place_of(ME));
    process.serves_again();
    assert!(process.claims() && process.next(seen, 2000) == Next::Wait { until_ms: None });

    process.told_to_end(2000);
    process.told_to_end(2020);
    assert!(!process.takes_the_place_of(OTHER));
    assert_eq!(process.next(seen, 2000), Next::Wait { until_ms: Some(2030) }, "it was told the first time");
    let others = Seen { others: 1, ..idle };
    assert_eq!(process.next(others, 2000), Next::Wait { until_ms: Some(2030) });
    assert_eq!(process.next(others, 2030), Next::Leave);
    assert_eq!(process.next(idle, 2000), Next::Leave);
}
