//! The Durable Object of one key, as workerd sees it: requests and alarms come in here.
#![allow(missing_docs, reason = "of what the macro of the object makes; all else here is private")]

use std::rc::Rc;

use durablefetch_protocol::{ErrorCode, ProtocolError};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::admit;
use crate::core::Core;
use crate::front::respond;

/// The Durable Object.
#[durable_object]
pub struct RecordingObject {
    core: core::result::Result<Rc<Core>, String>,
}

impl DurableObject for RecordingObject {
    fn new(state: State, env: Env) -> Self {
        Self { core: Core::open(state, &env).map(Rc::new).map_err(|error| error.message) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let response = match &self.core {
            Ok(core) => admit::answer(core, Clone::clone(request.inner())).await,
            Err(message) => {
                let error = ProtocolError::new(ErrorCode::StorageFailed, message.clone());
                respond::error(&error, None)
            }
        };
        Ok(Response::from(response?))
    }

    async fn alarm(&self) -> Result<Response> {
        if let Ok(core) = &self.core {
            core.on_alarm().await;
        }
        Response::empty()
    }
}
