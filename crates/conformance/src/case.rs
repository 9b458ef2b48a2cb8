//! A case and the list of them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::check::CaseResult;
use crate::context::Context;
use crate::launch::Ability;

type Run = dyn Fn(Context) -> Pin<Box<dyn Future<Output = CaseResult>>> + Send + Sync;

/// What a case does.
pub(crate) trait Body: AsyncFn(Context) -> CaseResult + Send + Sync + 'static {}
impl<B: AsyncFn(Context) -> CaseResult + Send + Sync + 'static> Body for B {}

pub(crate) struct Case {
    /// The numbers of the rules of PROTOCOL.md that it checks, separated by blanks; empty for what the
    /// protocol leaves to the recorder.
    pub(crate) rules: &'static str,
    pub(crate) name: &'static str,
    /// What it needs of the target beyond a base URL.
    pub(crate) need: Option<Ability>,
    run: Box<Run>,
}

impl Case {
    /// Runs it. The error says which check did not hold, what was expected and what came.
    pub(crate) async fn run(&self, cx: Context, within: Duration) -> Result<(), String> {
        match tokio::time::timeout(within, (self.run)(cx)).await {
            Ok(result) => result.map_err(|failure| failure.to_string()),
            Err(_) => Err(format!("did not end within {within:?}")),
        }
    }
}

/// The list that every file under `cases/` adds to.
#[derive(Default)]
pub(crate) struct Suite {
    pub(crate) cases: Vec<Case>,
}

impl Suite {
    /// Adds a case for these rules. `name` reads as a sentence of the protocol.
    pub(crate) fn case(&mut self, rules: &'static str, name: &'static str, body: impl Body) {
        self.add(None, rules, name, body);
    }

    /// Adds a case that starts a recorder of its own.
    pub(crate) fn launching(&mut self, rules: &'static str, name: &'static str, body: impl Body) {
        self.add(Some(Ability::Launch), rules, name, body);
    }

    /// Adds a case that starts a recorder of its own, which must be able to do this.
    pub(crate) fn needing(
        &mut self,
        ability: Ability,
        rules: &'static str,
        name: &'static str,
        body: impl Body,
    ) {
        self.add(Some(ability), rules, name, body);
    }

    fn add(&mut self, need: Option<Ability>, rules: &'static str, name: &'static str, body: impl Body) {
        let body = Arc::new(body);
        let run: Box<Run> = Box::new(move |cx| {
            let body = body.clone();
            Box::pin(async move { body(cx).await })
        });
        self.cases.push(Case { rules, name, need, run });
    }
}
