//! What has to be heeded before the next frame is shown.

/// A set of [`Note`]s, in one byte: between two frames one comparison says that there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes(u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// The framing was changed: a frame that was found by the old one is none.
    Upgraded = 1,
    /// The frame that is being shown is to be shown again.
    Retained = 2,
    /// A send was refused by `Full` and the application has not been told that it may try again.
    Refused = 4,
    /// The application's timer was due and it has not been told.
    TimerFired = 8,
}

impl Notes {
    #[inline]
    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub(super) const fn has(self, note: Note) -> bool {
        self.0 & note as u8 != 0
    }

    pub(super) const fn add(&mut self, note: Note) {
        self.0 |= note as u8;
    }

    /// Returns whether it was there.
    #[inline]
    pub(super) const fn remove(&mut self, note: Note) -> bool {
        let was_there = self.has(note);
        self.0 &= !(note as u8);
        was_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_do_not_touch_each_other() {
        let all = [Note::Upgraded, Note::Retained, Note::Refused, Note::TimerFired];
        for note in all {
            let mut notes = Notes::default();
            assert!(notes.is_empty() && !notes.remove(note));
            notes.add(note);
            notes.add(note);
            assert!(all.iter().all(|other| notes.has(*other) == (*other == note)));
            let mut others = notes;
            all.iter().for_each(|other| others.add(*other));
            assert!(others.remove(note) && !others.has(note));
            assert_eq!(all.iter().filter(|other| others.has(**other)).count(), 3);
            assert!(notes.remove(note) && notes.is_empty());
        }
    }
}
