use alloc::string::ToString;

use crate::address::Address;
use crate::framing::AnyFraming;

/// Parses `data` as an address and as the name of a framing. What is accepted prints a canonical
/// form that means the same and prints itself; what is refused says where in the text. As a
/// reference it leads to an address that leads to itself, or nowhere.
///
/// # Panics
/// When that does not hold.
pub fn address(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    match text.parse::<Address>() {
        Ok(address) => {
            let canonical = address.to_string();
            let again = canonical.parse::<Address>();
            assert_eq!(again.as_ref(), Ok(&address), "{text:?} prints as {canonical:?}");
            assert_eq!(again.map(|again| again.to_string()), Ok(canonical));
        }
        Err(error) => {
            assert!(text.is_char_boundary(error.offset), "{text:?}: offset {}", error.offset);
        }
    }
    for base in ["http://a/b/c?d", "https+unix:/a:/b/c?d"] {
        let Ok(base) = base.parse::<Address>() else { continue };
        let Ok(address) = base.resolve(text) else { continue };
        let canonical = address.to_string();
        for same in [canonical.as_str(), ""] {
            let again = if same.is_empty() { &address } else { &base }.resolve(same);
            assert_eq!(again.as_ref(), Ok(&address), "{text:?} from {base} is {canonical:?}");
        }
    }
    if let Ok(framing) = text.parse::<AnyFraming>() {
        let name = framing.to_string();
        let again = name.parse::<AnyFraming>().map(|again| again.to_string());
        assert_eq!(again.as_ref(), Ok(&name), "{text:?} prints as {name:?}");
    }
}
