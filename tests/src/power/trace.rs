//! Runs a program under strace, and reads what it did.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Step;
use super::line::{Argument, Line};
use crate::clock;

/// Whatever changes files or names, and whatever answers.
const CALLS: &str = "trace=openat,mkdir,mkdirat,pwrite64,write,writev,lseek,ftruncate,fsync,\
    fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,sendto,sendmsg";

/// A file of strace's.
#[derive(Debug, Clone)]
pub struct Trace {
    strace: PathBuf,
    file: PathBuf,
}

impl Trace {
    /// A trace in this file; `None` where strace is missing, or may not trace.
    pub fn to(file: &Path) -> Option<Self> {
        let path = env::var_os("PATH")?;
        let mut places = env::split_paths(&path).map(|place| place.join("strace"));
        let strace = places.find(|strace| strace.is_file())?;
        let tried = Command::new(&strace)
            .args(["-f", "-D", "-o", "/dev/null", "true"])
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success()).then(|| Self {
            strace,
            file: file.to_owned(),
        })
    }

    /// The program of strace.
    pub fn program(&self) -> &Path {
        &self.strace
    }

    /// Its arguments, before the program that is traced: that one stays the child of whoever
    /// starts it, and what was traced before stays in the file.
    pub fn arguments(&self) -> Vec<String> {
        let fixed = [
            "-f", "-D", "-A", "-y", "-xx", "-s", "1000000", "-e", CALLS, "-o",
        ];
        let mut arguments: Vec<String> = fixed.map(str::to_owned).to_vec();
        arguments.push(self.file.display().to_string());
        arguments
    }

    /// What was done until now by processes that ran in `directory`, the last of which was
    /// `process` and has ended.
    ///
    /// # Panics
    /// Where the trace cannot be read.
    pub fn steps(&self, directory: &Path, process: u32) -> Vec<Step> {
        let process = process.to_string();
        let is_end = |line: &str| {
            // `1234 +++ exited with 0 +++`
            let mut words = line.split_whitespace();
            words.next() == Some(process.as_str()) && words.next() == Some("+++")
        };
        let text = clock::eventually("the end of the trace", || {
            let text = fs::read_to_string(&self.file).ok()?;
            let ended = text.lines().rev().take(100).any(is_end);
            ended.then_some(text)
        });
        let mut reader = Reader {
            directory,
            offsets: HashMap::new(),
            open: HashMap::new(),
            steps: Vec::new(),
        };
        for line in text.lines().filter_map(Line::read) {
            reader.take(line);
        }
        reader.steps
    }
}

/// Makes steps of calls.
struct Reader<'a> {
    directory: &'a Path,
    /// Where the next `write` into a file goes.
    offsets: HashMap<PathBuf, usize>,
    /// Calls without their ends, by thread.
    open: HashMap<u32, Line>,
    steps: Vec<Step>,
}

impl Reader<'_> {
    fn take(&mut self, line: Line) {
        if line.begins {
            self.begin(&line);
        }
        let Some(result) = line.result.clone() else {
            self.open.insert(line.thread, line);
            return;
        };
        let begun = if line.begins {
            Some(line)
        } else {
            self.open.remove(&line.thread)
        };
        if let Some(begun) = begun
            && result.number().is_some_and(|number| number >= 0)
        {
            self.end(&begun, &result);
        }
    }

    /// What may take effect from the moment of the call on.
    fn begin(&mut self, line: &Line) {
        let argument = |place: usize| line.arguments.get(place).cloned().unwrap_or_default();
        let Some(file) = argument(0).path else {
            return;
        };
        let thread = line.thread;
        let step = match line.name.as_str() {
            "fsync" | "fdatasync" => Step::SyncBegins { thread, file },
            "pwrite64" => Step::Write {
                file,
                at: size(&argument(3)),
                bytes: argument(1).bytes,
            },
            "ftruncate" => Step::Truncate {
                file,
                length: size(&argument(1)),
            },
            "write" | "writev" if file.starts_with(self.directory) => {
                let offset = self.offsets.entry(file.clone()).or_default();
                let (at, bytes) = (*offset, argument(1).bytes);
                *offset += bytes.len();
                Step::Write { file, at, bytes }
            }
            "write" | "writev" | "sendto" | "sendmsg" if is_socket(&file) => Step::Send {
                bytes: argument(1).bytes,
            },
            _ => return,
        };
        self.steps.push(step);
    }

    /// What has happened when the call returns.
    fn end(&mut self, line: &Line, result: &Argument) {
        let argument = |place: usize| line.arguments.get(place).cloned().unwrap_or_default();
        let named = |place: usize| {
            let bytes = argument(place).bytes;
            let path = PathBuf::from(String::from_utf8_lossy(&bytes).into_owned());
            self.directory.join(path)
        };
        let step = match line.name.as_str() {
            "fsync" | "fdatasync" => Step::SyncEnds {
                thread: line.thread,
            },
            "lseek" => {
                if let (Some(file), Some(to)) = (argument(0).path, result.number()) {
                    self.offsets.insert(file, usize::try_from(to).unwrap_or(0));
                }
                return;
            }
            "openat" => {
                let Some(file) = result.path.clone() else {
                    return;
                };
                self.offsets.remove(&file);
                let flags = argument(2).plain;
                if !flags.contains("O_CREAT") {
                    return;
                }
                let emptied = flags.contains("O_TRUNC");
                Step::Open { file, emptied }
            }
            "mkdir" => Step::MakeDirectory { path: named(0) },
            "mkdirat" => Step::MakeDirectory { path: named(1) },
            "rename" => Step::Rename {
                from: named(0),
                to: named(1),
            },
            "renameat" | "renameat2" => Step::Rename {
                from: named(1),
                to: named(3),
            },
            "link" => Step::Link {
                from: named(0),
                to: named(1),
            },
            "linkat" => Step::Link {
                from: named(1),
                to: named(3),
            },
            "unlink" => Step::Unlink { path: named(0) },
            "unlinkat" => Step::Unlink { path: named(1) },
            _ => return,
        };
        self.steps.push(step);
    }
}

fn is_socket(path: &Path) -> bool {
    let path = path.to_string_lossy();
    ["socket:", "TCP:", "TCPv6:"]
        .iter()
        .any(|kind| path.starts_with(kind))
}

fn size(argument: &Argument) -> usize {
    let number = argument.number().expect("a number");
    usize::try_from(number).expect("no offset below 0")
}
