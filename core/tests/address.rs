//! The address grammar: what is in it, what is not and where, and its laws.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use drywire::address::{
    Address, AddressError, AddressProblem, Endpoint, HOST_LEN_MAX, Host, HostName, HostPort,
    INTERFACE_LEN_MAX, InterfaceName, LABEL_LEN_MAX, Resolution, TARGET_LEN_MAX, Target,
    UNIX_LEN_MAX, UnixName, UnixPlace, Zone,
};
use proptest::prelude::*;

fn parse(text: &str) -> Result<Address, AddressError> {
    text.parse()
}

/// The one error that `text` has, by position and kind.
fn refusal(text: &str) -> (usize, AddressProblem) {
    let error = parse(text).expect_err(text);
    (error.offset, error.problem)
}

/// Checks the laws that hold for any text.
fn laws(text: &str) {
    match parse(text) {
        Ok(address) => {
            let canonical = address.to_string();
            assert_eq!(parse(&canonical).as_ref(), Ok(&address), "{text:?} -> {canonical:?}");
            assert!(canonical.starts_with(address.scheme()));
        }
        Err(error) => {
            assert!(error.offset <= text.len(), "{text:?}: {error}");
            assert!(text.is_char_boundary(error.offset), "{text:?}: {error}");
        }
    }
}

#[test]
fn canonical_spellings() {
    for (text, canonical) in [
        ("tcp://localhost:7", "tcp://localhost:7"),
        ("TCP://LocalHost:0007", "tcp://localhost:7"),
        ("localhost:7", "tcp://localhost:7"),
        (":7", "tcp://[::]:7"),
        ("udp://:0", "udp://[::]:0"),
        ("[::1]:7", "tcp://[::1]:7"),
        ("127.0.0.1:65535", "tcp://127.0.0.1:65535"),
        ("tcp:7", "tcp://tcp:7"),
        ("tls://example.com.:443", "tls://example.com.:443"),
        ("tls://[0:0:0:0:0:0:0:1]:1", "tls://[::1]:1"),
        ("tcp://[::ffff:127.0.0.1]:1", "tcp://[::ffff:127.0.0.1]:1"),
        ("tcp://[fe80::1%eth0.7]:1", "tcp://[fe80::1%eth0.7]:1"),
        ("tcp://[fe80::1%03]:1", "tcp://[fe80::1%3]:1"),
        ("tcp://_dns-sd.a-b:1", "tcp://_dns-sd.a-b:1"),
        ("unix:/run/a.sock", "unix:/run/a.sock"),
        ("unix:///run/a.sock", "unix:/run/a.sock"),
        ("unix:./a:b", "unix:./a:b"),
        ("unix:@a", "unix:@a"),
        ("unixgram:../é", "unixgram:../é"),
        ("tls+unix:/a", "tls+unix:/a"),
        ("http://h", "http://h/"),
        ("http://h:80/", "http://h/"),
        ("http://h:443", "http://h:443/"),
        ("https://h:443/a?b=c:/@d", "https://h/a?b=c:/@d"),
        ("https://h:80", "https://h:80/"),
        ("http://[::1]?a", "http://[::1]/?a"),
        ("http://:8080", "http://[::]:8080/"),
        ("http+unix:/a.sock", "http+unix:/a.sock:/"),
        ("http+unix:///a.sock:/b:/c", "http+unix:/a.sock:/b:/c"),
        ("http+unix:/a.sock:", "http+unix:/a.sock::/"),
        ("https+unix:@a?b:/?", "https+unix:@a?b:/?"),
    ] {
        assert_eq!(parse(text).map(|address| address.to_string()), Ok(canonical.into()), "{text}");
        laws(text);
        laws(canonical);
    }
}

