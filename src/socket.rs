//! A unix socket that carries whole messages of [`control::ToWorld`] and [`control::FromWorld`].

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use control::{LONGEST_MESSAGE, MessageError, decode_message, encode_message};
use serde::{Serialize, de::DeserializeOwned};

use crate::clock;

/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// How often a message is looked for before the thread sleeps for it: waking up costs more than the other side needs for
/// its millisecond (64 µs a turn against 20 µs on two idle cores). Each look lets others run.
const LOOKS: u32 = 400;

/// Why a message did not get through. The link is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Nobody listens there.
    #[error("{path}: {source}")]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The other side has gone.
    #[error("the other side has closed the socket")]
    Closed,
    /// The other side sends what is no message.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The system refuses.
    #[error("socket: {0}")]
    System(std::io::Error),
    /// The other side does not read.
    #[error("the other side has left {bytes} bytes unread")]
    Unread {
        /// Bytes that wait.
        bytes: usize,
    },
}

/// One end of the link.
#[derive(Debug)]
pub struct Socket {
    stream: UnixStream,
    /// Bytes that have come in; those before `scanned` hold no zero byte.
    inbox: Vec<u8>,
    scanned: usize,
    /// Bytes that the system has not taken yet.
    outbox: Vec<u8>,
}

impl Socket {
    /// Connects to whoever listens at a path, asking again for `patience_s` seconds: a world takes a moment to settle.
    ///
    /// # Errors
    /// [`SocketError::Connect`] with what the system said last.
    pub fn connect(path: &Path, patience_s: f64) -> Result<Self, SocketError> {
        let since = clock::Stopwatch::start();
        loop {
            match UnixStream::connect(path) {
                Ok(stream) => return Ok(Self::new(stream)),
                Err(source) if since.seconds() > patience_s => {
                    return Err(SocketError::Connect { path: path.into(), source });
                }
                Err(_) => clock::sleep_s(0.02),
            }
        }
    }

    /// Takes a stream that is connected.
    #[must_use]
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, inbox: Vec::with_capacity(CHUNK), scanned: 0, outbox: Vec::new() }
    }

    /// Sends a message and waits until the system has it.
    ///
    /// # Errors
    /// [`SocketError`]; the other side may have part of it.
    pub fn send<T: Serialize>(&mut self, message: &T) -> Result<(), SocketError> {
        self.outbox.clear();
        encode_message(message, &mut self.outbox)?;
        self.stream.write_all(&self.outbox).map_err(broken)?;
        self.outbox.clear();
        Ok(())
    }

    /// Looks whether something has come, a few times, without sleeping.
    fn look(&mut self) -> Result<(), SocketError> {
        self.stream.set_nonblocking(true).map_err(SocketError::System)?;
        let before = self.inbox.len();
        for _ in 0..LOOKS {
            self.read()?;
            if self.inbox.len() > before {
                break;
            }
            std::thread::yield_now();
        }
        self.stream.set_nonblocking(false).map_err(SocketError::System)
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// [`SocketError`] when none comes any more.
    pub fn receive<T: DeserializeOwned>(&mut self) -> Result<T, SocketError> {
        loop {
            if let Some(message) = self.wait()? {
                return Ok(message);
            }
        }
    }

    /// Waits for the next message; `None` once nothing has come for as long as [`Self::time_out_after`] says.
    ///
    /// # Errors
    /// [`SocketError`] when none comes any more.
    pub fn wait<T: DeserializeOwned>(&mut self) -> Result<Option<T>, SocketError> {
        loop {
            if let Some(message) = self.next()? {
                return Ok(Some(message));
            }
            let before = self.inbox.len();
            self.look()?;
            if self.inbox.len() == before {
                self.read()?;
            }
            if self.inbox.len() == before {
                return Ok(None);
            }
        }
    }

    /// From now on reading waits for so long.
    ///
    /// # Errors
    /// [`SocketError::System`].
    pub fn time_out_after(&mut self, longest: Duration) -> Result<(), SocketError> {
        self.stream.set_read_timeout(Some(longest)).map_err(SocketError::System)
    }

    /// From now on reading waits for as long as it takes.
    ///
    /// # Errors
    /// [`SocketError::System`].
    pub fn never_time_out(&mut self) -> Result<(), SocketError> {
        self.stream.set_read_timeout(None).map_err(SocketError::System)
    }

    /// From now on neither reading nor writing waits: for [`Self::post`] and [`Self::poll`].
    ///
    /// # Errors
    /// [`SocketError::System`].
    pub fn never_wait(&mut self) -> Result<(), SocketError> {
        self.stream.set_nonblocking(true).map_err(SocketError::System)
    }

    /// Queues a message and sends what the system takes now.
    ///
    /// # Errors
    /// [`SocketError::Unread`] when the other side reads nothing any more.
    pub fn post<T: Serialize>(&mut self, message: &T) -> Result<(), SocketError> {
        encode_message(message, &mut self.outbox)?;
        self.flush()
    }

    /// Sends what the system takes now of what waits.
    ///
    /// # Errors
    /// [`SocketError::Unread`] when the other side reads nothing any more.
    pub fn flush(&mut self) -> Result<(), SocketError> {
        while !self.outbox.is_empty() {
            match self.stream.write(&self.outbox) {
                Ok(0) => return Err(SocketError::Closed),
                Ok(taken) => drop(self.outbox.drain(..taken)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(error)),
            }
        }
        if self.outbox.len() > LONGEST_MESSAGE {
            return Err(SocketError::Unread { bytes: self.outbox.len() });
        }
        Ok(())
    }

    /// The next message, if one has come in.
    ///
    /// # Errors
    /// [`SocketError`] when none comes any more.
    pub fn poll<T: DeserializeOwned>(&mut self) -> Result<Option<T>, SocketError> {
        if let Some(message) = self.next()? {
            return Ok(Some(message));
        }
        self.read()?;
        self.next()
    }

    /// The first whole message of what has come in.
    fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, SocketError> {
        let Some(end) = self.inbox[self.scanned..].iter().position(|&byte| byte == 0).map(|at| self.scanned + at)
        else {
            self.scanned = self.inbox.len();
            if self.scanned > LONGEST_MESSAGE {
                return Err(MessageError::TooLong { bytes: self.scanned }.into());
            }
            return Ok(None);
        };
        let message = decode_message(&mut self.inbox[..end]);
        self.inbox.drain(..=end);
        self.scanned = 0;
        Ok(Some(message?))
    }

    fn read(&mut self) -> Result<(), SocketError> {
        let mut chunk = [0; CHUNK];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(SocketError::Closed),
            Ok(length) => {
                self.inbox.extend_from_slice(&chunk[..length]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(error) => Err(broken(error)),
        }
    }
}

fn broken(error: std::io::Error) -> SocketError {
    match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => SocketError::Closed,
        _ => SocketError::System(error),
    }
}

