//! What control calls and the database say in text: JSON, ids, outcomes.
#![no_main]

use durablefetch_protocol::{ErrorCode, Outcome, RecordingId, RequestId, State, units};
use durablefetch_protocol::address::{Own, Upstream};
use durablefetch_protocol::control_json::{ControlRequest, Status};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Ok(asked) = ControlRequest::parse(body) {
        let again = serde_json::to_vec(&asked).unwrap();
        assert_eq!(ControlRequest::parse(&again).as_ref(), Ok(&asked));
        let own = Own { loopback_port: Some(8787), ..Own::default() };
        let _ = Upstream::parse(&asked.url).and_then(|upstream| own.resolve(upstream));
    }
    let _ = serde_json::from_slice::<Status>(body);
    let Ok(text) = std::str::from_utf8(body) else { return };
    if let Some(id) = RecordingId::parse(text) {
        assert_eq!(RecordingId::parse(&id.to_string()), Some(id));
    }
    if let Some(id) = RequestId::parse(text) {
        assert_eq!(id.as_str(), text);
    }
    if let Some(outcome) = Outcome::parse(text) {
        assert_eq!(Outcome::parse(&outcome.to_text()), Some(outcome));
    }
    assert!(ErrorCode::parse(text).is_none_or(|code| code.as_str() == text));
    assert!(State::parse(text).is_none_or(|state| state.as_str() == text));
    let _ = (units::duration(text), units::size(text));
});
