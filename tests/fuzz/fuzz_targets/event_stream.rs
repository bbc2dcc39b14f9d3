//! Event streams, as a feed of ended sessions may send them.
//!
//! However the bytes are cut, the events are the same; what was read is written and read again as
//! the same; and no event is longer than the bound.

#![no_main]

use std::fmt::Write as _;

use http_actix::protect::events::{Event, EventStream, TooLong};
use libfuzzer_sys::fuzz_target;

const MOST: usize = 1024 * 1024;

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = data.split_first() else {
        return;
    };
    let whole = read([bytes]).expect("shorter than the bound");
    let size = usize::from(*cut).max(1);
    assert_eq!(
        read(bytes.chunks(size)).as_ref(),
        Ok(&whole),
        "cuts change it"
    );
    let written: String = whole.iter().map(written).collect();
    assert_eq!(
        read([written.as_bytes()]).as_ref(),
        Ok(&whole),
        "writing changes it"
    );
    // The same, a line too long: nothing is given. Seldom, since a mebibyte takes its time.
    if *cut == 255 && bytes.len() == 7 {
        let long = vec![b'x'; MOST + 1];
        assert_eq!(read([bytes, b"\n\n", &long]), Err(TooLong));
    }
});

fn read<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Event>, TooLong> {
    let mut stream = EventStream::default();
    let mut events = Vec::new();
    for part in parts {
        events.extend(stream.push(part)?);
    }
    Ok(events)
}

fn written(event: &Event) -> String {
    let mut text = format!("event: {}\nid: {}\n", event.kind, event.id);
    for line in event.data.split('\n') {
        let _ = writeln!(text, "data: {line}");
    }
    text.push('\n');
    text
}