#[cfg(test)]
mod tests {
    use control::{Clock, ToWorld};

    use super::*;

    fn pair() -> (Socket, Socket) {
        let (a, b) = UnixStream::pair().unwrap();
        (Socket::new(a), Socket::new(b))
    }

    #[test]
    fn messages_come_out_whole_and_in_order_however_they_are_cut() {
        let (mut here, mut there) = pair();
        for version in [1, 2] {
            here.send(&ToWorld::Hello { version, clock: Clock::Virtual }).unwrap();
        }
        for version in [1, 2] {
            assert_eq!(there.receive::<ToWorld>().unwrap(), ToWorld::Hello { version, clock: Clock::Virtual });
        }
        let mut bytes = Vec::new();
        encode_message(&ToWorld::Judge, &mut bytes).unwrap();
        there.never_wait().unwrap();
        for byte in bytes {
            assert_eq!(there.poll::<ToWorld>().unwrap(), None);
            here.stream.write_all(&[byte]).unwrap();
        }
        assert_eq!(there.poll::<ToWorld>().unwrap(), Some(ToWorld::Judge));
    }

    #[test]
    fn what_is_no_message_and_an_end_that_has_gone_are_told_apart() {
        let (mut here, mut there) = pair();
        here.stream.write_all(&[7, 7, 0]).unwrap();
        assert_eq!(there.receive::<ToWorld>().unwrap_err().to_string(), "message of 2 bytes is no frame");
        drop(here);
        assert_eq!(there.receive::<ToWorld>().unwrap_err().to_string(), "the other side has closed the socket");
    }

    #[test]
    fn one_that_reads_nothing_is_given_up_and_never_waited_for() {
        let (mut here, _there) = pair();
        here.never_wait().unwrap();
        let claims = vec![vec![1; 1 << 20]; 8];
        let message = ToWorld::Turn(control::Turn { claims, ..control::Turn::default() });
        let error = (0..8).find_map(|_| here.post(&message).err()).unwrap().to_string();
        assert!(error.starts_with("the other side has left "), "{error}");
    }
}