#[test]
fn refusals_say_what_and_where() {
    use AddressProblem::*;
    for (text, offset, problem) in [
        ("", 0, HostMissing),
        ("tcp://", 6, HostMissing),
        ("http:///a", 7, HostMissing),
        ("localhost", 9, PortMissing),
        ("localhost:", 10, PortMissing),
        ("http://h:", 9, PortMissing),
        ("tcp://[::1]", 11, PortMissing),
        ("ftp://h:1", 0, UnknownScheme),
        ("://h:1", 0, UnknownScheme),
        ("tcp://h:1/", 9, PortCharacter { found: '/' }),
        ("h:+1", 2, PortCharacter { found: '+' }),
        ("h:-1", 2, PortCharacter { found: '-' }),
        ("h:1 ", 3, PortCharacter { found: ' ' }),
        ("h:١", 2, PortCharacter { found: '١' }),
        ("tcp:h:1", 0, BracketsNeeded),
        ("::1:7", 0, BracketsNeeded),
        ("[::1]:7:8", 7, PortCharacter { found: ':' }),
        ("[::1", 4, BracketMissing),
        ("[::1]7", 5, AfterBracket { found: '7' }),
        ("[::1] :7", 5, AfterBracket { found: ' ' }),
        ("[localhost]:7", 1, Ipv6),
        ("[]:7", 1, Ipv6),
        ("[::1%]:7", 5, Zone),
        ("[::1%0]:7", 5, Zone),
        ("[::1%4294967296]:7", 5, Zone),
        ("[::1%a%b]:7", 6, Zone),
        ("[::1%é]:7", 5, Zone),
        ("tcp://user:word@h:1", 15, UserInfo),
        ("http://a@b/", 8, UserInfo),
        (" h:1", 0, HostCharacter { found: ' ' }),
        ("tcp://a\u{7f}:1", 7, HostCharacter { found: '\u{7f}' }),
        ("tcp://é:1", 6, HostCharacter { found: 'é' }),
        ("a.-b:1", 2, HostCharacter { found: '-' }),
        ("a.b-:1", 3, HostCharacter { found: '-' }),
        ("-:1", 0, HostCharacter { found: '-' }),
        ("a..b:1", 2, LabelLen { len: 0, max: 63 }),
        (".:1", 0, LabelLen { len: 0, max: 63 }),
        ("a..:1", 2, LabelLen { len: 0, max: 63 }),
        ("127.1:1", 0, Ipv4),
        ("tcp://256.1.1.1:1", 6, Ipv4),
        ("1.2.3.4.:1", 0, Ipv4),
        ("010.0.0.1:1", 0, Ipv4),
        ("0x7f000001:1", 0, Ipv4),
        ("a.7:1", 0, Ipv4),
        ("unix:", 5, UnixStart),
        ("unix:a", 5, UnixStart),
        ("unix://a/b", 5, UnixStart),
        ("unix:////a", 7, UnixStart),
        ("unix:@", 5, UnixStart),
        ("unix:/a b", 7, UnixCharacter { found: ' ' }),
        ("unix:/a\0", 7, UnixCharacter { found: '\0' }),
        ("unix:/é\u{a0}", 8, UnixCharacter { found: '\u{a0}' }),
        ("unix:/a:/b", 7, UnixCharacter { found: ':' }),
        ("http://h#a", 8, TargetStart),
        ("http://h/a#b", 10, TargetCharacter { found: '#' }),
        ("http://h/a b", 10, TargetCharacter { found: ' ' }),
        ("http+unix:/a:/é", 14, TargetCharacter { found: 'é' }),
    ] {
        assert_eq!(refusal(text), (offset, problem), "{text:?}");
    }
}

#[test]
fn ports_go_up_to_their_limit() {
    for (text, port) in [("0", 0), ("65534", 65534), ("65535", 65535), ("000000065535", 65535)] {
        let host = Host::ANY;
        let place = Endpoint::Internet(HostPort { host, port });
        assert_eq!(parse(&format!(":{text}")), Ok(Address::Stream { endpoint: place, tls: false }));
    }
    for text in ["65536", "99999", "18446744073709551616"] {
        assert_eq!(refusal(&format!(":{text}")), (1, AddressProblem::PortOutOfRange));
    }
}

