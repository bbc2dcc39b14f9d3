//! The reader of strace's lines, and the disk.

use std::path::{Path, PathBuf};

use super::line::Line;
use super::{Disk, Left, Step, Survivors};
use crate::dice::Dice;

const ROOT: &str = "/d";

fn path(name: &str) -> PathBuf {
    Path::new(ROOT).join(name)
}

fn open(name: &str) -> Step {
    Step::Open {
        file: path(name),
        emptied: false,
    }
}

fn write(name: &str, at: usize, bytes: &[u8]) -> Step {
    Step::Write {
        file: path(name),
        at,
        bytes: bytes.to_vec(),
    }
}

fn begin(name: &str) -> Step {
    Step::SyncBegins {
        thread: 1,
        file: path(name),
    }
}

const END: Step = Step::SyncEnds { thread: 1 };

fn after(steps: &[Step]) -> Disk {
    let mut disk = Disk::new(Path::new(ROOT));
    for step in steps {
        disk.follow(step);
    }
    disk
}

fn file(left: &Left, name: &str) -> Option<Vec<u8>> {
    left.get(Path::new(name)).cloned()
}

#[test]
fn only_what_was_synced_with_its_name_is_certain() {
    let mut steps = vec![open("a"), write("a", 0, b"one")];
    assert_eq!(after(&steps).left(Survivors::None), Left::new());
    let all = after(&steps).left(Survivors::All);
    assert_eq!(file(&all, "a").as_deref(), Some(&b"one"[..]));
    steps.extend([begin("a"), END]);
    assert_eq!(after(&steps).left(Survivors::None), Left::new());
    steps.extend([begin(""), END, write("a", 3, b" two")]);
    let left = after(&steps).left(Survivors::None);
    assert_eq!(file(&left, "a").as_deref(), Some(&b"one"[..]));
    let all = after(&steps).left(Survivors::All);
    assert_eq!(file(&all, "a").as_deref(), Some(&b"one two"[..]));
}

#[test]
fn a_sync_covers_what_was_written_before_it_began_and_counts_when_it_ends() {
    let mut steps = vec![open("a"), begin(""), END];
    steps.extend([write("a", 0, b"before"), begin("a")]);
    let left = after(&steps).left(Survivors::None);
    assert_eq!(file(&left, "a").as_deref(), Some(&b""[..]));
    steps.extend([write("a", 6, b" during"), END]);
    let left = after(&steps).left(Survivors::None);
    assert_eq!(file(&left, "a").as_deref(), Some(&b"before"[..]));
}

#[test]
fn a_directory_without_a_name_holds_nothing() {
    let made = Step::MakeDirectory { path: path("in") };
    let mut steps = vec![made, open("in/a"), begin("in/a"), END, begin("in"), END];
    assert_eq!(after(&steps).left(Survivors::None), Left::new());
    steps.extend([begin(""), END]);
    let left = after(&steps).left(Survivors::None);
    assert_eq!(file(&left, "in/a").as_deref(), Some(&b""[..]));
}

#[test]
fn a_renamed_and_an_unlinked_file_may_be_back() {
    let mut steps = vec![open("a"), open("b"), begin(""), END];
    steps.push(Step::Rename {
        from: path("a"),
        to: path("c"),
    });
    steps.push(Step::Unlink { path: path("b") });
    let names = |steps: &[Step]| {
        let left = after(steps).left(Survivors::None);
        left.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(names(&steps), ["a", "b"].map(PathBuf::from));
    steps.extend([begin(""), END]);
    assert_eq!(names(&steps), ["c"].map(PathBuf::from));
}

#[test]
fn sectors_survive_one_by_one() {
    let steps = [open("a"), begin(""), END, write("a", 0, &[7; 8 * 1024])];
    let disk = after(&steps);
    let left = disk.left(Survivors::Some(&mut Dice::new(1)));
    let torn = file(&left, "a").expect("the file");
    for sector in torn.chunks(512) {
        assert!(
            sector.iter().all(|byte| *byte == sector[0]),
            "a torn sector"
        );
    }
    assert!(torn.contains(&7) && torn.contains(&0), "nothing was torn");
}

#[test]
fn lines_are_read() {
    let line = r#"12 pwrite64(7</d/\x61>, "\x41\x2c\x29", 3, 4096) = 3"#;
    let line = Line::read(line).expect("a call");
    assert_eq!((line.thread, line.name.as_str()), (12, "pwrite64"));
    assert_eq!(line.arguments[0].path, Some(PathBuf::from("/d/\\x61")));
    assert_eq!(line.arguments[1].bytes, b"A,)");
    assert_eq!(line.arguments[3].number(), Some(4096));
    assert_eq!(line.result.and_then(|result| result.number()), Some(3));

    let line = r#"7  openat(AT_FDCWD<\x2f>, "\x61", O_RDWR|O_CREAT, 0600) = 3<\x2f\x61>"#;
    let line = Line::read(line).expect("a call");
    assert_eq!(line.arguments[2].plain, "O_RDWR|O_CREAT");
    assert_eq!(
        line.result.and_then(|result| result.path),
        Some(PathBuf::from("/a"))
    );

    let gathered = r#"7 writev(3<s>, [{iov_base="\x61", iov_len=1}, {iov_base="\x62", iov_len=1}], 2 <unfinished ...>"#;
    let gathered = Line::read(gathered).expect("a call");
    assert_eq!(gathered.arguments[1].bytes, b"ab");
    assert!(gathered.begins && gathered.result.is_none());
    let resumed = Line::read("7 <... writev resumed>) = 2").expect("the end of a call");
    assert!(!resumed.begins);
    assert_eq!(resumed.result.and_then(|result| result.number()), Some(2));

    assert_eq!(Line::read("7 +++ exited with 0 +++"), None);
    assert_eq!(Line::read("7 --- SIGTERM {si_signo=SIGTERM} ---"), None);
}
