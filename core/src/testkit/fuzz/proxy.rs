use alloc::string::ToString;

use crate::proxy::{Header, Networks, Parse};
use crate::testkit::laws::proxy as laws;

/// Parses `data` as a PROXY header, cut where its first byte says, and as a list of networks.
///
/// # Panics
/// When a law of headers is broken, or when a list that is accepted does not print as one that means
/// the same.
pub fn proxy(data: &[u8]) {
    let (cuts, input) = match data {
        [cuts, input @ ..] => (usize::from(*cuts), input),
        [] => (0, data),
    };
    // A limit that many headers exceed, and one that none does.
    for len_max in [600, usize::MAX] {
        laws::equals_model(input, len_max);
    }
    laws::split_invariant(input, &[cuts % 16, cuts]);
    if let Ok(Parse::Found { header, .. }) = Header::parse(input, usize::MAX) {
        laws::round_trip(&header);
    }
    let Ok(text) = core::str::from_utf8(input) else { return };
    match text.parse::<Networks>() {
        Ok(networks) => {
            assert_eq!(
                networks.to_string().parse::<Networks>().as_ref(),
                Ok(&networks),
                "{text:?}"
            );
        }
        Err(error) => assert!(text.is_char_boundary(error.offset), "{text:?}: {error}"),
    }
}