#[test]
fn lengths_go_up_to_their_limits() {
    let label = |len: usize| "a".repeat(len);
    for (len, fits) in
        [(LABEL_LEN_MAX - 1, true), (LABEL_LEN_MAX, true), (LABEL_LEN_MAX + 1, false)]
    {
        let expected = AddressProblem::LabelLen { len, max: LABEL_LEN_MAX };
        let outcome = parse(&format!("b.{}.c:1", label(len))).map(drop);
        assert_eq!(
            outcome.map_err(|error| (error.offset, error.problem)),
            match fits {
                true => Ok(()),
                false => Err((2, expected)),
            }
        );
    }

    for (len, fits) in [(HOST_LEN_MAX - 1, true), (HOST_LEN_MAX, true), (HOST_LEN_MAX + 1, false)] {
        let mut name = "a.".repeat(len / 2);
        name.truncate(len - 1);
        name.push('b');
        assert_eq!(name.len(), len);
        let problem = AddressProblem::HostLen { len, max: HOST_LEN_MAX };
        for text in [name.clone(), name + "."] {
            let outcome = text.parse::<HostName>().map(drop).map_err(|error| error.problem);
            assert_eq!(outcome, if fits { Ok(()) } else { Err(problem) }, "{text}");
        }
    }

    for (len, fits) in [(UNIX_LEN_MAX - 1, true), (UNIX_LEN_MAX, true), (UNIX_LEN_MAX + 1, false)] {
        let problem = AddressProblem::UnixLen { len, max: UNIX_LEN_MAX };
        for start in ["/", "@"] {
            let text = format!("{start}{}", "a".repeat(len - 1));
            let outcome = text.parse::<UnixName>().map(drop).map_err(|error| error.problem);
            assert_eq!(outcome, if fits { Ok(()) } else { Err(problem) });
        }
    }

    for (len, fits) in
        [(TARGET_LEN_MAX - 1, true), (TARGET_LEN_MAX, true), (TARGET_LEN_MAX + 1, false)]
    {
        let problem = AddressProblem::TargetLen { len, max: TARGET_LEN_MAX };
        // The slash that is put before a query counts.
        for text in [format!("/{}", "a".repeat(len - 1)), format!("?{}", "a".repeat(len - 2))] {
            let outcome = text.parse::<Target>().map_err(|error| error.problem);
            assert_eq!(
                outcome.map(|target| target.as_str().len()),
                match fits {
                    true => Ok(len),
                    false => Err(problem),
                }
            );
        }
    }

    for (len, fits) in
        [(INTERFACE_LEN_MAX - 1, true), (INTERFACE_LEN_MAX, true), (INTERFACE_LEN_MAX + 1, false)]
    {
        assert_eq!("e".repeat(len).parse::<InterfaceName>().is_ok(), fits);
    }
}

#[test]
fn resolution_is_asked_for_only_where_it_is_needed() {
    let lookup = |name: &str| Resolution::Lookup { name: name.into(), port: 7 };
    let known = |address: &str| Resolution::Known(address.parse().unwrap());
    for (text, expected) in [
        ("localhost:7", lookup("localhost")),
        ("example.com.:7", lookup("example.com.")),
        ("127.0.0.1:7", known("127.0.0.1:7")),
        ("[::1]:7", known("[::1]:7")),
        ("[fe80::1%3]:7", known("[fe80::1%3]:7")),
        ("[fe80::1%eth0]:7", lookup("fe80::1%eth0")),
    ] {
        let address = parse(text).unwrap();
        let Endpoint::Internet(place) = address.endpoint() else { panic!("{text}") };
        assert_eq!(place.resolution(), expected, "{text}");
    }
}

