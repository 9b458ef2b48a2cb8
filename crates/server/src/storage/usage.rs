//! What is stored, in bytes: all of it, and that of each scope.
//!
//! Bytes are added before they are written and subtracted once their removal is committed, so that what is counted is
//! never less than what is there. Bodies are counted by their bytes, rows by what SQLite takes for them, about.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use durablefetch_protocol::{ErrorCode, ProtocolError};
use tokio::sync::Notify;

use crate::config::Limits;

/// Bytes of request ids that a scope may have stored, with the URLs that they belong to. They go by themselves ten
/// minutes after their recordings have ended, and not before.
const REQUESTS_MAX: u64 = 16 << 20;

/// What one scope has stored.
#[derive(Debug, Default)]
pub(crate) struct Account {
    scope: Box<str>,
    bodies: AtomicU64,
    /// Of recordings and request ids, with heads and kept answers.
    rows: AtomicU64,
    /// Of request ids; they are among the rows.
    requests: AtomicU64,
    /// How many recordings have a row.
    recordings: AtomicU64,
    /// What somebody waits to store.
    wanted: AtomicU64,
    /// What its token says that it may have stored; 0 where none does.
    own_most: AtomicU64,
    /// It is on the list of those that have to give.
    is_listed: AtomicBool,
}

/// What rows have grown by, or shrunk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Grown {
    /// All of them.
    pub(crate) rows: i64,
    /// Those of request ids among them.
    pub(crate) requests: i64,
    /// The number of recordings.
    pub(crate) recordings: i64,
}

impl std::ops::AddAssign for Grown {
    fn add_assign(&mut self, more: Self) {
        self.rows += more.rows;
        self.requests += more.requests;
        self.recordings += more.recordings;
    }
}

impl std::ops::Sub for Grown {
    type Output = Self;

    fn sub(self, less: Self) -> Self {
        Self {
            rows: self.rows - less.rows,
            requests: self.requests - less.requests,
            recordings: self.recordings - less.recordings,
        }
    }
}

/// Why room is wanting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// Something has to go first, and will.
    Full,
    /// The scope has as many request ids as it may have.
    Requests,
}

impl From<NoRoom> for ProtocolError {
    fn from(no_room: NoRoom) -> Self {
        match no_room {
            NoRoom::Full => ErrorCode::StorageFull.into(),
            NoRoom::Requests => ErrorCode::TooManyRecordings.into(),
        }
    }
}

/// What is stored.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    accounts: Mutex<HashMap<Box<str>, Arc<Account>>>,
    all: Account,
    /// What the database and its log take, as they were last looked at.
    database: Arc<AtomicU64>,
    /// Those who have more than they may.
    over: Mutex<Vec<Arc<Account>>>,
    changed: Notify,
    /// What the process was told that keeps to the quota, where that is another one.
    told: Mutex<HashMap<Box<str>, (i64, Grown)>>,
    most: AtomicU64,
    most_of_scope: AtomicU64,
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds what may be negative, and stays at zero where it would fall below.
fn change(of: &AtomicU64, by: i64) {
    match u64::try_from(by) {
        Ok(more) => _ = of.fetch_add(more, Ordering::Relaxed),
        Err(_) => {
            let less = by.unsigned_abs();
            let _ =
                of.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| Some(now.saturating_sub(less)));
        }
    }
}

impl Account {
    pub(crate) fn bytes(&self) -> u64 {
        self.bodies.load(Ordering::Relaxed).saturating_add(self.rows.load(Ordering::Relaxed))
    }

    pub(crate) fn scope(&self) -> &str {
        &self.scope
    }

    /// Recordings that have a row.
    pub(crate) fn recordings(&self) -> u64 {
        self.recordings.load(Ordering::Relaxed)
    }

    /// Whether the database has something of it.
    pub(crate) fn has_rows(&self) -> bool {
        self.rows.load(Ordering::Relaxed) > 0
    }
}

impl Usage {
    pub(crate) fn new(limits: &Limits) -> Self {
        let usage = Self::default();
        usage.limit(limits);
        usage
    }

    /// Sets the quotas. Where less may be stored than is, somebody is told to make room.
    pub(crate) fn limit(&self, limits: &Limits) {
        self.most.store(limits.disk_bytes, Ordering::Relaxed);
        self.most_of_scope.store(limits.scope_disk_bytes.unwrap_or(limits.disk_bytes), Ordering::Relaxed);
        let accounts: Vec<_> = lock(&self.accounts).values().cloned().collect();
        accounts.iter().filter(|account| self.is_scope_over(account)).for_each(|account| self.list(account));
        if self.is_all_over() {
            self.changed.notify_one();
        }
    }

