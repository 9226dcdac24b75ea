//! Against daemons of our own: what they may say, and what nobody may believe.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

/// A daemon that does this with each connection.
fn daemon(work: impl Fn(UnixStream) + Send + 'static) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            work(stream);
        }
    });
    (directory, socket)
}

/// A daemon that answers each call by its procedure.
pub(in super::super) fn daemon_that_answers(answer: impl Fn(i32) -> Vec<u8> + Send + 'static) -> (TempDir, PathBuf) {
    daemon(move |mut stream| {
        while let Some((procedure, serial, _)) = call(&mut stream) {
            let packet = packet(PROGRAM, procedure, 1, serial, 0, &answer(procedure));
            let _ = stream.write_all(&packet);
        }
    })
}

fn session(socket: &Path) -> Session {
    Session::connect(socket, Duration::from_secs(5)).unwrap()
}

/// Reads a call; answers its procedure, its serial number and its body.
fn call(stream: &mut UnixStream) -> Option<(i32, u32, Vec<u8>)> {
    let mut head = [0; HEAD_BYTES];
    stream.read_exact(&mut head).ok()?;
    let mut reader = Reader::new(&head);
    let length = reader.uint().unwrap() as usize;
    assert_eq!((reader.uint().unwrap(), reader.uint().unwrap()), (PROGRAM, VERSION));
    let procedure = reader.int().unwrap();
    assert_eq!(reader.int().unwrap(), 0, "a call");
    let serial = reader.uint().unwrap();
    let mut body = vec![0; length - HEAD_BYTES];
    stream.read_exact(&mut body).ok()?;
    Some((procedure, serial, body))
}

fn number(body: &mut Reader<'_>) -> io::Result<u32> {
    body.uint()
}

fn packet(program: u32, procedure: i32, kind: i32, serial: u32, status: i32, body: &[u8]) -> Vec<u8> {
    let head = Writer::default().uint((HEAD_BYTES + body.len()) as u32).uint(program);
    let head = head.uint(VERSION).int(procedure).int(kind).uint(serial).int(status);
    [head.into_bytes(), body.to_vec()].concat()
}

fn numbers(count: u32) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| Writer::default().uint(number).into_bytes())
        .collect()
}

/// Echoes every body, answers calls in the opposite order in pairs, and says other things in between.
#[test]
fn many_calls_are_answered_in_their_order_whatever_the_daemons() {
    let (_directory, socket) = daemon(|mut stream| {
        loop {
            let Some(one) = call(&mut stream) else { return };
            let Some(two) = call(&mut stream) else { return };
            for (procedure, serial, body) in [two, one] {
                // A sign of life, an event, and the answer.
                let packets = [
                    packet(0x6b65_6570, 1, 2, 0, 0, &[]),
                    packet(PROGRAM, 318, 2, 0, 0, &body),
                    packet(PROGRAM, procedure, 1, serial, 0, &body),
                ];
                stream.write_all(&packets.concat()).unwrap();
            }
        }
    });
    let mut session = session(&socket);
    for _ in 0..2 {
        let answers = session.call_all(Procedure::AuthList, &numbers(1_000), number).unwrap();
        let answers: Vec<u32> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, (0..1_000).collect::<Vec<_>>());
    }
}

#[test]
fn a_refused_call_is_an_answer_and_the_others_have_theirs() {
    let (_directory, socket) = daemon(|mut stream| {
        while let Some((procedure, serial, body)) = call(&mut stream) {
            let refused = Reader::new(&body).uint().unwrap() % 2 == 1;
            let body = if refused {
                Writer::default().int(80).into_bytes()
            } else {
                body
            };
            let answer = packet(PROGRAM, procedure, 1, serial, i32::from(refused), &body);
            stream.write_all(&answer).unwrap();
        }
    });
    let mut session = session(&socket);
    let answers = session.call_all(Procedure::AuthList, &numbers(3), number).unwrap();
    assert_eq!(answers, [Ok(0), Err(Refusal(80)), Ok(2)]);
    let refused = session.call(Procedure::AuthList, Writer::default().uint(1), number);
    assert!(refused.unwrap_err().to_string().contains("80"));
}

/// Neither side reads while it writes more than the sockets hold: calls beyond the window wait.
#[test]
fn large_arguments_and_answers_do_not_lock_both_sides_up() {
    let (_directory, socket) = daemon(|mut stream| {
        while let Some((procedure, serial, body)) = call(&mut stream) {
            let answer = packet(PROGRAM, procedure, 1, serial, 0, &vec![0; 100 * body.len()]);
            stream.write_all(&answer).unwrap();
        }
    });
    let arguments = vec![vec![0; 16 << 10]; 40];
    let answers = session(&socket).call_all(Procedure::AuthList, &arguments, number);
    assert_eq!(answers.unwrap().len(), 40);
}

#[test]
fn what_is_not_the_protocol_is_an_error() {
    let answers: [fn(i32, u32) -> Vec<u8>; 7] = [
        |_, _| b"HTTP/1.1 400 Bad Request\r\n\r\nand more of it".to_vec(),
        |_, _| Writer::default().uint(4).uint(0).fixed(&[0; 20]).into_bytes(),
        |_, _| Writer::default().uint(u32::MAX).fixed(&[0; 24]).into_bytes(),
        |procedure, serial| packet(PROGRAM, procedure, 1, serial + 1, 0, &[0; 4]),
        |procedure, serial| packet(PROGRAM, procedure + 1, 1, serial, 0, &[0; 4]),
        |procedure, serial| packet(PROGRAM, procedure, 1, serial, 7, &[0; 4]),
        |procedure, serial| packet(PROGRAM, procedure, 1, serial, 0, &[0; 2]),
    ];
    for (index, answer) in answers.into_iter().enumerate() {
        let (_directory, socket) = daemon(move |mut stream| {
            if let Some((procedure, serial, _)) = call(&mut stream) {
                let _ = stream.write_all(&answer(procedure, serial));
            }
        });
        let answer = session(&socket).call(Procedure::AuthList, Writer::default(), number);
        assert!(answer.is_err(), "{index}");
    }
}

#[test]
fn a_daemon_that_answers_twice_or_hangs_up_is_an_error() {
    let (_directory, socket) = daemon(|mut stream| {
        if let Some((procedure, serial, body)) = call(&mut stream) {
            let answer = packet(PROGRAM, procedure, 1, serial, 0, &body);
            let _ = stream.write_all(&[answer.clone(), answer].concat());
        }
    });
    assert!(
        session(&socket)
            .call_all(Procedure::AuthList, &numbers(2), number)
            .is_err()
    );
    let (_directory, socket) = daemon(drop);
    assert!(
        session(&socket)
            .call(Procedure::AuthList, Writer::default(), number)
            .is_err()
    );
}

#[test]
fn a_silent_daemon_is_given_up() {
    let (_directory, socket) = daemon(std::mem::forget);
    let mut session = Session::connect(&socket, Duration::from_millis(20)).unwrap();
    assert!(session.call(Procedure::AuthList, Writer::default(), number).is_err());
}
