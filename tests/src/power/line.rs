//! One line of strace, taken apart: `1234 pwrite64(7</a/b>, "\x41", 1, 0) = 1`.
//!
//! A call during which another thread did something is on two lines, `… <unfinished ...>`
//! and `1234 <... pwrite64 resumed>) = 1`.

use std::iter;
use std::path::PathBuf;

/// A call, at its begin, at its end, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) thread: u32,
    pub(super) name: String,
    /// Empty where the line has only the end of the call.
    pub(super) arguments: Vec<Argument>,
    pub(super) begins: bool,
    /// What it returned, where the line has the end of the call.
    pub(super) result: Option<Argument>,
}

/// An argument or a result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Argument {
    /// As it stands there, without path and text.
    pub(super) plain: String,
    /// The path of a file descriptor.
    pub(super) path: Option<PathBuf>,
    /// The bytes of a text, or of all texts in it.
    pub(super) bytes: Vec<u8>,
}

impl Argument {
    pub(super) fn number(&self) -> Option<i64> {
        self.plain.split_whitespace().next()?.parse().ok()
    }
}

impl Line {
    /// `None` for a line that is no call: a signal, or the end of a process.
    pub(super) fn read(line: &str) -> Option<Self> {
        let (thread, rest) = line.split_once(' ')?;
        let thread = thread.parse().ok()?;
        let rest = rest.trim_start();
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let (name, rest) = resumed.split_once(" resumed>")?;
            return Some(Self {
                thread,
                name: name.to_owned(),
                arguments: Vec::new(),
                begins: false,
                result: Some(result(rest)?),
            });
        }
        let (name, rest) = rest.split_once('(')?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !name.bytes().all(is_name) {
            return None;
        }
        let (inside, result) = match rest.strip_suffix("<unfinished ...>") {
            Some(inside) => (inside, None),
            None => (&rest[..end_of_arguments(rest)?], Some(result(rest)?)),
        };
        Some(Self {
            thread,
            name: name.to_owned(),
            arguments: split(inside),
            begins: true,
            result,
        })
    }
}

/// What stands behind the last ` = `: texts and paths are in hexadecimal, and have none.
fn result(text: &str) -> Option<Argument> {
    let place = text.rfind(" = ")?;
    Some(argument(text[place + 3..].trim()))
}

fn end_of_arguments(text: &str) -> Option<usize> {
    text[..text.rfind(" = ")?].rfind(')')
}

/// At the commas that are in no brackets.
fn split(text: &str) -> Vec<Argument> {
    let mut depth = 0_i32;
    let parts = text.split(|char: char| {
        depth += match char {
            '{' | '[' | '(' => 1,
            '}' | ']' | ')' => -1,
            _ => 0,
        };
        char == ',' && depth == 0
    });
    parts.map(|part| argument(part.trim())).collect()
}

fn argument(text: &str) -> Argument {
    if text.contains('"') {
        // Every second part is between quotation marks.
        let texts = text.split('"').skip(1).step_by(2);
        return Argument {
            bytes: texts.flat_map(unescaped).collect(),
            ..Argument::default()
        };
    }
    let (plain, path) = match text.split_once('<') {
        Some((plain, rest)) => {
            let path = rest.rsplit_once('>').map_or(rest, |(path, _)| path);
            (plain, Some(path_of(path)))
        }
        None => (text, None),
    };
    Argument {
        plain: plain.to_owned(),
        path,
        bytes: Vec::new(),
    }
}

fn path_of(text: &str) -> PathBuf {
    if text.starts_with("\\x") {
        let bytes: Vec<u8> = unescaped(text).collect();
        String::from_utf8_lossy(&bytes).into_owned().into()
    } else {
        text.into()
    }
}

/// `\x41\x42` is `AB`.
fn unescaped(text: &str) -> impl Iterator<Item = u8> + '_ {
    let mut bytes = text.as_bytes().chunks_exact(4);
    iter::from_fn(move || {
        let digits = std::str::from_utf8(bytes.next()?.get(2..)?).ok()?;
        u8::from_str_radix(digits, 16).ok()
    })
}
