//! Disturbances: the process dies, or another one takes the key.

use super::*;

impl World {
    /// The process dies, and another takes over what is in storage.
    pub(super) fn crash(&mut self) {
        if let Some((plan, ..)) = self.slot.take()
            && self.random.one_in(2)
        {
            self.commit(&plan);
        }
        self.forget_process();
        self.reload();
    }

    /// Another process owns the key; this one hears of it, and gets it back later.
    pub(super) fn fence(&mut self) {
        self.slot = None;
        let plan = self.life.plan(Event::Fenced, self.now_ms);
        assert!(plan.changes.is_empty(), "what is not owned is not written");
        self.run_all_effects();
        for effect in self.life.apply(plan, |_| unreachable!()) {
            self.run(effect);
        }
        assert!(
            self.readers.iter().all(|reader| {
                let seen = reader.handle.seen();
                !seen.progress.state().is_live()
            }),
            "nobody follows what is owned by another"
        );
        self.forget_process();
        self.reload();
    }

    pub(super) fn forget_process(&mut self) {
        self.todo.clear();
        self.effects.clear();
        self.pumps.clear();
        self.waiters.clear();
        self.readers.clear();
        self.all.clear();
        self.unwritten.clear();
        self.askers.iter_mut().for_each(|asker| asker.told = true);
    }

    pub(super) fn reload(&mut self) {
        let (life, rows, files) = self.reloaded();
        self.all = life.handles().map(|handle| (handle.seen().id(), handle.clone())).collect();
        (self.life, self.rows, self.files) = (life, rows, files);
    }

    pub(super) fn reloaded(&self) -> (KeyLife<Fake>, Rows, BTreeSet<RecordingId>) {
        let mut rows = self.rows.clone();
        let lengths: Vec<Row> = rows
            .recordings
            .values()
            .map(|stored| {
                // While it is live, its bytes tell how far it goes.
                let seen = self.all.get(&stored.row.id).map(|handle| handle.seen().progress);
                match seen.filter(|_| stored.row.state.is_live()) {
                    Some(progress) => Row { len: progress.len(), chunks: progress.chunks(), ..stored.row },
                    None => stored.row,
                }
            })
            .collect();
        let changes = recover(&lengths, &rows.ledger(), self.now_ms);
        changes.iter().for_each(|change| rows.commit(change));
        let files = self.files.iter().copied().filter(|id| rows.recordings.contains_key(id)).collect();
        let loaded = rows.recordings.values().map(|stored| {
            let Row { id, state, len, chunks, .. } = stored.row;
            let seen = Seen {
                progress: Progress::recovered(id, state, None, len, chunks),
                fingerprint: stored.fingerprint,
                start: Start::Recorded,
                readers: 0,
                used_ms: stored.used_ms,
            };
            (stored.row, Fake(Rc::new(RefCell::new(seen))))
        });
        (KeyLife::load(loaded, rows.ledger()), rows, files)
    }
}