#[test]
fn parts_tell_what_they_are() {
    let name: HostName = "Example.COM.".parse().unwrap();
    assert_eq!((name.as_str(), name.server_name()), ("example.com.", "example.com"));
    assert_eq!("a".parse::<HostName>().unwrap().server_name(), "a");
    assert!("127.0.0.1".parse::<HostName>().is_err());
    assert!("[::1]".parse::<HostName>().is_err());

    let place = |text: &str| text.parse::<UnixName>().unwrap();
    assert_eq!(place("/a").place(), UnixPlace::Path("/a"));
    assert_eq!(place("@a").place(), UnixPlace::Abstract("a"));

    assert!(Host::ANY.is_unspecified());
    assert!(Host::V4(Ipv4Addr::UNSPECIFIED).is_unspecified());
    assert!(!Host::V4(Ipv4Addr::LOCALHOST).is_unspecified());
    assert!(Host::V4(Ipv4Addr::LOCALHOST).is_loopback());
    assert!(!Host::ANY.is_loopback());
    assert!(!Host::Name(name).is_unspecified());

    for (text, scheme, tls) in [
        ("tcp://h:1", "tcp", false),
        ("tls://h:1", "tls", true),
        ("udp://h:1", "udp", false),
        ("unix:/a", "unix", false),
        ("unixgram:/a", "unixgram", false),
        ("tls+unix:/a", "tls+unix", true),
        ("http://h", "http", false),
        ("https://h", "https", true),
        ("http+unix:/a", "http+unix", false),
        ("https+unix:/a", "https+unix", true),
    ] {
        let address = parse(text).unwrap();
        assert_eq!((address.scheme(), address.is_tls()), (scheme, tls));
    }
}

#[test]
fn display_texts() {
    use AddressProblem::*;
    let error = parse("tcp://h").unwrap_err();
    assert_eq!(error.to_string(), "at byte 7: expected a port");
    for (problem, text) in [
        (AfterBracket { found: 'a' }, "expected a colon and a port after the address, found 'a'"),
        (BracketMissing, "expected a closing bracket"),
        (BracketsNeeded, "expected one colon, or brackets around an IPv6 address"),
        (
            HostCharacter { found: '\n' },
            r"expected a letter, digit, hyphen or underscore, found '\n'",
        ),
        (HostLen { len: 254, max: 253 }, "a host name of 254 bytes exceeds the limit of 253"),
        (HostMissing, "expected a host"),
        (Ipv4, "expected an IPv4 address in four decimal parts"),
        (Ipv6, "expected an IPv6 address"),
        (LabelLen { len: 0, max: 63 }, "a part of a host name has 0 bytes, expected 1 to 63"),
        (PortCharacter { found: '+' }, "expected a digit of the port, found '+'"),
        (PortMissing, "expected a port"),
        (PortOutOfRange, "expected a port of 65535 or less"),
        (
            TargetCharacter { found: ' ' },
            "expected a visible ASCII character other than '#', found ' '",
        ),
        (TargetLen { len: 9, max: 8 }, "a target of 9 bytes exceeds the limit of 8"),
        (TargetStart, "expected a target that begins with / or ?"),
        (UnixCharacter { found: '\0' }, r"expected a character of a socket's name, found '\0'"),
        (UnixLen { len: 108, max: 107 }, "a socket's name of 108 bytes exceeds the limit of 107"),
        (UnixStart, "expected a path that begins with / or ., or @ and an abstract name"),
        (
            UnknownScheme,
            "expected tcp, tls, udp, unix, unixgram, tls+unix, http, https, http+unix or \
             https+unix",
        ),
        (UserInfo, "expected a host without a user name"),
        (Zone, "expected the index or name of an interface"),
    ] {
        assert_eq!(problem.to_string(), text);
    }
}

