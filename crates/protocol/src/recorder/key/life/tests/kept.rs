//! How long recordings and ids are kept.

use super::*;
use crate::limits::REMEMBERED;

const REMEMBERED_MS: u64 = REMEMBERED.as_millis() as u64;

const KEEP: KeepFor = KeepFor { unused_ms: 1, age_ms: u64::MAX };

#[test]
fn what_somebody_reads_is_not_due() {
    let life = finished();
    let handle = life.find(id(1)).unwrap().clone();
    handle.change(|seen| (seen.readers, seen.used_ms) = (1, 0));
    let due = Event::Due { keep: KEEP };
    assert_eq!(life.plan(due, 10).changes, []);
    assert_eq!(life.due_ms(KEEP), Some(7 + REMEMBERED_MS), "the id, ten minutes after the end");
    handle.change(|seen| seen.readers = 0);
    assert_eq!(life.due_ms(KEEP), Some(1));
    assert!(life.plan(due, 10).changes.contains(&Change::Remove { id: id(1) }));
}

/// Used again and again or read at this moment: it goes at this age, and its readers are cut.
#[test]
fn what_is_too_old_is_due_whatever_uses_it() {
    for (readers, used_ms) in [(0, 1_000), (1, 0), (3, 1_000)] {
        let mut life = finished();
        let handle = life.find(id(1)).unwrap().clone();
        handle.change(|seen| (seen.readers, seen.used_ms) = (readers, used_ms));
        let keep = KeepFor { unused_ms: 500, age_ms: 100 };
        assert_eq!(life.due_ms(keep), Some(107), "{readers} readers");
        let due = Event::Due { keep };
        assert_eq!(life.plan(due, 106).changes, []);
        let plan = life.plan(due, 107);
        assert!(plan.changes.contains(&Change::Remove { id: id(1) }));
        let effects = life.apply(plan, |_| unreachable!("nothing starts"));
        assert!(effects.contains(&Effect::Break(id(1), End::Delete)), "{effects:?}");
        assert!(effects.contains(&Effect::Discard(id(1))), "its bytes go at once: {effects:?}");
    }
}

/// Between the plan and its commit somebody may have come: what was merely unused is read to its end.
#[test]
fn what_was_unused_breaks_nobody() {
    let mut life = finished();
    let plan = life.plan(Event::Due { keep: KEEP }, 1_000);
    life.find(id(1)).unwrap().change(|seen| seen.readers = 1);
    assert_eq!(life.apply(plan, |_| unreachable!("nothing starts")), []);
}

#[test]
fn a_live_recording_is_of_no_age() {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Join, ""), 1);
    answered(&mut life, 1, true, 4);
    let keep = KeepFor { unused_ms: 1, age_ms: 1 };
    assert_eq!(life.due_ms(keep), None);
    assert_eq!(life.plan(Event::Due { keep }, 1_000_000).changes, []);
}

#[test]
fn the_ids_of_a_long_stream_are_not_due() {
    let mut life = KeyLife::default();
    ask(&mut life, &fetch(Mode::Restart, "a"), 1);
    answered(&mut life, 1, true, 4);
    let hours = 5 * 60 * 60 * 1000;
    assert_eq!(life.due_ms(KEEP), None);
    assert_eq!(life.plan(Event::Due { keep: KEEP }, hours).changes, []);
}

#[test]
fn the_oldest_retired_ones_go_where_they_are_too_many() {
    let mut life = KeyLife::default();
    for n in 1..=100 {
        ask(&mut life, &fetch(Mode::Restart, &format!("r{n}")), n);
        answered(&mut life, n, true, 4);
        ended(&mut life, n, End::Complete);
    }
    assert_eq!(life.handles().count(), 65, "64 retired ones and the latest");
    assert!(life.find(id(35)).is_none() && life.find(id(36)).is_some());
    let mut life = KeyLife::default();
    for n in 1..=5 {
        ask(&mut life, &fetch(Mode::Restart, ""), n);
        answered(&mut life, n, true, 32 << 20);
        ended(&mut life, n, End::Complete);
    }
    assert_eq!(life.handles().count(), 3, "64 MiB of retired ones and the latest");
}

#[test]
fn an_id_tells_that_its_recording_has_outlived_its_use_until_it_is_forgotten() {
    let life = finished();
    let due = |now_ms| life.plan(Event::Due { keep: KEEP }, now_ms).changes;
    let entry = Entry { id: request("a"), outcome: Outcome::NoHead(ErrorCode::Gone), at_ms: 10 };
    let remove = Change::Remove { id: id(1) };
    assert_eq!(due(10), [Change::Request { entry, answer: None }, remove.clone()]);
    assert_eq!(due(7 + REMEMBERED_MS), [Change::Forget { id: request("a") }, remove]);
}

#[test]
fn room_is_made_of_what_nobody_reads_and_of_what_is_read_where_that_is_said() {
    for (readers, even_if_read, goes) in
        [(0, false, true), (0, true, true), (1, false, false), (1, true, true)]
    {
        let mut life = finished();
        life.find(id(1)).unwrap().change(|seen| seen.readers = readers);
        act(&mut life, Event::Evict { id: id(1), even_if_read }, 8);
        assert_eq!(life.find(id(1)).is_none(), goes, "{readers} readers, even if read: {even_if_read}");
    }
}
