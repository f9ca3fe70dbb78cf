//! How far a connection has come.

use std::sync::atomic::{AtomicU8, Ordering};

use drywire::connection::Stage;
use drywire::tls::TlsVersion;

/// A stage and what was agreed on until then, in one piece: nobody sees a stage of now with a version of
/// before.
///
/// The lower half is the index of the stage; the upper is 0 for no version, else 1 more than its index.
#[derive(Debug, Default)]
pub(super) struct Progress(AtomicU8);

const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];
const STAGE_BITS: u32 = 4;
const STAGE_MASK: u8 = (1 << STAGE_BITS) - 1;
const _: () = assert!(Stage::ALL.len() <= 1 << STAGE_BITS, "a stage has no place for its index");

impl Progress {
    pub(super) fn store(&self, stage: Stage, version: Option<TlsVersion>) {
        let index = VERSIONS.iter().position(|known| Some(*known) == version);
        let bits = index.map_or(0, |index| index + 1) << STAGE_BITS | stage.index();
        self.0.store(u8::try_from(bits).unwrap_or(u8::MAX), Ordering::Relaxed);
    }

    pub(super) fn load(&self) -> (Stage, Option<TlsVersion>) {
        let bits = self.0.load(Ordering::Relaxed);
        let stage = Stage::ALL.get(usize::from(bits & STAGE_MASK));
        let version = usize::from(bits >> STAGE_BITS).checked_sub(1);
        (
            stage.copied().unwrap_or(Stage::Closed),
            version.and_then(|index| VERSIONS.get(index).copied()),
        )
    }

    pub(super) fn stage(&self) -> Stage {
        self.load().0
    }

    pub(super) fn version(&self) -> Option<TlsVersion> {
        self.load().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_loaded() {
        let progress = Progress::default();
        assert_eq!(progress.load(), (Stage::Opening, None));
        for stage in Stage::ALL.iter().copied() {
            for version in [None, Some(TlsVersion::Tls12), Some(TlsVersion::Tls13)] {
                progress.store(stage, version);
                assert_eq!(progress.load(), (stage, version));
            }
        }
    }
}
