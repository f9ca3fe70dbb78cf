//! The README's chapter "Writing your own runtime" and the adapters that are written from it agree.

const README: &str = include_str!("../../README.md");
const MIO: &str = include_str!("../examples/mio/conversation.rs");
const TOKIO: &str = include_str!("../examples/tokio/conversation.rs");

/// What a turn consists of: the numbered comments of the code, but for the last, which is the wait
/// and each runtime's own.
fn turn(text: &str) -> Vec<&str> {
    let comments = text.lines().filter_map(|line| line.trim().strip_prefix("// "));
    comments.filter(|comment| comment.starts_with(|first: char| first.is_ascii_digit())).collect()
}

/// The calls to the connection, in order.
fn calls(text: &str) -> Vec<&str> {
    let begin = text.find("// 1. ").expect("a turn");
    let end = text.find("/// 8. ").expect("a wait");
    let calls = text[begin..end].split("connection.").skip(1);
    calls.filter_map(|call| call.split('(').next()).collect()
}

#[test]
fn the_adapters_take_the_turn_of_the_chapter() {
    let begin = README.find("## Writing your own runtime").expect("the chapter");
    let chapter = &README[begin..];
    assert_eq!((turn(chapter).len(), calls(chapter).first()), (7, Some(&"lease")));
    for example in [MIO, TOKIO] {
        assert_eq!(turn(example), turn(chapter));
        assert_eq!(calls(example), calls(chapter));
    }
}