    /// The token that a scope's last recording started with says what the scope may have stored, or nothing of it.
    pub(crate) fn allow(&self, account: &Account, bytes: Option<u64>) {
        account.own_most.store(bytes.unwrap_or(0), Ordering::Relaxed);
    }

    /// The account of a scope.
    pub(crate) fn account(&self, scope: &str) -> Arc<Account> {
        let mut accounts = lock(&self.accounts);
        if let Some(account) = accounts.get(scope) {
            return Arc::clone(account);
        }
        let account = Arc::new(Account { scope: scope.into(), ..Account::default() });
        accounts.insert(scope.into(), Arc::clone(&account));
        account
    }

    /// Lets go of accounts that have nothing and that nobody holds.
    pub(crate) fn let_go(&self) {
        lock(&self.accounts).retain(|_, account| Arc::strong_count(account) > 1 || account.bytes() > 0);
    }

    /// All accounts anew, as they were found in storage.
    pub(crate) fn recount<'a>(
        &self,
        scopes: impl IntoIterator<Item = (&'a str, u64, Grown)>,
        own_most: impl Fn(&str) -> Option<u64>,
    ) {
        let all: Vec<_> = lock(&self.accounts).values().cloned().collect();
        for account in all.iter().map(|account| &**account).chain([&self.all]) {
            for of in [&account.bodies, &account.rows, &account.requests, &account.recordings] {
                of.store(0, Ordering::Relaxed);
            }
        }
        for (scope, bodies, grown) in scopes {
            let account = self.account(scope);
            self.add_body(&account, bodies);
            self.change_rows(&account, grown);
            self.allow(&account, own_most(scope));
        }
    }

    /// What each scope has: bytes of bodies, rows, and what its token says that it may have.
    pub(crate) fn accounts(&self) -> Vec<(Box<str>, u64, Grown, u64)> {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let signed = |of: &AtomicU64| signed(count(of));
        let told = |account: &Arc<Account>| {
            let grown = Grown {
                rows: signed(&account.rows),
                requests: signed(&account.requests),
                recordings: signed(&account.recordings),
            };
            (account.scope.clone(), count(&account.bodies), grown, count(&account.own_most))
        };
        lock(&self.accounts).values().map(told).collect()
    }

    /// Another process keeps to the quota from now on. Returns what it has to count; what grows after that it is told by
    /// [`Usage::untold`].
    pub(crate) fn leave_to_another(&self) -> Vec<(Box<str>, u64, Grown, u64)> {
        self.most.store(u64::MAX, Ordering::Relaxed);
        self.most_of_scope.store(u64::MAX, Ordering::Relaxed);
        let all = self.accounts();
        let mut accounts = lock(&self.accounts);
        accounts.retain(|_, account| Arc::strong_count(account) > 1);
        accounts.values().for_each(|account| account.own_most.store(0, Ordering::Relaxed));
        let held = all.iter().filter(|(scope, ..)| accounts.contains_key(scope));
        *lock(&self.told) =
            held.map(|(scope, bodies, grown, _)| (scope.clone(), (signed(*bodies), *grown))).collect();
        all
    }

    /// What scopes have grown by since the other process was told.
    pub(crate) fn untold(&self) -> Vec<(Box<str>, i64, Grown)> {
        let now: HashMap<_, _> = self
            .accounts()
            .into_iter()
            .map(|(scope, bodies, rows, _)| (scope, (signed(bodies), rows)))
            .collect();
        let before = std::mem::replace(&mut *lock(&self.told), now.clone());
        let scopes = now.keys().chain(before.keys().filter(|scope| !now.contains_key(*scope)));
        let of =
            |counts: &HashMap<Box<str>, (i64, Grown)>, scope| counts.get(scope).copied().unwrap_or_default();
        let grown = scopes.map(|scope| {
            let ((had, had_rows), (has, rows)) = (of(&before, scope), of(&now, scope));
            (scope.clone(), has - had, rows - had_rows)
        });
        grown.filter(|(_, bodies, rows)| *bodies != 0 || *rows != Grown::default()).collect()
    }

    /// Another process has stored more, or removed something.
    pub(crate) fn grows_elsewhere(&self, scope: &str, bodies: i64, grown: Grown) {
        let account = self.account(scope);
        change(&account.bodies, bodies);
        change(&self.all.bodies, bodies);
        self.change_rows(&account, grown);
    }

