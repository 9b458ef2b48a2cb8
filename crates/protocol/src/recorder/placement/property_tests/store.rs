//! The store: what stands in it is true, and each method is one transaction.

use std::collections::BTreeMap;

use super::super::{Holder, Owner};

pub(super) type Key = u8;
pub(super) type Recording = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Live,
    Complete,
    Interrupted,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) key: Key,
    pub(super) by: Holder,
    pub(super) state: State,
    pub(super) len: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Another one has the key.
    Fenced,
    /// The id has started this one.
    Known(Recording),
}

#[derive(Default)]
pub(super) struct Store {
    pub(super) serving: Option<Holder>,
    pub(super) places: BTreeMap<Key, Holder>,
    pub(super) rows: BTreeMap<Recording, Row>,
    ids: BTreeMap<(Key, u8), Recording>,
    epoch: u64,
    /// The last that has committed anything about a key.
    last: BTreeMap<Key, Holder>,
    pub(super) takeovers: u32,
}

impl Store {
    fn next(&mut self, owner: Owner) -> Holder {
        self.epoch += 1;
        Holder { owner, epoch: self.epoch }
    }

    pub(super) fn place(&self, key: Key) -> Option<Holder> {
        self.places.get(&key).copied().or(self.serving)
    }

    fn guard(&mut self, key: Key, by: Holder) -> Result<(), Refused> {
        if self.place(key) != Some(by) {
            return Err(Refused::Fenced);
        }
        if let Some(last) = self.last.insert(key, by) {
            assert!(last.epoch <= by.epoch, "{last:?} has committed, and {by:?} does");
            assert!(last.epoch < by.epoch || last.owner == by.owner, "two owners commit");
        }
        Ok(())
    }

    pub(super) fn start(
        &mut self,
        key: Key,
        by: Holder,
        id: Option<u8>,
        new: Recording,
    ) -> Result<(), Refused> {
        self.guard(key, by)?;
        if let Some(known) = id.and_then(|id| self.ids.get(&(key, id))) {
            return Err(Refused::Known(*known));
        }
        self.rows.insert(new, Row { key, by, state: State::Live, len: 0 });
        if let Some(id) = id {
            self.ids.insert((key, id), new);
        }
        Ok(())
    }

    pub(super) fn end(
        &mut self,
        key: Key,
        by: Holder,
        recording: Recording,
        len: u64,
    ) -> Result<(), Refused> {
        self.guard(key, by)?;
        let row = self.rows.get_mut(&recording).expect("it was started");
        assert_eq!(row.state, State::Live, "what is over ends once more");
        (row.state, row.len) = (State::Complete, len);
        Ok(())
    }

    pub(super) fn ids(&self, key: Key) -> BTreeMap<u8, Recording> {
        let of_key = self.ids.iter().filter(|((of, _), _)| *of == key);
        of_key.map(|((_, id), recording)| (*id, *recording)).collect()
    }

    /// What others than its holder have left live is interrupted.
    fn recover(&mut self, key: Key) {
        let holder = self.place(key);
        for row in self.rows.values_mut().filter(|row| row.key == key && row.state == State::Live) {
            if holder.is_none_or(|holder| holder.owner != row.by.owner) {
                row.state = State::Interrupted;
            }
        }
    }

    pub(super) fn claim(&mut self, key: Key, me: Owner) -> Option<Holder> {
        if self.place(key).is_some() {
            return None;
        }
        let holder = self.next(me);
        self.places.insert(key, holder);
        self.recover(key);
        Some(holder)
    }

    pub(super) fn take_over_key(&mut self, key: Key, me: Owner, from: Owner) -> Option<Holder> {
        self.places.get(&key).filter(|holder| holder.owner == from)?;
        self.places.remove(&key);
        self.takeovers += 1;
        self.claim(key, me)
    }

    pub(super) fn release(&mut self, key: Key, by: Holder) {
        if self.places.get(&key) == Some(&by) {
            self.places.remove(&key);
        }
    }

    /// The first one, or the one in the place of a dead one. `lives`: those that still have what is listed as theirs.
    pub(super) fn serve(
        &mut self,
        me: Owner,
        from: Option<Holder>,
        lives: impl Fn(Owner) -> bool,
    ) -> Option<Holder> {
        if self.serving != from {
            return None;
        }
        let holder = self.next(me);
        self.serving = Some(holder);
        self.takeovers += u32::from(from.is_some());
        self.places.retain(|_, place| place.owner != me && lives(place.owner));
        let keys: Vec<Key> = self.rows.values().map(|row| row.key).collect();
        for key in keys.into_iter().filter(|key| !self.places.contains_key(key)).collect::<Vec<_>>() {
            self.recover(key);
        }
        Some(holder)
    }

    /// A dead one's keys are those of the one that serves.
    pub(super) fn take_over_all(&mut self, from: Owner) -> Vec<Key> {
        let theirs: Vec<Key> =
            self.places.iter().filter(|(_, place)| place.owner == from).map(|(key, _)| *key).collect();
        for key in &theirs {
            self.places.remove(key);
            self.recover(*key);
            self.takeovers += 1;
        }
        theirs
    }

    /// One that serves gives its place away, and keeps these keys.
    pub(super) fn hand_over(&mut self, by: Holder, keeps: &[Key], to: Owner) -> Option<Holder> {
        if self.serving != Some(by) {
            return None;
        }
        self.places.extend(keeps.iter().map(|key| (*key, by)));
        let holder = self.next(to);
        self.serving = Some(holder);
        Some(holder)
    }

    pub(super) fn stop_serving(&mut self, by: Holder) {
        if self.serving == Some(by) {
            // What it has goes on until it leaves.
            self.serving = None;
        }
    }
}
