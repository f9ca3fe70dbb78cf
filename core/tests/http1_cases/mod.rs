//! Reads the catalogue of cases; README.txt beside this file says how they are written.

use std::fs;
use std::path::Path;

use drywire::http1::HttpLimits;
use drywire::testkit::http1::{Answer, Asked};

/// One case of the catalogue.
pub(crate) struct Case {
    /// File and name.
    pub(crate) name: String,
    pub(crate) is_request: bool,
    pub(crate) limits: HttpLimits,
    /// What a client has asked.
    pub(crate) asked: Vec<Asked>,
    /// What a server answers.
    pub(crate) answer: Answer,
    pub(crate) input: Vec<u8>,
    /// The frames, as text.
    pub(crate) shown: Vec<Vec<u8>>,
    pub(crate) ending: Ending,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ending {
    Finished,
    Truncated,
    Over,
    Refused { status: u16, name: String },
}

/// All cases, in the order of their files.
pub(crate) fn all() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http1_cases");
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    let mut cases = vec![];
    for path in paths {
        let file = path.file_name().unwrap().to_str().unwrap();
        if !file.ends_with(".txt") || file == "README.txt" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for block in text.split("\n\n") {
            cases.push(Case::parse(file, block));
        }
    }
    cases
}

impl Case {
    fn parse(file: &str, block: &str) -> Self {
        let is_request = !file.starts_with("response");
        let mut case = Self {
            name: String::new(),
            is_request,
            limits: HttpLimits::new(),
            asked: vec![],
            answer: Answer { status: 200, closes: false },
            input: vec![],
            shown: vec![],
            ending: Ending::Finished,
        };
        let mut rule = "";
        for line in block.lines() {
            let (sign, text) = line.split_at(1);
            let text = text.strip_prefix(' ').unwrap_or(text);
            let bytes = || unescaped(text);
            match sign {
                "=" => case.name = format!("{file}: {text}"),
                ":" => rule = text,
                "%" => case.limit(text),
                "?" => case.asked = text.split(", ").map(asked).collect(),
                "@" => {
                    let (status, closes) = text.split_at(3);
                    let (status, closes) = (status.parse().unwrap(), closes == " close");
                    case.answer = Answer { status, closes };
                }
                "<" => case.input.extend([bytes(), b"\r\n".to_vec()].concat()),
                "+" => case.input.extend(bytes()),
                ">" => case.shown.push(bytes()),
                "!" => {
                    let (status, name) = text.split_once(' ').unwrap();
                    let status = status.parse().unwrap();
                    case.ending = Ending::Refused { status, name: name.to_owned() };
                }
                "." => {
                    case.ending = match text {
                        "finished" => Ending::Finished,
                        "truncated" => Ending::Truncated,
                        "over" => Ending::Over,
                        other => panic!("{}: {other}", case.name),
                    };
                }
                _ => panic!("{}: what is {line:?}?", case.name),
            }
        }
        assert!(!case.name.is_empty() && !rule.is_empty(), "{}: {block}", case.name);
        if !case.is_request && case.asked.is_empty() {
            case.asked.push(asked("GET"));
        }
        case
    }

    fn limit(&mut self, text: &str) {
        let (name, value) = text.split_once(' ').unwrap();
        let len = value.parse().unwrap_or(usize::MAX);
        match name {
            "head_len_max" => self.limits.head_len_max = len,
            "target_len_max" => self.limits.target_len_max = len,
            "fields_max" => self.limits.fields_max = len,
            "chunk_extensions_len_max" => self.limits.chunk_extensions_len_max = len,
            "trailers_len_max" => self.limits.trailers_len_max = len,
            "body_len_max" => self.limits.body_len_max = value.parse().unwrap(),
            other => panic!("{}: {other}", self.name),
        }
    }
}

fn asked(text: &str) -> Asked {
    let mut words = text.split(' ');
    let method = words.next().unwrap().to_owned();
    let mut asked = Asked { method, minor: 1, closes: false, upgrades: false };
    for word in words {
        match word {
            "1.0" => (asked.minor, asked.closes) = (0, true),
            "close" => asked.closes = true,
            "upgrade" => asked.upgrades = true,
            other => panic!("{other}"),
        }
    }
    asked
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = vec![];
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend(&rest.as_bytes()[..at]);
        let (sign, behind) = rest[at + 1..].split_at(1);
        rest = behind;
        match sign {
            "r" => bytes.push(b'\r'),
            "n" => bytes.push(b'\n'),
            "t" => bytes.push(b'\t'),
            "0" => bytes.push(0),
            "\\" => bytes.push(b'\\'),
            "x" => {
                bytes.push(u8::from_str_radix(&rest[..2], 16).unwrap());
                rest = &rest[2..];
            }
            "{" => {
                let (repeated, behind) = rest.split_once('}').unwrap();
                let (repeated, times) = repeated.rsplit_once('*').unwrap();
                bytes.extend(unescaped(repeated).repeat(times.parse().unwrap()));
                rest = behind;
            }
            other => panic!("\\{other}"),
        }
    }
    bytes.extend(rest.as_bytes());
    bytes
}
