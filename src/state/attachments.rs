//! `isInProgress` said yes: the next plain fetch of that URL follows that very recording, whatever became of it.
//!
//! That is the snippet in the README of durablefetch 0.1.0, which asks and then sends the message again. In
//! between the recording may end, and a fetch that starts anew then runs the message a second time.

use std::cell::RefCell;

use crate::js::clock;

/// How long such a promise holds.
const HOLDS_MS: u64 = 10_000;

/// What to attach to, by URL.
#[derive(Default)]
pub(crate) struct Attachments(RefCell<Vec<Note>>);

struct Note {
    href: String,
    recording: String,
    until: u64,
}

impl Attachments {
    /// Notes what was found in progress; forgets the URL if nothing was.
    pub(crate) fn note(&self, href: &str, recording: Option<&str>) {
        let now = clock::now();
        let mut notes = self.0.borrow_mut();
        notes.retain(|note| note.until > now && note.href != href);
        if let Some(recording) = recording {
            notes.push(Note { href: href.into(), recording: recording.into(), until: now + HOLDS_MS });
        }
    }

    /// The recording to attach to, once.
    pub(crate) fn take(&self, href: &str) -> Option<String> {
        let mut notes = self.0.borrow_mut();
        let index = notes.iter().position(|note| note.href == href)?;
        let note = notes.swap_remove(index);
        (note.until > clock::now()).then_some(note.recording)
    }
}
