//! What one call found out about the recordings of a URL, for the next.

use std::cell::RefCell;

use crate::js::clock;

/// URLs remembered; what was noted first goes first.
const KEPT: usize = 128;

/// Recordings, by URL.
#[derive(Default)]
pub(crate) struct Notes(RefCell<Vec<Note>>);

struct Note {
    href: String,
    recording: String,
    until: u64,
}

impl Notes {
    /// Notes a recording for so many milliseconds; forgets the URL where there is none.
    pub(crate) fn note(&self, href: &str, recording: Option<&str>, holds_ms: u64) {
        let now = clock::now();
        let mut notes = self.0.borrow_mut();
        notes.retain(|note| note.until > now && note.href != href);
        if let Some(recording) = recording {
            if notes.len() >= KEPT {
                notes.remove(0);
            }
            notes.push(Note { href: href.into(), recording: recording.into(), until: now + holds_ms });
        }
    }

    /// The recording noted for this URL.
    pub(crate) fn get(&self, href: &str) -> Option<String> {
        let notes = self.0.borrow();
        let note = notes.iter().find(|note| note.href == href)?;
        (note.until > clock::now()).then(|| note.recording.clone())
    }
}
