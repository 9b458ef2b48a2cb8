//! A case and the list of them.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::check::CaseResult;
use crate::context::Context;
use crate::launch::{Ability, Need};

type Body = Box<dyn Fn(Context) -> Pin<Box<dyn Future<Output = CaseResult> + Send>> + Send + Sync>;

pub(crate) struct Case {
    /// The numbers of the rules of PROTOCOL.md that it checks, separated by blanks; empty for what the
    /// protocol leaves to the recorder.
    pub(crate) rules: &'static str,
    pub(crate) name: &'static str,
    pub(crate) need: Need,
    /// It uses nothing that 0.1.0 does not have.
    pub(crate) seed: bool,
    pub(crate) deadline: Duration,
    pub(crate) body: Body,
}

/// The list that every file under `cases/` adds to.
#[derive(Default)]
pub(crate) struct Suite {
    pub(crate) cases: Vec<Case>,
}

impl Suite {
    /// Adds a case for these rules. `name` reads as a sentence of the protocol.
    pub(crate) fn case<F, Fut>(&mut self, rules: &'static str, name: &'static str, body: F)
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = CaseResult> + Send + 'static,
    {
        self.add(rules, name, Need::Nothing, body);
    }

    /// Adds a case that starts a recorder of its own.
    pub(crate) fn launching<F, Fut>(&mut self, rules: &'static str, name: &'static str, body: F)
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = CaseResult> + Send + 'static,
    {
        self.add(rules, name, Need::Launch, body);
    }

    /// Adds a case that starts a recorder of its own, which must be able to do this.
    pub(crate) fn needing<F, Fut>(
        &mut self,
        ability: Ability,
        rules: &'static str,
        name: &'static str,
        body: F,
    ) where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = CaseResult> + Send + 'static,
    {
        self.add(rules, name, Need::Able(ability), body);
    }

    /// Adds a case that uses nothing but what 0.1.0 had.
    pub(crate) fn seed<F, Fut>(&mut self, name: &'static str, body: F)
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = CaseResult> + Send + 'static,
    {
        self.add("", name, Need::Nothing, body);
        self.cases.iter_mut().rev().take(1).for_each(|case| case.seed = true);
    }

    /// The same, with a recorder of its own.
    pub(crate) fn seed_launching<F, Fut>(&mut self, name: &'static str, body: F)
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = CaseResult> + Send + 'static,
    {
        self.add("", name, Need::Launch, body);
        self.cases.iter_mut().rev().take(1).for_each(|case| case.seed = true);
    }

    fn add<F, Fut>(&mut self, rules: &'static str, name: &'static str, need: Need, body: F)
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = CaseResult> + Send + 'static,
    {
        let body: Body = Box::new(move |cx| Box::pin(body(cx)));
        self.cases.push(Case { rules, name, need, seed: false, deadline: Duration::from_secs(60), body });
    }
}