fn host() -> impl Strategy<Value = Host> {
    let zone = prop_oneof![
        Just(None),
        (1..=u32::MAX).prop_map(|index| Some(Zone::Index(index.try_into().unwrap()))),
        "[a-z][a-zA-Z0-9._-]{0,14}".prop_map(|name| Some(Zone::Name(name.parse().unwrap()))),
    ];
    prop_oneof![
        "[a-zA-Z0-9_]{1,5}(\\.[a-z0-9]{1,3}-?[a-z]){0,4}\\.?"
            .prop_filter_map("a number", |name| name.parse().ok().map(Host::Name)),
        any::<u32>().prop_map(|bits| Host::V4(Ipv4Addr::from(bits))),
        (prop_oneof![any::<u128>(), 0..=u128::from(u32::MAX), Just(0)], zone)
            .prop_map(|(bits, zone)| Host::V6 { address: Ipv6Addr::from(bits), zone }),
    ]
}

fn address() -> impl Strategy<Value = Address> {
    let port = prop_oneof![any::<u16>(), Just(80), Just(443), Just(0)];
    let name = "(/|\\.|@a)[a-z:.?#@%é]{0,12}(/[a-z]{1,3})?";
    let endpoint = prop_oneof![
        (host(), port).prop_map(|(host, port)| Endpoint::Internet(HostPort { host, port })),
        name.prop_filter_map("a target", |name| name.parse().ok().map(Endpoint::Unix)),
    ];
    let target = "[/?][!-\"$-~]{0,12}".prop_map(|target| target.parse().unwrap());
    (endpoint, 0..5, target).prop_map(|(endpoint, kind, target)| match kind {
        0 => Address::Datagram { endpoint },
        1 | 2 => Address::Stream { endpoint, tls: kind == 1 },
        _ => Address::Http { endpoint, tls: kind == 3, target },
    })
}

proptest! {
    #[test]
    fn what_is_displayed_parses_back(address in address()) {
        prop_assert_eq!(parse(&address.to_string()), Ok(address));
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        laws(&text);
    }

    /// Text of the grammar's own pieces, most of it nearly valid.
    #[test]
    fn text_near_the_grammar_is_parsed_or_refused(
        pieces in prop::collection::vec(
            prop::sample::select(&[
                "tcp", "TLS", "udp", "unix", "unixgram", "tls+unix", "http", "https", "http+unix",
                "https+unix", ":", "://", "/", "//", "@", "[", "]", "::1", "%", "eth0", "3", "80",
                "443", "65536", "127.0.0.1", "localhost", ".", "-", "?", "#", "a", " ", "\0", "é",
            ][..]),
            0..9,
        ),
    ) {
        laws(&pieces.concat());
    }

    /// Whatever a reference leads to leads to itself.
    #[test]
    fn references_lead_to_what_leads_to_itself(
        pieces in prop::collection::vec(
            prop::sample::select(&[
                "http", "https", "http+unix", ":", "//", "/", ".", "..", "?", "#", "a", "b", "@",
                "[::1]", ";", "%2e", "80", " ", "\u{e9}",
            ][..]),
            0..9,
        ),
    ) {
        drywire::testkit::fuzz::address(pieces.concat().as_bytes());
    }

    /// One byte of a valid address replaced, removed or put in.
    #[test]
    fn damaged_addresses_are_parsed_or_refused(
        address in address(), at in any::<prop::sample::Index>(), with in "[ -~é]{0,1}", cut in 0..2_usize,
    ) {
        let text = address.to_string();
        let start = (0..=at.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let mut rest = text[start..].chars();
        for _ in 0..cut {
            rest.next();
        }
        laws(&format!("{}{with}{}", &text[..start], rest.as_str()));
    }

    /// Whatever IPv4 or IPv6 socket address the standard library writes is an address here.
    #[test]
    fn socket_addresses_agree_with_the_standard_library(host in host(), port in any::<u16>()) {
        let place = HostPort { host, port };
        if let Resolution::Known(known) = place.resolution() {
            prop_assert_eq!(HostPort::from(known), place.clone());
            prop_assert_eq!(place.to_string().parse::<SocketAddr>(), Ok(known));
        }
    }
}