    /// Where the database thread writes down what the database takes.
    pub(crate) fn database(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.database)
    }

    /// Bytes of a body are about to be written.
    pub(crate) fn add_body(&self, account: &Account, bytes: u64) {
        account.bodies.fetch_add(bytes, Ordering::Relaxed);
        self.all.bodies.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes of a body are gone.
    pub(crate) fn remove_body(&self, account: &Account, bytes: u64) {
        let less = -i64::try_from(bytes).unwrap_or(i64::MAX);
        change(&account.bodies, less);
        change(&self.all.bodies, less);
    }

    /// What is in the directory differs by this from what is counted.
    pub(crate) fn correct_bodies(&self, by: i64) {
        change(&self.all.bodies, by);
    }

    /// Rows have changed.
    pub(crate) fn change_rows(&self, account: &Account, grown: Grown) {
        for of in [account, &self.all] {
            change(&of.rows, grown.rows);
            change(&of.requests, grown.requests);
            change(&of.recordings, grown.recordings);
        }
    }

    /// Counts rows that are about to be written, where there is room for them.
    ///
    /// # Errors
    /// Where there is none. For [`NoRoom::Full`] somebody is told to make it.
    pub(crate) fn reserve(&self, account: &Arc<Account>, grown: Grown) -> Result<(), NoRoom> {
        let more = u64::try_from(grown.rows).unwrap_or(0);
        if grown.requests > 0
            && account.requests.load(Ordering::Relaxed) + grown.requests.unsigned_abs() > self.requests_max()
        {
            return Err(NoRoom::Requests);
        }
        if account.bytes() + more > self.most_of(account) || self.bytes() + more > self.most() {
            account.wanted.fetch_max(more, Ordering::Relaxed);
            self.all.wanted.fetch_max(more, Ordering::Relaxed);
            self.list(account);
            return Err(NoRoom::Full);
        }
        self.change_rows(account, grown);
        Ok(())
    }

    /// A small disk is not for request ids alone.
    fn requests_max(&self) -> u64 {
        REQUESTS_MAX.min(self.most() / 4)
    }

    fn most_of(&self, account: &Account) -> u64 {
        // What everybody has is not one person's.
        if account.scope.is_empty() {
            return self.most();
        }
        match account.own_most.load(Ordering::Relaxed) {
            0 => self.most_of_scope.load(Ordering::Relaxed),
            own => own,
        }
    }

    /// All that is stored. SQLite's free pages and its log count, where they are more than the rows.
    pub(crate) fn bytes(&self) -> u64 {
        let rows = self.all.rows.load(Ordering::Relaxed).max(self.database.load(Ordering::Relaxed));
        self.all.bodies.load(Ordering::Relaxed).saturating_add(rows)
    }

    /// The most that may be stored.
    pub(crate) fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }

    /// The bodies among it.
    pub(crate) fn bodies(&self) -> u64 {
        self.all.bodies.load(Ordering::Relaxed)
    }

    /// Recordings that have a row, live ones among them.
    pub(crate) fn recordings(&self) -> u64 {
        self.all.recordings.load(Ordering::Relaxed)
    }

    /// Whether more is stored than may be, in all or by this scope; then there will be room soon.
    pub(crate) fn is_over(&self, account: &Arc<Account>) -> bool {
        let over = self.is_all_over() || self.is_scope_over(account);
        if over {
            self.list(account);
        }
        over
    }

    pub(crate) fn is_all_over(&self) -> bool {
        self.bytes().saturating_add(self.all.wanted.load(Ordering::Relaxed)) > self.most()
    }

    pub(crate) fn is_scope_over(&self, account: &Account) -> bool {
        account.bytes().saturating_add(account.wanted.load(Ordering::Relaxed)) > self.most_of(account)
    }

    fn list(&self, account: &Arc<Account>) {
        if !account.is_listed.swap(true, Ordering::Relaxed) {
            lock(&self.over).push(Arc::clone(account));
        }
        self.changed.notify_one();
    }

    /// Waits until somebody has more than he may have.
    pub(crate) async fn over(&self) {
        self.changed.notified().await;
    }

    /// Those who asked for more than they may have.
    pub(crate) fn take_over(&self) -> Vec<Arc<Account>> {
        let over = std::mem::take(&mut *lock(&self.over));
        over.iter().for_each(|account| account.is_listed.store(false, Ordering::Relaxed));
        over
    }

    /// Room was made for what was wanted, or cannot be.
    pub(crate) fn forget_wanted(&self, accounts: &[Arc<Account>]) {
        for account in accounts.iter().map(|account| &**account).chain([&self.all]) {
            account.wanted.store(0, Ordering::Relaxed);
        }
    }

    /// All accounts, those with most first.
    pub(crate) fn largest_first(&self) -> Vec<Arc<Account>> {
        let mut all: Vec<_> = lock(&self.accounts).values().cloned().collect();
        all.sort_by_cached_key(|account| std::cmp::Reverse(account.bytes()));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage() -> Usage {
        Usage::new(&Limits { disk_bytes: 1000, scope_disk_bytes: Some(400), ..Limits::default() })
    }

    fn rows(rows: i64) -> Grown {
        Grown { rows, ..Grown::default() }
    }

    #[test]
    fn nothing_falls_below_zero() {
        let usage = usage();
        let account = usage.account("a");
        usage.add_body(&account, 10);
        usage.remove_body(&account, 30);
        usage.change_rows(&account, rows(-5));
        assert_eq!((usage.bytes(), account.bytes()), (0, 0));
        usage.add_body(&account, 7);
        assert_eq!((usage.bytes(), account.bytes()), (7, 7));
        usage.correct_bodies(-100);
        assert_eq!(usage.bodies(), 0);
    }

    #[test]
    fn a_scope_has_less_than_the_whole_and_everybody_has_all_of_it() {
        let usage = usage();
        let (one, everybody) = (usage.account("one"), usage.account(""));
        assert_eq!(usage.reserve(&one, rows(400)), Ok(()));
        assert!(!usage.is_over(&one));
        assert_eq!(usage.reserve(&one, rows(1)), Err(NoRoom::Full));
        assert!(usage.is_scope_over(&one) && !usage.is_scope_over(&everybody));
        assert!(Arc::ptr_eq(&usage.take_over()[0], &one));
        usage.forget_wanted(&[Arc::clone(&one)]);
        assert_eq!(usage.reserve(&everybody, rows(600)), Ok(()));
        assert_eq!(usage.reserve(&everybody, rows(1)), Err(NoRoom::Full));
        assert!(usage.is_all_over());
        assert_eq!(usage.largest_first()[0].scope(), "");
    }

    #[test]
    fn a_scope_may_have_what_its_token_says() {
        let usage = usage();
        let account = usage.account("a");
        usage.allow(&account, Some(600));
        assert_eq!(usage.reserve(&account, rows(600)), Ok(()));
        assert_eq!(usage.reserve(&account, rows(1)), Err(NoRoom::Full));
        usage.allow(&account, None);
        assert!(usage.is_scope_over(&account));
    }

    #[test]
    fn request_ids_have_a_limit_of_their_own() {
        let usage = usage();
        let account = usage.account("a");
        let id = Grown { rows: 100, requests: 100, ..Grown::default() };
        assert_eq!(usage.reserve(&account, id), Ok(()));
        assert_eq!(usage.reserve(&account, id), Ok(()));
        assert_eq!(usage.reserve(&account, id), Err(NoRoom::Requests));
        usage.change_rows(&account, Grown { rows: -100, requests: -100, ..Grown::default() });
        assert_eq!(usage.reserve(&account, id), Ok(()));
    }

    #[test]
    fn the_database_counts_by_what_it_takes_where_that_is_more() {
        let usage = usage();
        let account = usage.account("");
        usage.change_rows(&account, rows(50));
        usage.database().store(300, Ordering::Relaxed);
        usage.add_body(&account, 5);
        assert_eq!(usage.bytes(), 305);
        usage.change_rows(&account, rows(400));
        assert_eq!(usage.bytes(), 455);
    }

    #[test]
    fn another_process_is_told_what_has_grown_and_what_has_gone() {
        let usage = usage();
        let (a, b) = (usage.account("a"), usage.account("b"));
        usage.add_body(&a, 10);
        usage.change_rows(&usage.account("idle"), rows(9));
        assert_eq!(usage.leave_to_another().len(), 3);
        assert_eq!(usage.untold(), [], "it has that");
        usage.remove_body(&a, 6);
        usage.change_rows(&b, rows(1));
        let mut told = usage.untold();
        told.sort_by_key(|(scope, ..)| scope.clone());
        assert_eq!(told, [("a".into(), -6, Grown::default()), ("b".into(), 0, rows(1))]);
        assert_eq!(usage.untold(), []);
        drop(a);
        usage.remove_body(&usage.account("a"), 4);
        usage.let_go();
        assert_eq!(usage.untold(), [("a".into(), -4, Grown::default())], "it is gone before it was told");
    }

    #[test]
    fn empty_accounts_are_let_go_of() {
        let usage = usage();
        let held = usage.account("held");
        drop(usage.account("empty"));
        usage.change_rows(&usage.account("has"), rows(1));
        usage.let_go();
        let mut left: Vec<_> = lock(&usage.accounts).keys().cloned().collect();
        left.sort();
        assert_eq!(left, ["has".into(), held.scope.clone()]);
    }
}
