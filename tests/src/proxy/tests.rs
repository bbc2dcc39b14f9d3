//! The proxy does what the tests of faults take for granted.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::{Flow, Proxy};
use crate::clock;

/// A server that answers every byte with itself.
fn echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(count @ 1..) = (&stream).read(&mut buffer) {
                    if (&stream).write_all(&buffer[..count]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn client(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).expect("the proxy accepts");
    stream
        .set_read_timeout(Some(clock::PATIENCE))
        .expect("a timeout");
    stream
}

fn ask(mut stream: &TcpStream, text: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(text)?;
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// Nothing comes within a moment.
fn hears_nothing(mut stream: &TcpStream) -> bool {
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .expect("a timeout");
    let heard = stream.read(&mut [0]);
    stream
        .set_read_timeout(Some(clock::PATIENCE))
        .expect("a timeout");
    heard.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn bytes_pass_and_pass_late() {
    let proxy = Proxy::start(echo());
    let stream = client(&proxy);
    assert_eq!(ask(&stream, b"one").expect("an echo"), b"one");
    proxy.both(Flow::Late(Duration::from_millis(50)));
    let start = Instant::now();
    assert_eq!(ask(&stream, b"two").expect("an echo"), b"two");
    assert!(start.elapsed() >= Duration::from_millis(100));
    assert_eq!((proxy.accepted(), proxy.open()), (1, 1));
    drop(stream);
    clock::eventually("the end of the connection", || {
        (proxy.open() == 0).then_some(())
    });
}

#[test]
fn what_was_held_arrives_and_what_was_lost_does_not() {
    let proxy = Proxy::start(echo());
    let (mut held, mut lost) = (client(&proxy), client(&proxy));
    assert!(ask(&held, b"x").is_ok() && ask(&lost, b"x").is_ok());
    proxy.replies(Flow::Held);
    held.write_all(b"held").expect("a write");
    assert!(hears_nothing(&held));
    proxy.replies(Flow::Passed);
    let mut answer = [0; 4];
    held.read_exact(&mut answer).expect("what was held");
    assert_eq!(&answer, b"held");
    proxy.requests(Flow::Lost);
    lost.write_all(b"lost").expect("a write");
    assert!(hears_nothing(&lost));
    proxy.requests(Flow::Passed);
    lost.write_all(b"more").expect("a write");
    assert!(hears_nothing(&lost));
    assert_eq!(ask(&held, b"well").expect("an echo"), b"well");
}

#[test]
fn a_reset_is_one_and_new_connections_are_good() {
    let proxy = Proxy::start(echo());
    let streams = [client(&proxy), client(&proxy)];
    for stream in &streams {
        ask(stream, b"x").expect("an echo");
    }
    // Also what is held up at the moment is reset.
    proxy.replies(Flow::Held);
    (&streams[0]).write_all(b"y").expect("a write");
    assert_eq!(proxy.reset(), 2);
    for mut stream in &streams {
        let error = stream.read(&mut [0]).expect_err("a reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    proxy.replies(Flow::Passed);
    assert!(ask(&client(&proxy), b"z").is_ok());
}

#[test]
fn a_half_close_ends_one_direction() {
    let proxy = Proxy::start(echo());
    let mut stream = client(&proxy);
    ask(&stream, b"x").expect("an echo");
    assert_eq!(proxy.close_half(), 1);
    assert_eq!(stream.read(&mut [0]).expect("an orderly end"), 0);
    stream.write_all(b"still read").expect("a write");
    thread::sleep(Duration::from_millis(20));
    stream.write_all(b"by somebody").expect("a write");
    assert!(ask(&client(&proxy), b"y").is_ok());
}

#[test]
fn a_cut_lets_so_much_through() {
    let proxy = Proxy::start(echo());
    let mut stream = client(&proxy);
    ask(&stream, b"abc").expect("an echo");
    proxy.replies(Flow::CutAfter(2));
    stream.write_all(b"defg").expect("a write");
    // A reset may overtake the two bytes; never are there more.
    let mut heard = Vec::new();
    let error = stream.read_to_end(&mut heard).expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(b"de".starts_with(&heard), "{heard:?}");
    assert_eq!(proxy.cut(), 1);
}

#[test]
fn a_refusal_can_be_taken_back() {
    let proxy = Proxy::start(echo());
    let stream = client(&proxy);
    ask(&stream, b"x").expect("an echo");
    proxy.refuse(true);
    let error = TcpStream::connect(proxy.address()).expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(ask(&stream, b"y").is_ok(), "open connections go on");
    proxy.refuse(false);
    assert!(ask(&client(&proxy), b"z").is_ok());
}

#[test]
fn a_server_that_is_away_is_a_reset() {
    let nobody = crate::ports::loopback(crate::ports::free());
    let proxy = Proxy::start(nobody);
    let mut stream = client(&proxy);
    let error = stream.read(&mut [0]).expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(proxy.open(), 0);
}
